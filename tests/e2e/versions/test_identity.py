"""Which object is meant, while its version, group, kind, name or namespace change in Git."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from harness.checks import Check

if TYPE_CHECKING:
    from collections.abc import Callable

    from controlplane.gitrepo import Repository
    from controlplane.gitserver import GitServer
    from controlplane.plane import ControlPlane
    from harness.checks import Report
    from harness.operator import Operator

INGRESS = ("Ingress", "web")
WIDGET = ("Widget", "one")


@dataclass(frozen=True, slots=True)
class Team:
    """A namespace with a repository, and DriftChecks of folders in it."""

    operator: Operator
    plane: ControlPlane
    git: GitServer
    repository: Repository
    namespace: str

    def commit(self, **files: str | None) -> str:
        """Commit manifests; ``a_b`` is the file ``a/b.yaml``."""
        return self.repository.commit(
            {f"{name.replace('_', '/')}.yaml": text for name, text in files.items()}
        )

    def check(self, name: str, **spec: Any) -> Check:
        check = Check(self.operator, self.plane, self.namespace, name)
        where = {"url": self.git.url(self.namespace), "path": name, "interval": "1s"}
        return check.create(**where | spec)

    def apply(self, manifest: str) -> None:
        self.plane.kubectl("apply", "-n", self.namespace, "-f", "-", stdin=manifest)

    def delete(self, what: str) -> None:
        self.plane.kubectl("delete", "-n", self.namespace, what)


@pytest.fixture
def team(control_plane: ControlPlane, operator: Operator, git: GitServer, namespace: str) -> Team:
    repository = git.create(namespace, {"README.md": "An application"})
    return Team(operator, control_plane, git, repository, namespace)


def at(sha: str) -> Callable[[Report], bool]:
    return lambda report: report.status.get("revision") == f"main@sha1:{sha}"


def config(name: str, value: str = "x") -> str:
    return json.dumps(
        {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name},
            "data": {"key": value},
        }
    )


OLD = """
apiVersion: extensions/v1beta1
kind: Ingress
metadata: {name: web}
spec: {backend: {serviceName: web, servicePort: 80}}
"""
NEW = """
apiVersion: networking.k8s.io/v1
kind: Ingress
metadata: {name: web}
spec: {defaultBackend: {service: {name: web, port: {number: 80}}}}
"""


def orphaned(check: Check) -> list[str]:
    """What was ever said of orphans."""
    return [event["note"] for event in check.events() if "rphan" in event["note"]]


def test_an_object_whose_group_changes_in_git_stays_the_same(team: Team) -> None:
    team.apply(NEW)
    team.commit(app_web=OLD, app_more=config("more"))
    team.apply(config("more"))
    check = team.check("app")
    report = check.wait_verdict("InSync")
    assert "extensions/v1beta1 Ingress" in report.status["warnings"][0]

    sha = team.commit(app_web=NEW)
    report = check.wait(at(sha), "the new commit")
    assert report.verdict == "InSync"
    assert report.status["summary"]["total"] == 2
    assert "warnings" not in report.status

    team.operator.stop()
    sha = team.commit(app_web=OLD)
    team.operator.start()
    report = check.wait(at(sha), "the commit before")
    assert report.verdict == "InSync"
    assert report.status["summary"]["total"] == 2

    sha = team.commit(app_web=None)
    report = check.wait(at(sha), "a commit without it")
    assert report.states == {INGRESS: "Orphaned"}
    assert report.object(*INGRESS)["group"] == "networking.k8s.io"


def test_an_object_that_moves_to_another_target_in_another_version(team: Team) -> None:
    team.apply(NEW)
    for name in ("more", "other"):
        team.apply(config(name))
    team.commit(a_web=OLD, a_more=config("more"), b_other=config("other"))
    a, b = team.check("a"), team.check("b")
    a.wait_verdict("InSync")
    b.wait_verdict("InSync")

    sha = team.commit(b_web=NEW)
    assert b.wait(at(sha), "both render it").verdict == "InSync"
    sha = team.commit(a_web=None)
    report = a.wait(at(sha), "only one renders it")
    assert (report.verdict, report.status["summary"]["total"]) == ("InSync", 1)

    # While nobody looks, it moves back.
    team.operator.stop()
    sha = team.commit(a_web=OLD, b_web=None)
    team.operator.start()
    report = a.wait(at(sha), "it has moved back")
    assert (report.verdict, report.status["summary"]["total"]) == ("InSync", 2)
    report = b.wait(at(sha), "it has moved away")
    assert (report.verdict, report.status["summary"]["total"]) == ("InSync", 1)
    assert orphaned(a) + orphaned(b) == []


def test_names_kinds_and_namespaces_change(team: Team) -> None:
    kustomization = """
