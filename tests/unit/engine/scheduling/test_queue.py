from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from leadsman.engine.scheduling.order import Fair
from leadsman.engine.scheduling.queue import Backoff, WorkQueue

if TYPE_CHECKING:
    import pytest


async def _take(queue: WorkQueue[str]) -> str:
    return await asyncio.wait_for(queue.get(), 5)


async def test_a_key_added_twice_is_there_once() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("shop")
    queue.add("shop")
    assert len(queue) == 1
    assert await _take(queue) == "shop"
    queue.done("shop")
    assert queue.idle


async def test_a_key_added_while_worked_on_comes_again_afterwards_only() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("shop")
    await _take(queue)
    queue.add("shop")
    queue.add("shop")
    assert len(queue) == 0
    queue.done("shop")
    assert await _take(queue) == "shop"
    queue.done("shop")
    assert queue.idle


async def test_keys_come_in_the_order_they_were_added() -> None:
    queue: WorkQueue[str] = WorkQueue()
    for key in "cab":
        queue.add(key)
    assert [await _take(queue) for _ in range(3)] == ["c", "a", "b"]


async def test_add_replaces_a_timer() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add_after("shop", 3600)
    queue.add("shop")
    assert await _take(queue) == "shop"
    queue.done("shop")
    assert queue.idle


async def test_add_after_makes_the_key_ready_later() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add_after("shop", 0.01)
    assert len(queue) == 0
    assert await _take(queue) == "shop"


async def test_the_earlier_of_two_deadlines_wins() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add_by("shop", 0.01)
    queue.add_by("shop", 3600)
    assert await _take(queue) == "shop"
    queue.done("shop")
    queue.add_by("shop", 3600)
    queue.add_by("shop", 0.01)
    assert await _take(queue) == "shop"
    queue.close()


async def test_news_of_a_key_does_not_shorten_its_backoff() -> None:
    queue: WorkQueue[str] = WorkQueue(backoff=Backoff(base=3600.0))
    queue.add("failing")
    assert await _take(queue) == "failing"
    queue.add_by("failing", 0.0)  # while it is worked on
    queue.retry("failing", patient=True)
    queue.done("failing")
    queue.add_by("failing", 0.0)
    queue.add("other")
    assert await _take(queue) == "other"
    queue.done("other")
    assert queue.idle
    queue.forget_tries("failing")
    queue.add_by("failing", 0.0)
    assert await _take(queue) == "failing"
    queue.close()


async def test_removed_keys_never_come() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("gone")
    queue.add_after("later", 0.01)
    queue.remove("gone")
    queue.remove("later")
    queue.add("here")
    assert await _take(queue) == "here"
    queue.done("here")
    assert queue.idle


async def test_a_key_removed_while_worked_on_does_not_come_again() -> None:
    queue: WorkQueue[str] = WorkQueue()
    queue.add("shop")
    await _take(queue)
    queue.add("shop")
    queue.remove("shop")
    queue.done("shop")
    assert queue.idle


async def test_retries_wait_longer_each_time_until_forgotten() -> None:
    queue: WorkQueue[str] = WorkQueue(backoff=Backoff(base=1, cap=60), chance=lambda: 0.0)
    assert [queue.retry("shop") for _ in range(8)] == [1, 2, 4, 8, 16, 32, 60, 60]
    assert queue.retry("shop", cap=10) == 10
    queue.forget_tries("shop")
    assert queue.retry("shop") == 1
    queue.close()


async def test_a_defect_ends_no_work_on_other_keys(caplog: pytest.LogCaptureFixture) -> None:
    queue: WorkQueue[str] = WorkQueue(backoff=Backoff(base=0.001))
    came: list[str] = []
    done = asyncio.Event()

    async def handle(key: str) -> None:
        came.append(key)
        if came == ["bad"]:
            raise RuntimeError("a defect")
        if sorted(came) == ["bad", "bad", "good"]:
            done.set()

    for key in ("bad", "good"):
        queue.add(key)
    work = asyncio.create_task(queue.run(handle, workers=1))
    async with asyncio.timeout(10):
        await done.wait()
    work.cancel()
    with suppress(asyncio.CancelledError):
        await work
    assert "bad failed and is tried again" in caplog.text
    assert "RuntimeError: a defect" in caplog.text


async def test_the_time_a_key_waited_is_told() -> None:
    waits: list[float] = []
    queue: WorkQueue[str] = WorkQueue(waited=waits.append)
    queue.add("shop")
    await _take(queue)
    assert len(waits) == 1
    assert waits[0] >= 0


@given(
    tries=st.integers(0, 100_000),
    chance=st.floats(0, 1, exclude_max=True),
    cap=st.floats(0.001, 1e6),
)
def test_a_backoff_is_bounded_by_its_cap_and_jitter(tries: int, chance: float, cap: float) -> None:
    backoff = Backoff(base=0.5, cap=cap, jitter=0.2)
    assert 0 < backoff.delay(tries, chance) <= cap * 1.2


async def test_a_group_that_is_busy_leaves_workers_to_others() -> None:
    queue: WorkQueue[str] = WorkQueue(order=Fair(lambda key: key[0], 1))
    for key in ("slow 1", "slow 2", "quick"):
        queue.add(key)
    assert [await _take(queue), await _take(queue)] == ["slow 1", "quick"]
    waiting = asyncio.create_task(_take(queue))
    queue.done("quick")
    await asyncio.sleep(0)
    assert not waiting.done()
    queue.done("slow 1")
    assert await waiting == "slow 2"


async def test_work_that_waits_for_nothing_lets_others_have_their_turn() -> None:
    queue: WorkQueue[str] = WorkQueue()
    for number in range(100):
        queue.add(f"shop-{number}")
    handled = 0

    async def handle(_: str) -> None:
        nonlocal handled
        handled += 1

    work = asyncio.create_task(queue.run(handle, workers=2))
    most = 0
    async with asyncio.timeout(5):
        while handled < 100:
            before = handled
            await asyncio.sleep(0)
            most = max(most, handled - before)
    work.cancel()
    with suppress(asyncio.CancelledError):
        await work
    assert most == 2
