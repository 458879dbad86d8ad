"""The story: everything in sync, changes by hand, a broken commit, a suspension, all mended."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from demo.applications import INTERVAL, WEBAPP
from harness.waiting import until

if TYPE_CHECKING:
    from collections.abc import Sequence

    from demo.reports import Seen
    from demo.shell import Done
    from demo.stage import Stage

_TABLE = "kubectl get driftreports"
_IMAGE = "ghcr.io/stefanprodan/podinfo"
_METRICS = (
    "leadsman_object_drifted{",
    "leadsman_target_failing{",
    "leadsman_target_suspended_timestamp_seconds{",
)
_EVENTS = {
    "webapp": ("DriftDetected", "RenderFailed", "Recovered", "DriftResolved"),
    "podinfo": ("DriftDetected", "Suspended", "Resumed", "DriftResolved"),
}
_MEGABYTE = 1 << 20


@dataclass(frozen=True, slots=True)
class Drift:
    """One object as a DriftReport has to have it: its state, and a change that is named.

    ``field`` ends the change's path as the API server writes it, ``live`` is its value in the
    cluster and ``manager`` who set it. A missing object has no changes.
    """

    kind: str
    name: str
    state: str
    field: str = ""
    live: object = None
    manager: str = ""

    def in_report(self, seen: Seen) -> dict[str, Any] | None:
        """Return the object as the report has it, or None."""
        for item in seen.status.get("objects", ()):
            if (item["kind"], item["name"], item["state"]) != (self.kind, self.name, self.state):
                continue
            if not self.field or any(map(self._is, item.get("changes", ()))):
                return dict(item)
        return None

    def _is(self, change: dict[str, Any]) -> bool:
        return (
            str(change.get("field", "")).endswith(self.field)
            and change.get("live") == self.live
            and change.get("manager") == self.manager
        )


def play(stage: Stage) -> None:
    """Play all scenes.

    Raises:
        AssertionError: what a scene is about did not come true in time.
        DemoError: a command failed.

    """
    for scene in (in_sync, by_hand, broken_commit, suspended, metrics, mended, events):
        scene(stage)


def in_sync(stage: Stage) -> None:
    """Begin with what should be: the cluster is as Git asks for."""
    show = stage.show
    show.scene(
        "Two DriftChecks: what to compare with the cluster",
        "webapp is podinfo's own Kustomize bases, applied with kubectl; podinfo is its",
        "chart, installed with Helm.",
    )
    _type(stage, "cat ../driftchecks.yaml")
    mark = stage.reports.mark()
    done = _type(stage, "kubectl apply -f ../driftchecks.yaml")
    for name in ("webapp", "podinfo"):
        seen = stage.reports.wait(name, _is_in_sync, f"{name} to be in sync", since=mark)
        count = seen.status["summary"]["total"]
        show.good(f"{name}: all {count} objects are in sync, {_after(done, seen)}")
    _type(stage, _TABLE)


def by_hand(stage: Stage) -> None:
    """Change the cluster behind Git's back, in four ways."""
    show = stage.show
    show.scene("Somebody scales a Deployment by hand")
    _drift(
        stage,
        "kubectl scale deployment/podinfo --replicas=5",
        "podinfo",
        Drift("Deployment", "podinfo", "Modified", "spec.replicas", 5, "kubectl"),
    )
    show.scene("Somebody sets another image")
    _drift(
        stage,
        f"kubectl set image deployment/frontend frontend={_IMAGE}:6.9.3",
        "webapp",
        Drift("Deployment", "frontend", "Modified", "image", f"{_IMAGE}:6.9.3", "kubectl-set"),
    )
    show.scene("Somebody adds an environment variable, a field that Git says nothing about")
    _drift(
        stage,
        "kubectl set env deployment/backend LOG_LEVEL=debug",
        "webapp",
        Drift(
            *("Deployment", "backend", "Added", 'env[name="LOG_LEVEL"]'),
            {"name": "LOG_LEVEL", "value": "debug"},
            "kubectl-set",
        ),
    )
    show.scene("Somebody deletes a Service")
    _drift(stage, "kubectl delete service cache", "webapp", Drift("Service", "cache", "Missing"))
    _type(stage, _TABLE)


def broken_commit(stage: Stage) -> None:
    """Push a commit that does not render."""
    show = stage.show
    show.scene(
        "Somebody pushes a commit that does not render",
        "What is known stays: the last revision that rendered is still compared.",
    )
    mark = stage.reports.mark()
    _type(stage, f"sed -i s,bases/cache,bases/redis, {WEBAPP}/kustomization.yaml")
    done = _type(stage, "git commit -qam 'Rename the cache' && git push -q")
    seen = stage.reports.wait(
        "webapp",
        lambda seen: _condition(seen, "Ready")["status"] == "False" and _drifted(seen) == 3,
        "the failed render to be reported, and what was known to stay",
        since=mark,
    )
    show.good(f"reported {_after(done, seen, 'git push')}; Git is asked every {INTERVAL} here")
    ready = _condition(seen, "Ready")
    show.output(f"     {ready['reason']}: {ready['message']}")


