from __future__ import annotations

import asyncio
import copy
import time
from itertools import pairwise
from typing import TYPE_CHECKING, Any

import pytest

from leadsman.kube import outage
from leadsman.kube.discovery import ApiResource
from leadsman.live import feed
from leadsman.live.watches import LiveWatches
from leadsman.model.identity import ObjectKey
from unit.kube.playback import EXPIRED, Exchange, bookmark, config_map, event, line, status

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from leadsman.errors import KubeError
    from leadsman.kube.client import Client
    from leadsman.kube.objects import ObjectMeta
    from leadsman.live.scope import Scope
    from leadsman.model.json import JsonObject
    from unit.kube.playback import Playback

CONFIG_MAPS = ApiResource("", "v1", "ConfigMap", "configmaps", namespaced=True)
NODES = ApiResource("", "v1", "Node", "nodes", namespaced=False)
NOT_SERVED = status(404, "NotFound", "the server could not find the requested resource")
FORBIDDEN = status(403, "Forbidden", 'configmaps is forbidden: User "x" cannot watch resource')

pytestmark = pytest.mark.usefixtures("hasty")


def key(name: str, namespace: str = "shop") -> ObjectKey:
    return ObjectKey("", "ConfigMap", namespace, name)


def where(scope: Scope) -> str:
    """Say what a scope is, nothing if it is everywhere."""
    names = ", ".join(sorted(scope.named))
    return f" {'outside of' if scope.others else 'in'} {names}" if names else ""


class Listener:
    """Wants what a target renders and has not judged, as the engine does; keeps what it is told."""

    def __init__(self, *rendered: str) -> None:
        self.rendered = {key(name) for name in rendered}
        self.versions: dict[ObjectKey, str] = {}
        self.told: asyncio.Queue[str] = asyncio.Queue()
        self.asked: list[str] = []
        self.moves: list[str] = []
        self.last: JsonObject = {}
        self.broken = False
        self.burden = 0.0

    def wanted(self, key: ObjectKey, meta: ObjectMeta) -> bool:
        self.asked.append(f"{key.name}@{meta.resource_version}")
        return key in self.rendered and self.versions.get(key) != meta.resource_version

    def observed(
        self, resource: ApiResource, key: ObjectKey, meta: ObjectMeta, obj: JsonObject
    ) -> None:
        assert resource is CONFIG_MAPS
        if self.broken:
            raise RuntimeError("a defect")
        busy_until = time.perf_counter() + self.burden
        while time.perf_counter() < busy_until:
            pass
        self.versions[key] = meta.resource_version
        self.last = obj
        self.told.put_nowait(f"{key.name}@{meta.resource_version}")

    def deleted(self, resource: ApiResource, key: ObjectKey, meta: ObjectMeta) -> None:
        assert resource is CONFIG_MAPS
        self.versions.pop(key, None)
        self.told.put_nowait(f"-{key.name}@{meta.resource_version}")

    def moved(self, resource: ApiResource, key: ObjectKey, meta: ObjectMeta) -> None:
        assert resource is CONFIG_MAPS
        self.moves.append(f"{key.name}@{meta.resource_version}")

    def relisted(self, resource: ApiResource, is_seen: Callable[[ObjectKey], bool]) -> None:
        gone = sorted(key.name for key in self.rendered if not is_seen(key))
        self.told.put_nowait(f"relisted {resource} {gone}")

    def failed(self, resource: ApiResource, error: KubeError, scope: Scope) -> None:
        self.versions = {
            key: version for key, version in self.versions.items() if key.namespace not in scope
        }
        self.told.put_nowait(f"failed {resource}{where(scope)} {error.reason}")

    def recovered(self, resource: ApiResource, scope: Scope) -> None:
        self.told.put_nowait(f"recovered {resource}{where(scope)}")

    async def read(self, count: int) -> list[str]:
        async with asyncio.timeout(10):
            return [await self.told.get() for _ in range(count)]


class Setting:
    """Watches on ConfigMaps, with the server's side of them."""

    def __init__(self, client: Client, server: Playback, *rendered: str, **options: Any) -> None:
        self.server = server
        self.listener = Listener(*rendered)
        self.restarts: list[tuple[str, str]] = []
        self.watches = LiveWatches(
            client,
            self.listener,
            restarted=lambda *one: self.restarts.append(one),
            **options,
        )

    async def sync(self, *objects: dict[str, Any], version: int = 100) -> Exchange:
        """Answer the next list with these objects; return the watch that goes on."""
        asked = await self.server.accept()
        await self.send(asked, *objects, kind="ADDED")
        await asked.send(bookmark(version, ends_list=True))
        return asked

    async def send(self, watch: Exchange, *objects: dict[str, Any], kind: str = "MODIFIED") -> None:
        await watch.send(*(event(kind, one) for one in objects))


