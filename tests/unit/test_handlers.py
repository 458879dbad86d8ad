"""kopf against a real HTTP server that speaks as much of the API as kopf asks for."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import pytest
from aiohttp import web

from leadsman import handlers
from leadsman.kube.access import ClusterConfig
from leadsman.kube.session import authenticated_session
from leadsman.model.identity import TargetKey

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from leadsman.model.json import JsonObject

VERSION = "leadsman.dev/v1alpha1"
CRD_VERSION = "apiextensions.k8s.io/v1"
CHECK: JsonObject = {
    "apiVersion": VERSION,
    "kind": "DriftCheck",
    "metadata": {"name": "web", "namespace": "shop", "uid": "1", "resourceVersion": "5"},
    "spec": {"url": "https://git.example/shop"},
}
OTHERS: JsonObject = CHECK | {"metadata": {"name": "others", "namespace": "shop", "uid": "2"}}


def group(version: str) -> JsonObject:
    name, _, short = version.partition("/")
    served = {"groupVersion": version, "version": short}
    return {"name": name, "versions": [served], "preferredVersion": served}


def resources(singular: str, kind: str) -> JsonObject:
    resource = {
        "name": f"{singular}s",
        "singularName": singular,
        "kind": kind,
        "namespaced": True,
        "verbs": ["get", "list", "watch", "patch"],
    }
    return {"resources": [resource]}


# What kopf asks for: it wants to know Namespaces, watches CustomResourceDefinitions for the coming
# and going of kinds, and watches the kind.
ANSWERS: dict[str, JsonObject] = {
    "api": {"versions": ["v1"]},
    "api/v1": resources("namespace", "Namespace"),
    "apis": {"groups": [group(VERSION), group(CRD_VERSION)]},
    f"apis/{VERSION}": resources("driftcheck", "DriftCheck"),
    f"apis/{CRD_VERSION}": resources("customresourcedefinition", "CustomResourceDefinition"),
    f"apis/{VERSION}/driftchecks": {"metadata": {"resourceVersion": "5"}, "items": [CHECK]},
    f"apis/{VERSION}/namespaces/shop/driftchecks": {
        "metadata": {"resourceVersion": "5"},
        "items": [CHECK],
    },
    f"apis/{CRD_VERSION}/customresourcedefinitions": {
        "metadata": {"resourceVersion": "5"},
        "items": [],
    },
}


class ApiServer:
    """Serves one DriftCheck, and a watch that sends what is put into ``events``.

    The first ``refusals`` watches are answered with 503; ``watched`` is set by the one after.
    """

    def __init__(self) -> None:
        self.events: asyncio.Queue[JsonObject] = asyncio.Queue()
        self.ending = asyncio.Event()
        self.methods: set[str] = set()
        self.paths: set[str] = set()
        self.refusals = 0
        self.watched = asyncio.Event()
        self.url = ""

    async def answer(self, request: web.Request) -> web.StreamResponse:
        self.methods.add(request.method)
        path = request.path.strip("/")
        self.paths.add(path)
        if request.query.get("watch") == "true":
            return await self._watch(request, quiet=not path.endswith("/driftchecks"))
        if path not in ANSWERS:
            raise web.HTTPNotFound
        return web.json_response(ANSWERS[path])

    async def _watch(self, request: web.Request, *, quiet: bool) -> web.StreamResponse:
        if not quiet and self.refusals:
            self.refusals -= 1
            raise web.HTTPServiceUnavailable
        response = web.StreamResponse()
        await response.prepare(request)
        if not quiet:
            self.watched.set()
        if quiet:
            await self.ending.wait()
        while not quiet and (event := await self.events.get()):
            await response.write(json.dumps(event).encode() + b"\n")
        return response


@asynccontextmanager
async def serving() -> AsyncIterator[ApiServer]:
    server = ApiServer()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    server.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    try:
        yield server
    finally:
        server.ending.set()
        await server.events.put({})
        await runner.cleanup()


class Watching:
    """kopf at work, and a task that somebody else started meanwhile, as the engine does."""

    def __init__(self, server: ApiServer, *namespaces: str) -> None:
        config = ClusterConfig(server.url)
        self.seen: list[JsonObject] = []
        self.gone: asyncio.Queue[TargetKey] = asyncio.Queue()
        self.began = asyncio.Event()
        self.bystander: asyncio.Task[bool] | None = None
        self.task = asyncio.create_task(
            handlers.watch(
                config,
                lambda: authenticated_session(config),
                self._changed,
                self.gone.put_nowait,
                owns=lambda key: key.name != OTHERS["metadata"]["name"],
                namespaces=namespaces,
            )
        )

    def _changed(self, resource: JsonObject) -> None:
        self.seen.append(resource)
        self.bystander = self.bystander or asyncio.create_task(asyncio.Event().wait())
        self.began.set()

    async def ended(self) -> None:
        """Wait for kopf's end; the task of somebody else goes on."""
        _, pending = await asyncio.wait([self.task], timeout=3)
        assert not pending
        assert self.bystander is not None
        await asyncio.sleep(0)
        assert not self.bystander.done()
        assert not self.bystander.cancelling()
        self.bystander.cancel()


