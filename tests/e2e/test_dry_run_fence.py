"""The fence of DryRun mode: what the API server denies, and when Leadsman does not start."""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from controlplane.api import Api, ApiError
from controlplane.plane import ControlPlane
from harness.operator import NAMESPACE, ROOT, SERVICE_ACCOUNT, Operator, install
from harness.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from controlplane.toolchain import Tools

ACCOUNT = f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/{SERVICE_ACCOUNT}"
RBAC = "/apis/rbac.authorization.k8s.io/v1"
ADMISSION = "/apis/admissionregistration.k8s.io/v1"
SHOP = "/api/v1/namespaces/shop"
LEASES = f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases"
FENCE = "ValidatingAdmissionPolicy 'leadsman-dry-run'"
MERGE, APPLY = "application/merge-patch+json", "application/apply-patch+yaml"


def configmap(name: str) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": {"a": "1"}}


def lease(name: str) -> dict[str, Any]:
    metadata, spec = {"name": name}, {"leaseDurationSeconds": 1}
    kind = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease"}
    return {**kind, "metadata": metadata, "spec": spec}


@pytest.fixture(scope="module")
def control_plane(tools: Tools) -> Iterator[ControlPlane]:
    with ControlPlane(tools) as plane:
        install(plane, "dry-run")
        plane.create_namespace("shop")
        plane.api.create(f"{SHOP}/configmaps", configmap("there"))
        pod = {"containers": [{"name": "a", "image": "a"}]}
        body = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "pod"}, "spec": pod}
        plane.api.create(f"{SHOP}/pods", body)
        labels = {"matchLabels": {"a": "b"}}
        template = {"metadata": {"labels": {"a": "b"}}, "spec": pod}
        body = {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "web"}}
        body["spec"] = {"replicas": 0, "selector": labels, "template": template}
        plane.api.create("/apis/apps/v1/namespaces/shop/deployments", body)
        report = {
            "apiVersion": "leadsman.dev/v1alpha1",
            "kind": "DriftReport",
            "metadata": {"name": "there"},
            "spec": {"target": {"kind": "DriftCheck", "name": "there"}},
        }
        plane.api.create("/apis/leadsman.dev/v1alpha1/namespaces/shop/driftreports", report)
        plane.api.create(LEASES, lease("leadsman-shard-9"))
        # Taken up: the API server reads policies a moment after they are written.
        api = Api(plane.server, plane.ca_file, account_token(plane))
        until(lambda: FENCE in refusal(api, "PATCH", ACCOUNT, {}, MERGE), "the fence in force")
        yield plane


def account_token(plane: ControlPlane) -> str:
    return plane.service_account_token(NAMESPACE, SERVICE_ACCOUNT)


def refusal(api: Api, method: str, path: str, body: Any = None, kind: str = "") -> str:
    """Return why a request is refused, "" if it is not."""
    try:
        api.request(method, path, body, kind or "application/json")
    except ApiError as error:
        return str(error)
    return ""


@contextmanager
def all_powerful(plane: ControlPlane) -> Iterator[Api]:
    """Leadsman, while it is bound to cluster-admin."""
    binding = {
        "metadata": {"name": "too-much"},
        "roleRef": {
            "apiGroup": "rbac.authorization.k8s.io",
            "kind": "ClusterRole",
            "name": "cluster-admin",
        },
        "subjects": [{"kind": "ServiceAccount", "name": SERVICE_ACCOUNT, "namespace": NAMESPACE}],
    }
    plane.api.create(f"{RBAC}/clusterrolebindings", binding)
    try:
        api = Api(plane.server, plane.ca_file, account_token(plane))
        until(lambda: not refusal(api, "GET", "/metrics"), "the binding in force")
        yield api
    finally:
        plane.api.delete(f"{RBAC}/clusterrolebindings/too-much")
        until(lambda: refusal(api, "GET", "/metrics"), "the binding gone")


@pytest.fixture(scope="class")
def powerful(control_plane: ControlPlane) -> Iterator[Api]:
    with all_powerful(control_plane) as api:
        yield api


