"""Hundreds of live changes a second: does each reach its report, how late, and at what cost?

Each change sets a value that no other has. A report is written at most once a second for a target,
so it may tell of an object's later value only: then all changes to it up to that one are told.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import defaultdict
from typing import TYPE_CHECKING, Any, Final

from bench import measures
from bench.delivery import client_of, each
from bench.figures import percentile
from bench.results import say
from bench.usage import memory_growth, memory_mib
from bench.watched import Watched
from leadsman.kube.client import MERGE_PATCH

if TYPE_CHECKING:
    from bench.case import Case
    from leadsman.kube.client import Client
    from leadsman.model.json import JsonObject

# Up to how many objects it is measured.
MOST: Final = 10_000
_AT_ONCE: Final = 64
_FIELD: Final = "/data/level"
_PREFIX: Final = "change-"
# Seconds after the last change in which each has to be told.
_WITHIN: Final = 60.0


class Ledger:
    """Which changes have been told, and how long after they were made."""

    def __init__(self) -> None:
        self.latencies: list[float] = []
        self._waiting: dict[str, list[tuple[int, float]]] = defaultdict(list)
        self._told: dict[str, tuple[int, float]] = {}

    @property
    def waiting(self) -> int:
        """How many changes have not been told yet."""
        return sum(map(len, self._waiting.values()))

    def made(self, what: str, number: int, when: float) -> None:
        """Note that the API server has answered a change; numbers of an object only rise."""
        told, arrived = self._told.get(what, (-1, 0.0))
        if told >= number:
            self.latencies.append(max(0.0, arrived - when))
        else:
            self._waiting[what].append((number, when))

    def told(self, what: str, number: int, when: float) -> None:
        """Note that a report tells of a change, and so of all before it."""
        self._told[what] = (number, when)
        waiting = self._waiting[what]
        self.latencies += [when - made for each, made in waiting if each <= number]
        waiting[:] = [one for one in waiting if one[0] > number]


def values_in(report: JsonObject) -> dict[str, int]:
    """Return the number of the change that a report has of each object, by namespace and name."""
    return {
        f"{found['namespace']}/{found['name']}": int(change["live"].removeprefix(_PREFIX))
        for found in report.get("status", {}).get("objects", ())
        for change in found.get("changes", ())
        if change["path"] == _FIELD and str(change.get("live", "")).startswith(_PREFIX)
    }


def measure(case: Case) -> None:
    """Make the changes, wait until each is told, and revert them."""
    case.ensure_started()
    options, results, objects = case.options, case.results, case.objects
    say(f"{options.rate} live changes a second for {options.load:.0f} s")
    before = memory_mib(case.operator.pid)[0]
    started = case.memory.now
    ledger, rate, lost = asyncio.run(_load(case))
    ended = case.memory.now
    asyncio.run(_revert(case))
    name = f"under load, {objects:,} objects"
    results.latencies[name] = ledger.latencies
    results.memory[name] = [
        (when - started, mib) for when, mib in case.memory.own if started <= when <= ended
    ]
    results.add(measures.LOAD_P50, objects, percentile(ledger.latencies, 0.5))
    results.add(measures.LOAD_P99, objects, percentile(ledger.latencies, 0.99))
    results.add(measures.LOAD_RATE, objects, rate)
    results.add(measures.LOAD_LOST, objects, lost)
    grown = memory_growth(case.memory.own, started, started + options.load)
    if grown is not None:
        results.add(measures.LOAD_GROWTH, objects, grown)
    results.add(measures.LOAD_BEFORE, objects, before)
    results.add(measures.LOAD_AFTER, objects, memory_mib(case.operator.pid)[0])


async def _load(case: Case) -> tuple[Ledger, float, int]:
    """Return what was told, how many changes a second were made, and how many were never told."""
    options, ledger = case.options, Ledger()
    total = int(options.rate * options.load)

    async def change(client: Client, number: int) -> None:
        namespace, name, path = case.config_map(number)
        body: dict[str, Any] = {"data": {"level": f"{_PREFIX}{number}"}}
        # Of two at once to one object, the first might be the one that stays.
        async with turns[path]:
            await client.request("PATCH", path, body=body, content_type=MERGE_PATCH)
            ledger.made(f"{namespace}/{name}", number, time.monotonic())

    told, turns = asyncio.Event(), defaultdict[str, asyncio.Lock](asyncio.Lock)

    def hear(_key: str, report: JsonObject, arrived: float) -> None:
        for what, number in values_in(report).items():
            ledger.told(what, number, arrived)
        told.set()

    async with (
        client_of(case.plane, at_once=_AT_ONCE) as client,
        Watched(client) as reports,
    ):
        with reports.heard(hear):
            started = time.monotonic()
            async with asyncio.TaskGroup() as group:
                for number in range(total):
                    await asyncio.sleep(started + number / options.rate - time.monotonic())
                    group.create_task(change(client, number))
            took = time.monotonic() - started
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_WITHIN):
                    while ledger.waiting:
                        told.clear()
                        await told.wait()
    return ledger, total / took, ledger.waiting


async def _revert(case: Case) -> None:
    """Set everything back, and wait until that is told, too."""
    changed = min(
        int(case.options.rate * case.options.load), case.fleet.targets * case.fleet.applications
    )
    body = {"data": {"level": "info"}}
    async with client_of(case.plane) as client, Watched(client) as reports:
        await each(
            client.request("PATCH", case.config_map(number)[2], body=body, content_type=MERGE_PATCH)
            for number in range(changed)
        )
        try:
            await reports.until(
                case.fleet.reports,
                lambda report: report.get("status", {}).get("verdict") == "InSync",
                "all to be in sync again",
            )
        except AssertionError as error:
            ended = case.operator.ended()
            found = f"the operator has ended: {ended}" if ended else f"its metrics: {case.states()}"
            raise AssertionError(f"{error}; {found}") from error
