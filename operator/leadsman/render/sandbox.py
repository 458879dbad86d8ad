"""Run a renderer confined: nothing of the network, of other files, and not too much of anything.

What holds it are means that need no privilege, so that they work in a Pod under the restricted
profile: Landlock and seccomp where the kernel has them, rlimits, a process group that is killed at
the timeout, an empty environment, and a scratch folder that is removed. What holds on this kernel
is found out by trying, once (``protections.py``).

Rendering is refused where neither Landlock nor seccomp keeps a program off the network: what is
rendered is other people's text, and a chart may ask for a host's address or a file's content and
put it where it can be read. ``allow_unsandboxed`` lifts that.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
import os
import shutil
import signal
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from leadsman.errors import RenderError
from leadsman.render.protections import Protections, probe, python_command
from leadsman.render.threads import in_thread
from leadsman.subprocesses import reap

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from leadsman.render.program import Program

_JAIL: Final = "from leadsman.render import jail; sys.exit(jail.main(sys.argv[1:]))"
_JAIL_FAILED: Final = 125
_CHUNK: Final = 1 << 16
_OPEN_FILES: Final = 512
_NICE: Final = 5
_THREADS: Final = 2
# The share of the memory from which on Go collects its garbage harder.
_SOFT_SHARE: Final = 0.75
# Address space that Go reserves at its start and does not use (1.2 GiB on 64 bits). The limit is on
# address space all the same: RLIMIT_DATA lets Go replace what it has reserved by real memory.
_RESERVED: Final = 1280 << 20
_OUT_OF_MEMORY: Final = ("out of memory", "cannot allocate memory", "failed to reserve memory")


@dataclass(frozen=True, slots=True)
class Limits:
    """What one run may use: ``timeout`` in seconds, ``memory`` and ``output`` in bytes.

    The largest of the charts and kustomizations tried (5 MB of output) used 170 MiB.
    """

    timeout: float = 60.0
    memory: int = 384 << 20
    output: int = 64 << 20


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended: exit status (negative: the signal), output, time in seconds."""

    status: int
    stdout: bytes
    stderr: str
    seconds: float


