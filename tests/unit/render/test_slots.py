"""Whose turn it is to render."""

from __future__ import annotations

import asyncio
from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from leadsman.render.slots import Lane, Slots

NEVER = 3600.0


class Renders:
    """Renders that end when they are told to."""

    def __init__(self, slots: Slots) -> None:
        self._slots = slots
        self._begun: dict[str, asyncio.Event] = {}
        self._ends: dict[str, asyncio.Event] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self.running: list[str] = []

    async def start(self, key: str, tenant: str = "shop") -> None:
        self._begun[key], self._ends[key] = asyncio.Event(), asyncio.Event()
        self._tasks[key] = asyncio.create_task(self._run(key, tenant))
        await self.settle()

    async def end(self, key: str) -> None:
        self._ends[key].set()
        await self._tasks[key]
        await self.settle()

    async def cancel(self, key: str) -> None:
        self._tasks[key].cancel()
        await asyncio.wait([self._tasks[key]])
        await self.settle()

    async def until_running(self, key: str) -> None:
        async with asyncio.timeout(5):
            await self._begun[key].wait()

    @staticmethod
    async def settle() -> None:
        for _ in range(5):
            await asyncio.sleep(0)

    async def _run(self, key: str, tenant: str) -> None:
        async with self._slots.turn(key, tenant):
            self.running.append(key)
            self._begun[key].set()
            try:
                await self._ends[key].wait()
            finally:
                self.running.remove(key)


async def test_so_many_run_at_once_and_the_others_in_turn() -> None:
    renders = Renders(Slots(2, patience=NEVER))
    for key in "abcd":
        await renders.start(key)
    assert renders.running == ["a", "b"]
    await renders.end("b")
    assert renders.running == ["a", "c"]
    await renders.end("a")
    assert renders.running == ["c", "d"]


async def test_tenants_take_turns() -> None:
    renders = Renders(Slots(1, patience=NEVER))
    for number in range(3):
        await renders.start(f"big-{number}", "big")
    await renders.start("small", "small")
    order = []
    while renders.running:
        order += renders.running
        await renders.end(renders.running[0])
    assert order == ["big-0", "big-1", "small", "big-2"]


async def test_one_that_takes_long_delays_the_rest_for_no_longer_than_their_patience() -> None:
    renders = Renders(Slots(1, patience=0.01))
    await renders.start("slow")
    await renders.start("next")
    await renders.until_running("next")
    assert renders.running == ["slow", "next"]


async def test_one_that_is_known_to_take_long_waits_for_others_like_it_alone() -> None:
    renders = Renders(Slots(1, patience=0.01))
    for key in ("slow", "sluggish"):
        await renders.start(key)
        await renders.start(f"behind {key}")
        await renders.until_running(f"behind {key}")
        await renders.end(f"behind {key}")
        await renders.end(key)
    await renders.start("slow")
    await renders.start("sluggish")
    await renders.start("quick")
    assert renders.running == ["slow", "quick"]
    await renders.end("slow")
    assert renders.running == ["quick", "sluggish"]


async def test_one_that_was_quick_once_more_is_taken_for_quick() -> None:
    slots = Slots(1, patience=NEVER)
    slots._long.add("better")
    renders = Renders(slots)
    await renders.start("better")
    await renders.end("better")
    await renders.start("other")
    await renders.start("better")
    assert renders.running == ["other"]


async def test_who_gives_up_leaves_no_place_taken() -> None:
    renders = Renders(Slots(1, patience=NEVER))
    for key in "abc":
        await renders.start(key)
    await renders.cancel("b")
    await renders.end("a")
    assert renders.running == ["c"]
    await renders.cancel("c")
    await renders.start("d")
    assert renders.running == ["d"]


@settings(max_examples=50)
@given(
    st.integers(1, 3),
    st.lists(st.tuples(st.sampled_from("xyz"), st.booleans()), max_size=20),
)
def test_no_place_is_lost_or_taken_twice(places: int, visits: list[tuple[str, bool]]) -> None:
    async def run() -> None:
        lane = Lane(places)
        inside: Counter[str] = Counter()

        async def visit(tenant: str) -> None:
            await lane.enter(tenant)
            inside[tenant] += 1
            assert inside.total() <= places
            try:
                await asyncio.sleep(0)
            finally:
                inside[tenant] -= 1
                lane.leave()

        tasks = []
        for tenant, gives_up in visits:
            tasks.append(asyncio.create_task(visit(tenant)))
            await asyncio.sleep(0)
            if gives_up:
                tasks[-1].cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        async with asyncio.timeout(5):
            for _ in range(places):
                await lane.enter("last")
        assert not lane.try_enter()

    asyncio.run(run())
