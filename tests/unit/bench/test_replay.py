"""Copies of what the API server has stored."""

from __future__ import annotations

import pytest

from bench.fleet import Fleet
from bench.replay import copied

UID = "0b4f0a2e-6a58-4f0d-9d0c-3f4b5a6c7d8e"


def stored(uid: str = UID) -> dict[str, bytes]:
    return {"configmaps/bench-00000/web-0000": f"k8s\0\x0bbench-00000\x24{uid}\x12web".encode()}


def test_a_copy_has_its_own_namespace_and_uid_and_the_same_length() -> None:
    ((key, value),) = copied(stored(), "bench-00000", "bench-00042").items()
    (original,) = stored().values()
    assert key == "configmaps/bench-00042/web-0000"
    assert len(value) == len(original)
    assert value.startswith(b"k8s\0\x0bbench-00042\x24")
    assert UID.encode() not in value
    assert value.endswith(b"\x12web")


def test_no_two_copies_share_a_uid() -> None:
    copies = {copied(stored(), "bench-00000", "bench-00001").popitem()[1] for _ in range(10)}
    assert len(copies) == 10


def test_a_namespace_of_another_length_would_break_what_is_stored() -> None:
    with pytest.raises(ValueError, match="not as long"):
        copied(stored(), "bench-00000", "bench-1")


@pytest.mark.parametrize("uid", ["none", f"{UID} {UID[::-1].replace('-', '0')[:8]}{UID[8:]}"])
def test_an_object_without_one_uid_is_refused(uid: str) -> None:
    with pytest.raises(ValueError, match="uids"):
        copied(stored(uid), "bench-00000", "bench-00001")


def test_all_namespaces_of_a_fleet_are_as_long() -> None:
    assert len({len(name) for name in Fleet.of(100_000).namespaces}) == 1
