"""Changes, commits and restarts for minutes: are the reports right in the end?

What is right is what ``leadsman check`` finds, which starts from nothing but the cluster and Git,
and that what Git has dropped is told as long as it lives.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import sys
import threading
import time
from collections import Counter, defaultdict
from typing import TYPE_CHECKING, Any, Final

from bench import measures
from bench.case import case
from bench.delivery import change_checks, client_of, owned
from bench.fleet import KINDS, Fleet, application, application_name, manifest, path_of
from bench.options import ROOT
from bench.results import say
from bench.soakplan import RESTARTS, Act, Application, Step, plan
from bench.soaktruth import expected, object_name, reported
from bench.usage import memory_growth, run
from bench.watched import REPORTS
from controlplane.api import ApiError
from harness.flux import NAME as FLUX

if TYPE_CHECKING:
    from bench.case import Case
    from bench.options import Options
    from bench.results import Results

# How often Git is asked; nobody tells of the commits.
_INTERVAL: Final = "5s"
# Seconds after the last change until all reports have to be right.
_SETTLE: Final = 120.0
# One of so many commits drops an application.
_DROPS: Final = 5
# Seconds after a start in which memory is still taken.
_WARM: Final = 20.0


def measure(options: Options, results: Results) -> None:
    """Play a soak on a control plane of its own, and compare in the end."""
    with case(Fleet.of(options.soak_objects), options, results) as one:
        one.start(cold=True)
        asyncio.run(_poll(one))
        say(f"a soak of {options.soak:.0f} s, seed {options.seed}")
        done, dropped = _play(one)
        ended = one.memory.now
        wrong, drifted = _wrong(one, dropped)
        _count_turns(one)
        _conclude(one, done, ended)
        results.add(measures.SOAK_DRIFTED, one.objects, drifted)
        results.add(measures.SOAK_WRONG, one.objects, len(wrong))
        for target, (report, truth) in wrong.items():
            say(f"{target} reports {report}, but it is {truth}")


def _conclude(one: Case, done: Counter[Act], ended: float) -> None:
    results, objects = one.results, one.objects
    live = sum(done[act] for act in (Act.CHANGE, Act.DELETE, Act.RESTORE))
    results.add(measures.SOAK_CHANGES, objects, live)
    results.add(measures.SOAK_COMMITS, objects, done[Act.COMMIT])
    results.add(measures.SOAK_RESTARTS, objects, sum(done[act] for act in RESTARTS))
    last_start = ended - (time.monotonic() - one.started)
    grown = memory_growth(one.memory.own, last_start + _WARM, ended)
    if grown is not None:
        results.add(measures.SOAK_GROWTH, objects, grown)
    one.loop.conclude(results, objects, measures.SOAK_TURNS, measures.LONG_TURN)
    results.memory[f"soak, {objects:,} objects"] = list(one.memory.own)


async def _poll(one: Case) -> None:
    async with client_of(one.plane) as client:
        await change_checks(client, one.fleet, {"spec": {"interval": _INTERVAL}})


def _play(one: Case) -> tuple[Counter[Act], set[Application]]:
    """Take all steps at their times; return how many of each, and what Git has dropped."""
    pause = threading.Event()
    started = time.monotonic()
    done: Counter[Act] = Counter()
    dropped: set[Application] = set()
    for step in plan(one.fleet, one.options.soak, one.options.seed, KINDS):
        pause.wait(max(0.0, started + step.at - time.monotonic()))
        if why := one.operator.ended():
            # It does so where it could not renew its Lease in time; the kubelet starts it again.
            say(f"  {step.at:.0f} s: started again, since {why}")
            _start(one)
        # What is not there cannot be changed.
        with contextlib.suppress(ApiError):
            _take(one, step, dropped)
            done[step.act] += 1
        if step.act in RESTARTS:
            say(f"  {step.at:.0f} s: {step.act}; {sum(done.values())} steps so far")
    return done, dropped


def _take(one: Case, step: Step, dropped: set[Application]) -> None:
    namespace, name = one.fleet.namespace(step.target), application_name(step.application)
    path = path_of(step.kind, namespace, name)
    match step.act:
        case Act.CHANGE:
            one.plane.api.patch(path, change(step), "strategic-merge-patch+json")
        case Act.DELETE:
            one.plane.api.delete(path)
        # What is made anew after Git has dropped it is no orphan: nobody delivers it.
        case Act.RESTORE if step.place not in dropped:
            body = owned(manifest(step.kind, name), namespace)
            query = f"fieldManager={FLUX}&force=true"
            one.plane.api.patch(f"{path}?{query}", body, "apply-patch+yaml")
        case Act.COMMIT:
            file = f"{namespace}/{name}.yaml"
            text = application(step.application, level=f"commit-{step.number}")
            drop = step.number % _DROPS == 0
            content = None if drop else text
            one.repository.commit({file: content}, message=f"Step {step.number}")
            (dropped.add if drop else dropped.discard)(step.place)
        case Act.RESTART_APISERVER:
            one.plane.restart_apiserver()
        case Act.STOP_OPERATOR:
            _count_turns(one)
            one.operator.stop()
            _start(one)
        case Act.KILL_OPERATOR:
            _count_turns(one)
            one.operator.kill()
            _start(one)


def change(step: Step) -> dict[str, Any]:
    """Return a patch that no object has had yet; every other one adds what Git does not have."""
    if step.number % 2:
        return {"metadata": {"labels": {"soak": str(step.number)}}}
    match step.kind:
        case "ConfigMap":
            return {"data": {"level": f"live-{step.number}"}}
        case "Deployment":
            container = {"name": "web", "image": f"registry.example/live:{step.number}"}
            return {"spec": {"template": {"spec": {"containers": [container]}}}}
        case "Service":
            return {"spec": {"selector": {"app": f"live-{step.number}"}}}
        case "ServiceAccount":
            return {"automountServiceAccountToken": step.number % 4 == 0}
        case _:
            return {"spec": {"podSelector": {"matchLabels": {"app": f"live-{step.number}"}}}}


def _count_turns(one: Case) -> None:
    """Count the turns of a process' event loop; of one that has ended by itself nobody knows them.

    Raises OSError where it does not answer: what blocks it is not to be left out for that.
    """
    if not one.operator.ended():
        one.loop.add(one.operator)


def _start(one: Case) -> None:
    """Start the operator anew; nobody waits for its verdicts."""
    one.memory.pid = 0
    one.started = time.monotonic()
    one.operator.start()
    one.memory.pid = one.operator.pid


def _wrong(one: Case, dropped: set[Application]) -> tuple[dict[str, tuple[Any, Any]], int]:
    """Return what is reported and what is true where these differ when all has settled.

    Also how many objects have drifted in truth.
    """
    deadline = time.monotonic() + _SETTLE
    while True:
        truth, alive = _true(one), _alive(one, dropped)
        statuses = {
            item["metadata"]["namespace"]: item.get("status", {})
            for item in one.plane.api.get(REPORTS)["items"]
        }
        told = {name: reported(status) for name, status in statuses.items()}
        right = {name: expected(status, alive[name]) for name, status in truth.items()}
        wrong = {
            name: (told.get(name), right.get(name))
            for name in told.keys() | right.keys()
            if told.get(name) != right.get(name)
        }
        if not wrong or time.monotonic() > deadline:
            drifted = sum(status["summary"]["drifted"] for status in truth.values())
            return wrong, drifted + sum(map(len, alive.values()))


def _alive(one: Case, dropped: set[Application]) -> dict[str, set[str]]:
    """Return the objects of dropped applications that live, by namespace."""
    found: dict[str, set[str]] = defaultdict(set)
    for target, number in dropped:
        namespace, name = one.fleet.namespace(target), application_name(number)
        for kind in KINDS:
            if one.plane.api.find(path_of(kind, namespace, name)) is not None:
                found[namespace].add(object_name(kind, namespace, name))
    return found


def _true(one: Case) -> dict[str, Any]:
    """Return what a check that starts from nothing finds."""
    environment = one.plane.environment() | {
        "PYTHONPATH": str(ROOT / "operator"),
        "XDG_CACHE_HOME": str(one.folder / "cache"),
    }
    line = [sys.executable, "-m", "leadsman", "check", "--all", "--output=json"]
    done = run(line, environment)
    if done.code not in {0, 1}:
        raise AssertionError(f"leadsman check: exit code {done.code}: {done.error}")
    return {found["target"]["namespace"]: found["status"] for found in json.loads(done.output)}
