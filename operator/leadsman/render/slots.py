"""Turns at rendering: few at once, in fair order, and nobody behind another tenant who takes long.

Who is known to take long waits for a place of its own kind. Who turns out to, gives its place to
the next once the patience of the others is over, and goes on in one of those as soon as there is
one. Nothing is ever stopped for that, so one tenant is kept from what it could not give back: it
gets the last of the quick places only while there is a place to move to.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter, deque
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Hashable

# Seconds after which a render takes long: ten times what a large chart does.
_PATIENCE: Final = 5.0


class _Lane(Enum):
    QUICK = 0
    SLOW = 1


@dataclass(slots=True, eq=False)
class _Turn:
    """Somebody who waits for a place, or has one."""

    tenant: str
    lane: _Lane
    place: asyncio.Future[None] = field(
        default_factory=lambda: asyncio.get_running_loop().create_future()
    )


class Slots:
    """``parallel`` turns at once, and half as many, but one at least, for what takes long.

    A tenant whose renders are quick may have all ``parallel``. However many of its renders take
    long, a place is left to the others: they wait for each other, and for that tenant no longer
    than ``patience``, in seconds. If there is one place only, a tenant has one at a time, its own
    quick renders wait for its slow ones, and two tenants who both take long have both.
    """

    def __init__(self, parallel: int, *, patience: float = _PATIENCE) -> None:
        self._parallel = parallel
        self._patience = patience
        self._free = {_Lane.QUICK: parallel, _Lane.SLOW: max(1, parallel // 2)}
        self._held = {lane: Counter[str]() for lane in _Lane}
        # By tenant, the one whose turn is next first.
        self._waiting: dict[str, deque[_Turn]] = {}
        # Those that take longer than patience lasts, in quick places for want of others.
        self._stuck: list[_Turn] = []
        self._long: set[Hashable] = set()

    @asynccontextmanager
    async def turn(self, key: Hashable, tenant: str) -> AsyncIterator[None]:
        """Wait for a turn, and have it; ``key`` is what is remembered for how long it took."""
        turn = _Turn(tenant, _Lane.SLOW if key in self._long else _Lane.QUICK)
        await self._enter(turn)
        began = time.monotonic()
        loop = asyncio.get_running_loop()
        impatience = loop.call_later(self._patience, self._give_way, turn)
        try:
            yield
        finally:
            impatience.cancel()
            self._leave(turn)
            if time.monotonic() - began > self._patience:
                self._long.add(key)
            else:
                self._long.discard(key)

    async def _enter(self, turn: _Turn) -> None:
        self._waiting.setdefault(turn.tenant, deque()).append(turn)
        self._hand_out()
        try:
            await turn.place
        except asyncio.CancelledError:
            if turn.place.cancelled():
                self._strike(turn)
            else:
                self._leave(turn)
            raise

    def _give_way(self, turn: _Turn) -> None:
        """Move to a place for what takes long, now or when there is one."""
        if turn.lane is _Lane.QUICK:
            self._stuck.append(turn)
            self._hand_out()

    def _leave(self, turn: _Turn) -> None:
        if turn in self._stuck:
            self._stuck.remove(turn)
        self._put(turn, turn.lane, -1)
        self._hand_out()

    def _put(self, turn: _Turn, lane: _Lane, places: int) -> None:
        self._free[lane] -= places
        self._held[lane][turn.tenant] += places
        if not self._held[lane][turn.tenant]:
            del self._held[lane][turn.tenant]

    def _hand_out(self) -> None:
        """Give away what is free, first to those that free a place by it."""
        while self._stuck and self._free[_Lane.SLOW]:
            stuck = self._stuck.pop(0)
            self._put(stuck, _Lane.QUICK, -1)
            stuck.lane = _Lane.SLOW
            self._put(stuck, _Lane.SLOW, 1)
        while (turn := self._next()) is not None:
            self._strike(turn)
            self._put(turn, turn.lane, 1)
            turn.place.set_result(None)

    def _next(self) -> _Turn | None:
        """Return the first that may have a place, of the tenant that has waited longest for one."""
        for turns in self._waiting.values():
            for turn in turns:
                # Who has given up is about to say so.
                if not turn.place.done() and self._may_have(turn):
                    return turn
        return None

    def _strike(self, turn: _Turn) -> None:
        """Take one off those that wait, and the others of its tenant behind all others."""
        turns = self._waiting.pop(turn.tenant)
        turns.remove(turn)
        if turns:
            self._waiting[turn.tenant] = turns

    def _may_have(self, turn: _Turn) -> bool:
        """Say whether there is a place, and the tenant leaves one to others if it takes long."""
        free, quick = self._free[turn.lane], self._held[_Lane.QUICK]
        if not free:
            return False
        if self._parallel == 1:
            return not any(held[turn.tenant] for held in self._held.values())
        if turn.lane is _Lane.QUICK:
            return quick[turn.tenant] + 1 < self._parallel or self._free[_Lane.SLOW] > 0
        # The last one may be what a tenant with all the quick places has to move to.
        return free > 1 or max(quick.values(), default=0) < self._parallel
