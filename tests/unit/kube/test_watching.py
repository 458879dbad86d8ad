from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from leadsman.kube import outage, watching
from leadsman.kube.discovery import ApiResource
from leadsman.kube.objects import decode_object
from leadsman.kube.stream import Bookmark, Deleted, ListStarted, Observed, Resumed, Synced
from leadsman.kube.watching import Failed, KindWatch, Recovered
from unit.kube.playback import (
    EXPIRED,
    NO_STREAMED_LISTS,
    Exchange,
    Playback,
    bookmark,
    config_map,
    event,
    listed,
    status,
)

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from leadsman.kube.client import Client
    from leadsman.kube.watching import WatchEvent

CONFIG_MAPS = ApiResource("", "v1", "ConfigMap", "configmaps", namespaced=True)
FORBIDDEN = status(403, "Forbidden", 'configmaps is forbidden: User "x" cannot watch resource')

pytestmark = pytest.mark.usefixtures("hasty")


class Reader:
    """Runs a watch and keeps what it says."""

    def __init__(self, client: Client, namespace: str = "", **options: Any) -> None:
        self.restarts: list[str] = []
        self.watch = KindWatch(
            client, CONFIG_MAPS, namespace, restarted=self.restarts.append, **options
        )
        self._events: asyncio.Queue[WatchEvent] = asyncio.Queue()
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        async for one in self.watch.events():
            self._events.put_nowait(one)

    async def read(self, count: int) -> list[str]:
        """Return the next events in words."""
        async with asyncio.timeout(10):
            return [say(await self._events.get()) for _ in range(count)]

    async def next(self) -> WatchEvent:
        async with asyncio.timeout(10):
            return await self._events.get()

    @property
    def quiet(self) -> bool:
        return self._events.empty()

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])


def say(one: WatchEvent) -> str:  # noqa: PLR0911 - a table
    match one:
        case ListStarted():
            return "list"
        case Observed(meta):
            return f"{meta.name}@{meta.resource_version}"
        case Deleted(meta):
            return f"-{meta.name}@{meta.resource_version}"
        case Synced(version):
            return f"synced@{version}"
        case Bookmark(version):
            return f"bookmark@{version}"
        case Resumed():
            return "resumed"
        case Failed(error):
            return f"failed {error.reason}"
        case Recovered():
            return "recovered"


@pytest.fixture
async def reader(client: Client) -> AsyncIterator[Reader]:
    made = Reader(client)
    yield made
    await made.stop()


async def follow(server: Playback, reader: Reader, *names: str, version: int = 5) -> Exchange:
    """Play the server's part up to a complete streamed list; return the watch that goes on."""
    asked = await server.accept()
    added = [event("ADDED", config_map(name, 1)) for name in names]
    await asked.send(*added, bookmark(version, ends_list=True))
    assert await reader.read(len(names) + 2) == [
        "list",
        *(f"{name}@1" for name in names),
        f"synced@{version}",
    ]
    return asked


async def test_a_streamed_list_goes_over_into_a_watch(server: Playback, reader: Reader) -> None:
    watch = await follow(server, reader, "a", "b")
    assert watch.path == "/api/v1/configmaps"
    lifetime = int(watch.query.pop("timeoutSeconds"))
    assert 240 <= lifetime <= 300
    assert watch.query == {
        "watch": "true",
        "allowWatchBookmarks": "true",
        "sendInitialEvents": "true",
        "resourceVersionMatch": "NotOlderThan",
    }
    await watch.send(
        event("MODIFIED", config_map("a", 6)),
        event("DELETED", config_map("b", 7)),
        event("ADDED", config_map("b", 8)),
        bookmark(9),
    )
    assert await reader.read(4) == ["a@6", "-b@7", "b@8", "bookmark@9"]
    watch.cut()


