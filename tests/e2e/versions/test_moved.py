"""Git has an apiVersion that the cluster does not serve any more."""

from __future__ import annotations

import secrets
from typing import TYPE_CHECKING, Any

import orjson
import pytest
import yaml

from controlplane.waiting import eventually
from e2e.versions.moved import CASES, Moved

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controlplane.plane import ControlPlane
    from e2e.drift.command import Leadsman

CLUSTER_SCOPED = frozenset(
    {
        "ClusterRole",
        "ClusterRoleBinding",
        "CSIDriver",
        "CustomResourceDefinition",
        "FlowSchema",
        "IngressClass",
        "MutatingWebhookConfiguration",
        "PriorityClass",
        "PriorityLevelConfiguration",
        "RuntimeClass",
        "StorageClass",
        "ValidatingWebhookConfiguration",
    }
)


INGRESS = "extensions/v1beta1 Ingress"
BUDGET = "policy/v1beta1 PodDisruptionBudget"


class Upgraded:
    """The objects of all cases, as they live in a cluster that was upgraded since."""

    def __init__(self, plane: ControlPlane, leadsman: Leadsman, namespace: str) -> None:
        self.plane = plane
        self.leadsman = leadsman
        self.namespace = namespace

    def check(self, *cases: Moved) -> dict[str, Any]:
        """Run ``leadsman check`` of the cases' manifests and return what it says."""
        folder = self.leadsman.home / f"git-{secrets.token_hex(4)}"
        folder.mkdir()
        for number, case in enumerate(cases):
            (folder / f"{number:03}.yaml").write_text(case.manifest)
        done = self.leadsman.check(str(folder), "--target-namespace", self.namespace, "-o", "json")
        assert done.code in {0, 1}, done.everything
        status: dict[str, Any] = orjson.loads(done.out)[0]["status"]
        return status

    def path(self, case: Moved) -> str:
        api_version, plural = case.served.split()
        scope = "" if case.body["kind"] in CLUSTER_SCOPED else f"/namespaces/{self.namespace}"
        return f"/apis/{api_version}{scope}/{plural}"

    def create(self, case: Moved) -> None:
        body: dict[str, Any] = case.body
        scoped = body["kind"] in CLUSTER_SCOPED
        name = body["metadata"]["name"]
        if not case.key:
            body["apiVersion"] = case.served.split()[0]
            body["spec"]["metrics"] = yaml.safe_load(case.now)
            self.plane.api.create(self.path(case), body)
            return
        body["metadata"] |= {
            "uid": secrets.token_hex(16),
            "creationTimestamp": "2020-01-01T00:00:00Z",
        }
        if not scoped:
            body["metadata"]["namespace"] = self.namespace
        place = name if scoped else f"{self.namespace}/{name}"
        self.plane.store(f"{case.key}/{place}", body)


@pytest.fixture(scope="module")
def upgraded(control_plane: ControlPlane, leadsman: Leadsman) -> Iterator[Upgraded]:
    with control_plane.namespace() as namespace:
        upgraded = Upgraded(control_plane, leadsman, namespace)
        for case in CASES:
            upgraded.create(case)
        yield upgraded


def told(status: dict[str, Any]) -> str:
    return orjson.dumps(status.get("objects", []), option=orjson.OPT_INDENT_2).decode()


def test_what_was_delivered_before_the_upgrade_is_in_sync(upgraded: Upgraded) -> None:
    status = upgraded.check(*CASES)
    assert status["verdict"] == "InSync", told(status)
    assert "objects" not in status
    assert status["summary"]["inSync"] == len(CASES)


def test_delivery_is_said_to_fail(upgraded: Upgraded) -> None:
    ingress, budget = (next(c for c in CASES if c.name == name) for name in (INGRESS, BUDGET))
    assert upgraded.check(ingress, budget)["warnings"] == [
        f"the cluster does not serve {version}, so {kind} {upgraded.namespace}/{name} cannot be "
        f"delivered: change the apiVersion to {served}"
        for version, kind, name, served in (
            (
                INGRESS,
                "Ingress.networking.k8s.io",
                "web-extensions-v1beta1 (000.yaml)",
                "networking.k8s.io/v1",
            ),
            (BUDGET, "PodDisruptionBudget.policy", "some (001.yaml)", "policy/v1"),
        )
    ]


def test_a_live_change_is_found_where_it_is_served(upgraded: Upgraded) -> None:
    for case in CASES:
        upgraded.plane.api.patch(
            f"{upgraded.path(case)}/{case.object}", yaml.safe_load(case.change)
        )
    status = upgraded.check(*CASES)
    found = {
        (item["kind"], item["name"]): {change["path"] for change in item["changes"]}
        for item in status["objects"]
    }
    wanted = {(case.kind, case.object): {case.path} for case in CASES}
    assert {name: paths & wanted[name] for name, paths in found.items()} == wanted


def test_what_is_gone_is_missing(upgraded: Upgraded) -> None:
    api = upgraded.plane.api
    paths = [f"{upgraded.path(case)}/{case.object}" for case in CASES]
    for path in paths:
        api.delete(path)
    # A CustomResourceDefinition goes when its objects are gone.
    eventually(lambda: not any(map(api.find, paths)), what="all gone")
    status = upgraded.check(*CASES)
    assert status["summary"]["missing"] == len(CASES), told(status)
    missing = next(item for item in status["objects"] if item["name"] == "web-extensions-v1beta1")
    assert missing["message"] == (
        "Git has it as extensions/v1beta1, in which the cluster does not serve it, so it cannot be "
        "delivered: change its apiVersion to apps/v1"
    )
