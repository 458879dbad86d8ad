"""Wait for what is true in the end, without sleeping longer than it takes."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

_T = TypeVar("_T")

_LOOK_EVERY = 0.05


def until(
    condition: Callable[[], _T],
    what: str,
    *,
    timeout: float = 30.0,
    failed: Callable[[], str] | None = None,
    last: Callable[[], object] | None = None,
) -> _T:
    """Return the condition's value as soon as it is true.

    ``failed`` says why waiting is pointless, ``last`` what was seen when the time, in seconds, was
    over.
    """
    pause = threading.Event()
    deadline = time.monotonic() + timeout
    while not (value := condition()):
        if failed is not None and (why := failed()):
            raise AssertionError(f"waited for {what}, but {why}")
        if time.monotonic() > deadline:
            seen = f"; last seen: {last()}" if last is not None else ""
            raise AssertionError(f"waited {timeout:.0f} s for {what}{seen}")
        pause.wait(_LOOK_EVERY)
    return value


def a_second_later() -> None:
    """Wait until what is written now has another time than whatever was written before.

    The API server notes whole seconds.
    """
    then = int(time.time())
    until(lambda: time.time() >= then + 1, "the next second")
