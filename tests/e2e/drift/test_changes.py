"""Each kind of change by hand is found: where, what, by whom; and it is over when it is undone.

All are made at once and undone at once; each is looked for on its own.
"""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from e2e.drift.cases import CLIENT_THERE, Case, Helm

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from harness.checks import Check, Report

STAGING = Case("staging", "podinfo", "deploy/overlays/staging", CLIENT_THERE)
CHART = Case("chart", "podinfo", "charts/podinfo", Helm())
METER = Case(
    "meter",
    "metrics-server",
    "charts/metrics-server",
    # Another name than that of the release among the cases: theirs would be the same objects.
    Helm(values={"nameOverride": "meter", "apiService": {"create": False}}),
)
TARGETS = (STAGING, CHART, METER)

# Below which of its folders Git has what each renders.
FILES = {"staging": "deploy/", "chart": "charts/podinfo/", "meter": "charts/metrics-server/"}
CONTAINERS = "/spec/template/spec/containers"
PROBE = {"tcpSocket": {"port": "redis"}, "initialDelaySeconds": 5, "timeoutSeconds": 5}
SIDECAR = {"name": "sidecar", "image": "busybox:1.36"}
RULE = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["list"]}


def patch(kind: str, name: str, how: str, body: object) -> tuple[str, ...]:
    return "patch", kind, name, f"--type={how}", "-p", json.dumps(body)


@dataclass(frozen=True, slots=True)
class Change:
    """What is done with kubectl and undone, and what the report has to say of it in between."""

    name: str
    target: Case
    do: tuple[str, ...]
    undo: tuple[str, ...]
    where: tuple[str, str, str]
    state: str
    said: Mapping[str, Any]


CHANGES = (
    Change(
        "replicas",
        CHART,
        do=("scale", "deployment/web-podinfo", "--replicas=3"),
        undo=("scale", "deployment/web-podinfo", "--replicas=1"),
        where=("Deployment", "web-podinfo", "/spec/replicas"),
        state="Modified",
        said={"desired": 1, "live": 3, "manager": "kubectl", "subresource": "scale"},
    ),
    Change(
        "replicas-that-git-leaves-open",
        STAGING,
        do=("scale", "deployment/cache", "--replicas=3"),
        undo=patch("deployment", "cache", "json", [{"op": "remove", "path": "/spec/replicas"}]),
        where=("Deployment", "cache", "/spec/replicas"),
        state="Modified",
        said={"live": 3, "manager": "kubectl", "subresource": "scale"},
    ),
    Change(
        "image",
        STAGING,
        do=("set", "image", "deployment/frontend", "frontend=podinfo:latest"),
        undo=(),
        where=("Deployment", "frontend", f"{CONTAINERS}/0/image"),
        state="Modified",
        said={
            "desired": "ghcr.io/stefanprodan/podinfo:6.9.2",
            "live": "podinfo:latest",
            "manager": "kubectl-set",
        },
    ),
    Change(
        "env-added",
        STAGING,
        do=("set", "env", "deployment/backend", "DEBUG=1"),
        undo=("set", "env", "deployment/backend", "DEBUG-"),
        where=("Deployment", "backend", f"{CONTAINERS}/0/env/1"),
        state="Added",
        said={"live": {"name": "DEBUG", "value": "1"}, "manager": "kubectl-set"},
    ),
    Change(
        "container-added",
        STAGING,
        do=patch(
            "deployment",
            "backend",
            "json",
            [{"op": "add", "path": f"{CONTAINERS}/-", "value": SIDECAR}],
        ),
        undo=patch("deployment", "backend", "json", [{"op": "remove", "path": f"{CONTAINERS}/1"}]),
        where=("Deployment", "backend", f"{CONTAINERS}/1"),
        state="Added",
        said={"manager": "kubectl-patch"},
    ),
    Change(
        "field-removed",
        STAGING,
        do=patch(
            "deployment",
            "cache",
            "json",
            [{"op": "remove", "path": f"{CONTAINERS}/0/livenessProbe"}],
        ),
        undo=(),
        where=("Deployment", "cache", f"{CONTAINERS}/0/livenessProbe"),
        state="Modified",
        said={"op": "remove", "desired": PROBE},
    ),
    Change(
        "label-added",
        STAGING,
        do=("label", "service/cache", "team=shop"),
        undo=("label", "service/cache", "team-"),
        where=("Service", "cache", "/metadata/labels/team"),
        state="Added",
        said={"live": "shop", "manager": "kubectl-label"},
    ),
    Change(
        "annotation-added",
        STAGING,
        do=("annotate", "service/frontend", "example.com/note=by hand"),
        undo=("annotate", "service/frontend", "example.com/note-"),
        where=("Service", "frontend", "/metadata/annotations/example.com~1note"),
        state="Added",
        said={"live": "by hand", "manager": "kubectl-annotate"},
    ),
    Change(
        "edited",
        STAGING,
        do=("edit", "hpa/frontend"),
        undo=(),
        where=("HorizontalPodAutoscaler", "frontend", "/spec/maxReplicas"),
        state="Modified",
        said={"desired": 4, "live": 9, "manager": "kubectl-edit"},
    ),
    Change(
        "by-the-tool-that-delivers",
        STAGING,
        do=(
            *patch("hpa", "backend", "merge", {"spec": {"minReplicas": 2}}),
            "--field-manager=kubectl-client-side-apply",
        ),
        undo=(),
        where=("HorizontalPodAutoscaler", "backend", "/spec/minReplicas"),
        state="Modified",
        said={"desired": 1, "live": 2, "manager": "kubectl-client-side-apply"},
    ),
    Change(
        "config-map-value",
        STAGING,
        do=patch(
            "configmap",
            "redis-config-bd2fcfgt6k",
            "merge",
            {"data": {"redis.conf": "maxmemory 1gb\n"}},
        ),
        undo=(),
        where=("ConfigMap", "redis-config-bd2fcfgt6k", "/data/redis.conf"),
        state="Modified",
        said={"live": "maxmemory 1gb\n", "manager": "kubectl-patch"},
    ),
    Change(
        "rule-added",
        METER,
        do=patch(
            "clusterrole",
            "system:meter-aggregated-reader",
            "json",
            [{"op": "add", "path": "/rules/-", "value": RULE}],
        ),
        undo=patch(
            "clusterrole",
            "system:meter-aggregated-reader",
            "json",
            [{"op": "remove", "path": "/rules/1"}],
        ),
        where=("ClusterRole", "system:meter-aggregated-reader", "/rules/1"),
        state="Modified",
        said={"manager": "kubectl-patch"},
    ),
    Change(
        "subject-added",
        METER,
        do=("set", "subject", "clusterrolebinding/web-meter:system:auth-delegator", "--group=all"),
        undo=patch(
            "clusterrolebinding",
            "web-meter:system:auth-delegator",
            "json",
            [{"op": "remove", "path": "/subjects/1"}],
        ),
        where=("ClusterRoleBinding", "web-meter:system:auth-delegator", "/subjects/1"),
        state="Modified",
        said={"manager": "kubectl-set"},
    ),
)
ALL = [pytest.param(change, id=change.name) for change in CHANGES]


