"""Flux's kinds come and go, and so do its targets; what may not be read is named.

The controller is not there: its objects, and what it says in them, are written here.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from controlplane.gitserver import GitServer
from controlplane.plane import ControlPlane
from e2e.flux.conftest import config
from harness.checks import Check
from harness.flux import CUSTOM_RESOURCES, crd_folders
from harness.operator import Operator, install
from harness.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controlplane.toolchain import Tools
    from harness.checks import Report

FILES = {"kustomization.yaml": json.dumps({"resources": ["web.yaml"]}), "web.yaml": config("web")}
SOURCES = "/apis/source.toolkit.fluxcd.io/v1/namespaces/{}/gitrepositories"
KUSTOMIZATIONS = "/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/{}/kustomizations"


@pytest.fixture
def cluster(tools: Tools) -> Iterator[ControlPlane]:
    """A cluster of its own, whose CRDs come and go."""
    with ControlPlane(tools) as plane:
        install(plane)
        yield plane


def flux_comes(plane: ControlPlane) -> None:
    for folder in crd_folders():
        plane.kubectl("apply", "--server-side", "-f", folder)
    for crd in CUSTOM_RESOURCES:
        plane.kubectl("wait", "--for=condition=Established", f"crd/{crd}")


def applied(plane: ControlPlane, namespace: str, url: str, sha: str) -> None:
    """Write a Kustomization that was applied, as source and kustomize controller would."""
    source = {
        "apiVersion": "source.toolkit.fluxcd.io/v1",
        "kind": "GitRepository",
        "metadata": {"name": "shop"},
        "spec": {"interval": "1h", "url": url},
    }
    kustomization: dict[str, Any] = {
        "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
        "kind": "Kustomization",
        "metadata": {"name": "shop"},
        "spec": {
            "interval": "1h",
            "prune": True,
            "sourceRef": {"kind": "GitRepository", "name": "shop"},
            "targetNamespace": namespace,
        },
    }
    status = {
        "observedGeneration": 1,
        "lastAppliedRevision": f"main@sha1:{sha}",
        "conditions": [
            {
                "type": "Ready",
                "status": "True",
                "reason": "ReconciliationSucceeded",
                "message": "",
                "lastTransitionTime": "2026-11-26T22:13:28Z",
            }
        ],
    }
    plane.kubectl("create", "-n", namespace, "-f", "-", stdin=json.dumps(source))
    plane.kubectl("create", "-n", namespace, "-f", "-", stdin=json.dumps(kustomization))
    plane.api.patch(f"{KUSTOMIZATIONS.format(namespace)}/shop/status", {"status": status})


def test_targets_come_and_go_with_fluxs_kinds(
    cluster: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("operator")
    with (
        GitServer() as git,
        Operator.in_pod(cluster, folder) as operator,
        cluster.namespace() as namespace,
    ):
        operator.wait_ready()
        sha = git.create("shop").commit(FILES)
        check = Check(operator, cluster, namespace, "shop", "Kustomization")

        def is_known() -> bool:
            return bool(operator.series("leadsman_target_objects", **check.labels))

        for _ in range(2):
            flux_comes(cluster)
            applied(cluster, namespace, git.url("shop"), sha)
            made = cluster.api.get(f"{KUSTOMIZATIONS.format(namespace)}/shop")["metadata"]["uid"]

            def is_of(report: Report, uid: str = made) -> bool:
                (owner,) = report.body["metadata"]["ownerReferences"]
                return report.verdict == "Drifted" and owner["uid"] == uid

            report = check.wait(lambda report: report.body and is_of(report), "its report")
            assert report.states == {("ConfigMap", "web"): "Missing"}
            for crd in CUSTOM_RESOURCES:
                cluster.kubectl("delete", f"crd/{crd}")
            until(lambda: not is_known(), "its series to go")


def test_a_kind_that_may_not_be_read_is_named(
    cluster: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """With a role that has all but the sources."""
    flux_comes(cluster)
    role = "/apis/rbac.authorization.k8s.io/v1/clusterroles/leadsman-reader"
    rules = [
        {"apiGroups": [group], "resources": ["*"], "verbs": ["list", "watch"]}
        for group in ("", "leadsman.dev", "kustomize.toolkit.fluxcd.io")
    ]
    cluster.api.delete(role)
    body = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "ClusterRole",
        "metadata": {"name": "leadsman-reader"},
        "rules": rules,
    }
    cluster.kubectl("create", "-f", "-", stdin=json.dumps(body))
    folder = tmp_path_factory.mktemp("operator")
    with (
        GitServer() as git,
        Operator.in_pod(cluster, folder) as operator,
        cluster.namespace() as namespace,
    ):
        sha = git.create("shop").commit(FILES)
        applied(cluster, namespace, git.url("shop"), sha)
        check = Check(operator, cluster, namespace, "shop", "Kustomization")
        report = check.wait(
            lambda report: report.conditions.get("Ready", {}).get("reason") == "SourceNotReadable",
            "the refusal",
        )
        assert "gitrepositories" in report.conditions["Ready"]["message"]
        rules.append(
            {
                "apiGroups": ["source.toolkit.fluxcd.io"],
                "resources": ["*"],
                "verbs": ["list", "watch"],
            }
        )
        cluster.api.patch(role, {"rules": rules})
        check.wait(
            lambda report: report.conditions["Ready"]["status"] == "True",
            "the source",
            timeout=90.0,
        )
