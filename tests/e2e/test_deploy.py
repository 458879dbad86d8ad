"""What ``kubectl apply -k deploy`` and its components make of a cluster of their own.

Of its own, because two installations in one cluster share the ClusterRoles that they aggregate.
"""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from controlplane.plane import ControlPlane
from controlplane.waiting import eventually
from inputs import real_input

ROOT = Path(__file__).parents[2]
NAMESPACE = "leadsman-system"
USER = f"system:serviceaccount:{NAMESPACE}:leadsman"
READ = ("get", "list", "watch")
# What everybody with an account may create: questions about themselves.
ABOUT_ITSELF = {"authentication.k8s.io", "authorization.k8s.io"}


@pytest.fixture(scope="module")
def plane() -> Iterator[ControlPlane]:
    with ControlPlane() as plane:
        yield plane


@pytest.fixture
def base(plane: ControlPlane) -> ControlPlane:
    plane.kubectl("apply", "-k", ROOT / "deploy")
    eventually(lambda: may(plane, "list", "", "secrets"), what="aggregated")
    return plane


@pytest.fixture
def no_secrets(plane: ControlPlane, tmp_path: Path) -> ControlPlane:
    _apply(plane, tmp_path, "no-secrets")
    eventually(
        lambda: may(plane, "list", "", "pods") and not may(plane, "list", "", "secrets"),
        what="aggregated",
    )
    return plane


@pytest.fixture
def monitored(plane: ControlPlane, tmp_path: Path) -> ControlPlane:
    folder = real_input("prometheus-operator") / "example/prometheus-operator-crd"
    for kind in ("servicemonitors", "prometheusrules"):
        crd = folder / f"monitoring.coreos.com_{kind}.yaml"
        plane.kubectl("apply", "--server-side", "-f", crd)
        name = f"crd/{kind}.monitoring.coreos.com"
        plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", name)
    _apply(plane, tmp_path, "monitoring")
    return plane


def _apply(plane: ControlPlane, folder: Path, *components: str) -> None:
    """Apply what a user's kustomization with some of the components makes."""
    deploy = os.path.relpath(ROOT / "deploy", folder.resolve())
    named = [f"{deploy}/components/{component}" for component in components]
    kustomization = {"resources": [deploy], "components": named}
    (folder / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    plane.kubectl("apply", "--validate=strict", "-k", folder)


def may(plane: ControlPlane, verb: str, group: str, resource: str, **where: str) -> bool:
    """Ask the API server whether Leadsman may."""
    attributes = {"verb": verb, "group": group, "resource": resource, **where}
    review = {"spec": {"user": USER, "groups": ["system:serviceaccounts"]}}
    review["spec"]["resourceAttributes"] = attributes  # type: ignore[assignment]
    answer = plane.api.create("/apis/authorization.k8s.io/v1/subjectaccessreviews", review)
    return bool(answer["status"]["allowed"])


def writes(plane: ControlPlane, namespace: str) -> set[tuple[str, str, str]]:
    """Return what Leadsman, asked with its own token, may do in a namespace beyond reading."""
    kubeconfig = plane.service_account_kubeconfig(NAMESPACE, "leadsman")
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectRulesReview",
        "spec": {"namespace": namespace},
    }
    answer = plane.kubectl(
        "create", "-f", "-", "-o", "json", stdin=json.dumps(review), kubeconfig=kubeconfig
    )
    return {
        (verb, group, resource)
        for rule in json.loads(answer.stdout)["status"]["resourceRules"]
        for verb in rule["verbs"]
        for group in rule["apiGroups"]
        for resource in rule["resources"]
        if verb not in READ and group not in ABOUT_ITSELF
    }


def listable(plane: ControlPlane) -> list[tuple[str, str]]:
    """Return group and plural of everything that the API server lists."""
    output = plane.kubectl("api-resources", "--verbs=list,watch", "-o", "name").stdout
    names = [name.partition(".") for name in output.split()]
    return [(group, plural) for plural, _, group in names]


OWN: set[tuple[str, str, str]] = {
    ("create", "leadsman.dev", "driftreports"),
    ("patch", "leadsman.dev", "driftreports"),
    ("patch", "leadsman.dev", "driftreports/status"),
    ("create", "events.k8s.io", "events"),
    ("patch", "events.k8s.io", "events"),
}


def test_it_may_write_its_own_things_and_nothing_else(base: ControlPlane) -> None:
    assert writes(base, "default") == OWN
    leases = ("coordination.k8s.io", "leases")
    assert writes(base, NAMESPACE) == OWN | {("create", *leases), ("patch", *leases)}
    for name, allowed in (("leadsman-shards", True), ("leadsman-shard-2", True), ("other", False)):
        assert may(base, "patch", *leases, namespace=NAMESPACE, name=name) is allowed


def test_it_may_read_everything(base: ControlPlane) -> None:
    resources = listable(base)
    assert ("", "secrets") in resources
    assert len(resources) > 50
    verbs = ("list", "watch")
    refused = [(g, r, verb) for g, r in resources for verb in verbs if not may(base, verb, g, r)]
    assert not refused
    assert may(base, "get", "", "secrets", namespace="shop", name="git")


