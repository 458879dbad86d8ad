"""What a change costs: so many renders, comparisons and writes, and not one more."""

from __future__ import annotations

import os
import signal
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import pytest

from controlplane.gitserver import GitServer
from controlplane.plane import ControlPlane
from harness.checks import Check
from harness.operator import Operator, install
from harness.waiting import until
from inputs import real_input

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controlplane.gitrepo import Repository
    from controlplane.toolchain import Tools

TARGETS = 10
# podinfo's kustomization has a Deployment, a Service and a HorizontalPodAutoscaler.
OBJECTS = 3
# One target after whose changes everything else has had its time.
LAST = TARGETS - 1
_SERIES = {
    "rendered": ("leadsman_renders_total", {"outcome": "rendered"}),
    "cached": ("leadsman_renders_total", {"outcome": "cached"}),
    "compared": ("leadsman_comparisons_total", {}),
    "reports": ("leadsman_report_writes_total", {}),
    "events": ("leadsman_events_emitted_total", {}),
    "requests": ("leadsman_api_requests_total", {}),
}
# Watches are renewed and a Lease is held whatever happens.
_STANDING = (
    {"verb": "watch"},
    {"resource": "leases"},
    # For half a minute after the start it is looked which kinds there are.
    *({"resource": path} for path in ("/api", "/apis", "/openapi", "/version")),
)


@dataclass(frozen=True)
class Fleet:
    """Ten targets of one repository, a folder and a namespace each."""

    plane: ControlPlane
    operator: Operator
    repository: Repository
    url: str
    namespaces: tuple[str, ...]

    def check(self, number: int) -> Check:
        return Check(self.operator, self.plane, self.namespaces[number], "podinfo")

    def costs(self) -> Counter[str]:
        """All that was spent since the operator started."""
        spent = Counter(
            {
                what: int(self.operator.value(name, **labels))
                for what, (name, labels) in _SERIES.items()
            }
        )
        for labels in _STANDING:
            spent["requests"] -= int(self.operator.value("leadsman_api_requests_total", **labels))
        return spent

    def label(self, number: int, change: str) -> None:
        """Change a label of the Deployment: ``team=a`` sets one, ``team-`` removes it."""
        where = ("-n", self.namespaces[number])
        self.plane.kubectl("label", "--overwrite", *where, "deployment/podinfo", change)

    def drift(self, number: int) -> None:
        self.label(number, "team=a")
        self.check(number).wait_verdict("Drifted")

    def mend(self, number: int) -> None:
        self.label(number, "team-")
        self.check(number).wait_verdict("InSync")

    def move_statuses(self, message: str) -> None:
        """Have a Deployment's and a Service's status say something else."""
        condition = {"type": "Odd", "status": "True", "reason": "Test", "message": message}
        for path in ("/apis/apps/v1/{}/deployments", "/api/v1/{}/services"):
            where = path.format(f"namespaces/{self.namespaces[0]}")
            status = {"status": {"conditions": [condition]}}
            self.plane.api.patch(f"{where}/podinfo/status", status)

    @contextmanager
    def without_controllers(self) -> Iterator[None]:
        """Have the controller manager do nothing during the block."""
        pid = self.plane.pids["kube-controller-manager"]
        os.kill(pid, signal.SIGSTOP)
        try:
            yield
        finally:
            os.kill(pid, signal.SIGCONT)

    def settle(self) -> None:
        """Wait until all that was on its way is done.

        A report is written at most once a second: when the last target's was written twice, any
        other's has been written a second time, too, if there was reason to.
        """
        self.drift(LAST)
        self.mend(LAST)
        until(lambda: self.check(LAST).events("DriftResolved"), "its Events")

    @cached_property
    def settling(self) -> Counter[str]:
        """What it costs to settle: two live changes."""
        return self.live_changes(2)

    @staticmethod
    def live_changes(number: int) -> Counter[str]:
        """What live changes cost, each of another target or a second apart."""
        each = {"compared": 1, "reports": 1, "events": 1, "requests": 2}
        return Counter({what: number * cost for what, cost in each.items()})