@pytest.fixture(scope="module")
def checks(deliver: Callable[[Case], Check]) -> Mapping[str, Check]:
    """The targets, in sync."""
    with ThreadPoolExecutor(len(TARGETS)) as pool:
        checks = dict(zip((case.name for case in TARGETS), pool.map(deliver, TARGETS), strict=True))
    for check in checks.values():
        check.wait_verdict("InSync")
    return checks


@pytest.fixture(scope="module")
def changed(checks: Mapping[str, Check]) -> Mapping[str, Check]:
    """The targets after all changes."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("KUBE_EDITOR", "sed -i s/maxReplicas:.4/maxReplicas:\\ 9/")
        kubectl(checks, [(change.target, change.do) for change in CHANGES])
    return checks


@pytest.fixture(scope="module")
def reverted(changed: Mapping[str, Check]) -> Mapping[str, Check]:
    """The targets after all changes were undone: by hand, and by delivering anew."""
    kubectl(changed, [(change.target, change.undo) for change in CHANGES if change.undo])
    STAGING.delivery.deliver(changed["staging"].plane, STAGING.folder, "staging")
    return changed


def kubectl(checks: Mapping[str, Check], commands: list[tuple[Case, tuple[str, ...]]]) -> None:
    """Run kubectl in the targets' namespaces, several at once."""

    def run(command: tuple[Case, tuple[str, ...]]) -> None:
        case, arguments = command
        checks[case.name].plane.kubectl(*arguments, "-n", case.name)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(run, commands))


def found(report: Report) -> set[tuple[str, str, str]]:
    """Return kind, name and path of all changes."""
    return {
        (kind, name, path) for kind, name in report.states for path in report.changes(kind, name)
    }


@pytest.mark.parametrize("change", ALL)
def test_a_change_by_hand_is_found(changed: Mapping[str, Check], change: Change) -> None:
    check = changed[change.target.name]
    kind, name, path = change.where
    report = check.wait(
        # An object's state is that of all its changes, which come one by one.
        lambda report: change.where in found(report) and report.states[kind, name] == change.state,
        f"{change.where} in state {change.state}",
    )
    said = report.changes(kind, name)[path]
    assert change.said.items() <= said.items()
    assert said["cause"] == "Live"
    assert report.object(kind, name)["file"].startswith(FILES[change.target.name])
    assert report.verdict == "Drifted"


@pytest.mark.parametrize("case", TARGETS, ids=lambda case: case.name)
def test_nothing_else_is_found(changed: Mapping[str, Check], case: Case) -> None:
    expected = {change.where for change in CHANGES if change.target is case}
    report = changed[case.name].wait(lambda report: found(report) >= expected, "all changes")
    assert found(report) == expected
    assert report.status["summary"]["drifted"] == len(report.states)


@pytest.mark.parametrize("case", TARGETS, ids=lambda case: case.name)
def test_it_is_over_when_it_is_undone(reverted: Mapping[str, Check], case: Case) -> None:
    report = reverted[case.name].wait_verdict("InSync")
    assert report.states == {}
    assert "driftSince" not in report.status