resources: [web.yaml]
configMapGenerator:
- name: settings
  literals: [size=%s]
"""
    web = """
apiVersion: apps/v1
kind: %s
metadata: {name: web}
spec:
  %s
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: web, image: "web:1"}]}
"""
    team.commit(
        app_kustomization=kustomization % "small", app_web=web % ("Deployment", "replicas: 1")
    )
    render = "kustomize", "build"
    check = team.check("app", targetNamespace=team.namespace)
    report = check.wait(lambda report: len(report.states) == 2, "everything is missing")
    [before] = [name for kind, name in report.states if kind == "ConfigMap"]
    assert set(report.states.values()) == {"Missing"}

    # What was never there is no orphan when Git drops it.
    sha = team.commit(app_kustomization=kustomization % "medium")
    report = check.wait(at(sha), "another name")
    [middle] = [name for kind, name in report.states if kind == "ConfigMap"]
    assert middle != before
    assert report.states == {("ConfigMap", middle): "Missing", ("Deployment", "web"): "Missing"}

    team.apply(web % ("Deployment", "replicas: 1"))
    team.apply(config(middle).replace('"key": "x"', '"size": "medium"'))
    check.wait_verdict("InSync")

    sha = team.commit(
        app_kustomization=kustomization % "large",
        app_web=web % ("StatefulSet", "serviceName: web"),
    )
    report = check.wait(at(sha), "another kind")
    [after] = [n for (kind, n), s in report.states.items() if (kind, s) == ("ConfigMap", "Missing")]
    assert report.states == {
        ("ConfigMap", after): "Missing",
        ("ConfigMap", middle): "Orphaned",
        ("Deployment", "web"): "Orphaned",
        ("StatefulSet", "web"): "Missing",
    }
    assert render

    with team.plane.namespace() as elsewhere:
        team.apply(web % ("StatefulSet", "serviceName: web"))
        check.wait(lambda report: ("StatefulSet", "web") not in report.states, "it is there")
        check.patch(targetNamespace=elsewhere)
        report = check.wait(
            lambda report: report.status["summary"]["missing"] == 2, "another namespace"
        )
        told = {
            (item["kind"], item["namespace"], item["state"]) for item in report.status["objects"]
        }
        assert told == {
            ("ConfigMap", elsewhere, "Missing"),
            ("ConfigMap", team.namespace, "Orphaned"),
            ("Deployment", team.namespace, "Orphaned"),
            ("StatefulSet", elsewhere, "Missing"),
            ("StatefulSet", team.namespace, "Orphaned"),
        }


def definition(group: str, *versions: dict[str, Any], **more: Any) -> str:
    schema = {
        "type": "object",
        "properties": {
            "spec": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
        },
    }
    return json.dumps(
        {
            "apiVersion": "apiextensions.k8s.io/v1",
            "kind": "CustomResourceDefinition",
            "metadata": {"name": f"widgets.{group}"},
            "spec": {
                "group": group,
                "names": {"kind": "Widget", "plural": "widgets"},
                "scope": "Namespaced",
                "versions": [
                    {
                        "served": True,
                        "storage": False,
                        "schema": {"openAPIV3Schema": schema},
                        **version,
                    }
                    for version in versions
                ],
                **more,
            },
        }
    )


def widget(group: str, version: str, size: int = 1) -> str:
    return f"""
