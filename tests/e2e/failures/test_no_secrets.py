"""With the component ``no-secrets``: Secrets cannot be judged, and nothing else suffers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
import yaml

from e2e.failures.app import PLAIN, App, put
from e2e.failures.case import HELM
from e2e.failures.servers import PASSWORD, USERNAME
from harness.operator import NAMESPACE, ROOT, SERVICE_ACCOUNT, install
from harness.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controlplane.plane import ControlPlane
    from e2e.failures.servers import Servers
    from harness.operator import Operator

MANIFEST = "apiVersion: v1\nkind: Secret\nmetadata: {name: NAME}\nstringData: {colour: green}\n"


USER = f"system:serviceaccount:{NAMESPACE}:{SERVICE_ACCOUNT}"


@pytest.fixture(scope="module")
def control_plane(
    control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[ControlPlane]:
    """The cluster of the other tests, with other permissions until these are over."""
    folder = tmp_path_factory.mktemp("overlay")
    deploy = os.path.relpath(ROOT / "deploy", folder.resolve())
    kustomization = {"resources": [deploy], "components": [f"{deploy}/components/no-secrets"]}
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    control_plane.kubectl("apply", "--server-side", "-k", folder)
    until(lambda: not may(control_plane, "list", "", "secrets"), "the permissions to go")
    yield control_plane
    install(control_plane)
    until(lambda: may(control_plane, "list", "", "secrets"), "the permissions to come back")


def may(plane: ControlPlane, verb: str, group: str, resource: str) -> bool:
    asked = {"verb": verb, "group": group, "resource": resource}
    review = {"spec": {"user": USER, "resourceAttributes": asked}}
    answer = plane.api.create("/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
    return bool(answer["status"]["allowed"])


def let_read(plane: ControlPlane, namespace: str, secret: str) -> None:
    """Give back one Secret, as the example in ``deploy/`` does."""
    text = (ROOT / "deploy/examples/read-one-secret.yaml").read_text()
    for old, new in (
        ("namespace: shop\n", f"namespace: {namespace}\n"),
        ("[shop-git]", f"[{secret}]"),
        ("name: leadsman-source", f"name: {secret}"),
    ):
        assert old in text
        text = text.replace(old, new)
    plane.kubectl("apply", "-f", "-", stdin=text)


def test_a_secret_cannot_be_judged_and_all_else_can(
    control_plane: ControlPlane, operator: Operator, servers: Servers, home: str
) -> None:
    app = App(operator, control_plane, home, "with-secret", servers["open"])
    well = App(operator, control_plane, home, "without-secret", servers["open"])
    well.deliver()
    app.deliver({**PLAIN, "app/secret.yaml": MANIFEST})
    put(control_plane, home, app.name, {"colour": "green"})
    for each in (well, app):
        each.watch()
    well.check.wait_verdict("InSync")
    before = well.told()
    report = app.check.wait_verdict("Unknown")
    assert report.states == {("Secret", app.name): "Unverifiable"}
    told = report.object("Secret", app.name)
    assert (told["reason"], told["file"]) == ("Forbidden", "app/secret.yaml")
    # What the ClusterRole lacks.
    for words in (USER, "watch", '"secrets"'):
        assert words in told["message"]
    assert report.status["summary"]["inSync"] == 1
    assert report.conditions["InSync"]["reason"] == "Unverifiable"
    assert "Forbidden" in report.conditions["InSync"]["message"]
    app.set_live("red")
    report = app.check.wait_verdict("Drifted")
    assert report.states == {
        ("ConfigMap", app.name): "Modified",
        ("Secret", app.name): "Unverifiable",
    }
    app.set_live("green")
    app.check.wait_verdict("Unknown")
    assert well.told() == before


DEFINITION = """
apiVersion: apiextensions.k8s.io/v1
kind: CustomResourceDefinition
metadata: {name: PLURAL.no-secrets.example.com}
spec:
  group: no-secrets.example.com
  names: {kind: KIND, plural: PLURAL}
  scope: Namespaced
  versions:
    - name: v1
      served: true
      storage: true
      schema: {openAPIV3Schema: {type: object, x-kubernetes-preserve-unknown-fields: true}}
