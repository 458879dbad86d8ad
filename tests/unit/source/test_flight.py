from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from leadsman.source.flight import Flight

if TYPE_CHECKING:
    from collections.abc import Callable


class Operation:
    """Waits until it is released and notes what happens to it."""

    def __init__(self) -> None:
        self.turn = asyncio.Event()
        self.release = asyncio.Event()
        self.cancelled = False

    async def __call__(self, begin: Callable[[], None]) -> str:
        try:
            await self.turn.wait()
            begin()
            await self.release.wait()
        except asyncio.CancelledError:
            self.cancelled = True
            raise
        return "done"


async def test_all_who_wait_get_the_one_result() -> None:
    operation = Operation()
    flight = Flight(operation)
    operation.turn.set()
    waiting = [asyncio.create_task(flight.join(5)) for _ in range(3)]
    operation.release.set()
    assert await asyncio.gather(*waiting) == ["done"] * 3
    assert flight.over


async def test_an_error_reaches_all() -> None:
    async def fail(_begin: Callable[[], None]) -> None:
        raise LookupError

    flight = Flight(fail)
    results = await asyncio.gather(flight.join(5), flight.join(5), return_exceptions=True)
    assert [type(result) for result in results] == [LookupError] * 2


async def test_who_is_impatient_leaves_the_others_in_peace() -> None:
    operation = Operation()
    flight = Flight(operation)
    operation.turn.set()
    patient = asyncio.create_task(flight.join(5))
    with pytest.raises(TimeoutError):
        await flight.join(0.01)
    assert not operation.cancelled
    operation.release.set()
    assert await patient == "done"


async def test_the_last_to_leave_ends_it() -> None:
    operation = Operation()
    flight = Flight(operation)
    operation.turn.set()
    with pytest.raises(TimeoutError):
        await flight.join(0.01)
    assert operation.cancelled
    assert flight.over


async def test_a_cancelled_waiter_ends_it_too() -> None:
    operation = Operation()
    flight = Flight(operation)
    operation.turn.set()
    waiting = asyncio.create_task(flight.join(5))
    await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert operation.cancelled


async def test_time_runs_only_from_the_turn_on() -> None:
    operation = Operation()
    flight = Flight(operation)
    waiting = asyncio.create_task(flight.join(0.05))
    await asyncio.sleep(0.15)
    assert not waiting.done()
    assert not flight.begun
    operation.turn.set()
    with pytest.raises(TimeoutError):
        await waiting
    assert flight.begun
