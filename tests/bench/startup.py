"""How long it takes from nothing to all verdicts, and after a restart."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from bench import measures
from bench.delivery import client_of, delete_reports
from bench.results import say

if TYPE_CHECKING:
    from bench.case import Case, Start

# A cold start of 100,000 objects tells enough the first time.
_LARGE = 10_000


def measure(case: Case) -> None:
    """Start without a cache and without reports, then with both; the operator runs after it."""
    repeats = 1 if case.objects > _LARGE else case.options.repeats
    say(f"{repeats} cold starts")
    cold: list[Start] = []
    for _ in range(repeats):
        case.stop()
        asyncio.run(_forget(case))
        cold.append(case.start(cold=True))
    say(f"{repeats} warm restarts")
    warm: list[Start] = []
    for _ in range(repeats):
        case.stop()
        warm.append(case.start())
    results, objects = case.results, case.objects
    results.add(measures.COLD, objects, *(start.wall for start in cold))
    results.add(measures.COLD_CPU, objects, *(start.cpu for start in cold))
    for stage, named in measures.COLD_STAGES.items():
        results.add(named, objects, *(start.stages[stage] for start in cold))
    results.add(measures.WARM, objects, *(start.wall for start in warm))
    results.add(measures.WARM_CPU, objects, *(start.cpu for start in warm))


async def _forget(case: Case) -> None:
    async with client_of(case.plane) as client:
        await delete_reports(client, case.fleet.namespaces)
