"""Keep the garbage collector from looking through what stays, again and again.

A full collection follows every object there is: 0.1 s at 10,000 of Git's, in which nothing else is
done. What has outlived one stays, mostly, and is set aside: the next one follows only what is new.
What is set aside is freed as ever when nobody refers to it; only of what refers to itself, as each
connection does, it is not noticed. So everything is looked through now and then.
Python waits with a full collection until what is new comes to a quarter of all. Of what 10,000
targets are made of that takes as long as all of it did, so here it begins earlier.
Source: ``gc.freeze`` and ``gc.callbacks`` in Python's library reference.
"""

from __future__ import annotations

import asyncio
import gc
from contextlib import suppress
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_OLDEST = 2
# New objects after which the youngest are looked through. What is decoded and compared comes and
# goes by thousands: with Python's 700 more of it is looked through while it is there. With 10,000
# there is so much at once that it takes a turn of the loop of more than 50 ms.
_YOUNGEST = 2_000
# Collections of the middle generation, each after 20,000 new objects, until a full one is due.
_MIDDLE = 2
# Seconds between two full collections, where none comes by itself; each so many'th is of all.
_EVERY = 600.0
_ALL = 36


def set_aside() -> None:
    """Set aside what is there now, and from now on what has outlived a full collection."""
    if _after not in gc.callbacks:
        gc.callbacks.append(_after)
    gc.set_threshold(_YOUNGEST, *gc.get_threshold()[1:])
    gc.collect()


async def tend() -> None:
    """Collect what is garbage now and then, until cancelled."""
    loop, due = asyncio.get_running_loop(), asyncio.Event()

    def look(phase: str, info: Mapping[str, int]) -> None:
        # In any thread, and within a collection, when none can be begun.
        if phase == "stop" and info["generation"] == _OLDEST - 1 and gc.get_count()[2] >= _MIDDLE:
            loop.call_soon_threadsafe(due.set)

    gc.callbacks.append(look)
    rounds, until = 0, loop.time() + _EVERY
    try:
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout_at(until):
                    await due.wait()
            due.clear()
            if loop.time() >= until:
                rounds, until = rounds + 1, loop.time() + _EVERY
                if rounds % _ALL == 0:
                    gc.unfreeze()
            gc.collect()
    finally:
        gc.callbacks.remove(look)


def _after(phase: str, info: Mapping[str, int]) -> None:
    if phase == "stop" and info["generation"] == _OLDEST:
        gc.freeze()
