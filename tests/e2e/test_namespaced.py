"""With the component ``namespaced`` and Roles in two namespaces: nothing is read elsewhere.

Of the two that are named, Leadsman may read everything in one, and in the other only its own kinds.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from controlplane.gitserver import GitServer
from controlplane.plane import ControlPlane
from harness.checks import Check
from harness.operator import NAMESPACE, ROOT, SERVICE_ACCOUNT, Operator, install
from harness.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from controlplane.toolchain import Tools
    from harness.checks import Report

USER = f"system:serviceaccount:{NAMESPACE}:{SERVICE_ACCOUNT}"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
SUBJECTS = [{"kind": "ServiceAccount", "name": SERVICE_ACCOUNT, "namespace": NAMESPACE}]
# Named, and open; named, and all but closed; not named at all.
OPEN, CLOSED, OTHER = "open", "closed", "other"
CONFIG = (
    "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {0}, namespace: {0}}}\n"
    "data: {{colour: green}}\n---\n"
)
CLASS = (
    "apiVersion: scheduling.k8s.io/v1\nkind: PriorityClass\nmetadata: {name: urgent}\nvalue: 7\n"
)
# What docs/namespaces.md calls the least.
LEAST: list[dict[str, Any]] = [
    {
        "apiGroups": ["leadsman.dev"],
        "resources": ["driftchecks", "driftreports"],
        "verbs": ["get", "list", "watch"],
    }
]
CONFIG_MAPS = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list", "watch"]}]


def bind(plane: ControlPlane, namespace: str, name: str, rules: list[dict[str, Any]]) -> None:
    """Let Leadsman do something in one namespace, or in all (``""``)."""
    prefix, where = ("", f"/namespaces/{namespace}") if namespace else ("Cluster", "")
    metadata, roles = {"name": name}, f"{prefix.lower()}role"
    role = {"apiGroup": "rbac.authorization.k8s.io", "kind": f"{prefix}Role", "name": name}
    plane.api.create(f"{RBAC}{where}/{roles}s", {"metadata": metadata, "rules": rules})
    binding = {"metadata": metadata, "roleRef": role, "subjects": SUBJECTS}
    plane.api.create(f"{RBAC}{where}/{roles}bindings", binding)


def may_list(plane: ControlPlane, namespace: str = "") -> bool:
    attributes = {"verb": "list", "group": "", "resource": "configmaps", "namespace": namespace}
    review = {"spec": {"user": USER, "resourceAttributes": attributes}}
    answer = plane.api.create("/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
    return bool(answer["status"]["allowed"])


@pytest.fixture(scope="module")
def plane(tools: Tools) -> Iterator[ControlPlane]:
    """A cluster of its own, whose API server is restarted, with the least that is needed."""
    with ControlPlane(tools) as plane:
        install(plane, "namespaced")
        for name in (OPEN, CLOSED, OTHER):
            plane.create_namespace(name)
            live = {"metadata": {"name": name}, "data": {"colour": "green"}}
            plane.api.create(f"/api/v1/namespaces/{name}/configmaps", live)
        example = (ROOT / "deploy/examples/bind-namespace.yaml").read_text()
        assert example.count("namespace: shop\n") == 2
        plane.kubectl(
            *("apply", "-f", "-"),
            stdin=example.replace("namespace: shop\n", f"namespace: {OPEN}\n"),
        )
        bind(plane, CLOSED, "leadsman-least", LEAST)
        until(lambda: may_list(plane, OPEN), "the permission")
        assert not may_list(plane)
        assert not may_list(plane, CLOSED)
        yield plane


@pytest.fixture(scope="module")
def operator(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    # Without an election: it would end while the API server is restarted on a busy machine.
    arguments = ("--watch-namespaces", f"{OPEN},{CLOSED}")
    with Operator.in_pod(plane, tmp_path_factory.mktemp("operator"), *arguments) as operator:
        yield operator


@pytest.fixture(scope="module")
def open_check(plane: ControlPlane, operator: Operator) -> Iterator[Callable[[str, str], Check]]:
    """Make a DriftCheck of manifests, in the open namespace."""
    with GitServer() as git:

        def make(name: str, text: str) -> Check:
            git.create(name, {"app/all.yaml": text})
            check = Check(operator, plane, OPEN, name)
            return check.create(url=git.url(name), path="app", interval="2s")

        yield make


@pytest.fixture(scope="module")
def home(open_check: Callable[[str, str], Check]) -> Check:
    """What lives in the open namespace alone."""
    return open_check("home", CONFIG.format(OPEN))


@pytest.fixture(scope="module")
def wide(open_check: Callable[[str, str], Check]) -> Check:
    """What is spread over the cluster."""
    return open_check("wide", "".join(map(CONFIG.format, (OPEN, CLOSED, OTHER))) + CLASS)


def nudge(plane: ControlPlane, name: str) -> None:
    """Have Leadsman try now what is forbidden: kinds have changed. Else it is so in minutes."""
    group = f"{name}.namespaced.test"
    schema = {"openAPIV3Schema": {"type": "object"}}
    version = {"name": "v1", "served": True, "storage": True, "schema": schema}
    spec = {
        "group": group,
        "scope": "Namespaced",
        "names": {"plural": "nudges", "kind": "Nudge"},
        "versions": [version],
    }
    definition = {"metadata": {"name": f"nudges.{group}"}, "spec": spec}
    plane.api.create("/apis/apiextensions.k8s.io/v1/customresourcedefinitions", definition)


def unverifiable(report: Report) -> set[str]:
    """Return the ConfigMaps that could not be judged."""
    return {
        name
        for (kind, name), state in report.states.items()
        if (kind, state) == ("ConfigMap", "Unverifiable")
    }


def test_what_is_in_the_namespace_is_followed(plane: ControlPlane, home: Check) -> None:
    home.wait_verdict("InSync")
    path = f"/api/v1/namespaces/{OPEN}/configmaps/{OPEN}"
    plane.api.patch(path, {"data": {"colour": "red"}})
    report = home.wait_verdict("Drifted")
    assert report.changes("ConfigMap", OPEN)["/data/colour"]["live"] == "red"
    until(lambda: home.events("DriftDetected"), "an Event")
    plane.api.patch(path, {"data": {"colour": "green"}})
    home.wait_verdict("InSync")


def test_what_is_elsewhere_is_unverifiable_and_it_is_said_why(wide: Check) -> None:
    report = wide.wait(lambda report: unverifiable(report) == {CLOSED, OTHER}, "both")
    assert report.verdict == "Unknown"
    assert report.status["summary"]["inSync"] == 1
    closed = report.object("ConfigMap", CLOSED)
    assert closed["reason"] == "Forbidden"
    # What its Role lacks.
    for words in (USER, "watch", '"configmaps"', f'in the namespace "{CLOSED}"'):
        assert words in closed["message"]
    other = report.object("ConfigMap", OTHER)
    assert other["reason"] == "Forbidden"
    for words in ("--watch-namespaces", f"{CLOSED}, {OPEN}", "at the cluster scope"):
        assert words in other["message"]
    cluster = report.object("PriorityClass", "urgent")
    assert cluster["state"] == "Unverifiable"
    assert "--watch-namespaces" not in cluster["message"]


def test_a_full_check_says_the_same(wide: Check) -> None:
    wide.wait(lambda report: unverifiable(report) == {CLOSED, OTHER}, "both")
    wide.request("again")
    report = wide.wait(
        lambda report: report.status.get("lastHandledCheckAt") == "again", "the full check"
    )
    assert unverifiable(report) == {CLOSED, OTHER}
    assert "--watch-namespaces" in report.object("ConfigMap", OTHER)["message"]


def test_a_permission_is_given_taken_away_and_given_back(
    plane: ControlPlane, home: Check, wide: Check
) -> None:
    wide.wait(lambda report: unverifiable(report) == {CLOSED, OTHER}, "both")
    bind(plane, CLOSED, "configmaps", CONFIG_MAPS)
    until(lambda: may_list(plane, CLOSED), "the permission")
    nudge(plane, "given")
    wide.wait(lambda report: unverifiable(report) == {OTHER}, "the permission to be noticed")
    path = f"/api/v1/namespaces/{CLOSED}/configmaps/{CLOSED}"
    plane.api.patch(path, {"data": {"colour": "red"}})
    wide.wait(lambda report: report.states.get(("ConfigMap", CLOSED)) == "Modified", "drift")
    plane.api.patch(path, {"data": {"colour": "green"}})
    wide.wait(lambda report: ("ConfigMap", CLOSED) not in report.states, "no drift")

    plane.api.delete(f"{RBAC}/namespaces/{CLOSED}/rolebindings/configmaps")
    until(lambda: not may_list(plane, CLOSED), "the permission to go")
    # Nobody ends a watch that is open; it ends by itself in five minutes.
    plane.restart_apiserver()
    report = wide.wait(
        lambda report: unverifiable(report) == {CLOSED, OTHER}, "the refusal", timeout=60
    )
    assert report.status["summary"]["inSync"] == 1
    assert home.report().verdict == "InSync"

    plane.api.delete(f"{RBAC}/namespaces/{CLOSED}/roles/configmaps")
    bind(plane, CLOSED, "configmaps", CONFIG_MAPS)
    until(lambda: may_list(plane, CLOSED), "the permission")
    nudge(plane, "given-back")
    wide.wait(lambda report: unverifiable(report) == {OTHER}, "the permission to be noticed")


def test_a_permission_for_all_namespaces_is_taken_up(
    plane: ControlPlane, home: Check, wide: Check
) -> None:
    wide.wait(lambda report: OTHER in unverifiable(report), "what is outside")
    bind(plane, "", "configmaps", CONFIG_MAPS)
    until(lambda: may_list(plane), "the permission")
    nudge(plane, "everywhere")
    wide.wait(lambda report: not unverifiable(report), "the permission to be noticed")
    path = f"/api/v1/namespaces/{OTHER}/configmaps/{OTHER}"
    plane.api.patch(path, {"data": {"colour": "red"}})
    wide.wait(lambda report: report.states.get(("ConfigMap", OTHER)) == "Modified", "drift")
    assert home.report().verdict == "InSync"