@pytest.fixture
async def setting(client: Client, server: Playback) -> AsyncIterator[Setting]:
    made = Setting(client, server, "web", "db")
    yield made
    await made.watches.close()


async def test_only_what_is_wanted_is_decoded(setting: Setting) -> None:
    await setting.watches.want([CONFIG_MAPS])
    await setting.sync(config_map("other", 1), config_map("web", 2, data={"a": "b"}))
    assert await setting.listener.read(2) == ["web@2", "relisted configmaps ['db']"]
    assert setting.listener.asked == ["other@1", "web@2"]
    assert setting.listener.last == config_map("web", 2, data={"a": "b"})


async def test_a_judged_version_is_not_brought_again(setting: Setting) -> None:
    setting.listener.versions[key("web")] = "2"
    await setting.watches.want([CONFIG_MAPS])
    await setting.sync(config_map("web", 2), config_map("db", 3))
    assert await setting.listener.read(2) == ["db@3", "relisted configmaps []"]


async def test_a_status_that_moves_stops_on_the_way(setting: Setting) -> None:
    await setting.watches.want([CONFIG_MAPS])
    web = config_map("web", 2, spec={"replicas": 1}, status={"ready": 0})
    watch = await setting.sync(web)
    await setting.listener.read(2)
    ready = copy.deepcopy(web)
    ready["metadata"]["resourceVersion"] = "3"
    ready["status"]["ready"] = 1
    scaled = copy.deepcopy(ready)
    scaled["metadata"]["resourceVersion"] = "4"
    scaled["spec"]["replicas"] = 2
    await setting.send(watch, ready, scaled)
    assert await setting.listener.read(1) == ["web@4"]
    assert setting.listener.asked == ["web@2", "web@3", "web@4"]
    assert setting.listener.moves == ["web@3"]


async def test_content_that_comes_back_after_the_listener_saw_other_is_brought_again(
    setting: Setting,
) -> None:
    await setting.watches.want([CONFIG_MAPS])
    before = config_map("web", 2, data={"a": "before"})
    watch = await setting.sync(before)
    await setting.listener.read(2)
    # Version 3 was fetched and judged by other means before the watch brings it.
    setting.listener.versions[key("web")] = "3"
    again = copy.deepcopy(before)
    again["metadata"]["resourceVersion"] = "4"
    await setting.send(watch, config_map("web", 3, data={"a": "between"}), again)
    assert await setting.listener.read(1) == ["web@4"]


async def test_content_that_comes_back_is_brought_by_a_list_too(setting: Setting) -> None:
    await setting.watches.want([CONFIG_MAPS])
    before = config_map("web", 2, data={"a": "before"})
    watch = await setting.sync(before, config_map("db", 1))
    await setting.listener.read(3)
    # Version 3 was fetched and judged by other means, and the watch has missed it.
    setting.listener.versions[key("web")] = "3"
    await watch.send(EXPIRED)
    again = copy.deepcopy(before)
    again["metadata"]["resourceVersion"] = "4"
    await setting.sync(again, config_map("db", 1), version=200)
    assert await setting.listener.read(2) == ["web@4", "relisted configmaps []"]


async def test_an_object_made_anew_under_its_name_is_another(setting: Setting) -> None:
    await setting.watches.want([CONFIG_MAPS])
    web = config_map("web", 2)
    watch = await setting.sync(web)
    await setting.listener.read(2)
    await setting.send(watch, config_map("web", 3), kind="DELETED")
    await setting.send(watch, config_map("web", 4), kind="ADDED")
    assert await setting.listener.read(2) == ["-web@3", "web@4"]


async def test_what_vanished_while_nobody_looked_is_not_seen(setting: Setting) -> None:
    await setting.watches.want([CONFIG_MAPS])
    watch = await setting.sync(config_map("web", 2), config_map("db", 3))
    await setting.listener.read(3)
    await watch.send(EXPIRED)
    # Nothing but the list's own version is new of db: nothing but the list is said.
    await setting.sync(config_map("db", 3), version=200)
    assert await setting.listener.read(1) == ["relisted configmaps ['web']"]
    assert setting.restarts == [("configmaps", "Expired")]


async def test_a_list_that_did_not_end_counts_for_nothing(setting: Setting) -> None:
    await setting.watches.want([CONFIG_MAPS])
    asked = await setting.server.accept()
    await setting.send(asked, config_map("web", 2), kind="ADDED")
    await setting.listener.read(1)
    asked.cut()
    await setting.sync(config_map("db", 3))
    assert await setting.listener.read(2) == ["db@3", "relisted configmaps ['web']"]


