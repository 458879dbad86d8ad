from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from leadsman.errors import KubeError
from leadsman.kube.discovery import ApiResource
from leadsman.live.fetch import fetch_each, fetch_many
from unit.kube.playback import config_map, listed, status

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from leadsman.kube.client import Client
    from leadsman.live.fetch import FetchAnswer, FetchRequest
    from unit.kube.playback import Exchange, Playback

CONFIG_MAPS = ApiResource("", "v1", "ConfigMap", "configmaps", namespaced=True)
NODES = ApiResource("", "v1", "Node", "nodes", namespaced=False)

pytestmark = pytest.mark.usefixtures("hasty")


class Cluster:
    """Has ConfigMaps, by namespace and name, and answers for them as the API server does."""

    def __init__(self, server: Playback) -> None:
        self.server = server
        self.objects: dict[tuple[str, str], dict[str, Any]] = {}
        self.lists: list[str] = []
        self.looks: list[str] = []
        self.gets: list[str] = []
        self.may_list = True
        self.selects = True
        self.gone = False

    def add(self, namespace: str, *names: str) -> None:
        for name in names:
            self.objects[namespace, name] = listed(name, 1, namespace)

    async def serve(self) -> None:
        while True:
            await self.answer(await self.server.accept())

    async def answer(self, exchange: Exchange) -> None:
        path = exchange.path
        if self.gone:
            self.looks.append(path)
            exchange.cut()
            return
        match path.strip("/").split("/"):
            case ["api", "v1", "namespaces", namespace, "configmaps", name]:
                self.gets.append(path)
                await self.get(exchange, namespace, name)
            case ["api", "v1", "namespaces", namespace, "configmaps"]:
                await self.list(exchange, [k for k in self.objects if k[0] == namespace])
            case ["api", "v1", "configmaps"]:
                await self.list(exchange, list(self.objects))
            case _:
                await exchange.reply(b"404 page not found", 404)

    async def get(self, exchange: Exchange, namespace: str, name: str) -> None:
        if namespace == "forbidden":
            await exchange.reply(status(403, "Forbidden", f"{name} is forbidden"), 403)
        elif (namespace, name) in self.objects:
            await exchange.reply(config_map(name, 1, namespace))
        else:
            said = status(404, "NotFound", "not found", name=name, kind="configmaps")
            await exchange.reply(said, 404)

    async def list(self, exchange: Exchange, keys: list[tuple[str, str]]) -> None:
        selector = exchange.query.get("fieldSelector", "")
        (self.looks if selector else self.lists).append(exchange.path)
        if not self.may_list or "/forbidden/" in exchange.path:
            await exchange.reply(status(403, "Forbidden", "cannot list"), 403)
            return
        if selector and not self.selects:
            await exchange.reply(status(400, "BadRequest", "field label not supported"), 400)
            return
        metadata: dict[str, Any] = {"resourceVersion": "9"}
        if selector:
            keys = [key for key in keys if f"metadata.name={key[1]}" == selector]
        else:
            start = int(exchange.query.get("continue", "0"))
            end = start + int(exchange.query["limit"])
            if keys[end:]:
                metadata |= {"continue": str(end), "remainingItemCount": len(keys[end:])}
            keys = keys[start:end]
        items = [self.objects[key] for key in keys]
        await exchange.reply({"metadata": metadata, "items": items or None})


@pytest.fixture
async def cluster(server: Playback) -> AsyncIterator[Cluster]:
    made = Cluster(server)
    task = asyncio.create_task(made.serve())
    yield made
    task.cancel()


def ask(namespace: str, *names: str) -> list[FetchRequest]:
    return [(CONFIG_MAPS, namespace, name) for name in names]


def numbered(count: int) -> list[str]:
    return [f"c{n}" for n in range(count)]


def short(answers: list[FetchAnswer]) -> list[str]:
    """Return the answers in words."""
    return [
        answer.reason
        if isinstance(answer, KubeError)
        else "missing"
        if answer is None
        else f"{answer['kind']} {answer['metadata']['namespace']}/{answer['metadata']['name']}"
        for answer in answers
    ]


async def test_answers_come_in_the_order_of_the_requests(client: Client, cluster: Cluster) -> None:
    cluster.add("shop", "a", "b")
    requests = [
        *ask("shop", "b", "gone", "a", "b"),
        *ask("forbidden", "x"),
        (NODES, "", "n"),
    ]
    answers = await fetch_many(client, requests)
    # Of the last, the kind itself is not served: that is not the same as missing.
    assert short(answers) == [
        "ConfigMap shop/b",
        "missing",
        "ConfigMap shop/a",
        "ConfigMap shop/b",
        "Forbidden",
        "NotFound",
    ]
    # Each is looked for once, without the permission to get; only who may not list needs it.
    assert len(cluster.looks) == 4
    assert cluster.gets == ["/api/v1/namespaces/forbidden/configmaps/x"]