class Sandbox:
    """Runs programs confined by what holds on this kernel: ``held``, by default found out.

    ``allow_unsandboxed``: also where nothing keeps them off the network.
    """

    def __init__(
        self,
        limits: Limits,
        *,
        allow_unsandboxed: bool = False,
        held: Protections | None = None,
    ) -> None:
        self.limits = limits
        self._allow_unsandboxed = allow_unsandboxed
        self._held = held

    async def run(
        self,
        program: Program,
        arguments: Sequence[str],
        *,
        scratch: Path,
        read: Sequence[Path] = (),
        environment: Mapping[str, str] | None = None,
    ) -> Outcome:
        """Run the program in ``scratch``, where it may write below ``home`` and ``tmp``.

        ``read`` are the folders and files that it may read. Raises RenderError, for what is not
        the program's own verdict: timeout, too much output or memory, or no confinement.
        """
        held = await in_thread(probe) if self._held is None else self._held
        if not held.offline and not self._allow_unsandboxed:
            raise RenderError(
                "SandboxUnavailable",
                "this kernel or container offers neither Landlock (ABI 4) nor seccomp, so nothing "
                "would keep what is rendered off the network: allow them, or allow rendering "
                "without them by the setting",
            )
        home, tmp = scratch / "home", scratch / "tmp"
        for folder in (home, tmp):
            folder.mkdir(exist_ok=True)
        command = [
            *python_command(_JAIL),
            *self._confinement(held),
            *(word for item in program.execute for word in ("--execute", item)),
            *(word for item in read for word in ("--read", str(item))),
            *(word for item in (home, tmp) for word in ("--write", str(item))),
            "--",
            program.path,
            *arguments,
        ]
        outcome = await self._supervise(
            program.name,
            command,
            scratch,
            {
                "HOME": str(home),
                "TMPDIR": str(tmp),
                "GOMAXPROCS": str(_THREADS),
                "GOMEMLIMIT": str(int(self.limits.memory * _SOFT_SHARE)),
                **(environment or {}),
            },
        )
        if outcome.status == _JAIL_FAILED and outcome.stderr.startswith("leadsman-jail:"):
            raise RenderError(
                "SandboxUnavailable", f"{program.name} could not be confined: {outcome.stderr}"
            )
        if outcome.status == -signal.SIGKILL or (
            outcome.status != 0 and any(sign in outcome.stderr for sign in _OUT_OF_MEMORY)
        ):
            raise RenderError(
                "OutOfMemory",
                f"{program.name} needed more memory than the limit of "
                f"{self.limits.memory >> 20} MiB, or than the machine has",
            )
        return outcome

    def _confinement(self, held: Protections) -> list[str]:
        limits = {
            "CPU": math.ceil(self.limits.timeout) * _THREADS + 1,
            "AS": self.limits.memory + _RESERVED,
            "FSIZE": self.limits.output,
            "NOFILE": _OPEN_FILES,
            # No NPROC: it counts all processes of the user on the node, other Pods' too; seccomp
            # refuses new ones.
            "CORE": 0,
        }
        return [
            *("--parent", str(os.getpid()), "--nice", str(_NICE)),
            *(word for name, value in limits.items() for word in ("--limit", f"{name}={value}")),
            *("--landlock", str(held.landlock)),
            *(("--seccomp",) if held.sockets else ()),
        ]

    async def _supervise(
        self, name: str, command: Sequence[str], folder: Path, environment: Mapping[str, str]
    ) -> Outcome:
        started = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            *command,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            cwd=folder,
            env=environment,
            start_new_session=True,
        )
        assert process.stdout is not None  # noqa: S101 - they are pipes
        assert process.stderr is not None  # noqa: S101
        budget = _Budget(self.limits.output)
        try:
            async with asyncio.timeout(self.limits.timeout):
                stdout, stderr = await asyncio.gather(
                    _drain(process.stdout, budget, process.pid),
                    _drain(process.stderr, budget, process.pid),
                )
                status = await process.wait()
        except TimeoutError:
            raise RenderError(
                "RenderTimeout",
                f"{name} was not done after {self.limits.timeout:g} seconds and was stopped",
            ) from None
        finally:
            if process.returncode is None:
                _kill(process.pid)
                await asyncio.shield(reap(process))
        if budget.left < 0:
            raise RenderError(
                "RenderTooLarge",
                f"{name} wrote more than {self.limits.output >> 20} MiB and was stopped",
                retryable=False,
            )
        return Outcome(
            status, stdout, stderr.decode("utf-8", "replace"), time.monotonic() - started
        )


@contextlib.contextmanager
def scratch_folder(parent: Path | None = None) -> Iterator[Path]:
    """Make a folder that only this user can read, and remove it with all that is in it.

    Raises RenderError.
    """
    try:
        made = tempfile.mkdtemp(prefix="leadsman-render-", dir=parent)
    except OSError as error:
        raise RenderError(
            "ScratchNotWritable",
            f"no folder to render in can be made: {error.strerror}; see that TMPDIR, or /tmp, can "
            "be written",
        ) from error
    folder = Path(os.path.realpath(made))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


@dataclass(slots=True)
class _Budget:
    """How many bytes of output are left, for both streams together."""

    left: int


async def _drain(stream: asyncio.StreamReader, budget: _Budget, process: int) -> bytes:
    """Read to the end; kill the process where it is more than the budget."""
    parts = []
    while chunk := await stream.read(_CHUNK):
        budget.left -= len(chunk)
        if budget.left < 0:
            _kill(process)
        else:
            parts.append(chunk)
    return b"".join(parts)


def _kill(process: int) -> None:
    """Kill the process and all that it may have started: it leads a session of its own."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process, signal.SIGKILL)
