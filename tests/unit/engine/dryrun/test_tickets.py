"""The objects that the API server is to be asked about."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import pytest

from leadsman.engine.dryrun.tickets import Ident, Ticket, Tickets
from leadsman.errors import KubeError
from leadsman.kube.discovery import ApiResource
from unit.engine.samples import key, target_state

if TYPE_CHECKING:
    from leadsman.model.identity import TargetKey

_CONFIG_MAPS = ApiResource("", "v1", "ConfigMap", "configmaps", namespaced=True)
_BROKEN = KubeError("Timeout", "no answer")


class _World:
    """Tickets of one target, and what was said of them."""

    def __init__(self) -> None:
        self.state = target_state()
        self.doubted: asyncio.Queue[str] = asyncio.Queue()
        self.turned: list[TargetKey] = []
        self.tickets = Tickets(
            doubted=lambda ticket: self.doubted.put_nowait(ticket.key.name),
            turned=self.turned.append,
        )

    def ticket(self, name: str, *, urgent: bool = True) -> Ticket:
        ticket = Ticket(self.state, key(name), _CONFIG_MAPS, urgent)
        self.tickets.open(ticket)
        return ticket

    async def settles(self) -> bool:
        """Whether nothing of the target is waited for."""
        waiting = asyncio.ensure_future(self.tickets.settle(self.state.key))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        done = waiting.done()
        waiting.cancel()
        await asyncio.wait({waiting})
        return done


async def test_a_newer_ticket_takes_the_place_of_one() -> None:
    world = _World()
    world.ticket("a")
    newer = world.ticket("a")
    assert world.tickets.get(newer.ident) is newer
    assert not await world.settles()
    world.tickets.close(newer.ident)
    assert world.tickets.get(newer.ident) is None
    assert await world.settles()


async def test_what_only_has_to_be_confirmed_is_not_waited_for() -> None:
    world = _World()
    world.ticket("a", urgent=False)
    assert await world.settles()


async def test_what_differs_is_handled_first_and_once() -> None:
    world = _World()
    handled: list[str] = []

    async def handle(ident: Ident) -> None:
        handled.append(ident[1].name)
        world.tickets.close(ident)

    world.ticket("a", urgent=False)
    world.ticket("a")
    world.ticket("b")
    running = asyncio.create_task(world.tickets.run(handle))
    try:
        async with asyncio.timeout(5):
            await world.tickets.idle()
    finally:
        running.cancel()
        await asyncio.wait({running})
    assert handled == ["a", "b"]


async def test_what_cannot_be_asked_about_is_told_until_it_can() -> None:
    world = _World()
    ticket = world.ticket("a")
    world.tickets.fail(ticket, _BROKEN)
    assert await world.settles()
    assert world.tickets.failure(world.state.key) is _BROKEN
    world.tickets.close(ticket.ident, failed=True)
    assert world.tickets.failure(world.state.key) is _BROKEN
    world.tickets.close(world.ticket("a").ident)
    assert world.tickets.failure(world.state.key) is None
    assert world.turned == [world.state.key]


async def test_of_a_target_that_is_gone_nothing_is_left() -> None:
    world = _World()
    ticket = world.ticket("a")
    world.tickets.fail(ticket, _BROKEN)
    world.tickets.drop(world.state.key)
    assert world.tickets.get(ticket.ident) is None
    assert world.tickets.failure(world.state.key) is None
    async with asyncio.timeout(5):
        await world.tickets.idle()


async def test_an_object_that_waits_long_is_doubted_unless_it_is_pending() -> None:
    world = _World()
    world.ticket("b")
    world.ticket("a")
    world.state.pending.add(key("b"))
    async with asyncio.timeout(5):
        assert await world.doubted.get() == "a"
    assert world.doubted.empty()


async def test_an_answer_that_passes_is_asked_for_less_and_less_often() -> None:
    world = _World()
    ticket = world.ticket("a", urgent=False)
    loop, waits = asyncio.get_running_loop(), []
    for _ in range(12):
        world.tickets.close(ticket.ident)
        world.tickets.reopen(ticket, cap=300.0)
        again = world.tickets.get(ticket.ident)
        assert again is not None
        ticket = again
        waits.append(world.tickets._calm._timers[ticket.ident].when() - loop.time())
    assert waits == pytest.approx([0.5, 1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300], abs=0.4)
    world.tickets._calm.close()
