"""Turns at rendering: few at once, in fair order, and nobody behind one who takes long.

Who is known to take long waits in a lane of its own. Who turns out to, gives its turn to the next
once the patience of the others is over, and goes on in that lane, if there is room.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Hashable

# Seconds after which a render takes long: ten times what a large chart does.
_PATIENCE: Final = 5.0


class Lane:
    """So many places; who waits gets one in turn with those of other tenants."""

    def __init__(self, places: int) -> None:
        self._free = places
        # By tenant, the one whose turn is next first.
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}

    async def enter(self, tenant: str) -> None:
        """Wait for a place."""
        if self.try_enter():
            return
        turn: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiting.setdefault(tenant, deque()).append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.leave()
            raise

    def try_enter(self) -> bool:
        """Take a place if one is free."""
        if not self._free:
            return False
        self._free -= 1
        return True

    def leave(self) -> None:
        """Hand the place on."""
        while self._waiting:
            tenant = next(iter(self._waiting))
            turns = self._waiting.pop(tenant)
            turn = turns.popleft()
            if turns:
                self._waiting[tenant] = turns  # behind all others
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1


class Slots:
    """``parallel`` turns at once, and half as many, but one at least, for what takes long.

    ``patience`` is in seconds.
    """

    def __init__(self, parallel: int, *, patience: float = _PATIENCE) -> None:
        self._quick = Lane(parallel)
        self._slow = Lane(max(1, parallel // 2))
        self._patience = patience
        self._long: set[Hashable] = set()

    @asynccontextmanager
    async def turn(self, key: Hashable, tenant: str) -> AsyncIterator[None]:
        """Wait for a turn, and have it; ``key`` is what is remembered for how long it took."""
        lane = self._slow if key in self._long else self._quick
        await lane.enter(tenant)
        began = time.monotonic()
        held = [lane]
        loop = asyncio.get_running_loop()
        impatience = loop.call_later(self._patience, self._give_way, held)
        try:
            yield
        finally:
            impatience.cancel()
            held[0].leave()
            if time.monotonic() - began > self._patience:
                self._long.add(key)
            else:
                self._long.discard(key)

    def _give_way(self, held: list[Lane]) -> None:
        """Move on to the other lane."""
        if held[0] is self._quick and self._slow.try_enter():
            held[0] = self._slow
            self._quick.leave()
