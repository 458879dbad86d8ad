"""The operator may write its own things and nothing else; the API server is asked."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

from controlplane.api import Api, ApiError
from harness.operator import NAMESPACE, SERVICE_ACCOUNT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from controlplane.plane import ControlPlane
    from e2e.drift.conftest import Shop

READ = {"get", "list", "watch"}
# Besides those that discovery names: RBAC's own, and those that no resource has alone.
MORE_VERBS = {"create", "update", "patch", "delete", "deletecollection", "bind", "escalate"}
MAY = {
    ("create", "leadsman.dev", "driftreports"),
    ("patch", "leadsman.dev", "driftreports"),
    ("patch", "leadsman.dev", "driftreports/status"),
    ("create", "events.k8s.io", "events"),
    ("patch", "events.k8s.io", "events"),
}
# Everybody may ask what they are allowed to do.
ABOUT_ONESELF = {"authorization.k8s.io", "authentication.k8s.io"}


@pytest.fixture(scope="module")
def account(control_plane: ControlPlane) -> Api:
    """The API server as the operator sees it."""
    token = control_plane.service_account_token(NAMESPACE, SERVICE_ACCOUNT)
    return Api(control_plane.server, control_plane.ca_file, token)


def resources(api: Api) -> Iterator[tuple[str, str, set[str]]]:
    """Yield group, name and verbs of all resources, subresources too, of all versions."""
    versions = [("", "/api/v1")]
    for group in api.get("/apis")["groups"]:
        versions += [(group["name"], f"/apis/{one['groupVersion']}") for one in group["versions"]]
    for group, path in versions:
        try:
            found = api.get(path)["resources"]
        except ApiError as error:
            if error.status != 503:
                raise
            found = []  # an aggregated API whose server is not there
        for resource in found:
            yield group, resource["name"], set(resource["verbs"])


def test_what_it_may_of_all_that_there_is(control_plane: ControlPlane, account: Api) -> None:
    known = list(resources(control_plane.api))
    assert len(known) > 100
    asked = sorted(
        {
            (verb, group, resource)
            for group, resource, verbs in known
            if group not in ABOUT_ONESELF
            for verb in (verbs | MORE_VERBS) - READ
        }
    )

    def allowed(what: tuple[str, str, str]) -> bool:
        verb, group, resource = what
        name, _, subresource = resource.partition("/")
        attributes = {
            "verb": verb,
            "group": group,
            "resource": name,
            "subresource": subresource,
            "namespace": "default",
        }
        review = {"spec": {"resourceAttributes": attributes}}
        answer = account.create("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", review)
        return bool(answer["status"]["allowed"])

    with ThreadPoolExecutor(8) as pool:
        answers = dict(zip(asked, pool.map(allowed, asked), strict=True))
    assert {what for what, answer in answers.items() if answer} == MAY


@dataclass(frozen=True, slots=True)
class Attempt:
    """A request; in its path ``{}`` stands for a namespace that has a shop in it."""

    name: str
    method: str
    path: str
    body: Any = None


NAME = {"metadata": {"name": "new"}}
DEPLOYMENT = "/apis/apps/v1/namespaces/{}/deployments/podinfo"
LEADSMAN = "/apis/leadsman.dev/v1alpha1/namespaces/{}"
ATTEMPTS = (
    Attempt("create-namespace", "POST", "/api/v1/namespaces", NAME),
    Attempt("create-configmap", "POST", "/api/v1/namespaces/{}/configmaps", NAME),
    Attempt("delete-service", "DELETE", "/api/v1/namespaces/{}/services/podinfo"),
    Attempt("delete-all-pods", "DELETE", "/api/v1/namespaces/{}/pods"),
    Attempt("patch-deployment", "PATCH", DEPLOYMENT, {"spec": {"replicas": 0}}),
    Attempt("patch-deployment-dry", "PATCH", f"{DEPLOYMENT}?dryRun=All", {"spec": {}}),
    Attempt("scale", "PATCH", f"{DEPLOYMENT}/scale", {"spec": {"replicas": 0}}),
    Attempt("patch-deployment-status", "PATCH", f"{DEPLOYMENT}/status", {"status": {}}),
    Attempt("patch-driftcheck", "PATCH", f"{LEADSMAN}/driftchecks/shop", {"spec": {}}),
    Attempt("delete-driftcheck", "DELETE", f"{LEADSMAN}/driftchecks/shop"),
    Attempt("delete-report", "DELETE", f"{LEADSMAN}/driftreports/shop"),
    Attempt("create-core-event", "POST", "/api/v1/namespaces/{}/events", NAME),
    Attempt("take-token", "POST", "/api/v1/namespaces/{}/serviceaccounts/default/token", {}),
    Attempt(
        "run-in-pod", "POST", "/api/v1/namespaces/{}/pods/podinfo/exec?command=id&container=podinfo"
    ),
    Attempt("create-clusterrole", "POST", "/apis/rbac.authorization.k8s.io/v1/clusterroles", NAME),
)


@pytest.fixture(scope="module")
def shop(open_shop: Callable[..., Shop], control_plane: ControlPlane) -> Shop:
    control_plane.create_namespace("locked")
    return open_shop("locked")


@pytest.mark.parametrize("attempt", ATTEMPTS, ids=lambda attempt: attempt.name)
def test_what_it_tries_is_refused(account: Api, shop: Shop, attempt: Attempt) -> None:
    path = attempt.path.format(shop.check.namespace)
    patch = "application/merge-patch+json"
    kind = patch if attempt.method == "PATCH" else "application/json"
    with pytest.raises(ApiError) as caught:
        account.request(attempt.method, path, attempt.body, kind)
    assert caught.value.status == 403
    assert f'User "system:serviceaccount:{NAMESPACE}:{SERVICE_ACCOUNT}"' in str(caught.value)