WRITES: dict[str, tuple[str, str, Any, str]] = {
    "create": ("POST", f"{SHOP}/configmaps", configmap("new"), ""),
    "update": ("PUT", f"{SHOP}/configmaps/there", configmap("there"), ""),
    "patch": ("PATCH", f"{SHOP}/configmaps/there", {"data": {"a": "2"}}, MERGE),
    "apply": (
        "PATCH",
        f"{SHOP}/configmaps/there?fieldManager=x&force=true",
        configmap("there"),
        APPLY,
    ),
    "apply something new": (
        "PATCH",
        f"{SHOP}/configmaps/new?fieldManager=x",
        configmap("new"),
        APPLY,
    ),
    "delete": ("DELETE", f"{SHOP}/configmaps/there", None, ""),
    "delete all": ("DELETE", f"{SHOP}/configmaps", None, ""),
    "scale": (
        "PATCH",
        "/apis/apps/v1/namespaces/shop/deployments/web/scale",
        {"spec": {"replicas": 3}},
        MERGE,
    ),
    "status": (
        "PATCH",
        "/apis/apps/v1/namespaces/shop/deployments/web/status",
        {"status": {"replicas": 3}},
        MERGE,
    ),
    "grant": ("DELETE", f"{RBAC}/clusterrolebindings/too-much", None, ""),
    "define": (
        "DELETE",
        "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/driftchecks.leadsman.dev",
        None,
        "",
    ),
    "register a webhook": (
        "POST",
        f"{ADMISSION}/validatingwebhookconfigurations",
        {"metadata": {"name": "any"}, "webhooks": []},
        "",
    ),
    "delete a report": (
        "DELETE",
        "/apis/leadsman.dev/v1alpha1/namespaces/shop/driftreports/there",
        None,
        "",
    ),
    "a check": (
        "POST",
        "/apis/leadsman.dev/v1alpha1/namespaces/shop/driftchecks",
        {
            "apiVersion": "leadsman.dev/v1alpha1",
            "kind": "DriftCheck",
            "metadata": {"name": "any"},
            "spec": {"url": "https://example.com/any.git", "ref": {"branch": "main"}},
        },
        "",
    ),
    "another's Lease": ("POST", LEASES, lease("leadsman-shard-x"), ""),
    "a Lease elsewhere": (
        "POST",
        "/apis/coordination.k8s.io/v1/namespaces/shop/leases",
        lease("leadsman-shard-0"),
        "",
    ),
    "delete a Lease": ("DELETE", f"{LEASES}/leadsman-shard-9", None, ""),
    "an old Event": (
        "POST",
        f"{SHOP}/events",
        {
            "metadata": {"name": "any"},
            "involvedObject": {"kind": "Pod", "namespace": "shop", "name": "pod"},
        },
        "",
    ),
}
# There is no dry run of these.
CONNECTIONS: dict[str, tuple[str, str, Any]] = {
    "token": ("POST", f"{SHOP}/serviceaccounts/default/token", {"spec": {}}),
    "exec": ("POST", f"{SHOP}/pods/pod/exec?command=true&stdout=true", None),
    "exec by GET": ("GET", f"{SHOP}/pods/pod/exec?command=true&stdout=true", None),
    "attach": ("POST", f"{SHOP}/pods/pod/attach?stdout=true", None),
    "portforward": ("POST", f"{SHOP}/pods/pod/portforward", None),
    "proxy of a Pod": ("GET", f"{SHOP}/pods/pod/proxy/", None),
    "proxy of a Service": ("GET", "/api/v1/namespaces/default/services/kubernetes/proxy/", None),
    "proxy of a node": ("GET", "/api/v1/nodes/any/proxy/", None),
}


class TestAWriteIsDeniedEvenToAClusterAdmin:
    @pytest.mark.parametrize("what", WRITES)
    def test_unless_it_is_a_dry_run(self, powerful: Api, what: str) -> None:
        method, path, body, kind = WRITES[what]
        assert FENCE in refusal(powerful, method, path, body, kind)
        dry = f"{path}{'&' if '?' in path else '?'}dryRun=All"
        assert refusal(powerful, method, dry, body, kind) == ""

    @pytest.mark.parametrize("what", CONNECTIONS)
    def test_connections_too(self, powerful: Api, what: str) -> None:
        method, path, body = CONNECTIONS[what]
        assert FENCE in refusal(powerful, method, path, body)

    def test_its_own_leases_are_no_concern_of_the_fence(self, powerful: Api) -> None:
        for name in ("leadsman-shards", "leadsman-shard-15"):
            assert refusal(powerful, "POST", LEASES, lease(name)) == ""
            patch = {"spec": {"holderIdentity": ""}}
            assert refusal(powerful, "PATCH", f"{LEASES}/{name}", patch, MERGE) == ""

    def test_nothing_of_it_was_done(self, powerful: Api, control_plane: ControlPlane) -> None:
        for method, path, body, kind in WRITES.values():
            refusal(powerful, method, path, body, kind)
        api = control_plane.api
        assert api.get(f"{SHOP}/configmaps/there")["data"] == {"a": "1"}
        assert "new" in refusal(api, "GET", f"{SHOP}/configmaps/new")
        web = api.get("/apis/apps/v1/namespaces/shop/deployments/web")
        assert web["spec"]["replicas"] == 0


