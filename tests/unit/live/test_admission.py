from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, cast

import pytest

from leadsman.kube.discovery import ApiResource
from leadsman.live.admission import AdmissionWatch
from unit.kube.playback import bookmark, event

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from leadsman.kube.client import Client
    from leadsman.model.identity import Gvk
    from unit.kube.playback import Exchange, Playback

pytestmark = pytest.mark.usefixtures("hasty")

GROUP = "admissionregistration.k8s.io"
KIND = "ValidatingWebhookConfiguration"


def configuration(name: str, generation: int = 1) -> dict[str, Any]:
    return {
        "apiVersion": f"{GROUP}/v1",
        "kind": KIND,
        "metadata": {
            "name": name,
            "uid": f"uid-{name}",
            "generation": generation,
            "resourceVersion": str(generation),
        },
    }


class World:
    """A watch of one kind of admission's, and what it has told."""

    def __init__(self, client: Client, server: Playback) -> None:
        self.server = server
        self.changes: asyncio.Queue[str] = asyncio.Queue()
        self.watch = AdmissionWatch(
            client,
            cast("Any", SimpleNamespace(resource=_resource)),
            lambda: self.changes.put_nowait(self.watch.identity),
            delay=0.0,
            pause=0.0,
        )

    async def listed(self, *there: dict[str, Any]) -> Exchange:
        """Answer the first list; return the watch that goes on."""
        exchange = await self.server.accept()
        await exchange.send(*(event("ADDED", one) for one in there))
        await exchange.send(bookmark(100, ends_list=True))
        await self.watch.listed(10)
        return exchange

    async def changed(self) -> str:
        """Return what admission is, once a change was told."""
        async with asyncio.timeout(10):
            return await self.changes.get()


def _resource(gvk: Gvk) -> ApiResource | None:
    return (
        ApiResource(GROUP, "v1", KIND, "webhooks", namespaced=False) if gvk.kind == KIND else None
    )


@asynccontextmanager
async def watching(client: Client, server: Playback) -> AsyncIterator[World]:
    world = World(client, server)
    running = asyncio.create_task(world.watch.run())
    try:
        yield world
    finally:
        running.cancel()
        await asyncio.wait({running})


async def test_what_is_there_identifies_admission(client: Client, server: Playback) -> None:
    identities = []
    for there in ([], [configuration("a")], [configuration("a")], [configuration("a", 2)]):
        async with watching(client, server) as world:
            assert world.watch.identity == ""
            await world.listed(*there)
            assert world.changes.empty()
            identities.append(world.watch.identity)
    assert all(identities)
    assert identities[1] == identities[2]
    assert len(set(identities)) == 3


async def test_a_change_that_is_not_told_yet_identifies_nothing(
    client: Client, server: Playback
) -> None:
    async with watching(client, server) as world:
        exchange = await world.listed(configuration("a"))
        before = world.watch.identity
        world.watch._delay = 3600.0
        await exchange.send(event("MODIFIED", configuration("a", 2)))
        async with asyncio.timeout(10):
            while world.watch.identity == before:  # noqa: ASYNC110 - it is what is looked at
                await asyncio.sleep(0)
        assert world.watch.identity == ""


async def test_a_change_that_was_told_does(client: Client, server: Playback) -> None:
    async with watching(client, server) as world:
        exchange = await world.listed(configuration("a"))
        before = world.watch.identity
        await exchange.send(event("MODIFIED", configuration("a", 2)))
        after = await world.changed()
        assert after
        assert after != before
        await exchange.send(event("DELETED", configuration("a", 2)))
        assert await world.changed() not in {"", before, after}


async def test_nobody_waits_for_ever(client: Client, server: Playback) -> None:
    async with watching(client, server) as world:
        await server.accept()
        await world.watch.listed(0.01)
        assert world.watch.identity == ""
