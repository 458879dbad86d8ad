"""What becomes of a target whose custom resource goes while it is looked at."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any, cast

from leadsman.engine.engine import Engine
from leadsman.engine.reconcile import Outcome
from leadsman.model.identity import TargetKey
from leadsman.report.own_metrics import Instruments
from unit.engine.samples import desired, key, rendered

if TYPE_CHECKING:
    from leadsman.engine.reconcile import Reconciler
    from leadsman.engine.state import TargetState


class _Slow:
    """A reconciler whose looks last until they are let go."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self.looks: list[TargetState] = []
        self.begun = asyncio.Event()
        self.ended = asyncio.Semaphore(0)
        self.go = asyncio.Event()

    async def reconcile(self, state: TargetState) -> Outcome:
        self.looks.append(state)
        self.begun.set()
        await self.go.wait()
        state.install(rendered(desired("web")), rejudge=False)
        self._engine._index.replace(state)
        self.ended.release()
        return Outcome(after=3600.0)

    def drop(self, _key: TargetKey) -> None:
        pass

    def checkouts(self) -> frozenset[Any]:
        return frozenset()


class _Mirrors:
    def __init__(self) -> None:
        self.doubted: list[object] = []

    def prune(self, _keep: object) -> None:
        pass

    def doubt(self, names: object) -> None:
        self.doubted.append(names)


def _resource(uid: str, name: str = "shop") -> dict[str, Any]:
    return {
        "apiVersion": "leadsman.dev/v1alpha1",
        "kind": "DriftCheck",
        "metadata": {"namespace": "shop", "name": name, "uid": uid, "generation": 1},
        "spec": {"url": "https://git.example/shop"},
    }


def _engine(mirrors: _Mirrors) -> Engine:
    nothing = cast("Any", None)
    return Engine(
        client=nothing,
        discovery=nothing,
        schemas=nothing,
        mirrors=cast("Any", mirrors),
        renderer=nothing,
        instruments=Instruments(),
    )


async def test_one_made_anew_while_the_former_is_looked_at_is_told_of_live_changes() -> None:
    engine = _engine(_Mirrors())
    slow = _Slow(engine)
    engine._reconciler = cast("Reconciler", slow)
    target = TargetKey("DriftCheck", "shop", "shop")
    running = asyncio.create_task(engine.run(2))
    try:
        engine.listed()
        engine.resource_changed(_resource("one"))
        await slow.begun.wait()
        engine.resource_gone(target)
        engine.resource_changed(_resource("two"))
        slow.go.set()
        async with asyncio.timeout(5):
            await slow.ended.acquire()
            await slow.ended.acquire()
        former, latter = slow.looks
        assert former is not latter
        assert engine._index.owners(key("web")) == (latter,)
        engine.resource_gone(target)
        assert engine._index.owners(key("web")) == ()
    finally:
        running.cancel()
        await asyncio.wait([running])


async def test_pushes_cost_one_look_and_one_more_for_those_that_come_during_it() -> None:
    mirrors = _Mirrors()
    engine = _engine(mirrors)
    slow = _Slow(engine)
    engine._reconciler = cast("Reconciler", slow)
    running = asyncio.create_task(engine.run(1))
    shop, other = {"git.example/shop"}, {"git.example/other"}
    try:
        engine.listed()
        engine.resource_changed(_resource("one"))
        await slow.begun.wait()
        told = [engine.repository_changed(names) for names in (shop, other, shop, shop)]
        assert told == [1, 0, 1, 1]
        assert mirrors.doubted == [shop] * 3
        slow.go.set()
        async with asyncio.timeout(5):
            await slow.ended.acquire()
            await slow.ended.acquire()
            # The one worker takes it after all that was asked for before.
            engine.resource_changed(_resource("last", name="last"))
            await slow.ended.acquire()
        assert [state.uid for state in slow.looks] == ["one", "one", "last"]
    finally:
        running.cancel()
        await asyncio.wait([running])
