"""Ends a group of processes and removes their folder as soon as whoever started it is gone.

``Keeper`` is for the starter; run as a program, this file is the process that watches. Both an
orderly end and a starter that is killed look the same to it: its standard input ends.
"""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO

# Seconds that killed processes may take to vanish: memory has to be given back.
LAST_WAIT = 10.0


class Keeper:
    """A temporary folder and processes that do not outlive this process, however it ends."""

    def __init__(self, prefix: str) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix=prefix))
        self._processes: list[subprocess.Popen[bytes]] = []
        # A process group of its own: Ctrl-C at the terminal is for the starter alone.
        self._watcher = subprocess.Popen(
            [sys.executable, "-I", "-S", __file__, self.folder],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            process_group=0,
        )

    def start(
        self, command: list[str | Path], log: IO[bytes], environment: dict[str, str]
    ) -> subprocess.Popen[bytes]:
        """Start a process that writes what it says to ``log``."""
        process = subprocess.Popen(
            command,
            cwd=self.folder,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            process_group=self._watcher.pid,
        )
        self._processes.append(process)
        return process

    def end(self) -> None:
        """Kill all processes, wait for their end and remove the folder; twice is once."""
        ends, removed = self._watcher.stdin, self._watcher.stdout
        if ends and removed and not removed.closed:
            ends.close()
            with removed:
                removed.read()  # ends with the last process that holds it
        self._watcher.wait()
        # Nothing is left to do unless somebody had killed the watcher.
        for process in self._processes:
            process.kill()
            process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def watch(folder: str) -> None:
    """Wait for the end of standard input, then kill this process' group and remove the folder."""
    sys.stdin.read()
    group = os.getpgrp()
    if os.fork():
        signal.pause()  # until the child, which leaves the group, kills all that is in it
    os.setpgid(0, 0)
    os.killpg(group, signal.SIGKILL)
    deadline = time.monotonic() + LAST_WAIT
    while _alive(group) and time.monotonic() < deadline:
        time.sleep(0.01)
    shutil.rmtree(folder, ignore_errors=True)


def _alive(group: int) -> bool:
    """Tell whether a process group has a process that still runs, and not only is unreaped."""
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            # After the command's name in brackets: state, parent, process group.
            state, _, its_group = stat.read_text().rpartition(")")[2].split()[:3]
        except (OSError, ValueError):
            continue
        if int(its_group) == group and state not in {"Z", "X"}:
            return True
    return False


if __name__ == "__main__":
    watch(sys.argv[1])