def test_it_concerns_nobody_else(control_plane: ControlPlane) -> None:
    control_plane.api.create(f"{SHOP}/configmaps", configmap("others"))
    control_plane.api.delete(f"{SHOP}/configmaps/others")


# Whether Leadsman starts.


@pytest.fixture
def operator(control_plane: ControlPlane, tmp_path: Path) -> Iterator[Operator]:
    operator = Operator.in_pod(control_plane, tmp_path, "--mode", "DryRun", "--leader-elect")
    try:
        yield operator
    finally:
        operator.close()


def refused(operator: Operator) -> str:
    """Start it; return its last words once it has ended by itself."""
    operator.start()
    until(operator.ended, "the operator to refuse to start")
    return operator.ended()


@contextmanager
def without(plane: ControlPlane, kind: str, name: str) -> Iterator[None]:
    """Have no object of the component, or another one that the block makes, while it runs."""
    plane.kubectl("delete", kind, name)
    try:
        yield
    finally:
        plane.kubectl("apply", "--server-side", "--force-conflicts", "-k", plane.folder / "overlay")
        api = Api(plane.server, plane.ca_file, account_token(plane))
        until(lambda: FENCE in refusal(api, "PATCH", ACCOUNT, {}, MERGE), "the fence in force")


BINDING = ("validatingadmissionpolicybinding", "leadsman-dry-run")


def test_it_starts_within_the_fence_and_writes_its_reports(
    operator: Operator, control_plane: ControlPlane
) -> None:
    operator.start()
    until(lambda: "the fence holds" in operator.log.read_text(), "the fence to be tried")
    held = control_plane.api.get(f"{LEASES}/leadsman-shard-0")["spec"]["holderIdentity"]
    assert held.startswith("leadsman-0_")
    check = {
        "apiVersion": "leadsman.dev/v1alpha1",
        "kind": "DriftCheck",
        "metadata": {"name": "none"},
        "spec": {"url": "http://127.0.0.1:1/none.git", "ref": {"branch": "main"}},
    }
    checks = "/apis/leadsman.dev/v1alpha1/namespaces/shop/driftchecks"
    control_plane.api.create(checks, check)
    reports = "/apis/leadsman.dev/v1alpha1/namespaces/shop/driftreports/none"
    until(lambda: not refusal(control_plane.api, "GET", reports), "the report")
    events = "/apis/events.k8s.io/v1/namespaces/shop/events"
    until(
        lambda: any(
            event["regarding"]["kind"] == "DriftCheck"
            for event in control_plane.api.get(events)["items"]
        ),
        "the Event",
    )
    control_plane.api.delete(f"{checks}/none")
    assert operator.stop() == 0


def test_it_does_not_start_without_the_fence_and_has_written_nothing(
    operator: Operator, control_plane: ControlPlane
) -> None:
    with without(control_plane, *BINDING):
        before = control_plane.api.get(ACCOUNT)
        said = refused(operator)
        assert "code 2" in said
        assert "FenceMissing" in said
        assert "component dry-run" in said
        assert control_plane.api.get(ACCOUNT) == before


OTHERS = {"name": "others", "expression": "request.resource.resource != 'configmaps'"}


