from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from leadsman.errors import KubeError
from leadsman.kube.discovery import ApiResource, Discovery
from leadsman.model.identity import Gvk
from unit.kube.playback import Answer, Playback, recorded, reply

if TYPE_CHECKING:
    from leadsman.kube.client import Client

DEPLOYMENT = Gvk("apps", "v1", "Deployment")
HPA = "HorizontalPodAutoscaler"
VERSION = {"gitVersion": "v1.37.2"}
NODE_METRICS = {
    "resource": "nodes",
    "responseKind": {"group": "", "version": "", "kind": "NodeMetrics"},
    "scope": "Cluster",
    "verbs": ["get", "list"],
}

pytestmark = pytest.mark.usefixtures("hasty")


class ApiServer:
    """Answers discovery by path, whatever the order."""

    def __init__(self) -> None:
        self.documents: dict[str, Answer] = {
            "/version": reply(VERSION),
            "/api": aggregated("aggregated-api", "a1"),
            "/apis": aggregated("aggregated-apis", "b1"),
        }
        self.asked: list[tuple[str, str, str]] = []

    async def serve(self, server: Playback) -> None:
        while True:
            exchange = await server.accept()
            self.asked.append(
                (
                    exchange.path,
                    exchange.headers["Accept"],
                    exchange.headers.get("If-None-Match", ""),
                )
            )
            await self.documents[exchange.path](exchange)


def aggregated(name: str, tag: str, *, amend: Any = None) -> Answer:
    """Serve an aggregated document as the API server does, with its tag."""
    document = recorded(name)
    if amend is not None:
        amend(document)

    async def answer(exchange: Any) -> None:
        if exchange.headers.get("If-None-Match") == tag:
            await exchange.reply(b"", 304)
        else:
            await exchange.reply(document, headers={"ETag": tag})

    return answer


def legacy(api: ApiServer) -> None:
    """Make the API server one that knows nothing of aggregated discovery."""
    for path, name in {
        "/api": "legacy-api",
        "/apis": "legacy-apis",
        "/api/v1": "legacy-v1",
        "/apis/apps/v1": "legacy-apps-v1",
        "/apis/autoscaling/v1": "legacy-autoscaling-v1",
        "/apis/autoscaling/v2": "legacy-autoscaling-v2",
    }.items():
        api.documents[path] = reply(recorded(name))
    api.documents["/apis/metrics.k8s.io/v1beta1"] = reply(b"service unavailable\n", 503)


@pytest.fixture
async def api(server: Playback) -> Any:
    made = ApiServer()
    task = asyncio.create_task(made.serve(server))
    yield made
    task.cancel()


@pytest.fixture(params=["aggregated", "legacy"])
def either(api: ApiServer, request: pytest.FixtureRequest) -> ApiServer:
    if request.param == "legacy":
        legacy(api)
    return api


@pytest.mark.usefixtures("either")
async def test_kinds_are_found_by_group_version_and_kind(client: Client) -> None:
    discovery = Discovery(client)
    assert await discovery.refresh()
    found = discovery.resource(DEPLOYMENT)
    assert found is not None
    assert (found.plural, found.namespaced, found.gvk) == ("deployments", True, DEPLOYMENT)
    assert {"get", "list", "watch", "patch"} <= found.verbs
    assert discovery.resource(Gvk("apps", "v1beta1", "Deployment")) is None
    assert discovery.resource(Gvk("", "v1", "Deployment")) is None
    assert discovery.resource(Gvk("", "v1", "Binding")) is None
    assert discovery.kube_version == "v1.37.2"


@pytest.mark.usefixtures("either")
async def test_scopes_and_versions_in_the_servers_order(client: Client) -> None:
    discovery = Discovery(client)
    await discovery.refresh()
    assert discovery.served_versions("autoscaling", HPA) == ("v2", "v1")
    assert discovery.served_versions("autoscaling", "Nothing") == ()
    assert discovery.scope("apps", "Deployment") is True
    assert discovery.scope("", "Namespace") is False
    assert discovery.scope("", "Nothing") is None


@pytest.mark.usefixtures("either")
async def test_api_versions_are_those_of_helm(client: Client) -> None:
    discovery = Discovery(client)
    await discovery.refresh()
    assert discovery.api_versions == (
        "apps/v1",
        "apps/v1/Deployment",
        "apps/v1/Scale",
        "apps/v1/StatefulSet",
        "autoscaling/v1",
        "autoscaling/v1/HorizontalPodAutoscaler",
        "autoscaling/v2",
        "autoscaling/v2/HorizontalPodAutoscaler",
        "metrics.k8s.io/v1beta1",
        "v1",
        "v1/Binding",
        "v1/ConfigMap",
        "v1/Eviction",
        "v1/Namespace",
        "v1/Pod",
        "v1/PodAttachOptions",
        "v1/PodExecOptions",
        "v1/PodPortForwardOptions",
        "v1/PodProxyOptions",
        "v1/ReplicationController",
        "v1/Scale",
        "v1/ServiceAccount",
        "v1/TokenRequest",
    )


@pytest.mark.usefixtures("either")
async def test_an_api_that_is_down_is_named(client: Client) -> None:
    discovery = Discovery(client)
    await discovery.refresh()
    assert discovery.stale == {"metrics.k8s.io/v1beta1"}


