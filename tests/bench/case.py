"""One size: its control plane, its repository, its fleet, and the operator that looks at it."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
import time
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench import measures
from bench.delivery import client_of, deliver, make_checks, make_namespaces
from bench.fleet import REPOSITORY, Fleet, application_name, path_of
from bench.lag import Loop
from bench.machine import versions
from bench.replay import replay
from bench.results import Results, say
from bench.trigger import Forge
from bench.usage import MemorySampler, cpu_seconds, memory_mib
from controlplane.gitserver import GitServer
from controlplane.plane import ControlPlane
from harness.operator import Operator, install
from harness.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bench.options import Options
    from controlplane.gitrepo import Repository

# Longer than the benchmark: Git is asked when it is told to be, so that what is idle is idle.
NEVER: Final = "10h"
# What deploy/ runs it with.
ARGUMENTS: Final = ("--leader-elect",)
# Seconds for the first verdicts of 100,000 objects on a busy machine.
_FIRST: Final = 1800.0
_STAGE_SUM: Final = "leadsman_stage_duration_seconds_sum"


@dataclass(frozen=True, slots=True)
class Start:
    """What one start took until all first verdicts: seconds, stages summed over targets."""

    wall: float
    cpu: float
    stages: dict[str, float]


@dataclass(slots=True)
class Case:
    """A fleet in a cluster, from its delivery on."""

    plane: ControlPlane
    fleet: Fleet
    git: GitServer
    repository: Repository
    folder: Path
    operator: Operator
    forge: Forge
    options: Options
    results: Results
    memory: MemorySampler
    started: float = 0.0
    peaks: list[float] = field(default_factory=list)
    loop: Loop = field(default_factory=Loop)

    @property
    def objects(self) -> int:
        """How many objects the fleet has."""
        return self.fleet.objects

    @property
    def pids(self) -> dict[str, int]:
        """The process ids of the operator and of the control plane's programs."""
        return {"operator": self.operator.pid, **self.plane.pids}

    def start(self, *, cold: bool = False) -> Start:
        """Start the operator and wait for all first verdicts; ``cold`` without its cache."""
        if cold:
            shutil.rmtree(self.folder / "operator" / "cache", ignore_errors=True)
        began = self.started = time.monotonic()
        self.operator.start()
        self.memory.pid = self.operator.pid
        for what, condition in (
            ("a ready operator", self.operator.ready),
            ("all objects to be in sync", lambda: self.in_sync() == self.objects),
        ):
            until(
                partial(_answered, condition),
                what,
                timeout=_FIRST,
                failed=self.operator.ended,
                last=self.states,
            )
        wall = time.monotonic() - began
        stages = {
            stage: self.operator.value(_STAGE_SUM, stage=stage) for stage in measures.COLD_STAGES
        }
        return Start(wall, cpu_seconds(self.operator.pid), stages)

    def stop(self) -> None:
        """Stop the operator, if it runs; its highest memory and its loop's turns are kept."""
        if not self.memory.pid:
            return
        self.memory.pid = 0
        if not self.operator.ended():
            self.loop.add(self.operator)
            self.peaks.append(memory_mib(self.operator.pid)[1])
        self.operator.stop()

    def ensure_started(self) -> None:
        """Have the operator run, and all objects in sync."""
        if not self.memory.pid:
            self.start()

    def in_sync(self) -> float:
        """Return how many objects the metrics say are in sync."""
        return self.operator.value("leadsman_target_objects", state="InSync")

    def states(self) -> dict[str, float]:
        """Return how many objects the metrics have in each state."""
        found: dict[str, float] = {}
        for labels, value in self.operator.series("leadsman_target_objects").items():
            state = dict(labels)["state"]
            found[state] = found.get(state, 0.0) + value
        return found

    def config_map(self, number: int) -> tuple[str, str, str]:
        """Return the namespace, the name and the path of a ConfigMap: each target in turn."""
        fleet = self.fleet
        target, place = number % fleet.targets, number // fleet.targets % fleet.applications
        namespace, name = fleet.namespace(target), application_name(place)
        return namespace, name, path_of("ConfigMap", namespace, name)


def _answered(condition: Callable[[], bool]) -> bool:
    """Tell whether the operator says so; one that is too busy to answer does not."""
    try:
        return condition()
    except OSError:
        return False


@contextmanager
def case(fleet: Fleet, options: Options, results: Results) -> Iterator[Case]:
    """Have a control plane with a fleet delivered; the operator is not started yet."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="leadsman-bench-")))
        plane = stack.enter_context(ControlPlane())
        git = stack.enter_context(GitServer(folder / "git"))
        install(plane)
        say(f"delivering {fleet.objects:,} objects in {fleet.targets:,} targets")
        repository = git.create(REPOSITORY, fleet.files())
        url = git.url(REPOSITORY)
        asyncio.run(_deliver(plane, fleet, url, real=fleet.objects <= options.real))
        forge = stack.enter_context(Forge(url, folder))
        operator = Operator.in_pod(plane, folder / "operator", *ARGUMENTS, *forge.arguments)
        stack.callback(operator.close)
        memory = stack.enter_context(MemorySampler())
        one = Case(plane, fleet, git, repository, folder, operator, forge, options, results, memory)
        results.facts += [fact for fact in versions(plane) if fact not in results.facts]
        yield one
        one.stop()


def conclude(one: Case) -> None:
    """Add what was seen of the operator all the time, once it has been stopped."""
    one.loop.conclude(one.results, one.objects, measures.TURNS, measures.LONG_TURN)
    if one.peaks:
        one.results.add(measures.MEMORY_PEAK, one.objects, max(one.peaks))
    if one.memory.all:
        highest = max(mib for _, mib in one.memory.all)
        one.results.add(measures.MEMORY_ALL, one.objects, highest)


async def _deliver(plane: ControlPlane, fleet: Fleet, url: str, *, real: bool) -> None:
    """Apply all objects, or those of one target and copy them."""
    async with client_of(plane) as client:
        await make_namespaces(client, fleet.namespaces)
        await deliver(client, fleet, range(fleet.targets) if real else [0])
        await asyncio.to_thread(_settle, plane)
        if not real:
            plane.stop_controllers()
            replay(plane, fleet, range(1, fleet.targets))
        await make_checks(client, (fleet.check(t, url, NEVER) for t in range(fleet.targets)))


def _settle(plane: ControlPlane) -> None:
    """Wait until the controller manager has noted all Deployments: it writes to each."""

    def noted() -> bool:
        items = plane.api.get("/apis/apps/v1/deployments")["items"]
        return bool(items) and all("observedGeneration" in item["status"] for item in items)

    until(noted, "all Deployments to be noted", timeout=600.0)
