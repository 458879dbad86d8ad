"""What a process has used, from Linux' own accounting."""

from __future__ import annotations

import os
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

_TICKS = os.sysconf("SC_CLK_TCK")


def cpu_seconds(pid: int) -> float:
    """CPU seconds of a running process and of its children that have ended.

    Source: ``utime stime cutime cstime`` of ``/proc/<pid>/stat``, proc(5).
    """
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return sum(map(int, fields[11:15])) / _TICKS


def memory_mib(pid: int) -> tuple[float, float]:
    """Resident memory of a process in MiB: now, and at its highest."""
    told = dict(
        line.split(":", 1)
        for line in Path(f"/proc/{pid}/status").read_text(encoding="ascii").splitlines()
    )
    now, peak = (int(told[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))
    return now, peak


@dataclass(frozen=True, slots=True)
class Cost:
    """Of one run of a program: CPU seconds with its children, wall seconds, its exit code."""

    cpu: float
    wall: float
    code: int
    error: str


def run(
    command: Sequence[str], environment: Mapping[str, str], stdin: str = "", cwd: Path | None = None
) -> Cost:
    """Run a program to its end."""
    # Of this process' children: only one runs at a time here.
    before = os.times()
    started = time.monotonic()
    done = subprocess.run(
        command,
        env=dict(environment),
        input=stdin.encode(),
        cwd=cwd,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        check=False,
    )
    wall = time.monotonic() - started
    after = os.times()
    cpu = after.children_user + after.children_system
    cpu -= before.children_user + before.children_system
    return Cost(cpu, wall, done.returncode, done.stderr.decode(errors="replace"))