async def test_a_whole_object_can_be_decoded(server: Playback, reader: Reader) -> None:
    watch = await server.accept()
    await watch.send(event("ADDED", config_map("a", 1, data={"k": "v"})))
    await reader.next()
    observed = await reader.next()
    assert isinstance(observed, Observed)
    assert decode_object(observed.raw, CONFIG_MAPS)["data"] == {"k": "v"}
    assert observed.meta.uid == "uid-a"
    watch.cut()


async def test_a_watch_whose_time_is_over_goes_on_where_it_ended(
    server: Playback, reader: Reader
) -> None:
    watch = await follow(server, reader, "a")
    await watch.send(event("MODIFIED", config_map("a", 6)), bookmark(9))
    await watch.end()
    assert await reader.read(2) == ["a@6", "bookmark@9"]
    watch = await server.accept()
    assert watch.query["resourceVersion"] == "9"
    assert "sendInitialEvents" not in watch.query
    await watch.send(event("MODIFIED", config_map("a", 10)))
    await watch.end()
    assert await reader.read(2) == ["resumed", "a@10"]
    watch = await server.accept()
    assert watch.query["resourceVersion"] == "10"
    watch.cut()
    assert reader.restarts[:2] == ["Closed", "Closed"]


async def test_where_lists_are_not_streamed_they_are_paged(
    server: Playback, reader: Reader
) -> None:
    asked = await server.accept()
    assert "sendInitialEvents" in asked.query
    await asked.reply(NO_STREAMED_LISTS, 422)
    await serve_list(server, 5, "a", "b")
    assert await reader.read(4) == ["list", "a@1", "b@1", "synced@5"]
    watch = await server.accept()
    assert watch.query["resourceVersion"] == "5"
    await watch.send(EXPIRED)
    # And it stays so: a list anew is asked for in pages at once.
    await serve_list(server, 8, "b")
    assert await reader.read(4) == ["resumed", "list", "b@1", "synced@8"]
    (await server.accept()).cut()


async def serve_list(server: Playback, version: int, *names: str) -> None:
    asked = await server.accept()
    assert "watch" not in asked.query
    await asked.reply(
        {
            "metadata": {"resourceVersion": str(version)},
            "items": [listed(name, 1) for name in names],
        }
    )


async def test_a_server_that_streams_no_end_of_the_list_is_asked_for_pages(
    server: Playback, reader: Reader
) -> None:
    asked = await server.accept()
    await asked.send(event("ADDED", config_map("a", 1)), bookmark(3))
    await asked.end()
    await serve_list(server, 5, "a")
    assert await reader.read(6) == ["list", "a@1", "bookmark@3", "list", "a@1", "synced@5"]
    (await server.accept()).cut()


@pytest.mark.parametrize("how", ["event", "answer"])
async def test_a_version_that_is_gone_is_listed_anew(
    server: Playback, reader: Reader, how: str
) -> None:
    watch = await follow(server, reader, "a", "b")
    if how == "event":
        await watch.send(EXPIRED)
        await watch.end()
    else:
        await watch.send(event("MODIFIED", config_map("a", 6)))
        await reader.read(1)
        await watch.end()
        await (await server.accept()).reply(EXPIRED["object"], 410)
    await follow(server, reader, "b", version=20)
    assert reader.restarts[-1] == "Expired"


@pytest.mark.parametrize(
    "broken",
    [
        event("ERROR", status(500, "InternalError", "etcdserver: no leader")),
        event("ERROR", {"kind": "Status"}),
        b'{"type":"ADDED","object":{"metadata":\n',
        b'{"type":"ADDED","object":{"no":"metadata"}}\n',
        b"<html>\n",
    ],
)
async def test_after_an_error_within_a_watch_everything_is_listed_anew(
    server: Playback, reader: Reader, broken: Any
) -> None:
    watch = await follow(server, reader, "a")
    await watch.send(broken)
    await follow(server, reader, "b", version=20)
    watch.cut()


