"""Objects that are not there, or not in Git any more."""

from __future__ import annotations

from typing import TYPE_CHECKING

from e2e.drift.cases import Case, Helm
from harness.checks import Check
from inputs import real_input

if TYPE_CHECKING:
    from controlplane.gitserver import GitServer
    from controlplane.plane import ControlPlane
    from e2e.drift.conftest import Shop
    from harness.operator import Operator

SERVICE = ("Service", "podinfo")


def test_a_deleted_object_is_missing(shop: Shop) -> None:
    shop.kubectl("delete", "service/podinfo")
    report = shop.check.wait(lambda report: report.states, "drift")
    assert report.states == {SERVICE: "Missing"}
    assert report.object(*SERVICE)["file"] == "service.yaml"
    assert report.status["summary"]["missing"] == 1
    assert report.status["driftSince"] == report.object(*SERVICE)["since"]
    shop.deliver()
    assert shop.check.wait_verdict("InSync").states == {}


def test_an_object_that_git_has_dropped_is_orphaned_while_it_lives(shop: Shop) -> None:
    shop.check.patch(interval="1s")
    kustomization = shop.repository.git("show", "main:kustomization.yaml")
    shop.repository.commit({"kustomization.yaml": kustomization.replace("- service.yaml", "")})
    report = shop.check.wait(lambda report: report.states, "drift")
    assert report.states == {SERVICE: "Orphaned"}
    assert report.verdict == "Drifted"
    assert report.status["summary"]["orphaned"] == 1
    shop.kubectl("delete", "service/podinfo")
    report = shop.check.wait_verdict("InSync")
    assert report.states == {}
    assert report.status["summary"]["total"] == 2


def test_a_custom_resource_whose_definition_comes_later(
    control_plane: ControlPlane, operator: Operator, git: GitServer, namespace: str
) -> None:
    monitored = Helm(values={"serviceMonitor": {"enabled": True}})
    case = Case(namespace, "podinfo", "charts/podinfo", monitored)
    where = {"url": git.url("podinfo"), "path": case.path, "interval": "1h"}
    check = Check(operator, control_plane, namespace, "shop").create(**where, **monitored.spec())
    monitor = ("ServiceMonitor", "web-podinfo")

    report = check.wait(lambda report: report.verdict, "a verdict")
    assert report.states[monitor] == "Unverifiable"
    assert report.object(*monitor)["reason"] == "KindNotServed"
    assert report.conditions["Ready"]["status"] == "False"

    crds = real_input("prometheus-operator") / "example/prometheus-operator-crd"
    crd = crds / "monitoring.coreos.com_servicemonitors.yaml"
    control_plane.kubectl("apply", "--server-side", "-f", crd)
    report = check.wait(lambda report: report.states[monitor] == "Missing", "the kind is served")
    assert report.conditions["Ready"]["status"] == "True"

    name = "crd/servicemonitors.monitoring.coreos.com"
    control_plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", name)
    monitored.deliver(control_plane, case.folder, namespace)
    assert check.wait_verdict("InSync").states == {}

    control_plane.kubectl(
        *("patch", "servicemonitor/web-podinfo", "-n", namespace, "--type=json"),
        *("-p", '[{"op": "replace", "path": "/spec/endpoints/0/interval", "value": "1m"}]'),
    )
    report = check.wait(lambda report: report.states, "drift")
    change = report.changes(*monitor)["/spec/endpoints/0/interval"]
    assert (change["desired"], change["live"]) == ("15s", "1m")
    assert change["manager"] == "kubectl-patch"