async def test_deleted_during_the_list_is_not_seen(setting: Setting) -> None:
    await setting.watches.want([CONFIG_MAPS])
    asked = await setting.server.accept()
    await setting.send(asked, config_map("web", 2), kind="ADDED")
    await setting.send(asked, config_map("web", 3), kind="DELETED")
    await asked.send(bookmark(3, ends_list=True))
    assert await setting.listener.read(3) == [
        "web@2",
        "-web@3",
        "relisted configmaps ['db', 'web']",
    ]


async def test_after_a_failure_everything_is_brought_anew(setting: Setting) -> None:
    await setting.watches.want([CONFIG_MAPS])
    watch = await setting.sync(config_map("web", 2), config_map("db", 3))
    await setting.listener.read(3)
    assert setting.watches.synced(CONFIG_MAPS)
    await watch.end()
    await (await setting.server.accept()).reply(NOT_SERVED, 404)
    assert await setting.listener.read(1) == ["failed configmaps NotFound"]
    assert not setting.watches.synced(CONFIG_MAPS)
    failure = setting.watches.failure(CONFIG_MAPS)
    assert failure is not None
    assert "could not find the requested resource" in failure.message
    await setting.sync(config_map("web", 2), config_map("db", 3))
    assert await setting.listener.read(4) == [
        "web@2",
        "db@3",
        "relisted configmaps []",
        "recovered configmaps",
    ]
    assert setting.watches.synced(CONFIG_MAPS)
    assert setting.watches.failure(CONFIG_MAPS) is None


async def test_a_refusal_by_an_api_server_that_starts_is_not_told(setting: Setting) -> None:
    await setting.watches.want([CONFIG_MAPS])
    watch = await setting.sync(config_map("web", 2))
    await setting.listener.read(2)
    await watch.end()
    await (await setting.server.accept()).reply(FORBIDDEN, 403)
    await setting.sync(config_map("web", 2))
    assert await setting.listener.read(1) == ["relisted configmaps ['db']"]
    assert setting.watches.synced(CONFIG_MAPS)


async def test_wanting_is_declarative(setting: Setting) -> None:
    watches, server = setting.watches, setting.server
    await watches.want([CONFIG_MAPS])
    config_maps = await setting.sync()
    assert await watches.wait_synced([CONFIG_MAPS], 10)
    await watches.want([NODES, CONFIG_MAPS])
    nodes = await server.accept()
    assert nodes.path == "/api/v1/nodes"
    assert server.idle
    assert not watches.synced(NODES)
    await watches.want([NODES])
    await config_maps.left()
    assert not watches.synced(CONFIG_MAPS)
    await watches.close()
    await nodes.left()
    assert server.idle


async def test_waiting_ends_with_success_failure_or_time(setting: Setting) -> None:
    watches = setting.watches
    assert not await watches.wait_synced([NODES], 10)  # not wanted: nothing to wait for
    assert await watches.wait_synced([], 0)
    await watches.want([CONFIG_MAPS])
    asked = await setting.server.accept()
    assert not await watches.wait_synced([CONFIG_MAPS], 0.01)
    waiting = asyncio.create_task(watches.wait_synced([CONFIG_MAPS], 10))
    await asked.reply(FORBIDDEN, 403)
    assert not await waiting


async def test_who_waits_for_a_kind_that_is_no_longer_wanted_is_let_go(setting: Setting) -> None:
    await setting.watches.want([CONFIG_MAPS])
    await setting.server.accept()
    waiting = asyncio.create_task(setting.watches.wait_synced([CONFIG_MAPS], 3600))
    await asyncio.sleep(0)
    await setting.watches.want([])
    async with asyncio.timeout(10):
        assert not await waiting


