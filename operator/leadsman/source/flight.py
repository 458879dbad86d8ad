"""One run of an operation for all who ask for it at the same time."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

T = TypeVar("T")


class Flight(Generic[T]):
    """A running operation; it is cancelled when the last who waits for it has gone.

    ``operation`` is given a function to call when it has its turn, before which nobody's time
    runs. So a caller with little patience never spoils the answer of one with more.
    """

    def __init__(self, operation: Callable[[Callable[[], None]], Awaitable[T]]) -> None:
        self._begun: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._waiters = 0
        self._task: asyncio.Task[T] = asyncio.create_task(self._run(operation))

    @property
    def begun(self) -> bool:
        """Whether the operation has had its turn."""
        return self._begun.done()

    @property
    def over(self) -> bool:
        """Whether there is nothing left to join."""
        return self._task.done() or self._task.cancelling() > 0

    async def join(self, timeout: float) -> T:  # noqa: ASYNC109 - each waiter has its own
        """Wait for the result, at most ``timeout`` seconds from when the operation has its turn.

        Raises:
            TimeoutError: the time is up.
        """
        self._waiters += 1
        try:
            turn: set[asyncio.Future[Any]] = {self._task, self._begun}
            await asyncio.wait(turn, return_when=asyncio.FIRST_COMPLETED)
            async with asyncio.timeout(timeout):
                return await asyncio.shield(self._task)
        finally:
            self._waiters -= 1
            if not self._waiters and not self._task.done():
                self._task.cancel()
                await asyncio.wait({self._task})
                if not self._task.cancelled():
                    self._task.exception()  # nobody is left to tell

    async def _run(self, operation: Callable[[Callable[[], None]], Awaitable[T]]) -> T:
        return await operation(self._begin)

    def _begin(self) -> None:
        if not self._begun.done():
            self._begun.set_result(None)
