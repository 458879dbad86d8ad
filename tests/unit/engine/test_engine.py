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
    def prune(self, _keep: object) -> None:
        pass


def _resource(uid: str) -> dict[str, Any]:
    return {
        "apiVersion": "leadsman.dev/v1alpha1",
        "kind": "DriftCheck",
        "metadata": {"namespace": "shop", "name": "shop", "uid": uid, "generation": 1},
        "spec": {"url": "https://git.example/shop"},
    }


async def test_one_made_anew_while_the_former_is_looked_at_is_told_of_live_changes() -> None:
    nothing = cast("Any", None)
    engine = Engine(
        client=nothing,
        discovery=nothing,
        schemas=nothing,
        mirrors=cast("Any", _Mirrors()),
        renderer=nothing,
        instruments=Instruments(),
    )
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
