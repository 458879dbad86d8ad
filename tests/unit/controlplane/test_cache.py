"""What is made once and kept."""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import pytest

from controlplane.cache import once

if TYPE_CHECKING:
    from pathlib import Path


def test_who_comes_second_waits_for_the_first(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    made: list[str] = []
    begun, go_on = threading.Event(), threading.Event()

    def slowly(folder: Path) -> None:
        begun.set()
        assert go_on.wait(300)
        (folder / "result").write_text("first")
        made.append("first")

    def again(folder: Path) -> None:
        (folder / "result").write_text("second")
        made.append("second")

    folder = tmp_path / "cache" / "tools"
    first = threading.Thread(target=once, args=(folder, slowly))
    second = threading.Thread(target=once, args=(folder, again))
    first.start()
    assert begun.wait(30)
    assert not folder.exists()
    second.start()
    while "waiting" not in capsys.readouterr().err:
        assert second.is_alive()
    go_on.set()
    first.join()
    second.join()
    assert made == ["first"]
    assert (folder / "result").read_text() == "first"


def test_a_failure_leaves_nothing_and_the_next_try_succeeds(tmp_path: Path) -> None:
    def fail(folder: Path) -> None:
        (folder / "half").touch()
        raise ValueError("no luck")

    folder = tmp_path / "tools"
    with pytest.raises(ValueError, match="no luck"):
        once(folder, fail)
    assert [path.name for path in tmp_path.iterdir()] == ["tools.lock"]
    once(folder, lambda making: (making / "whole").touch())
    assert [path.name for path in folder.iterdir()] == ["whole"]


def test_what_a_killed_run_left_is_removed(tmp_path: Path) -> None:
    (tmp_path / "tools.making-1234").mkdir()
    once(tmp_path / "tools", lambda making: (making / "whole").touch())
    assert {path.name for path in tmp_path.iterdir()} == {"tools", "tools.lock"}
