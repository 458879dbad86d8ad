"""Who waits for whom at the start."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from leadsman.engine.scheduling.gathering import Gathering
from leadsman.model.identity import TargetKey

if TYPE_CHECKING:
    from collections.abc import Iterable

NEVER = 3600.0
ONE, TWO, THREE = (TargetKey("DriftCheck", "shop", name) for name in ("one", "two", "three"))


class Over:
    """Notes with which targets it was called."""

    def __init__(self) -> None:
        self.calls: list[set[TargetKey]] = []
        self.called = asyncio.Event()

    def __call__(self, targets: Iterable[TargetKey]) -> None:
        self.calls.append(set(targets))
        self.called.set()


async def test_it_ends_when_all_are_rendered() -> None:
    over = Over()
    gathering = Gathering(over, NEVER)
    gathering.rendered(ONE)
    gathering.expect({ONE, TWO})
    assert not over.calls
    gathering.rendered(TWO)
    assert over.calls == [{ONE, TWO}]
    assert not gathering.open


async def test_without_any_target_it_ends_at_once() -> None:
    over = Over()
    gathering = Gathering(over, NEVER)
    gathering.expect(())
    assert over.calls == [set()]


async def test_it_does_not_wait_for_ever() -> None:
    over = Over()
    gathering = Gathering(over, 0.01)
    gathering.expect({ONE, TWO})
    gathering.rendered(ONE)
    async with asyncio.timeout(5):
        await over.called.wait()
    assert over.calls == [{ONE}]
    gathering.rendered(TWO)
    assert over.calls == [{ONE}, {TWO}]


async def test_one_that_came_later_is_not_waited_for_and_not_lost() -> None:
    over = Over()
    gathering = Gathering(over, NEVER)
    gathering.expect({ONE})
    gathering.rendered(THREE)
    assert not over.calls
    gathering.rendered(ONE)
    assert over.calls == [{ONE, THREE}]
