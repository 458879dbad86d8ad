"""What a real MutatingAdmissionPolicy changes is told apart; what a person changes never is."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from controlplane.webhook import Webhook
from e2e.drift.conftest import Shop
from e2e.mirror import POLICIES, config, excused, mirror
from harness.checks import Check
from harness.waiting import a_second_later, until
from inputs import real_input

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from controlplane.gitserver import GitServer
    from controlplane.plane import ControlPlane
    from harness.checks import Report
    from harness.operator import Operator


def files(*names: str) -> dict[str, str]:
    return {
        "kustomization.yaml": json.dumps({"resources": [f"{name}.yaml" for name in names]}),
        **{f"{name}.yaml": json.dumps(config(name)) for name in names},
    }


@pytest.fixture(scope="module", autouse=True)
def _policy(control_plane: ControlPlane) -> Iterator[None]:
    mirror(control_plane)
    yield
    control_plane.api.delete(f"{POLICIES}/mirror")


def test_after_kubectl_apply_it_is_no_drift(open_shop: Callable[..., Shop], namespace: str) -> None:
    shop = open_shop(namespace, files("web"))
    report = shop.check.report()
    assert report.verdict == "InSync"
    summary = report.status["summary"]
    assert (summary["admissionFields"], summary["drifted"]) == (2, 0)
    told = excused(shop.check)
    image = told["web", "/data/image"]
    assert (image["desired"], image["live"], image["cause"]) == (
        "web:1",
        "mirror/web:1",
        "Admission",
    )
    assert image["manager"] == "kubectl-client-side-apply"
    assert image["evidence"] == "kubectl's last-applied annotation"
    assert told["web", "/data/gone"]["op"] == "remove"
    assert shop.check.events("DriftDetected") == []
    assert shop.check.operator.value(
        "leadsman_target_excused_fields", **shop.check.labels, cause="Admission"
    ) == 2  # fmt: skip


def config_map(shop: Shop, name: str) -> str:
    return f"/api/v1/namespaces/{shop.check.namespace}/configmaps/{name}"


def by_edit(shop: Shop, name: str) -> None:
    patched(shop, name, "--field-manager=kubectl-edit")


def patched(shop: Shop, name: str, *flags: str) -> None:
    shop.kubectl("patch", f"cm/{name}", "-p", '{"data":{"image":"person"}}', *flags)


def by_another_file(shop: Shop, name: str) -> None:
    shop.kubectl("apply", "-f", "-", stdin=json.dumps(config(name, "person")))


def by_applys_name(shop: Shop, name: str) -> None:
    patched(shop, name, "--field-manager=kubectl-client-side-apply")


def by_replace(shop: Shop, name: str) -> None:
    body = json.loads(shop.kubectl("get", f"cm/{name}", "-o", "json"))
    body["data"]["image"] = "person"
    shop.kubectl("replace", "-f", "-", stdin=json.dumps(body))


def by_force(shop: Shop, name: str) -> None:
    flags = ("--server-side", "--force-conflicts")
    shop.kubectl("apply", *flags, "-f", "-", stdin=json.dumps(config(name, "person")))


def by_anew(shop: Shop, name: str) -> None:
    shop.kubectl("delete", f"cm/{name}")
    by_another_file(shop, name)


def by_removal(shop: Shop, name: str) -> None:
    shop.kubectl("patch", f"cm/{name}", "-p", '{"data":{"image":null}}')


WAYS = {
    "patch": patched,
    "edit": by_edit,
    "file": by_another_file,
    "name": by_applys_name,
    "replace": by_replace,
    "force": by_force,
    "anew": by_anew,
    "removal": by_removal,
}


def test_what_a_person_changes_is_drift_however_it_was_done(
    open_shop: Callable[..., Shop], namespace: str
) -> None:
    shop = open_shop(namespace, files("untouched", *WAYS))
    assert len(excused(shop.check)) == 2 * (len(WAYS) + 1)
    a_second_later()
    for name, change in WAYS.items():
        change(shop, name)
    report = shop.check.wait(lambda report: len(report.states) == len(WAYS), "each of the changes")
    for name in WAYS:
        change_ = report.changes("ConfigMap", name)["/data/image"]
        assert change_["cause"] == "Live", name
        assert change_.get("live", "person") == "person"
    assert {name for name, _ in excused(shop.check)} == {"untouched"}


def inject(deployment: dict[str, Any]) -> dict[str, Any]:
    """Do what image mirrors and sidecar injectors do."""
    pod = deployment["spec"]["template"]["spec"]
    first = pod["containers"][0]
    if not first["image"].startswith("mirror/"):
        first["image"] = f"mirror/{first['image']}"
    first["command"] = [word for word in first["command"] if word != "--traced"] + ["--traced"]
    first.pop("livenessProbe", None)
    if len(pod["containers"]) == 1:
        pod["containers"].append({"name": "sidecar", "image": "sidecar:1"})
    deployment["metadata"].setdefault("labels", {})["injected"] = "yes"
    return deployment


CONTAINER = "/spec/template/spec/containers/0"
IMAGE, COMMAND, PROBE = (f"{CONTAINER}/{name}" for name in ("image", "command/8", "livenessProbe"))


@pytest.mark.parametrize("way", [("apply",), ("apply", "--server-side")], ids=["client", "server"])
def test_a_webhook_is_told_from_a_person(
    control_plane: ControlPlane,
    git: GitServer,
    operator: Operator,
    namespace: str,
    way: tuple[str, ...],
) -> None:
    def decide(asked: dict[str, Any]) -> list[dict[str, Any]]:
        return [{"op": "replace", "path": "", "value": inject(asked["object"])}]

    with Webhook("mutate.example.com", decide) as hook:
        registered = json.dumps(hook.configuration("deployments", namespace))
        control_plane.kubectl("apply", "-f", "-", stdin=registered)
        made = git.create(namespace, real_input("podinfo") / "kustomize")
        shop = Shop(made, Check(operator, control_plane, namespace, "shop"), way)

        def mutated() -> bool:
            body = control_plane.kubectl(
                "apply", "-k", real_input("podinfo") / "kustomize", "-n", namespace,
                "--dry-run=server", "-o", "json",
            ).stdout  # fmt: skip
            return "sidecar:1" in body

        until(mutated, "the webhook")
        shop.deliver()
        shop.check.create(url=git.url(namespace), interval="1h")
        report = shop.check.wait(lambda report: report.verdict, "a verdict")
        deployment = report.object("Deployment", "podinfo")
        if way == ("apply",):
            assert report.verdict == "InSync"
            assert {path for _, path in excused(shop.check)} == {IMAGE, COMMAND, PROBE}
        else:
            # Nothing tells what was sent, but for what its sender still owns.
            assert set(report.changes("Deployment", "podinfo")) == {IMAGE, COMMAND}
            assert [change["path"] for change in deployment["excused"]] == [PROBE]
        a_second_later()
        shop.kubectl("set", "image", "deployment/podinfo", "podinfod=evil:1")
        report = shop.check.wait(
            lambda report: (
                report.changes("Deployment", "podinfo").get(IMAGE, {}).get("live")
                == "mirror/evil:1"
            ),
            "the image",
        )
        assert report.changes("Deployment", "podinfo")[IMAGE]["manager"] == "kubectl-set"
        control_plane.kubectl("delete", "mutatingwebhookconfiguration", hook.name)


def test_what_goes_with_a_persons_change_is_that_persons(
    open_shop: Callable[..., Shop], namespace: str
) -> None:
    port = {"port": 80, "nodePort": 31080}
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "door"},
        "spec": {"type": "NodePort", "selector": {"app": "web"}, "ports": [port]},
    }
    files = {
        "kustomization.yaml": json.dumps({"resources": ["door.yaml"]}),
        "door.yaml": json.dumps(service),
    }
    shop = open_shop(namespace, files, apply=("apply", "--server-side"))
    shop.kubectl("patch", "service/door", "-p", '{"spec":{"type":"ClusterIP"}}')
    report = shop.check.wait_verdict("Drifted")
    # The API server has taken the port from it, and left it to its owner.
    assert set(report.changes("Service", "door")) == {"/spec/type", "/spec/ports/0/nodePort"}
    assert "excused" not in report.status


CHART = {
    "chart/Chart.yaml": "{apiVersion: v2, name: web, version: 0.1.0}",
    "chart/templates/web.yaml": json.dumps(config("web", same="{{ .Values.same }}")),
    "chart/templates/other.yaml": json.dumps(config("other")),
    "chart/values.yaml": "same: y",
}


@pytest.mark.parametrize("way", ["--server-side=true", "--server-side=false"])
def test_what_helm_sent_is_read_from_its_release(
    control_plane: ControlPlane,
    git: GitServer,
    operator: Operator,
    namespace: str,
    tmp_path: Path,
    way: str,
) -> None:
    repository = git.create(namespace)
    repository.commit(CHART)
    for name, text in CHART.items():
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def upgrade(*flags: str) -> None:
        release = ("upgrade", "--install", "web", tmp_path / "chart", "-n", namespace)
        control_plane.helm(*release, way, *flags)

    check = Check(operator, control_plane, namespace, "web")
    shop = Shop(repository, check)
    upgrade()
    check.create(url=git.url(namespace), path="chart", interval="1h", helm={"releaseName": "web"})
    check.wait_verdict("InSync")
    image = excused(check)["web", "/data/image"]
    assert (image["manager"], image["evidence"]) == (
        "helm",
        f"Helm release {namespace}/web revision 1",
    )

    # An upgrade that writes the object, and one after it that does not.
    a_second_later()
    check.patch(helm={"releaseName": "web", "values": {"same": "two"}})
    check.wait_verdict("Drifted")
    upgrade("--set", "same=two")
    revision = "Helm release {}/web revision 2"

    def by_second(report: Report) -> bool:
        told = excused(check).get(("web", "/data/image"), {})
        return report.verdict == "InSync" and told.get("evidence") == revision.format(namespace)

    check.wait(by_second, "the second revision")
    upgrade("--set", "same=two")
    shop.kubectl("label", "cm/web", "example.com/note=x")
    shop.check.wait(lambda report: report.states == {("ConfigMap", "web"): "Added"}, "the label")
    assert ("web", "/data/image") not in excused(check)
    told = shop.check.report().object("ConfigMap", "web")["excused"]
    assert {change["path"] for change in told} == {"/data/gone", "/data/image"}

    # A person, and one who takes Helm's name.
    a_second_later()
    patched(shop, "web")
    patched(shop, "other", "--field-manager=helm")
    report = check.wait(
        lambda report: all(
            "/data/image" in report.changes("ConfigMap", name) for name in ("web", "other")
        ),
        "both changes",
    )
    assert report.changes("ConfigMap", "other")["/data/image"]["manager"] == "helm"
