"""From a live change to the report and the metric that tell it, one change at a time.

Measured from outside, as a user sees it: from the moment at which a PATCH has returned until a
watch of DriftReports brings the report, or until ``/metrics`` says it. Each change is reverted,
which is a change as well. Reports and metrics are waited for in turns: who asks for metrics all the
time delays reports.
"""

from __future__ import annotations

import asyncio
import time
from itertools import chain
from typing import TYPE_CHECKING, Final

from bench import measures
from bench.delivery import client_of
from bench.figures import percentile
from bench.fleet import CHECK
from bench.results import say
from bench.watched import Watched
from leadsman.kube.client import MERGE_PATCH

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.case import Case
    from leadsman.kube.client import Client
    from leadsman.model.json import JsonObject

# Seconds: a target's report is written at most once in one; changes to it come further apart.
REPORT_PERIOD: Final = 1.2
# Seconds between two looks at the metrics.
_LOOK: Final = 0.01
_WITHIN: Final = 30.0
# In one repeat one metric is waited for for so many reports.
_METRICS_PART: Final = 4


def measure(case: Case) -> None:
    """Measure both, in repeats, all changes of a repeat one after another."""
    case.ensure_started()
    options, results = case.options, case.results
    say(f"{options.repeats} times {options.changes} live changes")
    found = asyncio.run(_measure(case))
    for what, p50, p99 in (
        ("report", measures.CHANGE_REPORT_P50, measures.CHANGE_REPORT_P99),
        ("metric", measures.CHANGE_METRIC_P50, measures.CHANGE_METRIC_P99),
    ):
        results.add(p50, case.objects, *(percentile(one, 0.5) for one in found[what]))
        results.add(p99, case.objects, *(percentile(one, 0.99) for one in found[what]))
        results.latencies[f"{what}, {case.objects:,} objects"] = [*chain(*found[what])]


async def _measure(case: Case) -> dict[str, list[list[float]]]:
    """Return the seconds to each report and to each metric, of each repeat."""
    found: dict[str, list[list[float]]] = {"report": [], "metric": []}
    half = case.options.changes // 2
    async with client_of(case.plane) as client, Watched(client) as reports:
        changes = _Changes(case, client, reports)
        for _ in range(case.options.repeats):
            for what, wait, count in (
                ("report", changes.to_report, half),
                ("metric", changes.to_metric, max(1, half // _METRICS_PART)),
            ):
                steps = sequence(count, case.fleet.targets)
                found[what].append([await wait(number, level) for number, level in steps])
    return found


def sequence(count: int, targets: int) -> Iterator[tuple[int, str]]:
    """Yield so many changes and their reversals, each target in turn before one comes again."""
    for start in range(0, count, targets):
        for level in ("debug", "info"):
            yield from ((number, level) for number in range(start, min(start + targets, count)))


class _Changes:
    """Makes changes, and waits for what tells them."""

    def __init__(self, case: Case, client: Client, reports: Watched) -> None:
        self._case = case
        self._client = client
        self._reports = reports
        self._last: dict[str, float] = {}

    async def to_report(self, number: int, level: str) -> float:
        """Return the seconds from a change to its report; 0 where it came before the answer."""
        namespace, changed = await self._change(number, level)
        drifted = _drifted(level)
        arrived = await self._reports.until(
            [f"{namespace}/{CHECK}"],
            lambda report: _count(report) == drifted,
            f"a report of {drifted} drifted objects",
            within=_WITHIN,
        )
        self._last[namespace] = arrived
        return max(0.0, arrived - changed)

    async def to_metric(self, number: int, level: str) -> float:
        """Return the seconds from a change to an answer of ``/metrics`` that has it."""
        namespace, changed = await self._change(number, level)
        while time.monotonic() < changed + _WITHIN:
            found = await asyncio.to_thread(
                self._case.operator.value,
                "leadsman_target_objects",
                target_namespace=namespace,
                state="Modified",
            )
            if found == _drifted(level):
                self._last[namespace] = time.monotonic()
                return self._last[namespace] - changed
            await asyncio.sleep(_LOOK)
        raise AssertionError(f"{namespace}: no metric of the change within {_WITHIN:.0f} s")

    async def _change(self, number: int, level: str) -> tuple[str, float]:
        """Set a value; return the namespace, and when the API server had answered."""
        namespace, _, path = self._case.config_map(number)
        wait = self._last.get(namespace, float("-inf")) + REPORT_PERIOD - time.monotonic()
        if wait > 0:
            await asyncio.sleep(wait)
        body = {"data": {"level": level}}
        await self._client.request("PATCH", path, body=body, content_type=MERGE_PATCH)
        return namespace, time.monotonic()


def _drifted(level: str) -> int:
    return 0 if level == "info" else 1


def _count(report: JsonObject) -> int:
    return int(report.get("status", {}).get("summary", {}).get("drifted", -1))
