"""Watches, discovery and the client against the real API server."""

from __future__ import annotations

import asyncio
import re
from typing import TYPE_CHECKING, Any

import pytest

from controlplane.waiting import eventually
from e2e.live.proxy import Proxy
from leadsman.errors import KubeError
from leadsman.kube.access import ClusterConfig
from leadsman.kube.client import Client
from leadsman.kube.config import from_kubeconfig, in_cluster
from leadsman.kube.discovery import ApiResource, Discovery
from leadsman.kube.status import NotServedError
from leadsman.live.crds import SurfaceWatch
from leadsman.live.fetch import fetch_many
from leadsman.live.schemas import Schemas
from leadsman.live.watches import LiveWatches
from leadsman.model.identity import Gvk, ObjectKey

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from pathlib import Path

    from controlplane.plane import ControlPlane
    from leadsman.kube.objects import ObjectMeta
    from leadsman.live.scope import Scope
    from leadsman.model.json import JsonObject

CONFIG_MAPS = ApiResource("", "v1", "ConfigMap", "configmaps", namespaced=True)
DEPLOYMENTS = ApiResource("apps", "v1", "Deployment", "deployments", namespaced=True)
WIDGETS = ApiResource("live.test", "v1", "Widget", "widgets", namespaced=True)
CRDS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"

# Seconds until what must happen has happened; some twenty times what it takes.
PATIENCE = 60.0


class View:
    """A listener that wants everything, and what it knows of the cluster."""

    def __init__(self) -> None:
        self.objects: dict[ObjectKey, JsonObject] = {}
        self.count = 0
        self.said: list[str] = []
        self._news = asyncio.Event()

    def wanted(self, key: ObjectKey, meta: ObjectMeta) -> bool:
        known = self.objects.get(key)
        return known is None or known["metadata"]["resourceVersion"] != meta.resource_version

    def observed(
        self, _resource: ApiResource, key: ObjectKey, _meta: ObjectMeta, obj: JsonObject
    ) -> None:
        self.objects[key] = obj
        self.count += 1
        self._news.set()

    def deleted(self, _resource: ApiResource, key: ObjectKey, _meta: ObjectMeta) -> None:
        self.objects.pop(key, None)
        self._news.set()

    def moved(self, _resource: ApiResource, key: ObjectKey, _meta: ObjectMeta) -> None:
        self.said.append(f"moved {key.name}")

    def relisted(self, _resource: ApiResource, is_seen: Callable[[ObjectKey], bool]) -> None:
        self.objects = {key: obj for key, obj in self.objects.items() if is_seen(key)}
        self._tell("relisted")

    def failed(self, _resource: ApiResource, error: KubeError, _scope: Scope) -> None:
        self._tell(error.reason)

    def recovered(self, _resource: ApiResource, _scope: Scope) -> None:
        self._tell("recovered")

    def names(self, namespace: str) -> dict[str, Any]:
        """What it knows of a namespace: the uid and data of each object by name."""
        return {
            key.name: (obj["metadata"]["uid"], obj.get("data"))
            for key, obj in self.objects.items()
            if key.namespace == namespace
        }

    async def until(self, condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                self._news.clear()
                await self._news.wait()

    def _tell(self, word: str) -> None:
        self.said.append(word)
        self._news.set()


@pytest.fixture
async def admin(control_plane: ControlPlane) -> AsyncIterator[Client]:
    async with Client(await from_kubeconfig(str(control_plane.kubeconfig))) as client:
        yield client


def config_maps(namespace: str, name: str = "") -> str:
    return CONFIG_MAPS.path(namespace, name)


async def create(client: Client, namespace: str, name: str, **data: str) -> JsonObject:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name}, "data": data}
    made: JsonObject = await client.request("POST", config_maps(namespace), body=body)
    return made


async def listed(client: Client, namespace: str) -> dict[str, Any]:
    """What the API server has in a namespace, as ``View.names`` says it."""
    answer = await client.get(config_maps(namespace))
    return {
        item["metadata"]["name"]: (item["metadata"]["uid"], item.get("data"))
        for item in answer["items"]
    }