async def test_a_lost_connection_is_taken_up_again(server: Playback, reader: Reader) -> None:
    watch = await follow(server, reader, "a")
    await watch.send(event("MODIFIED", config_map("a", 6)), b'{"type":"MODIFIED","object":{"me')
    assert await reader.read(1) == ["a@6"]
    watch.cut()
    watch = await server.accept()
    assert watch.query["resourceVersion"] == "6"
    await watch.send(event("MODIFIED", config_map("a", 7)))
    assert await reader.read(2) == ["resumed", "a@7"]
    assert reader.restarts == ["ApiServerUnreachable"]
    watch.cut()


async def test_a_list_that_is_cut_begins_again(server: Playback, reader: Reader) -> None:
    asked = await server.accept()
    await asked.send(event("ADDED", config_map("a", 1)))
    assert await reader.read(2) == ["list", "a@1"]
    asked.cut()
    await follow(server, reader, "b")


async def test_without_permission_it_says_so_once_and_goes_on_trying(
    server: Playback, reader: Reader
) -> None:
    for _ in range(3):
        await (await server.accept()).reply(FORBIDDEN, 403)
    assert await reader.read(1) == ["failed Forbidden"]
    asked = await server.accept()
    await asked.send(bookmark(5, ends_list=True))
    assert await reader.read(3) == ["list", "synced@5", "recovered"]
    asked.cut()


async def test_a_kind_that_goes_and_comes_again_is_listed_anew(
    server: Playback, reader: Reader
) -> None:
    watch = await follow(server, reader, "a")
    await watch.end()
    await (await server.accept()).reply(b"404 page not found", 404)
    failed = await reader.next()
    assert isinstance(failed, Failed)
    assert failed.error.reason == "NotFound"
    asked = await server.accept()
    assert "sendInitialEvents" in asked.query
    await asked.send(bookmark(30, ends_list=True))
    assert await reader.read(3) == ["list", "synced@30", "recovered"]
    asked.cut()


async def test_a_long_outage_is_said_and_needs_no_list(
    client: Client, server: Playback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        outage.Outage.__init__,
        "__kwdefaults__",
        {**(outage.Outage.__init__.__kwdefaults__ or {}), "patience": 0.0},
    )
    reader = Reader(client)
    watch = await follow(server, reader, "a")
    watch.cut()
    assert await reader.read(1) == ["failed ApiServerUnreachable"]
    watch = await server.accept()
    assert watch.query["resourceVersion"] == "5"
    await watch.begin()
    assert await reader.read(2) == ["resumed", "recovered"]
    await reader.stop()
    watch.cut()


async def test_busy_servers_are_asked_again_from_the_same_version(
    server: Playback, reader: Reader
) -> None:
    watch = await follow(server, reader, "a")
    await watch.send(bookmark(6))
    await watch.end()
    busy = status(429, "TooManyRequests", "storage is (re)initializing")
    await (await server.accept()).reply(busy, 429)
    watch = await server.accept()
    assert watch.query["resourceVersion"] == "6"
    await watch.begin()
    assert await reader.read(2) == ["bookmark@6", "resumed"]
    watch.cut()


async def test_a_server_that_closes_at_once_is_not_asked_in_a_hot_loop(
    server: Playback, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outage, "_LONGEST_DELAY", 60.0)
    monkeypatch.setattr(outage, "_DELAY", 0.02)
    watch = await follow(server, reader, "a")
    await watch.end()
    loop = asyncio.get_running_loop()
    times = []
    for _ in range(5):
        asked = await server.accept()
        times.append(loop.time())
        await asked.end()
    # 0.02 s, doubled each time, with jitter down to the half.
    assert times[4] - times[0] > 0.01 + 0.02 + 0.04 + 0.08
    assert set(reader.restarts[1:]) == {"Short"}
    (await server.accept()).cut()


