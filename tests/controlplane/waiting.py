"""Waiting for a condition instead of for some time."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


def eventually(
    look: Callable[[], T], *, within: float = 30.0, every: float = 0.05, what: str = ""
) -> T:
    """Call ``look`` until what it returns is true, and return that.

    An exception counts as "not yet". After ``within`` seconds it is a TimeoutError, with the last
    exception as its cause or the last value in its text.
    """
    deadline = time.monotonic() + within
    while True:
        value: T | None = None
        problem: Exception | None = None
        try:
            value = look()
        except Exception as error:  # noqa: BLE001  # whatever it is, it may pass
            problem = error
        if problem is None and value:
            return value
        if time.monotonic() >= deadline:
            last = f"{problem!r}" if problem else f"{value!r}"
            text = f"not {what or 'true'} within {within:g} s; last seen: {last}"
            raise TimeoutError(text) from problem
        time.sleep(every)