@pytest.mark.parametrize("forgetful", [False, True], ids=["cut", "cut-and-restarted"])
async def test_nothing_is_lost_while_the_way_is_cut(
    control_plane: ControlPlane, admin: Client, namespace: str, *, forgetful: bool
) -> None:
    for name in ("stays", "changes", "goes", "comes-anew"):
        await create(admin, namespace, name, a="1")
    view = View()
    restarts: list[str] = []
    async with Proxy(control_plane.port) as proxy:
        config = ClusterConfig(f"https://127.0.0.1:{proxy.port}", admin.config.access)
        async with Client(config) as client:
            watches = LiveWatches(client, view, restarted=lambda _, why: restarts.append(why))
            await watches.want([CONFIG_MAPS])
            assert await watches.wait_synced([CONFIG_MAPS], PATIENCE)
            assert view.names(namespace) == await listed(admin, namespace)
            proxy.cut()
            merge = "application/merge-patch+json"
            await admin.request(
                "PATCH",
                config_maps(namespace, "changes"),
                body={"data": {"a": "2"}},
                content_type=merge,
            )
            await admin.request("DELETE", config_maps(namespace, "goes"))
            await admin.request("DELETE", config_maps(namespace, "comes-anew"))
            await create(admin, namespace, "comes-anew", a="1")
            await create(admin, namespace, "comes", a="1")
            if forgetful:
                # An API server that has just started remembers no events: 410 Gone.
                await asyncio.to_thread(control_plane.restart_apiserver)
            expected = await listed(admin, namespace)
            proxy.mend()
            await view.until(lambda: view.names(namespace) == expected)
            assert "goes" not in expected
            await watches.close()
    assert ("Expired" in restarts) is forgetful
    assert view.said.count("relisted") == (2 if forgetful else 1)


async def test_a_status_that_moves_is_not_handed_on(admin: Client, namespace: str) -> None:
    merge = "application/merge-patch+json"
    path = f"/api/v1/namespaces/{namespace}/services/web"
    services = ApiResource("", "v1", "Service", "services", namespaced=True)
    key = ObjectKey("", "Service", namespace, "web")
    await admin.apply(
        path,
        {
            "apiVersion": "v1",
            "kind": "Service",
            "metadata": {"name": "web"},
            "spec": {"type": "LoadBalancer", "ports": [{"port": 80}]},
        },
        manager="test",
    )
    view = View()
    watches = LiveWatches(admin, view)
    await watches.want([services])
    assert await watches.wait_synced([services], PATIENCE)
    count = view.count
    for number in range(3):
        status = {"loadBalancer": {"ingress": [{"ip": f"192.0.2.{number}"}]}}
        await admin.request("PATCH", f"{path}/status", body={"status": status}, content_type=merge)
    ports = [{"port": 81}]
    await admin.request("PATCH", path, body={"spec": {"ports": ports}}, content_type=merge)
    await view.until(lambda: view.objects[key]["spec"]["ports"][0]["port"] == 81)
    assert view.count == count + 1
    assert view.said.count("moved web") == 3
    await watches.close()


def widgets(extra: str = "size") -> JsonObject:
    """A CustomResourceDefinition."""
    properties = {"spec": {"type": "object", "properties": {extra: {"type": "integer"}}}}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "widgets.live.test"},
        "spec": {
            "group": "live.test",
            "scope": "Namespaced",
            "names": {"plural": "widgets", "kind": "Widget"},
            "versions": [
                {
                    "name": "v1",
                    "served": True,
                    "storage": True,
                    "schema": {"openAPIV3Schema": {"type": "object", "properties": properties}},
                }
            ],
        },
    }


async def test_kinds_that_come_change_and_go_are_noticed(admin: Client, namespace: str) -> None:
    discovery, schemas, view = Discovery(admin), Schemas(admin), View()
    await discovery.refresh()
    watches = LiveWatches(admin, view)
    changes: asyncio.Queue[frozenset[str]] = asyncio.Queue()

    async def changed() -> None:
        await discovery.refresh()
        changes.put_nowait(await schemas.refresh())
        watches.retry()

    async def until(condition: Callable[[], bool]) -> None:
        async with asyncio.timeout(PATIENCE):
            while not condition():
                await changes.get()

    surface = asyncio.create_task(SurfaceWatch(admin, changed).run())
    assert await schemas.schema(WIDGETS.gvk) is None
    await watches.want([WIDGETS])
    await view.until(lambda: "NotFound" in view.said)
    assert isinstance(watches.failure(WIDGETS), NotServedError)

    await admin.request("POST", CRDS, body=widgets())
    await until(lambda: discovery.resource(WIDGETS.gvk) is not None)
    assert discovery.scope("live.test", "Widget") is True
    await view.until(lambda: watches.synced(WIDGETS))
    before = await schemas.schema(WIDGETS.gvk)
    assert before is not None
    widget = {"apiVersion": "live.test/v1", "kind": "Widget", "metadata": {"name": "a"}}
    key = ObjectKey("live.test", "Widget", namespace, "a")
    await admin.request("POST", WIDGETS.path(namespace), body=widget)
    await view.until(lambda: key in view.objects)

    await admin.apply(f"{CRDS}/widgets.live.test", widgets("weight"), manager="t", force=True)
    async with asyncio.timeout(PATIENCE):
        while "live.test/v1" not in await changes.get():
            pass
    assert await schemas.schema(WIDGETS.gvk) is not before

    await admin.request("DELETE", f"{CRDS}/widgets.live.test")
    # Whether it still tells of the objects' deletion before it ends the watch is a race.
    await view.until(lambda: view.said.count("NotFound") == 2)
    assert not watches.synced(WIDGETS)
    await until(lambda: discovery.resource(WIDGETS.gvk) is None)
    surface.cancel()
    await watches.close()