async def test_nothing_is_asked_for_nothing(client: Client, server: Playback) -> None:
    assert await fetch_many(client, []) == []
    assert server.asked == 0


async def test_many_of_a_namespace_come_from_a_list(client: Client, cluster: Cluster) -> None:
    cluster.add("shop", *numbered(150))
    answers = await fetch_many(client, ask("shop", *numbered(140), "gone"))
    assert short(answers) == [f"ConfigMap shop/{name}" for name in numbered(140)] + ["missing"]
    assert (len(cluster.lists), cluster.looks, cluster.gets) == (2, [], [])


async def test_few_among_many_are_asked_for_by_name(client: Client, cluster: Cluster) -> None:
    cluster.add("shop", *numbered(1000))
    wanted = numbered(1000)[90:102]
    answers = await fetch_many(client, ask("shop", *wanted))
    assert short(answers) == [f"ConfigMap shop/{name}" for name in wanted]
    # The first page, which told how many there are, had ten of the twelve.
    assert (len(cluster.lists), len(cluster.looks)) == (1, 2)


async def test_one_in_each_of_many_namespaces_comes_from_one_list(
    client: Client, cluster: Cluster
) -> None:
    for n in range(40):
        cluster.add(f"ns-{n}", "web", "db")
    requests = [(CONFIG_MAPS, f"ns-{n}", "web") for n in range(40)]
    answers = await fetch_many(client, requests)
    assert short(answers) == [f"ConfigMap ns-{n}/web" for n in range(40)]
    assert cluster.lists == ["/api/v1/configmaps"]
    assert cluster.looks == []


async def test_where_all_namespaces_may_not_be_listed_each_is_that_is_worth_it(
    client: Client, cluster: Cluster
) -> None:
    cluster.add("shop", *numbered(12))
    cluster.add("blog", *numbered(3))
    requests = ask("shop", *numbered(12)) + ask("blog", *numbered(3))
    answers: dict[FetchRequest, FetchAnswer] = {}
    await fetch_each(
        client, requests, answers.__setitem__, lambda resource: resource is CONFIG_MAPS
    )
    told = [f"ConfigMap {where}/{name}" for _, where, name in requests]
    assert short([answers[request] for request in requests]) == told
    assert cluster.lists == ["/api/v1/namespaces/shop/configmaps"]
    assert cluster.looks == ["/api/v1/namespaces/blog/configmaps"] * 3


async def test_who_may_not_list_may_get(client: Client, cluster: Cluster) -> None:
    cluster.add("shop", *numbered(12))
    cluster.may_list = False
    answers = await fetch_many(client, ask("shop", *numbered(12), "gone"))
    assert short(answers) == [f"ConfigMap shop/{name}" for name in numbered(12)] + ["missing"]
    assert len(cluster.gets) == 13


async def test_an_api_that_selects_nothing_is_asked_by_name(
    client: Client, cluster: Cluster
) -> None:
    cluster.add("shop", "a")
    cluster.selects = False
    answers = await fetch_many(client, ask("shop", "a", "b"))
    assert short(answers) == ["ConfigMap shop/a", "missing"]


@pytest.mark.parametrize("count", [5, 200])
async def test_without_any_answer_it_is_given_up_soon(
    client: Client, cluster: Cluster, count: int
) -> None:
    cluster.gone = True
    answers = await fetch_many(client, ask("shop", *numbered(count)))
    assert short(answers) == ["ApiServerUnreachable"] * count
    # Four tries, each of which aiohttp makes twice, of at most 16 requests.
    assert 0 < len(cluster.looks) <= 8 * min(count, 16)


async def test_each_is_handed_on_before_the_next_page_is_asked_for(
    client: Client, server: Playback
) -> None:
    seen: list[str] = []
    names = numbered(40)
    fetching = asyncio.create_task(
        fetch_each(client, ask("shop", *names), lambda request, _found: seen.append(request[2]))
    )
    first = await server.accept()
    items = [listed(name, 1, "shop") for name in names[:30]]
    metadata = {"resourceVersion": "1", "continue": "more", "remainingItemCount": 10}
    await first.reply({"metadata": metadata, "items": items})
    second = await server.accept()
    assert seen == names[:30]
    items = [listed(name, 1, "shop") for name in names[30:]]
    await second.reply({"metadata": {"resourceVersion": "1"}, "items": items})
    await fetching
    assert seen == names
