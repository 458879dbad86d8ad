"""What the API server is asked, and what comes meanwhile."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from leadsman.compare.policy import compile_policy
from leadsman.engine.dryrun import confirmer as module
from leadsman.engine.dryrun.confirm import Confirmed
from leadsman.engine.dryrun.confirmer import Confirmer
from leadsman.model.finding import State
from unit.engine.judging.world import RESOURCE, WEB, World, config_map

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from leadsman.kube.client import Client
    from leadsman.model.finding import Finding
    from leadsman.model.json import JsonObject


class Asked(World):
    """The same in DryRun mode; an answer is given when ``answer`` is set."""

    def __init__(self, client: Client) -> None:
        super().__init__(client)
        self.live: JsonObject | None = None
        self.begun, self.answer = asyncio.Event(), asyncio.Event()
        self.answered: list[str] = []
        discovery = SimpleNamespace(resource=lambda _gvk: RESOURCE, readable=lambda _gvk: ())
        self.confirmer = Confirmer(
            client,
            cast("Any", discovery),
            self.observer.schemas,
            recorded=self.observer.record,
            locally=lambda *_: None,
            news=lambda _state, _received: None,
            turned=lambda _key: None,
            counted=self.answered.append,
            now=lambda: 1.0,
        )
        self.observer.confirmer = self.confirmer
        self.confirmer.release()

    async def fetch(self, *_: object) -> list[JsonObject | None]:
        return [self.live]

    async def confirm(self, *given: Any, **_: object) -> Confirmed:
        self.begun.set()
        await self.answer.wait()
        local: Finding | None = given[6]
        return Confirmed(local, "accepted")


@pytest.fixture
async def asked(client: Client, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Asked]:
    world = Asked(client)
    monkeypatch.setattr(module, "fetch_many", world.fetch)
    monkeypatch.setattr(module, "confirm", world.confirm)
    running = asyncio.create_task(world.confirmer.run())
    yield world
    running.cancel()
    await asyncio.wait({running})


@pytest.mark.parametrize("commit", [True, False])
async def test_an_answer_counts_though_a_commit_has_come_that_changes_nothing(
    asked: Asked, *, commit: bool
) -> None:
    asked.commit("1")
    asked.live = config_map("other", resourceVersion="6")
    asked.sees("other", "6")
    async with asyncio.timeout(10):
        await asked.begun.wait()
    if commit:
        # A look at the target whose render reads nothing of the commit.
        assert asked.state.target is not None
        asked.state.policy = compile_policy(asked.state.target)
    asked.answer.set()
    async with asyncio.timeout(10):
        await asked.confirmer.idle()
    assert asked.answered == ["accepted"]
    assert asked.verdict() is State.MODIFIED
    assert WEB in asked.state.confirmed