async def test_what_failed_can_be_tried_at_once(
    setting: Setting, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(outage, "_HELPLESS_DELAY", 3600.0)
    monkeypatch.setattr(outage, "_LONGEST_HELPLESS_DELAY", 3600.0)
    await setting.watches.want([CONFIG_MAPS])
    await (await setting.server.accept()).reply(FORBIDDEN, 403)
    await setting.listener.read(1)
    setting.watches.retry()
    await setting.sync()
    assert await setting.listener.read(2) == [
        "relisted configmaps ['db', 'web']",
        "recovered configmaps",
    ]


async def test_lists_at_once_are_bounded(client: Client, server: Playback) -> None:
    setting = Setting(client, server, lists_at_once=1)
    await setting.watches.want([CONFIG_MAPS, NODES])
    first = await server.accept()
    assert server.idle
    await first.send(bookmark(1, ends_list=True))
    await server.accept()
    await setting.watches.close()


def be_patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Believe a refusal at once, and do not try again before that is asked for."""
    defaults = outage.Outage.__init__.__kwdefaults__
    assert defaults is not None
    monkeypatch.setitem(defaults, "patience", 0.0)
    monkeypatch.setattr(outage, "_HELPLESS_DELAY", 3600.0)
    monkeypatch.setattr(outage, "_LONGEST_HELPLESS_DELAY", 3600.0)


@pytest.fixture
async def apart(
    client: Client, server: Playback, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[Setting]:
    """With two namespaces named, of which one can be read and all cannot."""
    be_patient(monkeypatch)
    made = Setting(client, server, "web", namespaces=["shop", "blog"])
    made.listener.rendered |= {key("page", "blog"), key("cart", "shop")}
    await made.watches.want([CONFIG_MAPS])
    whole = await server.accept()
    assert whole.path == "/api/v1/configmaps"
    await whole.reply(FORBIDDEN, 403)
    assert await made.listener.read(1) == ["failed configmaps outside of blog, shop Forbidden"]
    yield made
    await made.watches.close()


async def accept(server: Playback, *paths: str) -> list[Exchange]:
    """Take the next requests, one for each path; they are returned in this order."""
    asked = {(one := await server.accept()).path: one for _ in paths}
    assert asked.keys() == set(paths)
    return [asked[path] for path in paths]


BLOG = "/api/v1/namespaces/blog/configmaps"
SHOP = "/api/v1/namespaces/shop/configmaps"


async def test_all_namespaces_are_watched_at_once_where_that_is_allowed(
    client: Client, server: Playback
) -> None:
    setting = Setting(client, server, "web", namespaces=["shop", "blog"])
    await setting.watches.want([CONFIG_MAPS, NODES])
    config_maps, _ = await accept(server, "/api/v1/configmaps", "/api/v1/nodes")
    await config_maps.send(event("ADDED", config_map("web", 2)), bookmark(2, ends_list=True))
    assert await setting.listener.read(2) == ["web@2", "relisted configmaps []"]
    assert setting.watches.synced(CONFIG_MAPS, "elsewhere")
    assert not setting.watches.apart(CONFIG_MAPS)
    assert server.idle
    await setting.watches.close()


async def test_a_kind_of_the_cluster_is_not_sought_in_namespaces(
    client: Client, server: Playback
) -> None:
    setting = Setting(client, server, namespaces=["shop"])
    await setting.watches.want([NODES])
    await (await server.accept()).reply(FORBIDDEN, 403)
    assert await setting.listener.read(1) == ["failed nodes Forbidden"]
    assert not setting.watches.apart(NODES)
    await setting.watches.close()


async def test_namespaces_are_watched_one_by_one_where_all_at_once_is_forbidden(
    apart: Setting,
) -> None:
    listener, watches = apart.listener, apart.watches
    waiting = asyncio.create_task(watches.wait_synced([CONFIG_MAPS], 10))
    blog, shop = await accept(apart.server, BLOG, SHOP)
    assert watches.apart(CONFIG_MAPS)
    await shop.send(event("ADDED", config_map("web", 2)), bookmark(2, ends_list=True))
    # Of the other namespace this list says nothing.
    assert await listener.read(2) == ["web@2", "relisted configmaps ['cart']"]
    assert watches.synced(CONFIG_MAPS, "shop")
    assert not watches.synced(CONFIG_MAPS, "blog")
    assert watches.failure(CONFIG_MAPS, "blog") is None
    assert not waiting.done()
    await blog.reply(FORBIDDEN, 403)
    assert await listener.read(1) == ["failed configmaps in blog Forbidden"]
    assert not await waiting
    # Who may not be read in one namespace stands as before in the other.
    assert listener.versions == {key("web"): "2"}
    assert watches.synced(CONFIG_MAPS, "shop")
    refused = watches.failure(CONFIG_MAPS, "blog")
    assert refused is not None
    assert refused.message.startswith("configmaps is forbidden")
    unwatched = watches.failure(CONFIG_MAPS, "elsewhere")
    assert unwatched is not None
    for words in ("blog, shop", "--watch-namespaces", "configmaps is forbidden"):
        assert words in unwatched.message


async def test_a_namespace_is_watched_as_soon_as_it_may_be(apart: Setting) -> None:
    listener, watches = apart.listener, apart.watches
    blog, shop = await accept(apart.server, BLOG, SHOP)
    await blog.reply(FORBIDDEN, 403)
    assert await listener.read(1) == ["failed configmaps in blog Forbidden"]
    await shop.send(bookmark(2, ends_list=True))
    assert await listener.read(1) == ["relisted configmaps ['cart', 'web']"]
    watches.retry()
    whole, blog = await accept(apart.server, "/api/v1/configmaps", BLOG)
    await whole.reply(FORBIDDEN, 403)
    await blog.send(event("ADDED", config_map("page", 3, "blog")), bookmark(3, ends_list=True))
    assert await listener.read(3) == [
        "page@3",
        "relisted configmaps []",
        "recovered configmaps in blog",
    ]
    assert watches.synced(CONFIG_MAPS, "blog")


async def test_one_watch_takes_over_as_soon_as_it_may(apart: Setting) -> None:
    listener, watches = apart.listener, apart.watches
    blog, shop = await accept(apart.server, BLOG, SHOP)
    await shop.send(event("ADDED", config_map("web", 2)), bookmark(2, ends_list=True))
    await blog.send(event("ADDED", config_map("page", 2, "blog")), bookmark(2, ends_list=True))
    await listener.read(4)
    watches.retry()
    (whole,) = await accept(apart.server, "/api/v1/configmaps")
    await whole.send(
        event("ADDED", config_map("web", 2)),
        event("ADDED", config_map("page", 2, "blog")),
        bookmark(4, ends_list=True),
    )
    # Nothing is new but that cart is not there.
    assert await listener.read(2) == ["relisted configmaps ['cart']", "recovered configmaps"]
    await shop.left()
    await blog.left()
    assert watches.synced(CONFIG_MAPS)
    assert not watches.apart(CONFIG_MAPS)
    await whole.send(event("MODIFIED", config_map("web", 5)))
    assert await listener.read(1) == ["web@5"]


async def test_where_the_one_watch_is_refused_at_last_namespaces_take_over(
    client: Client, server: Playback, monkeypatch: pytest.MonkeyPatch
) -> None:
    be_patient(monkeypatch)
    setting = Setting(client, server, "web", namespaces=["shop"])
    await setting.watches.want([CONFIG_MAPS])
    watch = await setting.sync(config_map("web", 2))
    await setting.listener.read(2)
    await watch.end()
    await (await server.accept()).reply(FORBIDDEN, 403)
    assert await setting.listener.read(1) == ["failed configmaps outside of shop Forbidden"]
    (shop,) = await accept(server, SHOP)
    await shop.send(event("ADDED", config_map("web", 2)), bookmark(2, ends_list=True))
    assert await setting.listener.read(1) == ["relisted configmaps []"]
    assert setting.watches.synced(CONFIG_MAPS, "shop")
    # No longer wanted, nothing of it is left.
    await setting.watches.want([])
    await shop.left()
    assert server.idle


async def test_a_defect_of_the_listener_is_said_and_everything_listed_anew(
    setting: Setting, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(feed, "_RESTART_AFTER", 0.0)
    setting.listener.broken = True
    await setting.watches.want([CONFIG_MAPS])
    await setting.sync(config_map("web", 2))
    assert await setting.listener.read(1) == ["failed configmaps InternalError"]
    assert not setting.watches.synced(CONFIG_MAPS)
    assert "a defect" in caplog.text
    setting.listener.broken = False
    await setting.sync(config_map("web", 2), config_map("db", 3))
    assert await setting.listener.read(4) == [
        "web@2",
        "db@3",
        "relisted configmaps []",
        "recovered configmaps",
    ]
    assert setting.watches.synced(CONFIG_MAPS)


async def test_a_long_list_lets_others_have_their_turn(setting: Setting) -> None:
    listener = setting.listener
    listener.rendered |= {key(f"c{n}") for n in range(200)}
    listener.burden = 0.001
    judged = [0]

    async def look() -> None:
        while True:
            judged.append(len(listener.versions))
            await asyncio.sleep(0)

    await setting.watches.want([CONFIG_MAPS])
    asked = await setting.server.accept()
    looking = asyncio.create_task(look())
    objects = [line(event("ADDED", config_map(f"c{n}", n))) for n in range(200)]
    await asked.send(b"".join((*objects, line(bookmark(9000, ends_list=True)))))
    assert await setting.watches.wait_synced([CONFIG_MAPS], 30)
    looking.cancel()
    assert len(listener.versions) == 200
    # All came in one piece and take 1 ms each: others wait for a few of them, not for all.
    assert max(after - before for before, after in pairwise(judged)) <= 20
