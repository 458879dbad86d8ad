from __future__ import annotations

import asyncio
import gc
import weakref
from typing import TYPE_CHECKING

import pytest

from leadsman.app import memory

if TYPE_CHECKING:
    from collections.abc import Iterator


class Node:
    """Something that may refer to itself."""

    def __init__(self) -> None:
        self.other: object = None


@pytest.fixture(autouse=True)
def collector() -> Iterator[None]:
    """Leave the garbage collector as it was."""
    callbacks, threshold = list(gc.callbacks), gc.get_threshold()
    yield
    gc.callbacks[:] = callbacks
    gc.set_threshold(*threshold)
    gc.unfreeze()


def test_what_outlives_a_full_collection_is_not_looked_at_again() -> None:
    memory.set_aside()
    memory.set_aside()
    kept = [Node() for _ in range(1000)]
    frozen = gc.get_freeze_count()
    gc.collect()
    assert gc.get_freeze_count() >= frozen + len(kept)
    # Nothing but what was made since is left to be followed.
    assert len(gc.get_objects()) < len(kept)


def test_younger_generations_set_nothing_aside() -> None:
    memory.set_aside()
    frozen = gc.get_freeze_count()
    kept = [Node() for _ in range(1000)]
    gc.collect(0)
    gc.collect(1)
    assert gc.get_freeze_count() <= frozen
    assert kept


def test_garbage_that_refers_to_itself_is_still_found() -> None:
    memory.set_aside()
    node = Node()
    node.other = node
    gone = weakref.ref(node)
    del node
    gc.collect()
    assert gone() is None


def test_what_is_set_aside_is_freed_when_nobody_refers_to_it() -> None:
    node = Node()
    gone = weakref.ref(node)
    memory.set_aside()
    del node
    assert gone() is None


async def test_it_is_collected_now_and_then(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "_EVERY", 0.0)
    memory.set_aside()
    node = Node()
    node.other = node
    gone = weakref.ref(node)
    del node
    tending = asyncio.create_task(memory.tend())
    async with asyncio.timeout(10):
        while gone() is not None:  # noqa: ASYNC110 - the collector wakes no one
            await asyncio.sleep(0)
    tending.cancel()


async def test_what_was_set_aside_is_looked_through_at_long_intervals(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(memory, "_EVERY", 0.0)
    node = Node()
    node.other = node
    memory.set_aside()
    gone = weakref.ref(node)
    del node
    gc.collect()
    assert gone() is not None
    tending = asyncio.create_task(memory.tend())
    async with asyncio.timeout(10):
        while gone() is not None:  # noqa: ASYNC110 - the collector wakes no one
            await asyncio.sleep(0)
    tending.cancel()


async def test_what_is_new_is_looked_through_before_it_is_much() -> None:
    memory.set_aside()
    tending = asyncio.create_task(memory.tend())
    await asyncio.sleep(0)
    fulls = gc.get_stats()[2]["collections"]
    kept = []
    async with asyncio.timeout(60):
        while gc.get_stats()[2]["collections"] == fulls:
            kept += [Node() for _ in range(1000)]
            await asyncio.sleep(0)
    tending.cancel()
    # Python itself looks through the middle generation ten times first, at 20,000 objects each.
    assert len(kept) < 200_000
