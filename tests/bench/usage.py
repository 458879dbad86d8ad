"""What a process and those it has started have used, from Linux' own accounting."""

from __future__ import annotations

import contextlib
import os
import statistics
import subprocess
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

_TICKS = os.sysconf("SC_CLK_TCK")
_PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / 2**20


def tree(pid: int) -> list[int]:
    """Return a process and all that descend from it and still run."""
    found, left = [], [pid]
    while left:
        found.append(left.pop())
        # Any of them may end meanwhile.
        with contextlib.suppress(OSError):
            for children in Path(f"/proc/{found[-1]}/task").glob("*/children"):
                left += map(int, children.read_text(encoding="ascii").split())
    return found


def cpu_seconds(pid: int) -> float:
    """CPU seconds of a running process and its descendants, those that have ended included.

    Its own to the nanosecond, of those that ended to 1/100 s. Source: clock_getcpuclockid(3), whose
    clock of another process is ``~pid << 3 | CPUCLOCK_SCHED`` (2) in Linux'
    ``include/linux/posix-timers.h``; ``cutime cstime`` of ``/proc/<pid>/stat``, proc(5).
    """
    used = 0.0
    for each in tree(pid):
        with contextlib.suppress(OSError):
            stat = Path(f"/proc/{each}/stat").read_text(encoding="ascii")
            used += sum(map(int, stat.rpartition(")")[2].split()[13:15])) / _TICKS
            used += time.clock_gettime((~each << 3) | 2)
    return used


def waited_for_a_core(pid: int) -> float:
    """Seconds that the first thread of a process was ready to run and had no core.

    Source: the second number of ``/proc/<pid>/schedstat``, Linux'
    ``Documentation/scheduler/sched-stats.rst``.
    """
    return int(Path(f"/proc/{pid}/schedstat").read_text(encoding="ascii").split()[1]) / 1e9


def memory_mib(pid: int) -> tuple[float, float]:
    """Resident memory of a process in MiB: now, and at its highest."""
    told = dict(
        line.split(":", 1)
        for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    )
    now, peak = (int(told[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))
    return now, peak


def tree_memory_mib(pid: int) -> float:
    """Resident memory of a process and its descendants in MiB; shared pages count for each."""
    pages = 0
    for each in tree(pid):
        with contextlib.suppress(OSError):
            pages += int(Path(f"/proc/{each}/statm").read_text(encoding="ascii").split()[1])
    return pages * _PAGE_MIB


@dataclass(slots=True)
class Spent:
    """CPU seconds by program, and wall seconds, of what was done meanwhile."""

    cpu: dict[str, float] = field(default_factory=dict)
    wall: float = 0.0


@contextlib.contextmanager
def metered(pids: Mapping[str, int]) -> Iterator[Spent]:
    """Fill in, at the end of the block, what some programs have used in it."""
    spent = Spent()
    before = {name: cpu_seconds(pid) for name, pid in pids.items()}
    started = time.monotonic()
    yield spent
    spent.wall = time.monotonic() - started
    spent.cpu.update({name: cpu_seconds(pid) - before[name] for name, pid in pids.items()})


class MemorySampler:
    """Looks at a process' memory again and again while the block runs.

    ``own`` and ``all`` are pairs of seconds since its start and MiB: of the process, and with its
    descendants. ``pid`` may be told anew where the process is another one; 0 is none.
    """

    def __init__(self, pid: int = 0, every: float = 0.25) -> None:
        self.pid = pid
        self.own: list[tuple[float, float]] = []
        self.all: list[tuple[float, float]] = []
        self._every = every
        self._end = threading.Event()
        self._started = time.monotonic()
        self._thread = threading.Thread(target=self._sample, name="memory")

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._end.set()
        self._thread.join()

    @property
    def now(self) -> float:
        """Seconds since the start."""
        return time.monotonic() - self._started

    def _sample(self) -> None:
        while not self._end.wait(self._every):
            pid, now = self.pid, self.now
            if pid:
                with contextlib.suppress(OSError, KeyError):  # it has just ended
                    self.own.append((now, memory_mib(pid)[0]))
                    self.all.append((now, tree_memory_mib(pid)))


def memory_growth(samples: Sequence[tuple[float, float]], start: float, end: float) -> float | None:
    """Return by how many percent memory is more in the last quarter of a time than in the second.

    The first quarter is left out: what a load needs at all it takes then. None without samples.
    """
    quarter = (end - start) / 4
    second, last = (
        [mib for when, mib in samples if begin <= when < begin + quarter]
        for begin in (start + quarter, end - quarter)
    )
    if not second or not last:
        return None
    return (statistics.median(last) / statistics.median(second) - 1.0) * 100.0


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one run of a program: CPU seconds with its children, wall seconds, what it wrote."""

    cpu: float
    wall: float
    code: int
    output: bytes
    error: str

    def succeeded(self) -> Self:
        """Return it, unless the exit code is not 0: an AssertionError says why."""
        if self.code != 0:
            raise AssertionError(f"exit code {self.code}: {self.error.strip()}")
        return self


def run(command: Sequence[str | Path], environment: Mapping[str, str], stdin: bytes = b"") -> Cost:
    """Run a program to its end."""
    # Of this process' children: only one runs to its end at a time here.
    before = os.times()
    started = time.monotonic()
    done = subprocess.run(
        command, env=dict(environment), input=stdin, capture_output=True, check=False
    )
    wall = time.monotonic() - started
    after = os.times()
    cpu = after.children_user + after.children_system
    cpu -= before.children_user + before.children_system
    return Cost(cpu, wall, done.returncode, done.stdout, done.stderr.decode(errors="replace"))