async def test_what_an_api_served_before_it_went_down_is_kept(
    client: Client, api: ApiServer
) -> None:
    def up(document: Any) -> None:
        metrics = document["items"][-1]["versions"][0]
        metrics["freshness"] = "Current"
        metrics["resources"] = [NODE_METRICS]

    gvk = Gvk("metrics.k8s.io", "v1beta1", "NodeMetrics")
    discovery = Discovery(client)
    api.documents["/apis"] = aggregated("aggregated-apis", "up", amend=up)
    await discovery.refresh()
    assert discovery.resource(gvk) is not None
    assert discovery.stale == frozenset()
    api.documents["/apis"] = aggregated("aggregated-apis", "down")
    assert await discovery.refresh()
    assert discovery.resource(gvk) is not None
    assert discovery.stale == {"metrics.k8s.io/v1beta1"}
    legacy(api)
    await discovery.refresh()
    assert discovery.resource(gvk) is not None


async def test_an_unchanged_document_is_not_sent_again(client: Client, api: ApiServer) -> None:
    discovery = Discovery(client)
    await discovery.refresh()
    api.asked.clear()
    assert not await discovery.refresh()
    assert sorted((path, tag) for path, _, tag in api.asked) == [
        ("/api", "a1"),
        ("/apis", "b1"),
        ("/version", ""),
    ]
    assert discovery.resource(DEPLOYMENT) is not None


async def test_a_kind_that_goes_is_a_change(client: Client, api: ApiServer) -> None:
    discovery = Discovery(client)
    await discovery.refresh()
    api.documents["/apis"] = aggregated(
        "aggregated-apis", "b2", amend=lambda document: document["items"].pop(0)
    )
    assert await discovery.refresh()
    assert discovery.resource(DEPLOYMENT) is None


async def test_another_version_of_kubernetes_is_a_change(client: Client, api: ApiServer) -> None:
    discovery = Discovery(client)
    await discovery.refresh()
    api.documents["/version"] = reply({"gitVersion": "v1.38.0"})
    assert await discovery.refresh()
    assert discovery.kube_version == "v1.38.0"


async def test_who_does_not_accept_the_type_is_asked_plainly(
    client: Client, api: ApiServer
) -> None:
    legacy(api)
    plain = api.documents["/apis"]

    async def fussy(exchange: Any) -> None:
        if "apidiscovery" in exchange.headers["Accept"]:
            await exchange.reply(b"406 not acceptable", 406)
        else:
            await plain(exchange)

    api.documents["/apis"] = fussy
    discovery = Discovery(client)
    await discovery.refresh()
    assert discovery.resource(DEPLOYMENT) is not None


async def test_after_a_failure_everything_is_as_before(client: Client, api: ApiServer) -> None:
    discovery = Discovery(client)
    await discovery.refresh()
    for broken in (reply(b"", 403), reply(b"[]"), reply(b"no json")):
        api.documents["/apis"] = broken
        with pytest.raises(KubeError):
            await discovery.refresh()
        assert discovery.resource(DEPLOYMENT) is not None


async def test_of_two_names_for_a_kind_the_readable_one_is_taken(
    client: Client, api: ApiServer
) -> None:
    def twice(document: Any) -> None:
        resources = document["items"][0]["versions"][0]["resources"]
        resources.insert(
            0, {**resources[0], "resource": "deploymentrollbacks", "verbs": ["create"]}
        )

    api.documents["/apis"] = aggregated("aggregated-apis", "c", amend=twice)
    discovery = Discovery(client)
    await discovery.refresh()
    found = discovery.resource(DEPLOYMENT)
    assert found is not None
    assert found.plural == "deployments"
    assert discovery.served_versions("apps", "Deployment") == ("v1",)


@pytest.mark.parametrize(
    ("resource", "arguments", "path"),
    [
        (ApiResource("", "v1", "Pod", "pods", namespaced=True), (), "/api/v1/pods"),
        (
            ApiResource("", "v1", "Pod", "pods", namespaced=True),
            ("a",),
            "/api/v1/namespaces/a/pods",
        ),
        (
            ApiResource("apps", "v1", "Deployment", "deployments", namespaced=True),
            ("a", "b", "status"),
            "/apis/apps/v1/namespaces/a/deployments/b/status",
        ),
        (
            ApiResource(
                "rbac.authorization.k8s.io", "v1", "ClusterRole", "clusterroles", namespaced=False
            ),
            ("ignored", "system:node"),
            "/apis/rbac.authorization.k8s.io/v1/clusterroles/system%3Anode",
        ),
        (
            ApiResource("", "v1", "Node", "nodes", namespaced=False),
            ("", "../x?"),
            "/api/v1/nodes/..%2Fx%3F",
        ),
    ],
)
def test_paths(resource: ApiResource, arguments: tuple[str, ...], path: str) -> None:
    assert resource.path(*arguments) == path


def test_resources_read_as_kubectl_writes_them() -> None:
    assert (
        str(ApiResource("apps", "v1", "Deployment", "deployments", namespaced=True))
        == "deployments.apps"
    )
    assert str(ApiResource("", "v1", "Pod", "pods", namespaced=True)) == "pods"
