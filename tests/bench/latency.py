"""From a live change to the report that tells it: measured from outside, as a user would see it."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING, Any, Self

from bench.fleet import KINDS, Fleet

if TYPE_CHECKING:
    from types import TracebackType

    from controlplane.plane import ControlPlane
    from harness.operator import Operator

_REPORTS = "/apis/leadsman.dev/v1alpha1/driftreports"
# A target's report is written at most once a second: changes to one come further apart.
_APART = 1.2


class ReportStream:
    """Watches all DriftReports in a thread, and notes when each said what."""

    def __init__(self, plane: ControlPlane) -> None:
        self._news = threading.Condition()
        self._drifted: dict[str, int] = {}
        self._watch = plane.api.watch(_REPORTS)
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._watch.close()
        self._thread.join()

    def wait(self, namespace: str, drifted: int, timeout: float = 30.0) -> float:
        """Wait until a namespace's report counts so many drifted objects; return when it did."""
        with self._news:
            if not self._news.wait_for(lambda: self._drifted.get(namespace) == drifted, timeout):
                raise AssertionError(
                    f"{namespace}: no report of {drifted} drifted objects within {timeout:.0f} s, "
                    f"it says {self._drifted.get(namespace)}"
                )
            return time.monotonic()

    def _read(self) -> None:
        for event in self._watch:
            self._take(event["object"])

    def _take(self, report: dict[str, Any]) -> None:
        drifted = report.get("status", {}).get("summary", {}).get("drifted")
        if drifted is not None:
            with self._news:
                self._drifted[report["metadata"]["namespace"]] = drifted
                self._news.notify_all()


def measure(
    plane: ControlPlane, operator: Operator, reports: ReportStream, fleet: Fleet, changes: int
) -> tuple[list[float], list[float]]:
    """Change objects one after another; return the seconds to each report, and to each metric.

    Each change is reverted, which is measured as well.
    """
    to_report: list[float] = []
    to_metric: list[float] = []
    last = dict.fromkeys(range(fleet.targets), float("-inf"))
    pause = threading.Event()
    for number in range(changes):
        target = number % fleet.targets
        namespace = fleet.namespace(target)
        path = f"/api/v1/namespaces/{namespace}/configmaps/{_config_map(fleet, number)}"
        for level, drifted in (("debug", 1), ("info", 0)):
            pause.wait(max(0.0, last[target] + _APART - time.monotonic()))
            plane.api.patch(path, {"data": {"level": level}})
            changed = time.monotonic()
            to_report.append(reports.wait(namespace, drifted) - changed)
            last[target] = time.monotonic()
            while operator.value(
                "leadsman_target_objects", target_namespace=namespace, state="Modified"
            ) != float(drifted):
                pause.wait(0.005)
            to_metric.append(time.monotonic() - changed)
    return to_report, to_metric


def _config_map(fleet: Fleet, number: int) -> str:
    of_a_kind = fleet.per_target // len(KINDS)
    return f"web-{number // fleet.targets % of_a_kind:04d}"
