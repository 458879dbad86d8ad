"""What is judged when the API server is slow, or cannot be followed."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from leadsman.engine.inquiry import Inquiry, Origin, Question, Tool
from leadsman.errors import KubeError
from leadsman.live.scope import EVERYWHERE, Scope
from leadsman.live.spread import Gap
from leadsman.model.finding import State
from unit.engine.judging.world import RESOURCE, WEB, World, config_map
from unit.engine.samples import CONFIG_MAP, key
from unit.kube.playback import reply, status

if TYPE_CHECKING:
    from leadsman.engine.state import TargetState
    from leadsman.kube.client import Client
    from unit.kube.playback import Playback


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
    await reply({"items": [config_map("0", resourceVersion="5")]})(exchange)
    await proving
    assert world.state.pending == {WEB}


async def test_a_defect_is_raised_and_no_refusal_hides_it(
    client: Client, server: Playback, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> None:
        raise TypeError("a defect")

    world = World(client)
    world.commit("1")
    late = key("late")
    world.state.orphans[late] = CONFIG_MAP
    world.state.pending = {WEB, late}
    monkeypatch.setattr(world.observer, "judge", broken)
    monkeypatch.setattr(world.acquirer, "_unanswered", lambda *given: given[-1])
    fetching = asyncio.create_task(world.acquirer._fetch(world.state, {CONFIG_MAP: RESOURCE}))
    asked = [await server.accept(), await server.accept()]
    asked.sort(key=lambda exchange: "late" in exchange.query["fieldSelector"])
    await reply({"items": [config_map("1", resourceVersion="5")]})(asked[0])
    await reply(status(409, "Conflict", "refused"), 409)(asked[1])
    with pytest.raises(TypeError, match="a defect"):
        await fetching


@pytest.mark.parametrize(
    ("reason", "status"), [("ServiceUnavailable", 503), ("InternalError", 0), ("Short", 0)]
)
def test_what_cannot_be_followed_for_a_while_is_judged_again_afterwards(
    client: Client, reason: str, status: int
) -> None:
    world = World(client)
    world.commit("1")
    world.sees("1", "5")
    assert world.verdict() is State.IN_SYNC
    world.gaps(Gap(EVERYWHERE, KubeError(reason, "try later", status=status)))
    for now in (1.0, 2.0):
        world.now = now
        broken = world.following.broken(world.state)
        assert broken is not None
        assert broken.reason == "WatchFailed"
        assert world.verdict() is State.UNVERIFIABLE
        assert world.state.findings[WEB].since == 1.0
        # As long as that lasts nothing is asked for again and again.
        world.following.resume(world.state)
        assert not world.state.pending
    # The watch goes on where it was cut, and brings nothing of what has not changed.
    world.gaps()
    world.following.resume(world.state)
    assert world.state.pending == {WEB}


@pytest.mark.parametrize("reason", ["ApiServerUnreachable", "Silent", "Timeout"])
def test_a_connection_that_is_lost_changes_no_verdict(client: Client, reason: str) -> None:
    world = World(client)
    world.commit("1")
    world.sees("1", "5")
    world.gaps(Gap(EVERYWHERE, KubeError(reason, "no route")))
    assert world.following.broken(world.state) is None
    assert world.verdict() is State.IN_SYNC


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
