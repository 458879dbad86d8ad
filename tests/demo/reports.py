"""The DriftReports as they come in, and the moment at which each did."""

from __future__ import annotations

import json
import os
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable

    from controlplane.keeper import Keeper
    from demo.shell import Shell


@dataclass(frozen=True, slots=True)
class Seen:
    """A DriftReport, and when it came in by the monotonic clock."""

    report: dict[str, Any]
    at: float

    @property
    def name(self) -> str:
        """The target's name."""
        return str(self.report["metadata"]["name"])

    @property
    def status(self) -> dict[str, Any]:
        """What was found."""
        return dict(self.report.get("status", {}))


class Reports:
    """Watches with ``kubectl get driftreports --watch``, in a thread."""

    def __init__(self, shell: Shell, keeper: Keeper, failed: Callable[[], str]) -> None:
        """End with ``keeper``; ``failed`` says why waiting for a report is pointless."""
        self._seen: list[Seen] = []
        self._failed = failed
        reading, writing = os.pipe()
        with os.fdopen(writing, "wb") as pipe:
            command = ["kubectl", "get", "driftreports", "--watch", "--output=json"]
            self._process = keeper.start([*command], pipe, shell.environment)
        # It ends with the process that writes to the pipe.
        threading.Thread(target=self._read, args=(reading,), name="reports", daemon=True).start()

    def mark(self) -> int:
        """Return a place in time, for ``wait``."""
        return len(self._seen)

    def wait(
        self, name: str, condition: Callable[[Seen], object], what: str, *, since: int = 0
    ) -> Seen:
        """Return the first report of a target since a mark that meets the condition.

        Raises:
            AssertionError: there is none within 30 s; the text says what the last one said.

        """
        return until(
            lambda: [seen for seen in self._of(name, since) if condition(seen)],
            what,
            failed=self._why_pointless,
            last=lambda: self._last(name),
        )[0]

    def _of(self, name: str, since: int) -> list[Seen]:
        return [seen for seen in self._seen[since:] if seen.name == name]

    def _last(self, name: str) -> str:
        """Put the last report of a target in words."""
        seen = self._of(name, 0)
        if not seen:
            return f"no report of {name}"
        status = seen[-1].status
        conditions = (
            f"{condition['type']}={condition['status']}: {condition['message']}"
            for condition in status.get("conditions", ())
        )
        return "; ".join([f"{name} is {status.get('verdict')}", *conditions])

    def _why_pointless(self) -> str:
        if self._process.poll() is not None:
            return f"kubectl get --watch has ended with code {self._process.returncode}"
        return self._failed()

    def _read(self, reading: int) -> None:
        """Take the documents, each of which begins and ends with a brace in the first column."""
        document: list[str] = []
        with os.fdopen(reading, encoding="utf-8") as lines:
            for line in lines:
                if line.startswith("{"):
                    document.clear()
                document.append(line)
                if line.startswith("}"):
                    self._seen.append(Seen(json.loads("".join(document)), time.monotonic()))
