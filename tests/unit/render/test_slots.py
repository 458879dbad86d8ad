"""Whose turn it is to render."""

from __future__ import annotations

import asyncio

from hypothesis import given, settings
from hypothesis import strategies as st

from leadsman.render.slots import Slots

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

    async def end_all(self) -> None:
        while self.running:
            await self.end(self.running[0])

    def ended(self) -> bool:
        return all(task.done() for task in self._tasks.values())

    async def cancel(self, key: str) -> None:
        self._tasks[key].cancel()
        await asyncio.wait([self._tasks[key]])
        await self.settle()

    async def until_running(self, key: str) -> None:
        async with asyncio.timeout(5):
            await self._begun[key].wait()

    @staticmethod
    async def settle() -> None:
        for _ in range(10):
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
    await renders.start("next", "other")
    await renders.until_running("next")
    assert renders.running == ["slow", "next"]


async def test_one_that_is_known_to_take_long_waits_for_others_like_it_alone() -> None:
    renders = Renders(Slots(1, patience=0.01))
    for key in ("slow", "sluggish"):
        await renders.start(key)
        await renders.start(f"behind {key}", "other")
        await renders.until_running(f"behind {key}")
        await renders.end(f"behind {key}")
        await renders.end(key)
    await renders.start("slow")
    await renders.start("sluggish")
    await renders.start("quick", "other")
    assert renders.running == ["slow", "quick"]
    await renders.end("slow")
    assert renders.running == ["quick", "sluggish"]


async def test_of_one_tenant_however_many_may_take_long() -> None:
    renders = Renders(Slots(2, patience=0.01))
    for number in range(5):
        await renders.start(f"slow-{number}", "greedy")
    await renders.start("quick", "other")
    await renders.until_running("quick")
    assert renders.running == ["slow-0", "slow-1", "quick"]
    await renders.end("quick")
    await renders.start("quick", "another")
    assert renders.running == ["slow-0", "slow-1", "quick"]


async def test_one_that_could_not_give_way_does_once_it_can() -> None:
    renders = Renders(Slots(2, patience=0.01))
    for number in range(3):
        await renders.start(f"slow-{number}", "greedy")
    await renders.start("quick", "other")
    await renders.until_running("quick")
    await renders.end("slow-0")
    await renders.until_running("slow-2")
    assert renders.running == ["slow-1", "quick", "slow-2"]


async def test_a_tenant_that_could_not_give_way_leaves_a_place_to_others() -> None:
    slots = Slots(2, patience=NEVER)
    slots._long.add("slow")
    renders = Renders(slots)
    await renders.start("slow", "other")
    await renders.start("a")
    await renders.start("b")
    assert renders.running == ["slow", "a"]
    await renders.start("c", "other")
    assert renders.running == ["slow", "a", "c"]


async def test_what_a_tenant_with_all_places_has_to_move_to_is_kept_free() -> None:
    slots = Slots(2, patience=NEVER)
    slots._long.add("slow")
    renders = Renders(slots)
    await renders.start("a")
    await renders.start("b")
    await renders.start("slow", "other")
    assert renders.running == ["a", "b"]
    await renders.end("a")
    assert renders.running == ["b", "slow"]


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


STEPS = st.lists(
    st.tuples(st.sampled_from(["start", "known", "end", "cancel"]), st.integers(0, 9)), max_size=20
)


async def go_through(
    renders: Renders, slots: Slots, steps: list[tuple[str, int]], tenants: list[str]
) -> None:
    """Start renders, some of which are known to take long, end some, give some up."""
    started: list[str] = []
    for number, (step, which) in enumerate(steps):
        if step in {"start", "known"}:
            key = f"{number}"
            if step == "known":
                slots._long.add(key)
            started.append(key)
            await renders.start(key, tenants[which % len(tenants)])
        elif step == "end" and renders.running:
            await renders.end(renders.running[which % len(renders.running)])
        elif step == "cancel" and started:
            await renders.cancel(started.pop(which % len(started)))


@settings(max_examples=100)
@given(st.integers(1, 5), STEPS)
def test_a_tenant_never_has_another_wait_for_what_takes_long(
    parallel: int, steps: list[tuple[str, int]]
) -> None:
    async def run() -> None:
        slots = Slots(parallel, patience=0.0)  # whatever one does takes long
        renders = Renders(slots)
        await go_through(renders, slots, steps, ["greedy"])
        await renders.start("quick", "other")
        assert "quick" in renders.running
        await renders.end_all()

    asyncio.run(run())


@settings(max_examples=100)
@given(st.integers(1, 4), st.sampled_from([0.0, NEVER]), STEPS)
def test_no_place_is_lost_or_taken_twice(
    parallel: int, patience: float, steps: list[tuple[str, int]]
) -> None:
    async def run() -> None:
        slots = Slots(parallel, patience=patience)
        renders = Renders(slots)
        most = parallel + max(1, parallel // 2)
        await go_through(renders, slots, steps, ["x", "y", "z"])
        assert len(renders.running) <= most
        await renders.end_all()
        assert renders.ended()
        slots._patience = NEVER
        for number in range(most):
            if number >= parallel:
                slots._long.add(f"last-{number}")
            await renders.start(f"last-{number}", f"tenant-{number}")
        assert len(renders.running) == most
        await renders.start("one more", "another")
        assert len(renders.running) == most
        await renders.end_all()

    asyncio.run(run())
