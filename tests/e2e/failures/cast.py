"""Applications of all kinds, what happens to them while nobody looks, and what is then found.

cast = Cast(operator, plane, namespace, server)
cast.assemble()
...                     # the operator, or the API server, is away
cast.act()
...                     # and back
cast.judge()
"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from e2e.failures.app import CONFIG, PLAIN, App, put
from e2e.failures.case import HELM
from harness.waiting import until

if TYPE_CHECKING:
    from controlplane.gitrepo import Files
    from controlplane.gitserver import GitServer
    from controlplane.plane import ControlPlane
    from harness.checks import Report
    from harness.operator import Operator

TWO: Files = {**PLAIN, "app/more.yaml": CONFIG.replace("NAME", "NAME-more")}
ABSENT = "apiVersion: absent.example.org/v1\nkind: Widget\nmetadata:\n  name: wheel\n"
# A kind that can be created and never read.
REVIEW = "apiVersion: authentication.k8s.io/v1\nkind: SelfSubjectReview\nmetadata:\n  name: me\n"
# Seconds until Kubernetes' garbage collector, which looks for new kinds twice a minute, has removed
# a DriftReport: after an outage nothing else tells that the DriftCheck is gone.
_COLLECTED_WITHIN = 60.0


class Cast:
    """One application for each thing that may be true before, or happen meanwhile."""

    def __init__(
        self, operator: Operator, plane: ControlPlane, namespace: str, server: GitServer
    ) -> None:
        self._operator = operator
        self._plane = plane
        self._namespace = namespace
        self._server = server
        self._apps: dict[str, App] = {}
        self._told: dict[str, object] = {}
        self._acted = 0.0

    def __getitem__(self, name: str) -> App:
        return self._apps[name]

    def assemble(self) -> None:
        """Bring each application to where it begins."""
        for name in ("quiet", "marker", "leaves", "moves", "drifts", "vanishes"):
            self._start(name)
        for name in ("drifted", "heals", "failing"):
            self._start(name, colour="red")
        for name in ("orphaned", "drops"):
            self._start(name, TWO)
        self._start("unserved", {**PLAIN, "app/widget.yaml": ABSENT})
        self._start("unreadable", {**PLAIN, "app/review.yaml": REVIEW})
        for name in ("held", "suspended"):
            self._start(name)
        put(self._plane, self._namespace, "paint", {"values.yaml": "colour: green"}, "ConfigMap")
        values = [{"kind": "ConfigMap", "name": "paint"}]
        self._start("valued", HELM, helm={"valuesFrom": values})
        for app in self._apps.values():
            app.check.wait(lambda report: report.verdict, "a verdict")
        for name in ("held", "suspended"):
            self[name].check.patch(suspend=True)
        self["orphaned"].commit({"app/more.yaml": None})
        self["failing"].commit({"app/config.yaml": "colour: [\n"})
        for name in ("held", "suspended"):
            self[name].check.wait(lambda report: report.status["suspended"], "suspended")
        for name, ready, verdict in (
            ("quiet", "True", "InSync"),
            ("held", "True", "InSync"),
            ("valued", "True", "InSync"),
            ("drifted", "True", "Drifted"),
            ("orphaned", "True", "Drifted"),
            ("failing", "False", "Drifted"),
            ("unserved", "False", "Unknown"),
            ("unreadable", "True", "Unknown"),
        ):
            self[name].check.wait(_stands(ready, verdict), f"{verdict}, Ready {ready}")
            self._told[name] = None
        # The last Event of each comes after its report.
        for name, reason in (
            ("orphaned", "DriftDetected"),
            ("failing", "RenderFailed"),
            ("held", "Suspended"),
        ):
            self._wait_said(name, reason)
        self._told = {name: self[name].told() for name in self._told}

    def act(self) -> None:
        """Do to each application what it is named for."""
        self._acted = time.time()
        self["drifts"].set_live("red")
        self["vanishes"].delete_live()
        self["heals"].set_live("green")
        self["suspended"].set_live("red")
        self["leaves"].check.delete()
        self.push()

    def push(self) -> None:
        """Do what is done in Git alone."""
        self["drops"].commit({"app/more.yaml": None})
        for name in ("moves", "suspended"):
            self[name].commit({"app/config.yaml": CONFIG.replace("green", "blue")})

    def judge(self) -> None:
        """See that everything was found, once, and nothing was said again."""
        for name, key, state in (
            ("drifts", "drifts", "Modified"),
            ("vanishes", "vanishes", "Missing"),
            ("drops", "drops-more", "Orphaned"),
            ("moves", "moves", "Modified"),
            ("suspended", "suspended", "Modified"),
        ):
            report = self[name].check.wait_verdict("Drifted")
            assert report.states == {("ConfigMap", key): state}
            since = _seconds(report.status["driftSince"])
            assert int(self._acted) <= since <= time.time(), report.status["driftSince"]
            self._wait_said(name, "DriftDetected")
        self["heals"].check.wait_verdict("InSync")
        self._wait_said("heals", "DriftResolved")
        moved = self["moves"].check.report()
        assert moved.status["revision"].endswith(self["moves"].repository.head("moves"))
        self._judge_suspended()
        left = self["leaves"].check
        until(
            lambda: not self._operator.series("leadsman_target_info", **left.labels),
            "the series of the DriftCheck that was deleted to vanish",
            timeout=_COLLECTED_WITHIN,
        )
        self.judge_the_rest()
        for name, once in (
            ("drifts", ["DriftDetected"]),
            ("vanishes", ["DriftDetected"]),
            ("drops", ["DriftDetected"]),
            ("moves", ["DriftDetected"]),
            ("heals", ["DriftDetected", "DriftResolved"]),
            ("suspended", ["Suspended", "DriftDetected"]),
        ):
            told = self[name].check.events()
            assert [event["reason"] for event in told] == once
            assert not any("series" in event for event in told)

    def judge_the_rest(self) -> None:
        """Nothing was written of those that nothing happened to."""
        self._operator.wait_ready()
        self["marker"].set_live("red")
        self["marker"].check.wait_verdict("Drifted")
        assert {name: self[name].told() for name in self._told} == self._told

    def _judge_suspended(self) -> None:
        """What is measured against is still what Git said before the suspension."""
        app = self["suspended"]
        report = app.check.report()
        pinned = app.repository.head("suspended~1")
        assert report.status["revision"] == f"suspended@sha1:{pinned}"
        change = report.changes("ConfigMap", "suspended")["/data/colour"]
        assert (change["desired"], change["live"]) == ("green", "red")
        assert report.conditions["Suspended"]["status"] == "True"

    def _wait_said(self, name: str, reason: str) -> None:
        until(lambda: self[name].check.events(reason), f"the Event {reason} of {name}")

    def _start(
        self, name: str, files: Files = PLAIN, *, colour: str = "green", **spec: Any
    ) -> None:
        app = App(self._operator, self._plane, self._namespace, name, self._server)
        self._apps[name] = app
        app.deliver(files)
        if "app/more.yaml" in files:
            app.create_live(f"{name}-more")
        if colour != "green":
            app.set_live(colour)
        app.watch(**spec)


def _stands(ready: str, verdict: str) -> Any:
    def check(report: Report) -> bool:
        return bool(report.verdict == verdict and report.conditions["Ready"]["status"] == ready)

    return check


def _seconds(text: str) -> float:
    return datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ").replace(tzinfo=UTC).timestamp()
