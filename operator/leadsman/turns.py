"""Share the turns of the event loop: who has much to do gives way once a turn is long enough.

Each who works on and on may well be quick, and ten of them in one turn are not: so the time is that
of the turn, whoever has worked in it. By the clock, because what waits does so by the clock.
"""

from __future__ import annotations

import asyncio
import time

# Seconds of a turn after which others come first. What has begun is ended, so turns take longer.
_LONG = 0.005


class _Turn:
    """The present turn of a loop, as far as anybody has asked for it."""

    def __init__(self) -> None:
        self._loop: asyncio.AbstractEventLoop | None = None
        self._began = 0.0

    def is_over(self) -> bool:
        loop = asyncio.get_running_loop()
        if self._loop is loop:
            return time.perf_counter() - self._began > _LONG
        self._loop, self._began = loop, time.perf_counter()
        # What is called soon is called in the next turn.
        loop.call_soon(self._end)
        return False

    def _end(self) -> None:
        self._loop = None


_turn = _Turn()


async def give_way() -> None:
    """Let others have their turn, if this one is long enough; to be called after each piece."""
    if _turn.is_over():
        await asyncio.sleep(0)
