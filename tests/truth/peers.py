"""Established tools, asked about the same cases: has this object drifted?

    with Peer("flux") as flux:
        flux.start(plane)
        flux.ask(deployment, "kustomize-controller")     # Answer(True, ("/spec/replicas",))
        flux.ask_all([(deployment, ""), (service, "")])  # thousands, several at once

Each is a process of the program in ``peers/``, which uses the tool's own libraries; how each
decides is said there. An empty manager stands for the tool's own. ``python -m truth.peers`` builds
it and sees to it that each tool says what is known of it.
"""

from __future__ import annotations

import contextlib
import json
import subprocess
import sys
import tempfile
import threading
from concurrent.futures import Future
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Self

from controlplane.gomodule import built

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from controlplane.plane import ControlPlane

MODULE = Path(__file__).parent / "peers"
NAMES = ("kubectl", "kubectl-server-side", "flux", "argo", "argo-server-side")
# Seconds for one answer, while the machine does other things too.
TIMEOUT = 120.0


class PeerError(RuntimeError):
    """A peer's process ended before it had answered; the text has what it said last."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What a tool says of an object.

    ``paths`` are JSON pointers (RFC 6901) of what differs between the two documents that the tool
    compares, in the live object where it has them. With an ``error`` the tool came to no answer.
    """

    drift: bool
    paths: tuple[str, ...] = ()
    error: str = ""


class Peer:
    """A tool, by one of ``NAMES``; any thread may ask it between ``start`` and ``stop``."""

    def __init__(self, name: str) -> None:
        if name not in NAMES:
            raise ValueError(f"{name} is none of {', '.join(NAMES)}")
        self.name = name
        self._process: subprocess.Popen[str] | None = None
        self._log: IO[str] | None = None
        self._reader: threading.Thread | None = None
        self._ended = ""
        self._ids = count(1)
        self._writing = threading.Lock()
        self._lock = threading.Lock()  # of what follows; never held while the process is waited for
        self._waiting: dict[str, Future[Answer]] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self, plane: ControlPlane) -> Self:
        """Start the tool's process for a cluster, as its administrator; build it if need be."""
        program = built("peers", MODULE, ["."])
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115  # closed by stop
        self._process = subprocess.Popen(
            [program, self.name],
            env=plane.environment(),
            cwd=plane.folder,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )
        self._reader = threading.Thread(
            target=self._read, args=(self._process.stdout,), name=f"peer-{self.name}"
        )
        self._reader.start()
        return self

    def stop(self) -> None:
        """End the process; it answers first what it was asked."""
        if not self._process or not self._reader:
            return
        if self._process.stdin:
            with contextlib.suppress(BrokenPipeError):  # it ended before
                self._process.stdin.close()
        self._reader.join()
        self._process.wait()
        self._process = None
        if self._log:
            self._log.close()

    def ask(self, desired: Mapping[str, Any], manager: str = "") -> Answer:
        """Ask whether the live object differs from the desired one, which ``manager`` delivered."""
        return self.submit(desired, manager).result(TIMEOUT)

    def ask_all(self, cases: Iterable[tuple[Mapping[str, Any], str]]) -> list[Answer]:
        """Ask about many objects and managers; the answers are in their order."""
        asked = [self.submit(desired, manager) for desired, manager in cases]
        return [future.result(TIMEOUT) for future in asked]

    def submit(self, desired: Mapping[str, Any], manager: str = "") -> Future[Answer]:
        """Ask without waiting for the answer."""
        if not self._process or not self._process.stdin:
            raise PeerError(f"{self.name} was not started")
        answer: Future[Answer] = Future()
        with self._lock:
            if self._ended:
                raise PeerError(self._ended)
            ident = str(next(self._ids))
            self._waiting[ident] = answer
        question = json.dumps({"id": ident, "desired": desired, "manager": manager})
        # Where the process has ended, whoever reads its answers says so to all that wait.
        with contextlib.suppress(BrokenPipeError), self._writing:
            self._process.stdin.write(f"{question}\n")
            self._process.stdin.flush()
        return answer

    def _read(self, lines: IO[str]) -> None:
        """Hand out answers until the process ends; then tell who still waits."""
        with lines, contextlib.suppress(ValueError):  # of a line that a killed process had begun
            for line in lines:
                said = json.loads(line)
                answer = Answer(said["drift"], tuple(said["paths"]), said["error"])
                with self._lock:
                    future = self._waiting.pop(said["id"])
                future.set_result(answer)
        with self._lock:
            self._ended = f"{self.name} ended; it said:\n{self._said()}"
            waiting, self._waiting = self._waiting, {}
        for future in waiting.values():
            future.set_exception(PeerError(self._ended))

    def _said(self) -> str:
        """The end of what the process wrote to its standard error."""
        if not self._log:
            return ""
        self._log.seek(0)
        return self._log.read()[-2000:]


if __name__ == "__main__":
    from truth.peercheck import main

    sys.exit(main())