@pytest.mark.parametrize(
    ("resource", "subresource"),
    [("nodes", "proxy"), ("pods", "exec"), ("pods", "attach"), ("pods", "portforward")],
)
def test_what_reads_cannot_run_commands(
    base: ControlPlane, resource: str, subresource: str
) -> None:
    for verb in (*READ, "create"):
        # Listing is no way to run anything: only get and create connect.
        allowed = may(base, verb, "", resource, subresource=subresource)
        assert not allowed or verb in {"list", "watch"}


def test_its_pod_is_admitted_where_restricted_is_enforced(base: ControlPlane) -> None:
    namespace = base.api.get(f"/api/v1/namespaces/{NAMESPACE}")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"

    def pods() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = base.api.get(f"/api/v1/namespaces/{NAMESPACE}/pods")["items"]
        return found

    (pod,) = eventually(pods, what="the Deployment's Pod")
    assert pod["spec"]["serviceAccountName"] == "leadsman"


def test_applying_it_again_changes_nothing_and_warns_of_nothing(base: ControlPlane) -> None:
    role = "/apis/rbac.authorization.k8s.io/v1/clusterroles/leadsman-reader"
    aggregated = base.api.get(role)
    again = base.kubectl("apply", "-k", ROOT / "deploy")
    assert not again.stderr
    assert all(line.endswith(" unchanged") for line in again.stdout.splitlines()), again.stdout
    assert base.api.get(role) == aggregated


def test_without_secrets_all_else_can_still_be_read(no_secrets: ControlPlane) -> None:
    resources = [entry for entry in listable(no_secrets) if entry != ("", "secrets")]
    refused = [
        (g, r, verb) for g, r in resources for verb in READ if not may(no_secrets, verb, g, r)
    ]
    assert not refused
    assert not any(may(no_secrets, verb, "", "secrets") for verb in READ)
    assert not may(no_secrets, "get", "", "secrets", namespace=NAMESPACE)
    assert not may(no_secrets, "get", "", "pods", subresource="exec", namespace="default")
    assert not may(no_secrets, "get", "", "nodes", subresource="proxy")
    assert writes(no_secrets, "default") == OWN


def test_without_secrets_what_operators_publish_for_viewers_is_joined(
    no_secrets: ControlPlane,
) -> None:
    """Seen with the real roles of Kyverno, and with none that reads Secrets."""

    def custom() -> bool:
        return may(no_secrets, "watch", "kyverno.io", "clusterpolicies")

    assert not custom()
    manifests = real_input("kyverno") / "config/install-latest-testing.yaml"
    roles = [
        item
        for item in yaml.safe_load_all(manifests.read_text())
        if item["kind"] == "ClusterRole"
        and item["metadata"]["labels"].get("rbac.authorization.k8s.io/aggregate-to-view")
    ]
    no_secrets.kubectl("apply", "-f", "-", stdin=yaml.safe_dump_all(roles))
    eventually(custom, what="aggregated")
    assert not any(may(no_secrets, verb, "", "secrets") for verb in READ)
    assert writes(no_secrets, "default") == OWN


def test_without_secrets_flux_own_objects_are_read_by_a_component(
    no_secrets: ControlPlane, tmp_path: Path
) -> None:
    kinds = (
        ("kustomize.toolkit.fluxcd.io", "kustomizations"),
        ("source.toolkit.fluxcd.io", "buckets"),
    )
    assert not any(may(no_secrets, verb, *kind) for verb in READ for kind in kinds)
    _apply(no_secrets, tmp_path, "no-secrets", "flux")
    eventually(lambda: all(may(no_secrets, v, *kind) for v in READ for kind in kinds), what="added")
    assert not any(may(no_secrets, verb, "", "secrets") for verb in READ)
    assert writes(no_secrets, "default") == OWN


def test_without_secrets_the_examples_give_back_what_is_needed(no_secrets: ControlPlane) -> None:
    def custom() -> bool:
        return may(no_secrets, "watch", "cert-manager.io", "certificates")

    assert not custom()
    no_secrets.create_namespace("shop")
    no_secrets.kubectl("apply", "-f", ROOT / "deploy/examples")
    eventually(custom, what="aggregated")
    assert may(no_secrets, "get", "", "secrets", namespace="shop", name="shop-git")
    assert not may(no_secrets, "get", "", "secrets", namespace="shop", name="other")
    assert not may(no_secrets, "list", "", "secrets", namespace="shop")


def test_the_prometheus_operators_kinds_are_accepted(monitored: ControlPlane) -> None:
    path = f"/apis/monitoring.coreos.com/v1/namespaces/{NAMESPACE}"
    monitor = monitored.api.get(f"{path}/servicemonitors/leadsman")
    assert monitor["spec"]["endpoints"] == [{"port": "metrics", "interval": "30s"}]
    rule = monitored.api.get(f"{path}/prometheusrules/leadsman")
    assert rule["spec"] == yaml.safe_load(
        (ROOT / "deploy/monitoring/leadsman.rules.yaml").read_text()
    )
