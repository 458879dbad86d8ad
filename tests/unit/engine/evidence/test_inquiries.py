from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from leadsman.engine.evidence.inquiries import Inquiries
from leadsman.engine.inquiry import Inquiry, Origin, Question, Tool
from leadsman.errors import KubeError
from unit.engine.samples import key, target_state

if TYPE_CHECKING:
    from leadsman.engine.state import TargetState
    from leadsman.model.identity import TargetKey

A, B = key("a"), key("b")


def inquiry() -> Inquiry:
    return Inquiry(Question(Origin(Tool.HELM, "shop", "web"), frozenset()))


class World:
    """Inquiries about one target, and what was asked."""

    def __init__(self, *, broken: bool = False) -> None:
        self.state = target_state()
        self.asked: list[set[str]] = []
        self.failed: list[TargetKey] = []
        self.tasks: list[asyncio.Task[None]] = []
        self.broken = broken
        self.begun = asyncio.Event()
        self.inquiries = Inquiries(
            {self.state.key: self.state},
            start=lambda work: self.tasks.append(asyncio.ensure_future(work)),
            failed=self.failed.append,
        )
        self.inquiries.prove = self.prove

    async def prove(self, state: TargetState) -> None:
        self.begun.set()
        self.asked.append({item.name for item in state.unproven})
        state.unproven.clear()
        await asyncio.sleep(0)
        if self.broken:
            raise KubeError("Unreachable", "no route")

    def wants(self, *names: str) -> None:
        for name in names:
            self.state.inquiries[key(name)] = inquiry()
            self.state.unproven.add(key(name))
            self.inquiries.ask(self.state)

    async def done(self) -> None:
        while self.tasks:
            await self.tasks.pop()


def test_what_comes_together_is_asked_together() -> None:
    async def run() -> World:
        world = World()
        world.wants("a", "b")
        await world.done()
        world.wants("c")
        await world.done()
        return world

    assert asyncio.run(run()).asked == [{"a", "b"}, {"c"}]


def test_a_look_at_the_target_asks_by_itself() -> None:
    async def run() -> World:
        world = World()
        world.state.busy = True
        world.wants("a")
        await world.done()
        return world

    assert asyncio.run(run()).asked == []


def test_what_a_look_that_failed_has_left_is_asked_for_after_it() -> None:
    async def run() -> World:
        world = World()
        world.state.busy = True
        world.wants("a", "b")
        world.state.busy = False
        world.inquiries.ask(world.state)
        world.inquiries.ask(world.state)
        await world.done()
        world.wants("c")
        await world.done()
        return world

    assert asyncio.run(run()).asked == [{"a", "b"}, {"c"}]


def test_what_could_not_be_done_is_left_to_the_next_look() -> None:
    async def run() -> World:
        world = World(broken=True)
        world.wants("a")
        await world.done()
        return world

    world = asyncio.run(run())
    assert world.failed == [world.state.key]


def test_an_object_waits_for_its_delivery_but_not_for_ever() -> None:
    async def run() -> list[bool]:
        world = World()
        world.state.inquiries[A] = inquiry()
        return [world.inquiries.hold(world.state, A) for _ in range(8)]

    assert asyncio.run(run()) == [True] * 5 + [False] * 3


def test_what_is_judged_in_doubt_is_asked_for_a_few_times_more() -> None:
    async def run() -> int:
        world = World()
        world.state.inquiries[A] = inquiry()
        for _ in range(20):
            world.inquiries.doubt(world.state, A)
        return world.state.inquiries[A].tries

    assert asyncio.run(run()) == 8


def test_asked_again_is_only_what_still_waits() -> None:
    async def run() -> World:
        world = World()
        for each in (A, B):
            world.state.inquiries[each] = inquiry()
            world.inquiries.hold(world.state, each)
        world.state.inquiries[B] = inquiry()  # there was news of it, which asks for itself
        await world.begun.wait()
        await world.done()
        return world

    assert asyncio.run(run()).asked == [{"a"}]


def release(time: str = "1") -> Any:
    said = {"meta.helm.sh/release-name": "web", "meta.helm.sh/release-namespace": "shop"}
    return {"metadata": {"annotations": said, "managedFields": [{"manager": "helm", "time": time}]}}


def told(world: World) -> None:
    answered = world.state.inquiries[A]
    answered.told, answered.waiting = True, False


def test_an_object_waits_until_it_is_told_what_was_sent() -> None:
    async def run() -> None:
        world = World()
        waits = world.inquiries.waits
        assert not waits(world.state, A, None, release(), set())
        assert waits(world.state, A, None, release(), {"helm"})
        assert waits(world.state, A, None, release(), {"helm"})
        await world.done()
        told(world)
        # What cannot be found out is no reason to wait for ever, nor to ask at each event.
        assert not waits(world.state, A, None, release(), {"helm"})
        assert not waits(world.state, A, None, release(), {"helm"})
        assert waits(world.state, A, None, release("2"), {"helm"})
        await world.done()
        assert world.asked == [{"a"}, {"a"}]

    asyncio.run(run())


def test_what_the_api_server_is_asked_about_is_asked_for_anew_after_the_next_write() -> None:
    async def run() -> None:
        world = World()
        waits = world.inquiries.waits
        assert waits(world.state, A, None, release(), {"helm"})
        await world.done()
        told(world)
        world.state.leave(A)
        assert waits(world.state, A, None, release("2"), {"helm"})
        # What was not told before has to be asked for again, too.
        world.state.leave(A)
        assert waits(world.state, A, None, release("2"), {"helm"})

    asyncio.run(run())
