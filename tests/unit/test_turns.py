from __future__ import annotations

import asyncio
from itertools import pairwise
from types import SimpleNamespace

import pytest

from leadsman import turns
from leadsman.turns import give_way

PIECE = 0.002
WORKERS = 30


class Clock:
    """A clock that goes on only while somebody works."""

    def __init__(self) -> None:
        self.now = 0.0

    def perf_counter(self) -> float:
        return self.now


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(turns, "time", SimpleNamespace(perf_counter=clock.perf_counter))
    return clock


async def test_many_who_work_on_and_on_share_a_turn(clock: Clock) -> None:
    began: list[float] = []

    async def work() -> None:
        for _ in range(5):
            clock.now += PIECE
            await give_way()

    async def watch() -> None:
        while clock.now < 5 * WORKERS * PIECE:
            began.append(clock.now)
            await asyncio.sleep(0)

    async with asyncio.TaskGroup() as group:
        group.create_task(watch())
        for _ in range(WORKERS):
            group.create_task(work())
    # Who had no turn yet gets on by one piece in each; nobody is done with five in one.
    lasted = [after - before for before, after in pairwise(began)]
    assert max(lasted) <= (WORKERS + 5) * PIECE


async def test_what_is_quick_goes_on() -> None:
    seen = 0

    async def watch() -> None:
        nonlocal seen
        while True:
            seen += 1
            await asyncio.sleep(0)

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0)
    for _ in range(100):
        await give_way()
    assert seen == 1
    watching.cancel()


async def test_each_turn_is_counted_anew(clock: Clock) -> None:
    for _ in range(10):
        await give_way()
        clock.now += 1.0
        await asyncio.sleep(0)
    began = asyncio.get_running_loop().create_future()
    asyncio.get_running_loop().call_soon(began.set_result, None)
    await give_way()
    assert not began.done()


def test_another_loop_begins_with_a_turn_of_its_own(clock: Clock) -> None:
    for _ in range(2):
        asyncio.run(give_way())
        clock.now += 1.0
