"""The end of programs that were given up."""

from __future__ import annotations

import asyncio

_CHUNK = 64 << 10


async def reap(process: asyncio.subprocess.Process) -> None:
    """Wait until a killed program is gone, and throw away what it has still printed.

    Nobody may be reading its pipes any more. ``Process.wait`` alone would wait for ever: it
    returns after the pipes have ended, and asyncio stops to read a pipe that nobody empties
    (CPython issue 119710).
    """
    streams = [stream for stream in (process.stdout, process.stderr) if stream is not None]
    await asyncio.gather(process.wait(), *map(_discard, streams))


async def _discard(stream: asyncio.StreamReader) -> None:
    while await stream.read(_CHUNK):
        pass
