"""An event loop that tells how long each of its turns takes, so that what blocks it is seen.

What becomes ready has to wait until what was ready before is done: for as long as the loop is away
from its selector. On a machine that is busy that is longer than it is at work itself.
"""

from __future__ import annotations

import asyncio
import selectors
import time
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


class Lag:
    """Makes event loops, and has ``observe`` told of each turn's seconds, and those of CPU in it.

    with asyncio.Runner(loop_factory=lag.loop) as runner:
        runner.run(...)
    """

    def __init__(self) -> None:
        self.observe: Callable[[float, float], None] = lambda _seconds, _cpu: None

    def loop(self) -> asyncio.AbstractEventLoop:
        """Return a new event loop."""
        return asyncio.SelectorEventLoop(_TimedSelector(self))


class _TimedSelector(selectors.DefaultSelector):
    def __init__(self, lag: Lag) -> None:
        super().__init__()
        self._lag = lag
        self._woken, self._cpu = time.perf_counter(), time.thread_time()

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        cpu = time.thread_time() - self._cpu
        self._lag.observe(time.perf_counter() - self._woken, cpu)
        events = super().select(timeout)
        self._woken, self._cpu = time.perf_counter(), time.thread_time()
        return events