async def test_a_store_that_was_set_back_is_noticed_by_its_silence(
    server: Playback, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    # As observed after etcd was replaced: a watch from a version that is yet to come brings
    # nothing, not even bookmarks, and ends when its time is over.
    monkeypatch.setattr(watching, "_SHORT", 0.0)
    monkeypatch.setattr(watching, "_LIFETIME", (0, 0))
    watch = await follow(server, reader, "a", version=11_000)
    await watch.end()
    watch = await server.accept()
    assert watch.query["resourceVersion"] == "11000"
    await watch.end()
    assert await reader.read(1) == ["resumed"]
    await follow(server, reader, "b", version=209)
    assert reader.restarts[-1] == "Silent"


@pytest.mark.usefixtures("reader")
async def test_a_watch_without_bookmarks_may_be_silent(
    server: Playback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(watching, "_SHORT", 0.0)
    monkeypatch.setattr(watching, "_LIFETIME", (0, 0))
    await (await server.accept()).reply(NO_STREAMED_LISTS, 422)
    await serve_list(server, 5, "a")
    for _ in range(3):
        watch = await server.accept()
        assert watch.query["resourceVersion"] == "5"
        await watch.end()
    (await server.accept()).cut()


async def test_lists_wait_for_one_another(client: Client, server: Playback) -> None:
    gate = asyncio.Semaphore(1)
    one, two = Reader(client, "one", gate=gate), Reader(client, "two", gate=gate)
    first = await server.accept()
    assert first.path == "/api/v1/namespaces/one/configmaps"
    await first.send(event("ADDED", config_map("a", 1)))
    await one.read(2)
    assert server.idle
    # A list that fails makes room as well as one that ends.
    first.cut()
    second = await server.accept()
    assert second.path == "/api/v1/namespaces/two/configmaps"
    await second.send(bookmark(5, ends_list=True))
    assert await two.read(2) == ["list", "synced@5"]
    # The watch that goes on no longer counts.
    third = await server.accept()
    assert third.path == "/api/v1/namespaces/one/configmaps"
    await one.stop()
    await two.stop()
    second.cut()
    third.cut()
    assert not gate.locked()


async def test_a_waiting_watch_can_be_told_to_try_now(
    server: Playback, reader: Reader, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outage, "_HELPLESS_DELAY", 3600.0)
    monkeypatch.setattr(outage, "_LONGEST_HELPLESS_DELAY", 3600.0)
    await (await server.accept()).reply(FORBIDDEN, 403)
    await reader.read(1)
    assert server.idle
    reader.watch.retry()
    await follow(server, reader)


async def test_metadata_alone_can_be_watched(client: Client, server: Playback) -> None:
    reader = Reader(client, metadata_only=True)
    asked = await server.accept()
    assert asked.headers["Accept"] == (
        "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json"
    )
    await asked.reply(NO_STREAMED_LISTS, 422)
    asked = await server.accept()
    assert asked.headers["Accept"].startswith("application/json;as=PartialObjectMetadataList;")
    asked.cut()
    await reader.stop()


async def test_objects_of_megabytes_arrive_whole(server: Playback, reader: Reader) -> None:
    watch = await follow(server, reader)
    big = config_map("big", 6, data={"k": "x" * 3_000_000})
    sending = asyncio.create_task(watch.send(event("ADDED", big)))
    observed = await reader.next()
    await sending
    assert isinstance(observed, Observed)
    assert decode_object(observed.raw, CONFIG_MAPS) == big
    watch.cut()


async def test_closing_ends_the_connection(client: Client, server: Playback) -> None:
    reader = Reader(client)
    watch = await follow(server, reader, "a")
    await reader.stop()
    await watch.left()
    assert server.idle


async def test_resources_of_a_failing_list_are_said(server: Playback, reader: Reader) -> None:
    await (await server.accept()).reply(NO_STREAMED_LISTS, 422)
    (await server.accept()).cut()
    asked = await server.accept()
    await asked.reply({"metadata": {"resourceVersion": "5"}, "items": [{"no": "metadata"}]})
    await serve_list(server, 6, "a")
    assert await reader.read(4) == ["list", "list", "a@1", "synced@6"]
    assert "UnexpectedAnswer" in reader.restarts
    (await server.accept()).cut()
