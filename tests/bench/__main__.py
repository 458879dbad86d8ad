"""The command line of the benchmark."""

from __future__ import annotations

import argparse
import sys
import tempfile
import threading
import time
from pathlib import Path

from bench import latency
from bench.figures import Figure, machine, percentile, table
from bench.fleet import Fleet
from bench.usage import Cost, cpu_seconds, memory_mib, run
from controlplane.gitserver import GitServer
from controlplane.plane import ControlPlane
from harness.operator import Operator, install
from harness.waiting import until

ROOT = Path(__file__).resolve().parents[2]
# Longer than the benchmark: Git is asked once, so that what is idle is idle.
_INTERVAL = "1h"


def main() -> int:
    """Measure, print the table, and return 1 where a goal was missed."""
    parser = argparse.ArgumentParser(prog="bench", description=__doc__)
    parser.add_argument("--objects", type=int, default=1000)
    parser.add_argument("--targets", type=int, default=10)
    parser.add_argument("--changes", type=int, default=50, help="each is made and reverted")
    parser.add_argument("--idle", type=float, default=60.0, help="seconds to watch doing nothing")
    options = parser.parse_args()
    fleet = Fleet(options.targets, options.objects)
    with (
        tempfile.TemporaryDirectory(prefix="leadsman-bench-") as folder,
        ControlPlane() as plane,
        GitServer(Path(folder) / "git") as git,
    ):
        install(plane)
        say(f"applying {fleet.objects} objects")
        url = fleet.deliver(plane, git)
        plane.kubectl("apply", "--filename=-", stdin=fleet.checks(url, _INTERVAL))
        figures = [
            *_operator(plane, fleet, Path(folder), options),
            *_full_check(plane, fleet, Path(folder)),
        ]
    print(f"\n{machine()}; {fleet.objects} objects in {fleet.targets} targets")
    print(table(figures))
    return 0 if all(figure.met for figure in figures) else 1


def _operator(
    plane: ControlPlane, fleet: Fleet, folder: Path, options: argparse.Namespace
) -> list[Figure]:
    say("starting the operator")
    started = time.monotonic()
    with (
        Operator.in_pod(plane, folder / "operator") as operator,
        latency.ReportStream(plane) as reports,
    ):
        until(
            lambda: operator.value("leadsman_target_objects", state="InSync") == fleet.objects,
            "all objects to be in sync",
            timeout=300,
            last=lambda: operator.series("leadsman_target_objects"),
        )
        cold = time.monotonic() - started
        for target in range(fleet.targets):
            reports.wait(fleet.namespace(target), 0)
        say(f"watching it do nothing for {options.idle:.0f} s")
        requests, cpu = _idle(operator, options.idle)
        say(f"making and reverting {options.changes} changes")
        to_report, to_metric = latency.measure(plane, operator, reports, fleet, options.changes)
        now, peak = memory_mib(operator.pid)
    return [
        Figure("cold start to all verdicts", cold, "s"),
        Figure("live change to report, p50", percentile(to_report, 0.5), "s", 0.3),
        Figure("live change to report, p99", percentile(to_report, 0.99), "s", 1.0),
        Figure("live change to metric, p99", percentile(to_metric, 0.99), "s", 1.0),
        Figure("API requests while idle", requests, "a minute", 0.0),
        Figure("CPU while idle", cpu, "% of a core", 0.5),
        Figure("resident memory, steady", now, "MiB", 150.0),
        Figure("resident memory, peak", peak, "MiB", 150.0),
    ]


def _idle(operator: Operator, seconds: float) -> tuple[float, float]:
    """Return API requests a minute, the watches' own renewals left out, and % of a core."""

    def requests() -> float:
        every = operator.value("leadsman_api_requests_total")
        return every - operator.value("leadsman_api_requests_total", verb="watch")

    # The API surface is looked at for the last time half a minute after the start.
    pause = threading.Event()
    pause.wait(35.0)
    before, cpu = requests(), cpu_seconds(operator.pid)
    pause.wait(seconds)
    used = cpu_seconds(operator.pid) - cpu
    return (requests() - before) * 60.0 / seconds, used / seconds * 100.0


def _full_check(plane: ControlPlane, fleet: Fleet, folder: Path) -> list[Figure]:
    """Compare one whole check with what kubectl takes for the same objects."""
    environment = plane.environment()
    command = [sys.executable, "-m", "leadsman", "check", "--all"]
    ours_environment = environment | {
        "PYTHONPATH": str(ROOT / "operator"),
        "XDG_CACHE_HOME": str(folder / "cache"),
    }
    say("leadsman check --all")
    _succeeded(run(command, ours_environment))
    ours = [_succeeded(run(command, ours_environment)) for _ in range(3)]
    cpu = percentile([cost.cpu for cost in ours], 0.5)
    figures = [
        Figure("leadsman check --all, CPU", cpu, "s"),
        Figure("leadsman check --all, wall", percentile([c.wall for c in ours], 0.5), "s"),
    ]
    for name, arguments, goal in (
        ("kubectl diff", (), 20.0),
        ("kubectl diff --server-side", ("--server-side",), None),
    ):
        say(name)
        theirs = 0.0
        for target in range(fleet.targets):
            where = ("--namespace", fleet.namespace(target))
            diff = ["kubectl", "diff", *arguments, *where, "--filename=-"]
            theirs += _succeeded(run(diff, environment, stdin=fleet.stream())).cpu
        figures += [
            Figure(f"{name}, CPU", theirs, "s"),
            Figure(f"{name} / leadsman check, CPU", theirs / cpu, "times", goal, most=False),
        ]
    return figures


def _succeeded(cost: Cost) -> Cost:
    if cost.code != 0:
        raise AssertionError(f"exit code {cost.code}: {cost.error}")
    return cost


def say(text: str) -> None:
    """Tell what is being done."""
    print(f"bench: {text}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
