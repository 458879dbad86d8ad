"""A level-based work queue: it holds names, not events.

The semantics are those of client-go's ``util/workqueue``: a key that is added again while it waits
is there once; a key that is added while it is being worked on is worked on once more afterwards,
never by two workers at once. Bounded by its keys, hence by the number of targets.
"""

from __future__ import annotations

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Hashable
from dataclasses import dataclass
from typing import Generic, TypeVar

from leadsman.engine.scheduling.order import Fair, Order

K = TypeVar("K", bound=Hashable)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Backoff:
    """Exponential delays with jitter, in seconds: ``base * 2**tries``, never over ``cap``.

    ``jitter`` is the share by which a delay may be longer, so that what failed together does not
    come back together.
    """

    base: float = 1.0
    cap: float = 300.0
    jitter: float = 0.2

    def delay(self, tries: int, chance: float) -> float:
        """Return the delay after so many tries in a row; ``chance`` is in [0, 1)."""
        # The exponent is bounded: 2.0**1100 overflows, and a target may fail for months.
        return min(self.cap, self.base * 2.0 ** min(tries, 32)) * (1.0 + self.jitter * chance)


class WorkQueue(Generic[K]):
    """A deduplicating queue with one timer per key, for use on one event loop.

    ``order`` says what comes first, by default what was added first.
    """

    def __init__(
        self,
        *,
        backoff: Backoff | None = None,
        chance: Callable[[], float] = random.random,
        waited: Callable[[float], None] | None = None,
        order: Order[K] | None = None,
    ) -> None:
        self._backoff = backoff or Backoff()
        self._chance = chance
        self._waited = waited
        self._ready: Order[K] = Fair() if order is None else order
        self._added: dict[K, float] = {}
        self._busy: set[K] = set()
        self._again: set[K] = set()
        self._timers: dict[K, asyncio.TimerHandle] = {}
        self._tries: dict[K, int] = {}
        # When a key's backoff ends, by the loop's clock.
        self._resting: dict[K, float] = {}
        self._wake = asyncio.Event()

    def __len__(self) -> int:
        return len(self._ready)

    @property
    def idle(self) -> bool:
        """Tell whether nothing waits and nobody works; timers do not count."""
        return not len(self._ready) and not self._busy

    def add(self, key: K) -> None:
        """Make the key ready now."""
        self._cancel(key)
        if key in self._busy:
            self._again.add(key)
        elif key not in self._added:
            self._added[key] = asyncio.get_running_loop().time()
            self._ready.add(key)
            self._wake.set()

    def add_after(self, key: K, delay: float) -> None:
        """Make the key ready in ``delay`` seconds; a later call replaces an earlier one."""
        self._cancel(key)
        if delay <= 0:
            self.add(key)
        else:
            self._timers[key] = asyncio.get_running_loop().call_later(delay, self._fire, key)

    def add_by(self, key: K, delay: float) -> None:
        """Make the key ready in ``delay`` seconds at the latest; the earlier of two calls wins.

        But not before its backoff has ended: who has news of a key is no reason to try in vain.
        """
        timer = self._timers.get(key)
        loop = asyncio.get_running_loop()
        delay = max(delay, self._resting.get(key, 0.0) - loop.time())
        if key not in self._added and (timer is None or timer.when() > loop.time() + delay):
            self.add_after(key, delay)

    def retry(self, key: K, *, cap: float | None = None, patient: bool = False) -> float:
        """Make the key ready after its backoff, at most ``cap`` seconds, and return the delay.

        ``patient``: so it is even if it was added while it was worked on.
        """
        if patient:
            self._again.discard(key)
        tries = self._tries.get(key, 0)
        self._tries[key] = tries + 1
        delay = self._backoff.delay(tries, self._chance())
        if cap is not None:
            delay = min(delay, cap)
        self._resting[key] = asyncio.get_running_loop().time() + delay
        self.add_after(key, delay)
        return delay

    def forget_tries(self, key: K) -> None:
        """Start the key's backoff anew, as after a success."""
        self._tries.pop(key, None)
        self._resting.pop(key, None)

    def remove(self, key: K) -> None:
        """Drop all that waits under the key."""
        self._cancel(key)
        self._again.discard(key)
        self.forget_tries(key)
        if self._added.pop(key, None) is not None:
            self._ready.remove(key)

    async def get(self) -> K:
        """Wait for a key and take it; ``done`` must follow."""
        while (key := self._ready.take()) is None:
            self._wake.clear()
            await self._wake.wait()
        added = self._added.pop(key)
        self._busy.add(key)
        if self._waited is not None:
            self._waited(asyncio.get_running_loop().time() - added)
        return key

    def done(self, key: K) -> None:
        """Say that the work on a key has ended."""
        self._busy.discard(key)
        self._ready.done(key)
        if key in self._again:
            self._again.discard(key)
            self.add(key)
        if len(self._ready):
            # One that had to wait for this one's end may go on.
            self._wake.set()

    def close(self) -> None:
        """Cancel all timers."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    async def run(self, handle: Callable[[K], Awaitable[None]], workers: int) -> None:
        """Have so many workers handle keys until cancelled; then close.

        What ``handle`` raises is logged, and the key retried.
        """
        try:
            async with asyncio.TaskGroup() as group:
                for _ in range(workers):
                    group.create_task(self._work(handle))
        finally:
            self.close()

    async def _work(self, handle: Callable[[K], Awaitable[None]]) -> None:
        while True:
            key = await self.get()
            try:
                await handle(key)
            except Exception:
                # As controller-runtime recovers from panics: a defect that one key brings to light
                # must not end the work on all others.
                delay = self.retry(key)
                log.exception("%s failed and is tried again in %.0f s", key, delay)
            finally:
                self.done(key)
            # Mostly nothing has changed and nothing was waited for: a hundred keys of that sort are
            # as many turns of the loop, not one.
            await asyncio.sleep(0)

    def _fire(self, key: K) -> None:
        self._timers.pop(key, None)
        self.add(key)

    def _cancel(self, key: K) -> None:
        timer = self._timers.pop(key, None)
        if timer is not None:
            timer.cancel()
