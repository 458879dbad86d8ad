"""An event loop that tells how long each of its turns takes, so that what blocks it is seen.

What becomes ready has to wait until what was ready before is done: for as long as the loop is away
from its selector.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Lag:
    """Makes event loops, and has ``observe`` told of each turn's seconds.

    with asyncio.Runner(loop_factory=lag.loop) as runner:
        runner.run(...)
    """

    def __init__(self) -> None:
        self.observe: Callable[[float], None] = lambda _seconds: None

    def loop(self) -> asyncio.AbstractEventLoop:
        """Return a new event loop."""
        return asyncio.SelectorEventLoop(_TimedSelector(self))


class _TimedSelector(selectors.DefaultSelector):
    def __init__(self, lag: Lag) -> None:
        super().__init__()
        self._lag = lag
        self._woken = time.perf_counter()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        self._lag.observe(time.perf_counter() - self._woken)
        events = super().select(timeout)
        self._woken = time.perf_counter()
        return events