apiVersion: {group}/{version}
kind: Widget
metadata: {{name: one}}
spec: {{size: {size}}}
"""


V1, V1_STORED = {"name": "v1"}, {"name": "v1", "storage": True}
OLD_STORED = {"name": "v1beta1", "storage": True}


def established(team: Team, group: str) -> None:
    name = f"crd/widgets.{group}"
    team.plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", name)
    team.plane.kubectl("get", f"widgets.{group}", "-A")


def test_versions_of_a_definition_come_and_go(team: Team) -> None:
    group = "several.example"
    team.apply(definition(group, V1, OLD_STORED))
    established(team, group)
    team.apply(widget(group, "v1beta1"))
    team.commit(old_widget=widget(group, "v1beta1"), new_widget=widget(group, "v1"))
    old, new = team.check("old"), team.check("new")
    for check in (old, new):
        assert "warnings" not in check.wait_verdict("InSync").status

    path = f"/apis/{group}/v1/namespaces/{team.namespace}/widgets/one"
    team.plane.api.patch(path, {"spec": {"size": 2}})
    for check in (old, new):
        report = check.wait_verdict("Drifted")
        assert list(report.changes(*WIDGET)) == ["/spec/size"]
    team.plane.api.patch(path, {"spec": {"size": 1}})
    for check in (old, new):
        check.wait_verdict("InSync")

    # Another version is stored: objects are converted as they are read.
    team.apply(definition(group, V1_STORED, {"name": "v1beta1"}))
    team.plane.api.patch(path, {"metadata": {"labels": {"stored": "anew"}}})
    for check in (old, new):
        report = check.wait_verdict("Drifted")
        assert list(report.changes(*WIDGET)) == ["/metadata/labels/stored"]
    team.plane.api.patch(path, {"metadata": {"labels": None}})
    for check in (old, new):
        check.wait_verdict("InSync")

    # The old one is not served any more, but the definition says what it is.
    team.apply(definition(group, V1_STORED, {"name": "v1beta1", "served": False}))
    # Until it is known what is served instead, the object cannot be read.
    report = old.wait(lambda report: report.status.get("warnings"), "a warning")
    old.wait_verdict("InSync")
    assert "change the apiVersion to several.example/v1" in report.status["warnings"][0]
    assert new.wait_verdict("InSync").states == {}

    # Nothing is known of it any more.
    status = {"status": {"storedVersions": ["v1"]}}
    crd = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.{group}"
    team.plane.api.patch(f"{crd}/status", status)
    team.apply(definition(group, V1_STORED))
    report = old.wait(lambda report: report.states, "it cannot be compared")
    assert report.states == {WIDGET: "Unverifiable"}
    told = report.object(*WIDGET)
    assert told["reason"] == "VersionNotServed"
    assert told["message"] == (
        f"Git has it as {group}/v1beta1, in which the cluster does not serve it; it lives as "
        f"{group}/v1, and CustomResourceDefinition widgets.{group} does not know v1beta1 any more: "
        f"write it as {group}/v1 in Git"
    )
    assert report.verdict == "Unknown"
    team.plane.api.delete(path)
    old.wait(lambda report: report.states == {WIDGET: "Missing"}, "it is gone")
    assert new.wait(lambda report: report.states, "it is gone").states == {WIDGET: "Missing"}

    # It is served again.
    team.apply(definition(group, V1_STORED, {"name": "v1beta1"}))
    team.plane.kubectl(
        "wait", "--for=condition=Established", "--timeout=30s", f"crd/widgets.{group}"
    )
    report = old.wait(lambda report: "warnings" not in report.status, "no warning")
    assert report.states == {WIDGET: "Missing"}
    team.apply(widget(group, "v1"))
    for check in (old, new):
        check.wait_verdict("InSync")


def test_a_conversion_webhook_that_is_not_there(team: Team) -> None:
    group = "webhook.example"
    team.apply(definition(group, V1, OLD_STORED))
    established(team, group)
    team.apply(widget(group, "v1beta1"))
    team.apply(config("more"))
    team.commit(app_widget=widget(group, "v1"), app_more=config("more"))
    check = team.check("app")
    check.wait_verdict("InSync")
    service = {"namespace": "nowhere", "name": "nothing", "path": "/convert"}
    webhook = {"clientConfig": {"service": service}, "conversionReviewVersions": ["v1"]}
    conversion = {"strategy": "Webhook", "webhook": webhook}
    team.apply(definition(group, V1, OLD_STORED, conversion=conversion))
    team.plane.kubectl("delete", "configmap", "more", "-n", team.namespace)
    # A watch bears with an API server for ten seconds.
    report = check.wait(lambda report: len(report.states) == 2, "both are told of", timeout=60.0)
    assert report.states == {WIDGET: "Unverifiable", ("ConfigMap", "more"): "Missing"}
    assert "conversion webhook" in report.object(*WIDGET)["message"]
    team.apply(definition(group, V1, OLD_STORED))
    team.apply(config("more"))
    check.wait_verdict("InSync")


def test_a_definition_and_its_objects_in_one_target(team: Team) -> None:
    group = "together.example"
    team.commit(app_crd=definition(group, V1_STORED), app_widget=widget(group, "v1"))
    check = team.check("app")
    crd = ("CustomResourceDefinition", f"widgets.{group}")
    report = check.wait(lambda report: report.states, "a verdict")
    assert report.states == {WIDGET: "Missing", crd: "Missing"}
    assert "CustomResourceDefinition" in report.object(*WIDGET)["message"]
    assert report.conditions["Ready"]["status"] == "True"
    team.apply(definition(group, V1_STORED))
    check.wait(lambda report: crd not in report.states, "the definition is there")
    established(team, group)
    team.apply(widget(group, "v1"))
    check.wait_verdict("InSync")
    team.plane.kubectl("delete", f"crd/widgets.{group}")
    report = check.wait(lambda report: len(report.states) == 2, "all is gone")
    assert report.states == {WIDGET: "Missing", crd: "Missing"}