---
"""
# As operators publish them, for people who may view.
VIEWER = """
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: no-secrets-example-view
  labels: {rbac.authorization.k8s.io/aggregate-to-view: "true"}
rules:
  - {apiGroups: [no-secrets.example.com], resources: [tickets], verbs: [get, list, watch]}
"""
CUSTOM = (
    "apiVersion: no-secrets.example.com/v1\nkind: KIND\nmetadata: {name: NAME}\nspec: {seat: 1}\n"
)


def test_a_custom_resource_that_viewers_may_read_is_judged(
    control_plane: ControlPlane, operator: Operator, servers: Servers, home: str
) -> None:
    kinds = {"Ticket": "tickets", "Voucher": "vouchers"}
    definitions = [
        DEFINITION.replace("KIND", kind).replace("PLURAL", plural) for kind, plural in kinds.items()
    ]
    control_plane.kubectl("apply", "-f", "-", stdin="".join(definitions) + VIEWER)
    for plural in kinds.values():
        name = f"crd/{plural}.no-secrets.example.com"
        control_plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", name)
        control_plane.kubectl("get", f"{plural}.no-secrets.example.com", "--all-namespaces")
    until(
        lambda: may(control_plane, "watch", "no-secrets.example.com", "tickets"), "the permission"
    )
    app = App(operator, control_plane, home, "custom", servers["open"])
    files = {f"app/{kind}.yaml": CUSTOM.replace("KIND", kind) for kind in kinds}
    app.deliver({**PLAIN, **files})
    for text in files.values():
        live = text.replace("NAME", app.name)
        control_plane.kubectl("apply", "-n", home, "-f", "-", stdin=live)
    app.watch()
    report = app.check.wait_verdict("Unknown")
    # Nobody published a role for the other.
    assert report.states == {("Voucher", app.name): "Unverifiable"}
    assert report.object("Voucher", app.name)["reason"] == "Forbidden"
    assert report.status["summary"]["inSync"] == 2
    ticket = f"/apis/no-secrets.example.com/v1/namespaces/{home}/tickets/{app.name}"
    control_plane.api.patch(ticket, {"spec": {"seat": 2}})
    report = app.check.wait_verdict("Drifted")
    assert report.states["Ticket", app.name] == "Modified"
    assert not may(control_plane, "list", "", "secrets")


def test_a_source_needs_its_secret(
    control_plane: ControlPlane, operator: Operator, servers: Servers, home: str
) -> None:
    app = App(operator, control_plane, home, "source", servers["locked"])
    app.deliver()
    put(control_plane, home, "source", {"username": USERNAME, "password": PASSWORD})
    check = app.watch(secretRef={"name": "source"})
    report = check.wait(lambda report: report.verdict, "a verdict")
    ready = report.conditions["Ready"]
    assert (report.verdict, ready["reason"]) == ("Unknown", "SecretNotReadable")
    for words in (f"Secret {home}/source (spec.secretRef)", USER, "get", "secrets"):
        assert words in ready["message"]
    let_read(control_plane, home, "source")
    check.wait_verdict("InSync")
    until(lambda: check.events("Recovered"), "an Event")


def test_values_need_theirs(
    control_plane: ControlPlane, operator: Operator, servers: Servers, home: str
) -> None:
    """And they are followed, though not at once: the one Secret cannot be watched."""
    app = App(operator, control_plane, home, "values", servers["open"])
    app.deliver(HELM)
    put(control_plane, home, "values", {"values.yaml": "colour: green"})
    check = app.watch(helm={"valuesFrom": [{"kind": "Secret", "name": "values"}]})
    report = check.wait(lambda report: report.verdict, "a verdict")
    ready = report.conditions["Ready"]
    assert (report.verdict, ready["reason"]) == ("Unknown", "ValuesNotReadable")
    assert f"Secret {home}/values (spec.helm.valuesFrom)" in ready["message"]
    let_read(control_plane, home, "values")
    check.wait_verdict("InSync")
    put(control_plane, home, "values", {"values.yaml": "colour: red"})
    check.wait_verdict("Drifted")
