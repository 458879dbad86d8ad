"""Visible progress of something long, on standard error."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING, Self, TextIO

if TYPE_CHECKING:
    from types import TracebackType

# Seconds between two lines, on a terminal (where the line is rewritten) and in a log.
TERMINAL_INTERVAL = 0.2
LOG_INTERVAL = 15.0


class Progress:
    """Says what is being done, how far it is and for how many seconds.

        with Progress("Building kubectl") as progress:
            progress.detail = "5 of 10 packages"

    ``detail`` may be set at any time, from any thread. What takes less than ``quiet`` seconds is
    not spoken of.
    """

    def __init__(self, title: str, *, quiet: float = 0.0, stream: TextIO | None = None) -> None:
        self.title = title
        self._quiet = quiet
        self.detail = ""
        self._stream = stream or sys.stderr
        self._terminal = self._stream.isatty()
        self._started = time.monotonic()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name="progress", daemon=True)

    @property
    def elapsed(self) -> float:
        """Seconds since the beginning."""
        return time.monotonic() - self._started

    def __enter__(self) -> Self:
        self._started = time.monotonic()
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._thread.join()
        self.detail = f"failed: {kind.__name__}" if kind else "done"
        if self.elapsed >= self._quiet:
            self._write(end="\n")

    def _run(self) -> None:
        wait = self._quiet
        while not self._ended.wait(wait):
            self._write()
            wait = TERMINAL_INTERVAL if self._terminal else LOG_INTERVAL

    def _write(self, end: str = "") -> None:
        text = f"{self.title}: {self.elapsed:.0f} s"
        if self.detail:
            text += f", {self.detail}"
        line = f"\r\x1b[K{text}{end}" if self._terminal else f"{text}\n"
        self._stream.write(line)
        self._stream.flush()