@pytest.fixture
async def server() -> AsyncIterator[ApiServer]:
    async with serving() as made:
        yield made


@pytest.fixture
async def watching(server: ApiServer) -> AsyncIterator[Watching]:
    made = Watching(server)
    async with asyncio.timeout(10):
        await made.began.wait()
    yield made
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.remove_signal_handler(number)
    made.task.cancel()
    await asyncio.gather(made.task, return_exceptions=True)


async def test_hands_over_what_is_there_and_what_goes(
    server: ApiServer, watching: Watching
) -> None:
    assert [check["spec"] for check in watching.seen] == [CHECK["spec"]]
    await server.events.put({"type": "DELETED", "object": CHECK})
    async with asyncio.timeout(5):
        assert await watching.gone.get() == TargetKey("DriftCheck", "shop", "web")
    assert server.methods == {"GET"}


async def test_leaves_alone_what_is_another_shards(server: ApiServer, watching: Watching) -> None:
    for kind, check in (("ADDED", OTHERS), ("DELETED", OTHERS), ("DELETED", CHECK)):
        await server.events.put({"type": kind, "object": check})
    async with asyncio.timeout(5):
        assert await watching.gone.get() == TargetKey("DriftCheck", "shop", "web")
    assert [check["metadata"]["name"] for check in watching.seen] == ["web"]
    assert watching.gone.empty()


async def test_raises_what_ends_kopf_and_ends_no_task_of_others(
    server: ApiServer, watching: Watching
) -> None:
    status = {"kind": "Status", "code": 500, "message": "etcd is gone", "reason": "InternalError"}
    await server.events.put({"type": "ERROR", "object": status})
    await watching.ended()
    assert "etcd is gone" in str(watching.task.exception())


async def test_returns_at_once_on_sigterm_and_ends_no_task_of_others(watching: Watching) -> None:
    os.kill(os.getpid(), signal.SIGTERM)
    await watching.ended()
    assert watching.task.exception() is None


async def test_a_cancellation_ends_no_task_of_others(watching: Watching) -> None:
    watching.task.cancel()
    await watching.ended()
    assert watching.task.cancelled()


async def test_of_the_cluster_it_asks_nothing_where_namespaces_are_named(server: ApiServer) -> None:
    watching = Watching(server, "shop")
    async with asyncio.timeout(10):
        await server.watched.wait()
    watching.task.cancel()
    await watching.ended()
    assert [check["metadata"]["name"] for check in watching.seen] == ["web"]
    # But for what everybody may know: what is served.
    whole = f"apis/{VERSION}/driftchecks", f"apis/{CRD_VERSION}/customresourcedefinitions"
    assert server.paths.isdisjoint({"api/v1/namespaces", *whole})
    assert f"apis/{VERSION}/namespaces/shop/driftchecks" in server.paths


async def test_a_retry_is_no_error(server: ApiServer, caplog: pytest.LogCaptureFixture) -> None:
    server.refusals = 1
    watching = Watching(server)
    async with asyncio.timeout(20):
        await server.watched.wait()
    watching.task.cancel()
    await watching.ended()
    (said,) = [one for one in caplog.records if "will retry" in one.getMessage()]
    assert said.levelname == "WARNING"
    assert said.getMessage().startswith("kopf: Request attempt #1")
    assert "Error" not in said.getMessage()
