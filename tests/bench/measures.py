"""All that is measured, in the order of the table, each with its goal.

The goals are those that the project has set itself for two cores; a measure without one is there to
be looked at. Nothing else in the benchmark knows a goal.
"""

from __future__ import annotations

from dataclasses import dataclass, field, fields, is_dataclass
from typing import TYPE_CHECKING, Final

from bench.figures import Figure, Goal

if TYPE_CHECKING:
    from collections.abc import Mapping

# Goals that are set at 10,000 objects hold for fewer, too.
_SIZE: Final = 10_000


@dataclass(frozen=True, slots=True)
class Measure:
    """What is measured: ``goals`` by the largest number of objects that each holds for.

    ``cost``: grows with the number of objects, which is looked at; at best linearly.
    """

    name: str
    unit: str
    goals: Mapping[int, Goal] = field(default_factory=dict)
    cost: bool = False

    def figure(self, objects: int, *values: float) -> Figure:
        """Return what came of the repeats, with the goal for so many objects."""
        sizes = [size for size in sorted(self.goals) if objects <= size]
        goal = self.goals[sizes[0]] if sizes else None
        return Figure(self.name, self.unit, values, objects, goal)


def _upto(sign: str, bound: float, objects: int = _SIZE) -> dict[int, Goal]:
    return {objects: Goal(sign, bound)}


CHANGE_REPORT_P50 = Measure("live change -> DriftReport, p50", "s", _upto("<", 0.3), cost=True)
CHANGE_REPORT_P99 = Measure("live change -> DriftReport, p99", "s", _upto("<", 1.0))
CHANGE_METRIC_P50 = Measure("live change -> metric, p50", "s", _upto("<", 0.3))
CHANGE_METRIC_P99 = Measure("live change -> metric, p99", "s", _upto("<", 1.0))

LOAD_P50 = Measure("under load: change -> DriftReport, p50", "s")
LOAD_P99 = Measure("under load: change -> DriftReport, p99", "s", _upto("<", 3.0))
LOAD_RATE = Measure("under load: changes made", "a second", _upto(">=", 190.0))
LOAD_LOST = Measure("under load: changes never reported", "changes", _upto("=", 0.0))
LOAD_GROWTH = Measure("under load: growth of memory", "%", _upto("<=", 5.0))
LOAD_BEFORE = Measure("resident memory before the load", "MiB")
LOAD_AFTER = Measure("resident memory after the load", "MiB")


@dataclass(frozen=True, slots=True)
class Idle:
    """What it takes to watch a fleet in which nothing changes."""

    requests: Measure
    watches: Measure
    cpu: Measure


def _idle(when: str, cpu: Mapping[int, Goal]) -> Idle:
    return Idle(
        Measure(f"{when}: API requests beyond watches and Lease", "an hour", _upto("=", 0.0)),
        Measure(f"{when}: watches begun before their time", "watches", _upto("=", 0.0)),
        Measure(f"{when}: CPU", "% of a core", cpu),
    )


IDLE = _idle("idle, Git not asked", _upto("<", 0.5))
POLLED = _idle("idle, Git asked every minute", {})

# A bound of the operator's own histograms, in seconds.
LONG_TURN: Final = 0.05


@dataclass(frozen=True, slots=True)
class Turns:
    """For how long the event loop does one thing: by CPU, and by the clock."""

    busy: Measure
    busiest: Measure
    late: Measure
    blocked: Measure
    latest: Measure


def _turns(where: str = "") -> Turns:
    turns = f"{where}turns of the event loop"
    return Turns(
        Measure(f"{turns} of more than 50 ms of CPU", "turns", _upto("=", 0.0)),
        Measure(f"{where}longest turn of the event loop, CPU (bucket)", "s"),
        Measure(f"{turns} of more than 50 ms by the clock", "% of turns"),
        Measure(f"{turns} of more than 50 ms for no want of a core", "turns", _upto("=", 0.0)),
        Measure(f"{where}longest turn of the event loop, by the clock (bucket)", "s"),
    )


TURNS = _turns()

CHECK_CPU = Measure("full check: CPU", "s", cost=True)
CHECK_WALL = Measure("full check: wall", "s", cost=True)
CHECK_API = Measure("full check: CPU of the API server", "s", cost=True)
CHECK_ETCD = Measure("full check: CPU of etcd", "s")
COMMAND_CPU = Measure("leadsman check --all: CPU, its start included", "s", cost=True)
COMMAND_WALL = Measure("leadsman check --all: wall", "s", cost=True)

