"""What it costs to look at everything anew: list, decode, compare; Git has not changed."""

from __future__ import annotations

import asyncio
import statistics
import sys
import time
from typing import TYPE_CHECKING, Final

from bench import measures
from bench.delivery import change_checks, client_of
from bench.latency import REPORT_PERIOD
from bench.options import ROOT
from bench.results import say
from bench.usage import Spent, metered, run
from bench.watched import Watched

if TYPE_CHECKING:
    from bench.case import Case

# Who changes its value asks for a full check; the report tells which was carried out last.
_REQUEST: Final = "check.leadsman.dev/requestedAt"
_HANDLED: Final = "lastHandledCheckAt"
_WITHIN: Final = 600.0
# How many are made in turns with each run of a peer.
CHECKS: Final = 3


def measure(case: Case) -> None:
    """Ask the operator for full checks of all targets, then run ``leadsman check --all``."""
    case.ensure_started()
    say(f"{case.options.repeats + 1} full checks")
    spent = asyncio.run(checks(case, case.options.repeats))
    results, objects = case.results, case.objects
    results.add(measures.CHECK_CPU, objects, *(one.cpu["operator"] for one in spent))
    results.add(measures.CHECK_WALL, objects, *(one.wall for one in spent))
    results.add(measures.CHECK_API, objects, *(one.cpu["kube-apiserver"] for one in spent))
    results.add(measures.CHECK_ETCD, objects, *(one.cpu["etcd"] for one in spent))


async def checks(case: Case, count: int = 1) -> list[Spent]:
    """Have so many full checks carried out, and one before, whose caches are cold."""
    spent: list[Spent] = []
    async with client_of(case.plane) as client, Watched(client) as reports:
        for number in range(count + 1):
            request = f"{time.time_ns()}-{number}"
            # Not the writing's pause is to be measured: nobody asks each second.
            await asyncio.sleep(REPORT_PERIOD)
            with metered(case.pids) as one:
                await change_checks(
                    client, case.fleet, {"metadata": {"annotations": {_REQUEST: request}}}
                )
                await reports.until(
                    case.fleet.reports,
                    lambda report, request=request: (  # type: ignore[misc]
                        report.get("status", {}).get(_HANDLED) == request
                    ),
                    "the full check to be reported",
                    within=_WITHIN,
                )
            if number:  # the first one's code and caches are cold, as nobody's are later
                spent.append(one)
    return spent


def typical(spent: list[Spent]) -> Spent:
    """Return the medians of what several full checks have used."""
    names = spent[0].cpu
    return Spent(
        {name: statistics.median(one.cpu[name] for one in spent) for name in names},
        statistics.median(one.wall for one in spent),
    )


def command(case: Case) -> None:
    """Run ``leadsman check --all``, its start included; its renders are in the cache."""
    case.stop()
    line = [sys.executable, "-m", "leadsman", "check", "--all"]
    environment = case.plane.environment() | {
        "PYTHONPATH": str(ROOT / "operator"),
        "XDG_CACHE_HOME": str(case.folder / "cache"),
    }
    say("leadsman check --all")
    run(line, environment).succeeded()
    ours = [run(line, environment).succeeded() for _ in range(case.options.repeats)]
    case.results.add(measures.COMMAND_CPU, case.objects, *(cost.cpu for cost in ours))
    case.results.add(measures.COMMAND_WALL, case.objects, *(cost.wall for cost in ours))