@pytest.mark.parametrize(
    ("change", "gap"),
    [
        ({"matchConstraints": {"excludeResourceRules": True}}, "excludeResourceRules"),
        ({"failurePolicy": "Ignore"}, "failurePolicy is not Fail"),
        ({"matchConstraints": {"resourceRules": ["UPDATE"]}}, "all operations"),
        ({"matchConditions": [OTHERS]}, "matchConditions"),
        ({"validations": []}, "validations"),
    ],
    ids=str,
)
def test_it_does_not_start_with_a_fence_that_has_gaps(
    operator: Operator, control_plane: ControlPlane, change: Any, gap: str
) -> None:
    kind, name = "validatingadmissionpolicy", "leadsman-dry-run"
    spec = control_plane.api.get(f"{ADMISSION}/validatingadmissionpolicies/{name}")["spec"]
    rule = spec["matchConstraints"]["resourceRules"][0]
    constraints = change.get("matchConstraints", {})
    if "excludeResourceRules" in constraints:
        excluded = {**rule, "apiGroups": ["batch"], "resources": ["jobs"]}
        change = {"matchConstraints": {"excludeResourceRules": [excluded]}}
    if "resourceRules" in constraints:
        change = {"matchConstraints": {"resourceRules": [{**rule, "operations": ["UPDATE"]}]}}
    if "validations" in change:
        # It denies the trial's own write.
        denied = {
            "expression": "(has(request.dryRun) && request.dryRun) "
            "|| request.resource.resource != 'serviceaccounts'"
        }
        change = {"validations": [denied], "matchConditions": spec["matchConditions"]}
    elif "matchConditions" in change:
        change = {"matchConditions": [*spec["matchConditions"], OTHERS]}
    control_plane.kubectl("patch", kind, name, "--type=merge", "-p", json.dumps({"spec": change}))
    try:
        said = refused(operator)
        assert "FenceWeak" in said
        assert gap in said
    finally:
        with without(control_plane, kind, name):
            pass


def test_it_does_not_start_where_it_could_remove_the_fence(
    operator: Operator, control_plane: ControlPlane
) -> None:
    role = {
        "metadata": {
            "name": "careless",
            "labels": {"leadsman.dev/aggregate-to-dry-run": "true"},
        },
        "rules": [
            {
                "apiGroups": ["admissionregistration.k8s.io"],
                "resources": ["mutatingadmissionpolicies"],
                "resourceNames": ["any"],
                "verbs": ["patch"],
            }
        ],
    }
    control_plane.api.create(f"{RBAC}/clusterroles", role)
    aggregated = f"{RBAC}/clusterroles/leadsman-dry-run"
    try:
        until(lambda: "any" in str(control_plane.api.get(aggregated)["rules"]), "aggregated")
        said = refused(operator)
        assert "FenceRemovable" in said
        assert "patch mutatingadmissionpolicies" in said
    finally:
        control_plane.api.delete(f"{RBAC}/clusterroles/careless")
        until(lambda: "any" not in str(control_plane.api.get(aggregated)["rules"]), "taken back")


def test_it_does_not_start_as_cluster_admin(
    operator: Operator, control_plane: ControlPlane
) -> None:
    with all_powerful(control_plane):
        assert "FenceRemovable" in refused(operator)


def test_it_does_not_start_where_rbac_lets_it_try_nothing(
    operator: Operator, control_plane: ControlPlane
) -> None:
    with without(control_plane, "clusterrolebinding", "leadsman-dry-run"):
        assert "FenceUntried" in refused(operator)


def test_it_ends_when_the_fence_is_gone_and_not_when_it_is_only_touched(
    operator: Operator, control_plane: ControlPlane
) -> None:
    operator.start()
    until(lambda: "the fence holds" in operator.log.read_text(), "the fence to be tried")
    policies = f"{ADMISSION}/validatingadmissionpolicies"
    touched = {"metadata": {"labels": {"any": "thing"}}}
    control_plane.api.patch(f"{policies}/leadsman-dry-run", touched)
    operator.wait_ready()
    assert not operator.ended()
    with without(control_plane, *BINDING):
        until(operator.ended, "the operator to end")
        assert "FenceMissing" in operator.ended()


def test_the_example_lets_it_ask_about_custom_resources(control_plane: ControlPlane) -> None:
    example = ROOT / "deploy/examples/dry-run-custom-resources.yaml"
    control_plane.kubectl("apply", "-f", example)
    aggregated = f"{RBAC}/clusterroles/leadsman-dry-run"
    until(
        lambda: "cert-manager.io" in str(control_plane.api.get(aggregated)["rules"]), "aggregated"
    )
    name = yaml.safe_load(example.read_text())["metadata"]["name"]
    control_plane.api.delete(f"{RBAC}/clusterroles/{name}")