def suspended(stage: Stage) -> None:
    """Suspend a DriftCheck, and change the cluster under it."""
    show = stage.show
    show.scene(
        "Somebody suspends a check to work by hand",
        "Git is followed no further, but the cluster is still compared.",
    )
    mark = stage.reports.mark()
    done = _type(stage, _suspend("true"))
    seen = stage.reports.wait("podinfo", _is_suspended, "podinfo to be suspended", since=mark)
    show.good(f"suspended since {seen.status['suspendedSince']}, {_after(done, seen)}")
    show.pause()
    _drift(
        stage,
        "kubectl set resources deployment/podinfo --requests=memory=256Mi",
        "podinfo",
        Drift("Deployment", "podinfo", "Modified", "requests.memory", "256Mi", "kubectl-set"),
    )
    _type(stage, _TABLE)


def metrics(stage: Stage) -> None:
    """Show what alerts are made from."""
    show = stage.show
    show.scene(
        "What Prometheus sees",
        f"A few lines of http://127.0.0.1:{stage.operator.port}/metrics:",
    )
    text = stage.operator.metrics_text()
    lines = [line for line in text.splitlines() if line.startswith(_METRICS)]
    for name in _METRICS:
        assert any(line.startswith(name) for line in lines), f"there is no metric {name}"
    show.output("\n".join(lines))


def mended(stage: Stage) -> None:
    """Bring back what Git asks for, as people do, and let Leadsman say so."""
    show = stage.show
    show.scene("All is mended: the commit, the cluster, the suspension")
    mark = stage.reports.mark()
    _type(stage, "git revert --no-edit HEAD && git push -q")
    _type(stage, f"kubectl apply -k {WEBAPP} | grep -v unchanged")
    done = _type(stage, "kubectl set env deployment/backend LOG_LEVEL-")
    seen = stage.reports.wait("webapp", _is_in_sync, "webapp to be in sync again", since=mark)
    show.good(f"webapp: in sync again, {_after(done, seen)}")
    show.pause()
    mark = stage.reports.mark()
    _type(stage, _suspend("false"))
    _type(stage, "kubectl scale deployment/podinfo --replicas=2")
    done = _type(stage, "kubectl rollout undo deployment/podinfo")
    seen = stage.reports.wait("podinfo", _is_in_sync, "podinfo to be in sync again", since=mark)
    show.good(f"podinfo: in sync again, {_after(done, seen)}")
    _type(stage, "kubectl wait --for=condition=InSync driftreport --all")
    _type(stage, _TABLE)


def events(stage: Stage) -> None:
    """Show the story once more as Events, then what it has cost."""
    show, operator = stage.show, stage.operator
    show.scene("The story, told by the Events")
    for target, reasons in _EVENTS.items():
        line = f"kubectl events --for driftcheck/{target}"
        show.command(line)
        show.output(until(partial(_events, stage, line, reasons), f"the Events of {target}"))
    compared = operator.value("leadsman_comparisons_total")
    requests = operator.value("leadsman_api_requests_total")
    seconds = operator.value("process_cpu_seconds_total")
    memory = operator.value("process_resident_memory_bytes") / _MEGABYTE
    show.note(
        f"\nThe operator so far: {compared:.0f} comparisons, {requests:.0f} requests to the API "
        f"server, {seconds:.1f} s of CPU,\n{memory:.0f} MiB of memory."
    )


def _suspend(value: str) -> str:
    patch = f'{{"spec":{{"suspend":{value}}}}}'
    return f"kubectl patch driftcheck podinfo --type=merge -p '{patch}'"


def _events(stage: Stage, line: str, reasons: Sequence[str]) -> str:
    """Return what a command prints if it names all the reasons: Events follow their report."""
    text = stage.shell.type(line).output
    return text if all(reason in text for reason in reasons) else ""


def _type(stage: Stage, line: str) -> Done:
    """Show a command, run it and show what it prints."""
    stage.show.command(line)
    done = stage.shell.type(line)
    if done.output.strip():
        stage.show.output(done.output)
    return done


def _drift(stage: Stage, line: str, target: str, drift: Drift) -> None:
    """Make a change by hand and wait until the report has it."""
    mark = stage.reports.mark()
    done = _type(stage, line)
    seen = stage.reports.wait(
        target,
        drift.in_report,
        f"{drift.kind} {drift.name} to be {drift.state} in DriftReport {target}",
        since=mark,
    )
    stage.show.good(f"{seen.status['verdict']}: in DriftReport {target} {_after(done, seen)}")
    if item := drift.in_report(seen):
        stage.show.finding(item)


def _after(done: Done, seen: Seen, program: str = "kubectl") -> str:
    """Say how long after the end of a command the report came in; it may be earlier."""
    seconds = seen.at - done.ended
    way = "after" if seconds >= 0 else "before"
    length = f"{abs(seconds) * 1000:.0f} ms" if abs(seconds) < 1 else f"{seconds:.1f} s"
    return f"{length} {way} {program} returned"


def _condition(seen: Seen, kind: str) -> dict[str, Any]:
    conditions = seen.status.get("conditions", ())
    return next((dict(item) for item in conditions if item["type"] == kind), {"status": ""})


def _drifted(seen: Seen) -> int:
    return int(seen.status.get("summary", {}).get("drifted", 0))


def _is_in_sync(seen: Seen) -> bool:
    conditions = [_condition(seen, kind)["status"] for kind in ("InSync", "Ready")]
    return seen.status.get("verdict") == "InSync" and conditions == ["True", "True"]


def _is_suspended(seen: Seen) -> bool:
    return bool(_condition(seen, "Suspended")["status"] == "True")
