"""What the cluster's own controllers do is no drift."""

from __future__ import annotations

import time
from base64 import b64encode
from typing import TYPE_CHECKING

from harness.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Future

    from controlplane.plane import ControlPlane
    from e2e.drift.conftest import Delivered, Shop

DEPLOYMENT = ("Deployment", "podinfo")
WITHOUT_AUTOSCALER = {
    "kustomization.yaml": """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
resources: [deployment.yaml, service.yaml]
replicas: [{name: podinfo, count: 1}]
"""
}


def test_an_autoscaler_may_scale_and_a_person_may_not(
    open_shop: Callable[..., Shop], namespace: str
) -> None:
    shop = open_shop(namespace, WITHOUT_AUTOSCALER)
    shop.kubectl("autoscale", "deployment/podinfo", "--min=3", "--max=5")
    report = shop.check.wait(
        lambda report: report.status["summary"]["ignoredFields"], "the autoscaler has scaled"
    )
    assert report.verdict == "InSync"
    (found,) = report.status["ignored"]
    assert (found["kind"], found["name"]) == DEPLOYMENT
    assert found["fields"] == [
        {
            "path": "/spec/replicas",
            "rule": "known manager kube-controller-manager through scale",
        }
    ]

    shop.kubectl("delete", "hpa/podinfo")
    shop.kubectl("scale", "deployment/podinfo", "--replicas=2")
    report = shop.check.wait_verdict("Drifted")
    change = report.changes(*DEPLOYMENT)["/spec/replicas"]
    assert (change["desired"], change["live"]) == (1, 2)
    assert change["manager"] == "kubectl"


def test_an_autoscaler_may_scale_what_was_off(
    open_shop: Callable[..., Shop], namespace: str
) -> None:
    """The API server notes nobody for replicas that were 0: who has an autoscaler is asked for."""
    shop = open_shop(namespace, WITHOUT_AUTOSCALER)
    shop.kubectl("scale", "deployment/podinfo", "--replicas=0")
    report = shop.check.wait_verdict("Drifted")
    assert report.changes(*DEPLOYMENT)["/spec/replicas"].get("manager", "") == ""
    shop.kubectl("scale", "deployment/podinfo", "--replicas=1")
    shop.check.wait_verdict("InSync")
    shop.kubectl("autoscale", "deployment/podinfo", "--min=3", "--max=5")
    report = shop.check.wait(
        lambda report: report.status["summary"]["ignoredFields"], "the autoscaler has scaled"
    )
    assert report.verdict == "InSync"
    (found,) = report.status["ignored"]
    rule = "HorizontalPodAutoscaler podinfo"
    assert found["fields"] == [{"path": "/spec/replicas", "rule": rule}]
    shop.kubectl("delete", "hpa/podinfo")
    shop.kubectl("scale", "deployment/podinfo", "--replicas=2")
    shop.check.wait_verdict("Drifted")


def test_the_deployment_controller_may_annotate(shop: Shop) -> None:
    revision = "deployment.kubernetes.io/revision"
    until(
        lambda: revision in shop.kubectl("get", "deployment/podinfo", "-o", "yaml"),
        "the controller's annotation",
    )
    # A change that is found shows that what came before it has been looked at.
    shop.kubectl("annotate", "deployment/podinfo", "example.com/note=by hand")
    report = shop.check.wait_verdict("Drifted")
    assert list(report.changes(*DEPLOYMENT)) == ["/metadata/annotations/example.com~1note"]


def test_a_webhooks_certificate_may_be_injected(
    control_plane: ControlPlane, delivered: Mapping[str, Future[Delivered]]
) -> None:
    check = delivered["cert-manager-chart"].result().check
    compared = check.operator.value("leadsman_comparisons_total")
    bundle = b64encode(control_plane.ca_file.read_bytes()).decode()
    patch = [{"op": "add", "path": "/webhooks/0/clientConfig/caBundle", "value": bundle}]
    kinds = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations"
    webhook = f"{kinds}/web-cert-manager-webhook?fieldManager=cainjector"
    control_plane.api.patch(webhook, patch, "json-patch+json")
    until(lambda: check.operator.value("leadsman_comparisons_total") > compared, "a comparison")
    assert check.report().verdict == "InSync"


def test_an_update_of_the_status_is_not_compared(
    open_shop: Callable[..., Shop], namespace: str
) -> None:
    shop = open_shop(namespace, WITHOUT_AUTOSCALER)
    operator = shop.check.operator
    deployment = f"/apis/apps/v1/namespaces/{namespace}/deployments/podinfo"

    def update(replicas: int) -> None:
        # The controller puts it right each time.
        shop.check.plane.api.patch(f"{deployment}/status", {"status": {"replicas": replicas}})

    # The first is compared: the object was read once when Git asked for it, apart from the watch.
    update(10)
    compared = settled(lambda: operator.value("leadsman_comparisons_total"))
    for replicas in range(11, 16):
        update(replicas)
    # The watch brings one after the other: when this is found, those have been seen.
    shop.kubectl("annotate", "deployment/podinfo", "example.com/note=by hand")
    shop.check.wait_verdict("Drifted")
    assert operator.value("leadsman_comparisons_total") == compared + 1


def settled(value: Callable[[], float]) -> float:
    """Return a value that has stayed the same for a second, as when all controllers are done."""
    last, since = value(), time.monotonic()

    def still() -> bool:
        nonlocal last, since
        if (now := value()) != last:
            last, since = now, time.monotonic()
        return time.monotonic() - since > 1

    until(still, "a value that stays")
    return last