async def test_the_forbidden_is_said_until_it_is_allowed(
    control_plane: ControlPlane, admin: Client, namespace: str
) -> None:
    account = f"/api/v1/namespaces/{namespace}/serviceaccounts/default"
    await asyncio.to_thread(eventually, lambda: control_plane.api.get(account))
    folder = control_plane.service_account_dir(namespace, "default")
    environ = {
        "KUBERNETES_SERVICE_HOST": control_plane.host,
        "KUBERNETES_SERVICE_PORT": str(control_plane.port),
    }
    view = View()
    async with Client(in_cluster(folder, environ)) as client:
        watches = LiveWatches(client, view, namespaces=[namespace])
        await watches.want([CONFIG_MAPS])
        assert not await watches.wait_synced([CONFIG_MAPS], PATIENCE)
        failure = watches.failure(CONFIG_MAPS, namespace)
        assert failure is not None
        assert re.search(
            f'User "system:serviceaccount:{namespace}:default" cannot watch resource '
            f'"configmaps" in API group "" in the namespace "{namespace}"',
            failure.message,
        )
        rbac = f"/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}"
        rules = [{"apiGroups": [""], "resources": ["configmaps"], "verbs": ["list", "watch"]}]
        await admin.request(
            "POST", f"{rbac}/roles", body={"metadata": {"name": "r"}, "rules": rules}
        )
        group = "rbac.authorization.k8s.io"
        binding = {
            "metadata": {"name": "r"},
            "roleRef": {"apiGroup": group, "kind": "Role", "name": "r"},
            "subjects": [{"kind": "ServiceAccount", "name": "default", "namespace": namespace}],
        }
        await admin.request("POST", f"{rbac}/rolebindings", body=binding)
        async with asyncio.timeout(PATIENCE):
            while not watches.synced(CONFIG_MAPS, namespace):
                watches.retry()  # the authorizer learns of the binding a moment later
                await asyncio.sleep(0.05)
        # List and watch are enough to look up single objects, too.
        assert await fetch_many(client, [(CONFIG_MAPS, namespace, "nothing")]) == [None]
        # Elsewhere it is forbidden as before.
        assert watches.apart(CONFIG_MAPS)
        failure = watches.failure(CONFIG_MAPS, "default")
        assert failure is not None
        assert "at the cluster scope" in failure.message
        await watches.close()


async def test_api_versions_are_exactly_those_of_helm(
    control_plane: ControlPlane, admin: Client, tmp_path: Path
) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "Chart.yaml").write_text("apiVersion: v2\nname: c\nversion: 0.1.0\n")
    (tmp_path / "templates" / "all.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: c}\ndata:\n"
        "  kube: {{ .Capabilities.KubeVersion.Version }}\n"
        "  versions: |\n{{ range .Capabilities.APIVersions }}    - {{ . }}\n{{ end }}"
    )
    rendered = control_plane.helm("template", "c", tmp_path, "--dry-run=server").stdout
    discovery = Discovery(admin)
    await discovery.refresh()
    assert set(discovery.api_versions) == set(re.findall("^ +- (.*)$", rendered, re.MULTILINE))
    assert f"kube: {discovery.kube_version}" in rendered
    assert not await discovery.refresh()


async def test_every_built_in_kind_has_a_schema(admin: Client) -> None:
    discovery, schemas = Discovery(admin), Schemas(admin)
    await discovery.refresh()
    named = (name.rpartition("/") for name in discovery.api_versions)
    gvks = (Gvk.parse(version, kind) for version, _, kind in named)
    kinds = [gvk for gvk in gvks if discovery.resource(gvk) is not None]
    assert len(kinds) > 50
    found = await asyncio.gather(*(schemas.schema(gvk) for gvk in kinds))
    assert [gvk for gvk, schema in zip(kinds, found, strict=True) if schema is None] == []


async def test_a_dry_run_stores_nothing_and_a_conflict_is_said(
    admin: Client, namespace: str
) -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "1"}}
    path = config_maps(namespace, "c")
    applied = await admin.apply(path, body, manager="leadsman", dry_run=True)
    assert applied["data"] == {"a": "1"}
    with pytest.raises(KubeError) as caught:
        await admin.get(path)
    assert (caught.value.reason, caught.value.retryable) == ("NotFound", False)
    await admin.apply(path, body, manager="someone")
    with pytest.raises(KubeError, match=r"conflict with \"someone\".*\.data\.a") as caught:
        await admin.apply(path, {**body, "data": {"a": "2"}}, manager="leadsman", dry_run=True)
    assert caught.value.reason == "Conflict"
