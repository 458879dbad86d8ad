"""Keep the garbage collector from looking through what stays, again and again.

A full collection follows every object there is: 0.1 s at 10,000 of Git's, in which nothing else is
done. What has outlived one stays, mostly, and is set aside: the next one follows only what is new.
What is set aside is freed as ever when nobody refers to it; only of what refers to itself, as each
connection does, it is not noticed. So everything is looked through now and then.
Source: ``gc.freeze`` and ``gc.callbacks`` in Python's library reference.
"""

from __future__ import annotations

import asyncio
import gc
import itertools
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_OLDEST = 2
# New objects after which the youngest are looked through. What is decoded and compared comes and
# goes by thousands: with Python's 700 more of it is looked through while it is there. With 10,000
# there is so much at once that it takes a turn of the loop of more than 50 ms.
_YOUNGEST = 2_000
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
    for count in itertools.count(1):
        await asyncio.sleep(_EVERY)
        if count % _ALL == 0:
            gc.unfreeze()
        gc.collect()


def _after(phase: str, info: Mapping[str, int]) -> None:
    if phase == "stop" and info["generation"] == _OLDEST:
        gc.freeze()
