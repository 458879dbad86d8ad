"""From a commit to the verdict of the one target that it touches, in a repository of many."""

from __future__ import annotations

import asyncio
import time
from typing import TYPE_CHECKING

from bench import measures
from bench.delivery import client_of
from bench.fleet import CHECK, application, application_name
from bench.results import say
from bench.watched import Watched

if TYPE_CHECKING:
    from bench.case import Case
    from leadsman.model.json import JsonObject


def measure(case: Case) -> None:
    """Commit a change to one target, and its reversal, again and again."""
    case.ensure_started()
    say(f"{2 * case.options.repeats} commits")
    first: list[float] = []
    last: list[float] = []
    renders: list[float] = []
    for repeat in range(case.options.repeats):
        target = repeat % case.fleet.targets
        # What was rendered once is cached: each commit but a reversal has a value of its own.
        for level in (f"commit-{repeat}", "info"):
            before = case.operator.value("leadsman_renders_total", outcome="rendered")
            its, all_of_them = asyncio.run(_commit(case, target, level))
            first.append(its)
            last.append(all_of_them)
            after = case.operator.value("leadsman_renders_total", outcome="rendered")
            if level != "info":
                renders.append(after - before)
    case.results.add(measures.COMMIT, case.objects, *first)
    case.results.add(measures.COMMIT_ALL, case.objects, *last)
    case.results.add(measures.COMMIT_RENDERS, case.objects, *renders)


async def _commit(case: Case, target: int, level: str) -> tuple[float, float]:
    """Return the seconds to the touched target's verdict, and to all reports of the revision."""
    namespace = case.fleet.namespace(target)
    path = f"{namespace}/{application_name(0)}.yaml"
    drifted = int(level != "info")
    async with client_of(case.plane) as client, Watched(client) as reports:
        # A commit of the same content in the same second would be the same commit.
        message = f"{path}: {level} {time.time_ns()}"
        sha = case.repository.commit({path: application(0, level=level)}, message=message)
        started = time.monotonic()
        told = await asyncio.to_thread(case.forge.tell)
        assert told == case.fleet.targets, f"{told} targets were told of a commit"

        def seen(report: JsonObject) -> bool:
            return str(report.get("status", {}).get("revision", "")).endswith(sha)

        its = await reports.until(
            [f"{namespace}/{CHECK}"],
            lambda report: seen(report) and report["status"]["summary"]["drifted"] == drifted,
            f"the verdict on {sha}",
        )
        all_of_them = await reports.until(case.fleet.reports, seen, f"all reports of {sha}")
    return its - started, all_of_them - started
