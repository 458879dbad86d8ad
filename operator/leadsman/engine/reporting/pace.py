"""No more than so many writes a second: what a flood of changes may cost the API server."""

from __future__ import annotations

import asyncio


class Pace:
    """A bucket of ``burst`` turns that fills up again at ``rate`` a second.

    Source: the token bucket of client-go's ``util/flowcontrol``.
    """

    def __init__(self, rate: float, burst: int) -> None:
        self._rate = rate
        self._burst = burst
        # When the bucket was, or will be, empty, by the loop's clock.
        self._empty = float("-inf")

    async def turn(self) -> None:
        """Wait for a turn; they are given in the order in which they are asked for."""
        now = asyncio.get_running_loop().time()
        self._empty = max(self._empty, now - self._burst / self._rate) + 1.0 / self._rate
        if self._empty > now:
            await asyncio.sleep(self._empty - now)