@pytest.fixture(scope="module")
def fleet(tools: Tools, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    podinfo = real_input("podinfo") / "kustomize"
    with ControlPlane(tools) as plane, GitServer() as git:
        install(plane)
        repository = git.create("fleet")
        namespaces = tuple(f"costs-{number}" for number in range(TARGETS))
        for name in namespaces:
            repository.commit_folder(podinfo, below=name)
            plane.create_namespace(name)
            plane.kubectl("apply", "-n", name, "-k", podinfo)
        folder = tmp_path_factory.mktemp("operator")
        with Operator.in_pod(plane, folder) as operator:
            made = Fleet(plane, operator, repository, git.url("fleet"), namespaces)
            for number, name in enumerate(namespaces):
                made.check(number).create(url=made.url, path=name, interval="1s")
            for number in range(TARGETS):
                _await_autoscaler(made, number)
                made.check(number).wait_verdict("InSync")
            # What controllers write by themselves would be counted as well.
            with made.without_controllers():
                yield made


def _await_autoscaler(fleet: Fleet, number: int) -> None:
    """Wait until it has written its first conditions, with which it takes over the metrics."""
    namespace = fleet.namespaces[number]
    path = f"/apis/autoscaling/v2/namespaces/{namespace}/horizontalpodautoscalers/podinfo"
    until(
        lambda: (
            {"AbleToScale", "ScalingActive"}
            <= {item["type"] for item in fleet.plane.api.get(path)["status"].get("conditions", ())}
        ),
        "the autoscaler",
        timeout=60.0,
    )


@pytest.fixture
def settled(fleet: Fleet) -> Fleet:
    fleet.settle()
    return fleet


def test_a_live_change_is_one_comparison_one_report_and_one_event(settled: Fleet) -> None:
    before = settled.costs()
    settled.drift(0)
    settled.settle()
    assert settled.costs() - before == settled.live_changes(1) + settled.settling
    settled.mend(0)


def test_a_status_that_moves_costs_nothing(settled: Fleet) -> None:
    # What was asked for by name, when its target was new, is compared once when a watch brings it.
    settled.move_statuses("first")
    settled.settle()
    before = settled.costs()
    settled.move_statuses("second")
    settled.settle()
    assert settled.costs() - before == settled.settling


def test_what_nobody_renders_costs_nothing(settled: Fleet) -> None:
    before = settled.costs()
    service = {"metadata": {"name": "other"}, "spec": {"ports": [{"port": 80}]}}
    path = f"/api/v1/namespaces/{settled.namespaces[0]}/services"
    settled.plane.api.create(path, service)
    settled.plane.api.delete(f"{path}/other")
    settled.settle()
    assert settled.costs() - before == settled.settling


def test_a_commit_renders_what_it_touches_and_compares_what_that_changes(settled: Fleet) -> None:
    before = settled.costs()
    file = f"{settled.namespaces[1]}/service.yaml"
    text = settled.repository.git("show", f"main:{file}")
    changed = f"{text}\n".replace(
        "  type: ClusterIP", "  type: ClusterIP\n  sessionAffinity: ClientIP"
    )
    assert changed != f"{text}\n"
    commit = settled.repository.commit({file: changed})
    for number in range(TARGETS):
        settled.check(number).wait(
            lambda report: report.status["revision"] == f"main@sha1:{commit}", "the commit"
        )
    report = settled.check(1).wait_verdict("Drifted")
    assert report.states == {("Service", "podinfo"): "Modified"}
    settled.settle()
    # The object is asked for; each report tells the new revision.
    commits = {"rendered": 1, "compared": 1, "reports": TARGETS, "events": 1}
    requests = {"requests": 1 + TARGETS + 1}
    assert settled.costs() - before == Counter(commits | requests) + settled.settling
    settled.repository.commit({file: f"{text}\n"})
    settled.check(1).wait_verdict("InSync")


def test_a_commit_that_touches_nothing_renders_nothing(settled: Fleet) -> None:
    before = settled.costs()
    commit = settled.repository.commit({"README.md": "All there is"})
    for number in range(TARGETS):
        settled.check(number).wait(
            lambda report: report.status["revision"] == f"main@sha1:{commit}", "the commit"
        )
    settled.settle()
    told = Counter({"reports": TARGETS, "requests": TARGETS})
    assert settled.costs() - before == told + settled.settling


def test_a_full_check_compares_everything_and_renders_nothing(settled: Fleet) -> None:
    before = settled.costs()
    settled.check(2).request("now")
    settled.check(2).wait(
        lambda report: report.status.get("lastHandledCheckAt") == "now", "the check"
    )
    settled.settle()
    asked = Counter({"compared": OBJECTS, "reports": 1, "requests": OBJECTS + 1})
    assert settled.costs() - before == asked + settled.settling


def test_a_restart_renders_and_compares_nothing_that_has_not_changed(settled: Fleet) -> None:
    settled.operator.stop()
    settled.label(3, "team=a")
    settled.operator.start()
    settled.operator.wait_ready()
    settled.check(3).wait_verdict("Drifted")
    settled.settle()
    spent = settled.costs()
    assert (spent["rendered"], spent["cached"]) == (0, TARGETS)
    asked = Counter({"compared": 1, "reports": 1, "events": 1}) + settled.settling
    assert {what: spent[what] for what in ("compared", "reports", "events")} == {
        what: asked[what] for what in ("compared", "reports", "events")
    }
    # Each kind is listed once, by its watch, for all targets together.
    listed = settled.operator.series("leadsman_api_requests_total", verb="list")
    resources = {dict(labels)["resource"] for labels in listed}
    assert not resources & {"deployments", "services", "horizontalpodautoscalers"}
    settled.mend(3)