KUBECTL_CPU = Measure("kubectl diff: CPU", "s")
KUBECTL_WALL = Measure("kubectl diff: wall", "s")
KUBECTL_API = Measure("kubectl diff: CPU of the API server", "s")
KUBECTL_RATIO = Measure("kubectl diff / full check: CPU", "times", _upto(">=", 100.0))
SERVER_SIDE_CPU = Measure("kubectl diff --server-side: CPU", "s")
SERVER_SIDE_WALL = Measure("kubectl diff --server-side: wall", "s")
SERVER_SIDE_API = Measure("kubectl diff --server-side: CPU of the API server", "s")
SERVER_SIDE_RATIO = Measure(
    "kubectl diff --server-side / full check: CPU", "times", _upto(">=", 15.0)
)
FLUX_CPU = Measure("Flux reconcile: CPU", "s")
FLUX_WALL = Measure("Flux reconcile: wall", "s")
FLUX_API = Measure("Flux reconcile: CPU of the API server", "s")
FLUX_MEMORY = Measure("Flux: resident memory, peak", "MiB")
FLUX_CPU_RATIO = Measure("Flux / full check: CPU", "times", _upto(">=", 10.0))
FLUX_WALL_RATIO = Measure("Flux / full check: wall", "times", _upto(">=", 10.0))
FLUX_API_RATIO = Measure("Flux / full check: CPU of the API server", "times", _upto(">=", 10.0))

_MEMORY = {1_000: Goal("<", 120.0), 10_000: Goal("<", 200.0), 100_000: Goal("<", 600.0)}
MEMORY_STEADY = Measure("resident memory, steady", "MiB", _MEMORY, cost=True)
MEMORY_PEAK = Measure("resident memory, peak", "MiB", _MEMORY, cost=True)
MEMORY_ALL = Measure("resident memory, peak, with the programs it runs", "MiB")
BYTES = Measure("resident memory for each further object", "bytes")

COMMIT = Measure("commit -> verdict of the one target that it touches", "s", _upto("<", 2.0))
COMMIT_ALL = Measure("commit -> all reports of the new revision", "s", cost=True)
COMMIT_RENDERS = Measure("renders for a commit that touches one target", "renders", _upto("=", 1.0))

COLD = Measure("cold start -> all first verdicts", "s", _upto("<", 30.0), cost=True)
COLD_CPU = Measure("cold start: CPU", "s", cost=True)
COLD_STAGES = {
    stage: Measure(f"cold start: {what}, sum over targets", "s")
    for stage, what in (
        ("source", "Git"),
        ("checkout", "checkout"),
        ("render", "rendering"),
        ("compare", "listing and comparing"),
    )
}
WARM = Measure("warm restart -> all first verdicts", "s", _upto("<", 10.0), cost=True)
WARM_CPU = Measure("warm restart: CPU", "s", cost=True)


@dataclass(frozen=True, slots=True)
class Lists:
    """What reading all objects in lists takes, one way."""

    wall: Measure
    cpu: Measure
    api: Measure
    size: Measure


def _lists(way: str) -> Lists:
    return Lists(
        Measure(f"all objects in lists, {way}: wall", "s"),
        Measure(f"all objects in lists, {way}: CPU", "s"),
        Measure(f"all objects in lists, {way}: CPU of the API server", "s"),
        Measure(f"all objects in lists, {way}: on the network", "MiB"),
    )


LISTS_PLAIN = _lists("not compressed")
LISTS_GZIP = _lists("gzip")

SCRAPE = Measure("/metrics, one object in each target", "s", {10_000: Goal("<", 0.2)})
SCRAPE_SIZE = Measure("/metrics, one object in each target: size", "MiB")
SCRAPE_MEMORY = Measure("resident memory, one object in each target", "MiB")
SCRAPE_TURNS = _turns("one object in each target: ")

SOAK_CHANGES = Measure("soak: live changes", "changes")
SOAK_COMMITS = Measure("soak: commits", "commits")
SOAK_RESTARTS = Measure("soak: restarts of the API server and of the operator", "restarts")
SOAK_DRIFTED = Measure("soak: objects that have drifted in the end", "objects")
SOAK_WRONG = Measure(
    "soak: reports that a check from scratch contradicts", "reports", _upto("=", 0)
)
SOAK_GROWTH = Measure("soak: growth of memory", "%", _upto("<=", 5.0))
SOAK_TURNS = _turns("soak: ")

GROWTH = Goal("<=", 1.1)
STEEPEST = Goal("<=", 1.2)


def growth(measure: str, exponent: float) -> Figure:
    """Return the figure of how a cost grows over all sizes: 1 is linear."""
    return Figure(f"growth of {measure}", "exponent", (exponent,), goal=GROWTH)


def steepest_growth(measure: str, exponent: float) -> Figure:
    """Return the figure of how a cost grows where it does so most: 1 is linear."""
    name = f"growth of {measure}, steepest from one size to the next"
    return Figure(name, "exponent", (exponent,), goal=STEEPEST)


def _all() -> list[Measure]:
    return [one for found in list(globals().values()) for one in _within(found)]


def _within(found: object) -> list[Measure]:
    if isinstance(found, Measure):
        return [found]
    if isinstance(found, dict):
        many = list(found.values())
    elif is_dataclass(found) and not isinstance(found, type):
        many = [getattr(found, each.name) for each in fields(found)]
    else:
        return []
    return [one for one in many if isinstance(one, Measure)]


def names() -> list[str]:
    """Return the names of all measures, in the order of the table."""
    return [one.name for one in _all()]


def costs() -> list[str]:
    """Return the names of the measures whose growth is looked at."""
    return [one.name for one in _all() if one.cost]
