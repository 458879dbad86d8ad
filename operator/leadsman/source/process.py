"""Run git as a process group that ends with the one who waits for it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from leadsman.errors import SourceError
from leadsman.source.failure import too_large
from leadsman.subprocesses import reap

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence
    from pathlib import Path

_STDERR_LIMIT = 64 << 10
_TICK = 0.1
_CHUNK = 64 << 10


@dataclass(frozen=True, slots=True)
class Finished:
    """What a process left behind; ``stderr`` is cut after its first 64 KiB."""

    code: int
    stdout: bytes
    stderr: str


async def run(
    command: Sequence[str],
    *,
    environment: Mapping[str, str],
    folder: Path,
    where: str,
    stdout_limit: int = 1 << 20,
    watch: Callable[[], None] | None = None,
) -> Finished:
    """Run a program in a session of its own; kill it and all its children when cancelled.

    ``where`` names the repository in messages. ``watch`` is called ten times a second and ends
    the program by raising.

    Raises:
        SourceError: ``GitFailed`` where it cannot be started, ``TooLarge`` where it prints more
            than ``stdout_limit`` bytes.
    """
    try:
        process = await _start(command, environment, folder)
    except OSError as error:
        raise SourceError(
            "GitFailed", f"{where}: {command[0]} cannot be started: {error.strerror}"
        ) from None
    assert process.stdout is not None  # noqa: S101 - tells the type checker what PIPE means
    assert process.stderr is not None  # noqa: S101 - as above
    stdout = asyncio.create_task(_read(process.stdout, stdout_limit, where))
    stderr = asyncio.create_task(_read_beginning(process.stderr, _STDERR_LIMIT))
    parts = (stdout, stderr, asyncio.create_task(process.wait()))
    try:
        pending: set[asyncio.Task[bytes] | asyncio.Task[int]] = set(parts)
        while pending:
            done, pending = await asyncio.wait(
                pending, timeout=_TICK if watch else None, return_when=asyncio.FIRST_EXCEPTION
            )
            for part in done:
                part.result()
            if watch is not None:
                watch()
    finally:
        if not all(part.done() for part in parts):
            await _kill(process, parts)
    return Finished(
        process.returncode or 0, stdout.result(), stderr.result().decode(errors="replace")
    )


async def _start(
    command: Sequence[str], environment: Mapping[str, str], folder: Path
) -> asyncio.subprocess.Process:
    """Start the program; a cancellation meanwhile ends it with all that it has started by then.

    Left to itself, asyncio kills the program alone, and then waits for its children to let go of
    the pipes.
    """
    starting = asyncio.ensure_future(
        asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            env=environment,
            cwd=folder,
            start_new_session=True,
        )
    )
    try:
        return await asyncio.shield(starting)
    except asyncio.CancelledError:
        process = await starting
        await _kill(process, ())
        raise


async def _read(stream: asyncio.StreamReader, limit: int, where: str) -> bytes:
    read = bytearray()
    while chunk := await stream.read(_CHUNK):
        read += chunk
        if len(read) > limit:
            raise too_large(where, "what git prints is too large", f"{limit} bytes")
    return bytes(read)


async def _read_beginning(stream: asyncio.StreamReader, limit: int) -> bytes:
    read = bytearray()
    while chunk := await stream.read(_CHUNK):
        read += chunk[: limit - len(read)]
    return bytes(read)


async def _kill(
    process: asyncio.subprocess.Process, readers: Iterable[asyncio.Future[Any]]
) -> None:
    """End a process group for good and leave no zombie of it."""
    group = process.pid
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
    for reader in readers:
        reader.cancel()
    await asyncio.gather(*readers, return_exceptions=True)
    await reap(process)
    # Where we are PID 1, as in a container, git's own orphaned children are ours to reap.
    with contextlib.suppress(ChildProcessError):
        while True:
            pid, _ = os.waitpid(-group, os.WNOHANG)  # noqa: ASYNC222 - it does not block
            if not pid:
                await asyncio.sleep(_TICK / 10)
