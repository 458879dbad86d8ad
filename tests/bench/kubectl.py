"""``kubectl diff`` and ``kubectl diff --server-side`` of the same objects."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

from bench import measures
from bench.fullcheck import CHECKS, checks, typical
from bench.results import say
from bench.usage import metered, run

if TYPE_CHECKING:
    from pathlib import Path

    from bench.case import Case
    from bench.measures import Measure

# Where kubectl diff is measured: of 10,000 objects it takes a quarter of an hour.
OBJECTS: Final = 1_000


def measure(case: Case) -> None:
    """Run each over all objects at once; there is nothing to be found.

    In turns with a full check, so that what else the machine does meets both.
    """
    case.ensure_started()
    manifests = case.fleet.stream(range(case.fleet.targets)).encode()
    _measure(
        case,
        manifests,
        (),
        (measures.KUBECTL_CPU, measures.KUBECTL_WALL, measures.KUBECTL_API),
        measures.KUBECTL_RATIO,
        # A minute or more each.
        max(1, case.options.repeats - 1),
    )
    _measure(
        case,
        manifests,
        # What Flux owns it may overlap with: it sends the same.
        ("--server-side", "--force-conflicts"),
        (measures.SERVER_SIDE_CPU, measures.SERVER_SIDE_WALL, measures.SERVER_SIDE_API),
        measures.SERVER_SIDE_RATIO,
        case.options.repeats,
    )
    case.stop()


def _measure(
    case: Case,
    manifests: bytes,
    arguments: tuple[str, ...],
    named: tuple[Measure, Measure, Measure],
    ratio: Measure,
    repeats: int,
) -> None:
    line: list[str | Path] = [case.plane.tools["kubectl"], "diff", *arguments, "--filename=-"]
    say(" ".join(["kubectl", *map(str, line[1:])]))
    environment = case.plane.environment()
    costs, servers, ours = [], [], []
    for _ in range(repeats):
        ours.append(typical(asyncio.run(checks(case, CHECKS))).cpu["operator"])
        with metered(case.plane.pids) as spent:
            costs.append(run(line, environment, stdin=manifests).succeeded())
        servers.append(spent.cpu["kube-apiserver"])
    case.results.add(named[0], case.objects, *(cost.cpu for cost in costs))
    case.results.add(named[1], case.objects, *(cost.wall for cost in costs))
    case.results.add(named[2], case.objects, *servers)
    theirs = (cost.cpu for cost in costs)
    case.results.compare(ratio, case.objects, zip(theirs, ours, strict=True))
