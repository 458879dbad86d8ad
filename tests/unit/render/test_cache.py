from __future__ import annotations

import os
from typing import TYPE_CHECKING

from leadsman.render.cache import RenderCache, cache_key
from leadsman.render.checkout import list_folder
from leadsman.render.documents import Documents, Manifest

if TYPE_CHECKING:
    from pathlib import Path

    import pytest

ONE = Documents((Manifest({"a": [1, 1.5, None, "ü"]}, "a.yaml", 3),), ("careful",))
TREES = {"": "t0", "a": "t1", "a/b": "b1"}


def files(folder: Path) -> list[Path]:
    return sorted(folder.iterdir())


def test_what_is_put_is_got(tmp_path: Path) -> None:
    cache = RenderCache(tmp_path / "cache", 1 << 20)
    assert cache.get("key") is None
    cache.put("key", ONE)
    assert cache.get("key") == ONE
    assert cache.get("other") is None
    assert RenderCache(tmp_path / "cache", 1 << 20).get("key") == ONE
    assert files(tmp_path / "cache")[0].stat().st_mode & 0o077 == 0


def test_a_damaged_entry_is_none_and_is_written_anew(tmp_path: Path) -> None:
    cache = RenderCache(tmp_path, 1 << 20)
    cache.put("key", ONE)
    path = files(tmp_path)[0]
    whole = path.read_bytes()
    for damaged in (b"", whole[:-5], whole[: len(whole) // 2], b"x" * 100):
        path.write_bytes(damaged)
        assert cache.get("key") is None
    cache.put("key", ONE)
    assert cache.get("key") == ONE


def test_the_least_recently_used_go_first(tmp_path: Path) -> None:
    cache = RenderCache(tmp_path, 10**9)
    for number in range(4):
        cache.put(str(number), ONE)
        # Older than the next, whatever the file system's clock resolves.
        os.utime(files(tmp_path)[-1], (number, number))
    size = files(tmp_path)[0].stat().st_size
    assert cache.get("0") == ONE  # used just now
    RenderCache(tmp_path, 4 * size).put("4", ONE)
    assert [path.stem for path in files(tmp_path)] == ["0", "3", "4"]


def test_it_stays_bounded_and_does_not_look_through_its_folder_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    RenderCache(tmp_path, 1 << 20).put("probe", ONE)
    size = files(tmp_path)[0].stat().st_size
    looks = 0

    def counted(folder: Path) -> list[os.DirEntry[str]]:
        nonlocal looks
        looks += 1
        return list_folder(folder)

    monkeypatch.setattr("leadsman.render.cache.list_folder", counted)
    cache = RenderCache(tmp_path, 100 * size)
    for number in range(300):
        cache.put(f"{number:03d}", ONE)
        assert sum(path.stat().st_size for path in files(tmp_path)) <= 100 * size
    assert looks < 30
    assert cache.get("299") == ONE


def test_a_folder_that_cannot_be_written_costs_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    cache = RenderCache(tmp_path / "file" / "cache", 1 << 20)
    cache.put("key", ONE)
    assert cache.get("key") is None


def test_what_vanishes_meanwhile_is_gone(tmp_path: Path) -> None:
    cache = RenderCache(tmp_path, 1 << 20)
    cache.put("key", ONE)
    files(tmp_path)[0].unlink()
    assert cache.get("key") is None


def test_the_key_is_made_of_what_was_read_and_asked() -> None:
    key = cache_key(TREES, ["a", "c"], ["Helm", "v4"])
    assert key == cache_key(dict(reversed(TREES.items())), ["c", "a"], ["Helm", "v4"])
    assert key == cache_key({**TREES, "": "other", "a/b": "other"}, ["a", "c"], ["Helm", "v4"])
    others = [
        cache_key({**TREES, "a": "t2"}, ["a", "c"], ["Helm", "v4"]),
        cache_key({**TREES, "c": "t2"}, ["a", "c"], ["Helm", "v4"]),
        cache_key(TREES, ["a"], ["Helm", "v4"]),
        cache_key(TREES, ["a", "c"], ["Helm", "v5"]),
    ]
    assert len({key, *others}) == 5
    assert cache_key({}, ["a"], []) is None
