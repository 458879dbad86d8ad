"""What is judged when the API server is slow, or cannot be followed."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

from leadsman.compare.policy import compile_policy
from leadsman.engine.index import Index
from leadsman.engine.inquiry import Inquiry, Origin, Question, Tool
from leadsman.engine.judging.acquire import Acquirer
from leadsman.engine.judging.following import Following
from leadsman.engine.judging.observer import Observer
from leadsman.errors import KubeError
from leadsman.kube.discovery import ApiResource
from leadsman.kube.objects import ObjectMeta
from leadsman.live.scope import EVERYWHERE, Scope
from leadsman.live.spread import Gap
from leadsman.model.desired import DesiredObject
from leadsman.model.finding import State
from leadsman.model.json import canonical
from leadsman.model.source import GitSource
from leadsman.model.target import Target
from unit.engine.samples import CONFIG_MAP, key, rendered, target_state
from unit.kube.playback import reply

if TYPE_CHECKING:
    from leadsman.engine.state import TargetState
    from leadsman.kube.client import Client
    from leadsman.model.json import JsonObject
    from unit.kube.playback import Playback

RESOURCE = ApiResource("", "v1", "ConfigMap", "configmaps", namespaced=True)
WEB = key("web")


def _object(value: str, **metadata: Any) -> JsonObject:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "web", "namespace": "shop", **metadata},
        "data": {"x": value},
    }


class World:
    """One target with one ConfigMap."""

    def __init__(self, client: Client) -> None:
        self.state = target_state()
        self.state.target = Target(self.state.key, GitSource("https://git.example/shop"))
        self.state.policy = compile_policy(self.state.target)
        self.state.settled = True
        self.index = Index()
        self.observer = Observer(
            self.index,
            now=lambda: 1.0,
            news=lambda _state, _received: None,
            depended=lambda _key: None,
            turned=lambda _resource: None,
            compared=lambda: None,
            waits=lambda *_: False,
            versions={},
        )
        self.observer.schemas[CONFIG_MAP] = None
        discovery = SimpleNamespace(resource=lambda _gvk: RESOURCE, readable=lambda _gvk: ())
        self.following = Following(cast("Any", discovery), self.index, self.observer)
        self.acquirer = Acquirer(
            client,
            cast("Any", discovery),
            cast("Any", None),
            self.observer,
            self.following,
            held=lambda _state, _key: False,
        )

    def commit(self, value: str) -> None:
        body = canonical(_object(value))
        one = DesiredObject(WEB, CONFIG_MAP, body, body, "a.yaml")
        self.state.install(rendered(one), rejudge=False)
        self.index.replace(self.state)

    def sees(self, value: str, version: str) -> None:
        meta = ObjectMeta(name="web", namespace="shop", resource_version=version)
        obj = _object(value, resourceVersion=version)
        self.observer.observed(RESOURCE, WEB, meta, obj)

    def gaps(self, *gaps: Gap) -> None:
        """Have the kind be watched everywhere but there."""
        watches = SimpleNamespace(gaps=lambda _resource: gaps)
        self.following.watches = cast("Any", watches)
        self.following._resources[self.state.key] = frozenset({RESOURCE})

    def verdict(self) -> State:
        found = self.state.findings.get(WEB)
        return State.IN_SYNC if found is None else found.state


async def test_an_answer_from_before_a_commit_does_not_judge_it(
    client: Client, server: Playback
) -> None:
    """While evidence is asked for a delivery goes on: the watch has brought what is newer."""
    world = World(client)
    world.commit("1")
    world.sees("0", "5")
    assert world.verdict() is State.MODIFIED
    origin = Origin(Tool.HELM, "shop", "web")
    world.state.inquiries[WEB] = Inquiry(Question(origin, frozenset()))
    world.state.unproven = {WEB}
    world.acquirer._proofs = cast("Any", SimpleNamespace(answers=_none))
    proving = asyncio.create_task(world.acquirer.prove(world.state))
    exchange = await server.accept()
    world.sees("2", "6")
    world.commit("2")
    await reply({"items": [_object("0", resourceVersion="5")]})(exchange)
    await proving
    assert world.state.pending == {WEB}


async def test_what_cannot_be_followed_for_a_while_is_judged_again_afterwards(
    client: Client,
) -> None:
    world = World(client)
    world.commit("1")
    world.sees("1", "5")
    assert world.verdict() is State.IN_SYNC
    failure = KubeError("ServiceUnavailable", "try later", status=503)
    world.gaps(Gap(EVERYWHERE, failure))
    broken = world.following.broken(world.state)
    assert broken is not None
    assert broken.reason == "WatchFailed"
    assert world.verdict() is State.UNVERIFIABLE
    # The watch goes on where it was cut, and brings nothing of what has not changed.
    assert world.state.pending == {WEB}


def test_what_cannot_be_followed_elsewhere_is_nothing_to_a_target(
    client: Client,
) -> None:
    world = World(client)
    world.commit("1")
    world.sees("1", "5")
    failure = KubeError("ServiceUnavailable", "try later", status=503)
    forbidden = KubeError("Forbidden", "cannot list", status=403, retryable=False)
    here, there = Scope(frozenset({"shop"})), Scope(frozenset({"shop"}), others=True)
    target, following = world.state.key, world.following
    world.gaps(Gap(there, failure))
    assert following.healthy(target)
    assert following.broken(world.state) is None
    assert world.verdict() is State.IN_SYNC
    # Not yet listed here; then forbidden, which is all that there is to know.
    world.gaps(Gap(here, None))
    assert not following.healthy(target)
    world.gaps(Gap(here, forbidden))
    assert following.healthy(target)
    world.gaps(Gap(there, forbidden), Gap(here, failure))
    assert not following.healthy(target)
    assert following.broken(world.state) is not None
    assert world.verdict() is State.UNVERIFIABLE


def test_what_a_render_reads_is_attended_to_where_it_is(client: Client) -> None:
    world = World(client)
    target, following = world.state.key, world.following
    world.index.depend(target, [key("values")])
    forbidden = KubeError("Forbidden", "cannot list", status=403, retryable=False)
    world.gaps(Gap(Scope(frozenset({"blog"})), forbidden))
    assert following.attends(target)
    world.gaps(Gap(Scope(frozenset({"shop"})), forbidden))
    assert not following.attends(target)


async def _none(_state: TargetState, _asked: object) -> dict[Any, Any]:
    return {}
