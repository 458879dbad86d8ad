"""Who waits for whom at the start."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from leadsman.engine.scheduling.gathering import Gathering
from leadsman.model.identity import TargetKey

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

ONE, TWO, THREE = (TargetKey("DriftCheck", "shop", name) for name in ("one", "two", "three"))


class Over:
    """Notes with which targets it was called."""

    def __init__(self) -> None:
        self.calls: list[set[TargetKey]] = []
        self.called = asyncio.Event()

    def __call__(self, targets: Iterable[TargetKey]) -> None:
        self.calls.append(set(targets))
        self.called.set()


class Clock:
    """Time that passes when it is told to, in seconds."""

    def __init__(self) -> None:
        self.now = 0.0
        self._timers: list[asyncio.TimerHandle] = []

    def later(self, seconds: float, work: Callable[[], None]) -> asyncio.TimerHandle:
        loop = asyncio.get_running_loop()
        self._timers.append(asyncio.TimerHandle(self.now + seconds, work, (), loop))
        return self._timers[-1]

    def advance(self, seconds: float) -> None:
        self.now += seconds
        for timer in [timer for timer in self._timers if timer.when() <= self.now]:
            self._timers.remove(timer)
            if not timer.cancelled():
                timer._run()


def made(over: Over, clock: Clock) -> Gathering:
    return Gathering(over, patience=20.0, pause=1.0, later=clock.later)


async def test_it_ends_when_all_are_rendered() -> None:
    over = Over()
    gathering = made(over, Clock())
    gathering.rendered(ONE)
    gathering.expect({ONE, TWO})
    assert not over.calls
    gathering.rendered(TWO)
    assert over.calls == [{ONE, TWO}]
    assert not gathering.open


async def test_without_any_target_it_ends_at_once() -> None:
    over = Over()
    gathering = made(over, Clock())
    gathering.expect(())
    assert over.calls == [set()]


async def test_those_that_are_rendered_do_not_wait_for_a_late_one() -> None:
    over, clock = Over(), Clock()
    gathering = made(over, clock)
    gathering.expect({ONE, TWO, THREE})
    gathering.rendered(ONE)
    clock.advance(0.75)
    gathering.rendered(TWO)
    clock.advance(0.75)
    assert not over.calls
    clock.advance(0.25)
    assert over.calls == [{ONE, TWO}]
    gathering.rendered(THREE)
    clock.advance(20.0)
    assert over.calls == [{ONE, TWO}, {THREE}]


async def test_what_was_rendered_before_all_were_known_counts_from_then_on() -> None:
    over, clock = Over(), Clock()
    gathering = made(over, clock)
    gathering.rendered(ONE)
    clock.advance(5.0)
    gathering.expect({ONE, TWO})
    assert not over.calls
    clock.advance(1.0)
    assert over.calls == [{ONE}]


async def test_while_none_is_rendered_the_first_is_waited_for() -> None:
    over, clock = Over(), Clock()
    gathering = made(over, clock)
    gathering.expect({ONE, TWO})
    clock.advance(19.0)
    assert not over.calls
    clock.advance(1.0)
    assert over.calls == [set()]


async def test_while_they_keep_coming_it_goes_on_until_patience_is_over() -> None:
    over, clock = Over(), Clock()
    gathering = made(over, clock)
    many = [TargetKey("DriftCheck", "shop", f"{number}") for number in range(41)]
    gathering.expect(many)
    for key in many[:-2]:
        clock.advance(0.5)
        gathering.rendered(key)
    assert not over.calls
    clock.advance(0.5)
    assert over.calls == [set(many[:-2])]


async def test_time_is_the_loops() -> None:
    over = Over()
    gathering = Gathering(over, pause=0.0)
    gathering.expect({ONE, TWO})
    gathering.rendered(ONE)
    async with asyncio.timeout(5):
        await over.called.wait()
    assert over.calls == [{ONE}]


async def test_one_that_came_later_is_not_waited_for_and_not_lost() -> None:
    over = Over()
    gathering = made(over, Clock())
    gathering.expect({ONE})
    gathering.rendered(THREE)
    assert not over.calls
    gathering.rendered(ONE)
    assert over.calls == [{ONE, THREE}]
