from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from leadsman.errors import KubeError
from leadsman.live.crds import SurfaceWatch
from unit.kube.playback import EXPIRED, Exchange, bookmark, event, status

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Sequence

    from leadsman.kube.client import Client
    from unit.kube.playback import Playback

pytestmark = pytest.mark.usefixtures("hasty")


def definition(name: str, version: int) -> dict[str, Any]:
    return {
        "kind": "PartialObjectMetadata",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {"name": name, "uid": name, "resourceVersion": str(version)},
    }


class Setting:
    """A surface watch with the server's side of it."""

    def __init__(self, client: Client, server: Playback, delays: Sequence[float]) -> None:
        self.server = server
        self.calls = 0
        self.called = asyncio.Event()
        self.failures = 0
        self._task = asyncio.create_task(SurfaceWatch(client, self.changed, delays=delays).run())

    async def changed(self) -> None:
        self.calls += 1
        self.called.set()
        if self.failures:
            self.failures -= 1
            raise KubeError("Timeout", "no answer")

    async def accept(self) -> dict[str, Exchange]:
        """Return the watches of definitions and of aggregated APIs."""
        asked = [await self.server.accept(), await self.server.accept()]
        return {one.path.rsplit("/", 1)[1]: one for one in asked}

    async def wait(self, calls: int) -> None:
        async with asyncio.timeout(10):
            while self.calls < calls:
                self.called.clear()
                await self.called.wait()

    async def stop(self) -> None:
        self._task.cancel()
        await asyncio.wait([self._task])


@pytest.fixture
async def setting(client: Client, server: Playback) -> AsyncIterator[Setting]:
    made = Setting(client, server, delays=(0.01,))
    yield made
    await made.stop()


async def test_changes_are_called_out_and_repetitions_are_not(setting: Setting) -> None:
    asked = await setting.accept()
    watch = asked["customresourcedefinitions"]
    assert "as=PartialObjectMetadata" in watch.headers["Accept"]
    await asked["apiservices"].send(bookmark(5, ends_list=True))
    await watch.send(event("ADDED", definition("foos.ex.test", 1)), bookmark(5, ends_list=True))
    await setting.wait(1)
    await watch.send(event("MODIFIED", definition("foos.ex.test", 6)))
    await setting.wait(2)
    await watch.send(event("DELETED", definition("foos.ex.test", 7)))
    await setting.wait(3)
    await asked["apiservices"].send(event("ADDED", definition("v1.metrics", 8)))
    await setting.wait(4)
    # A list anew that brings what is known is no news; the next event is the next call.
    await asked["apiservices"].send(EXPIRED)
    again = await setting.server.accept()
    await again.send(event("ADDED", definition("v1.metrics", 8)), bookmark(9, ends_list=True))
    await again.send(event("ADDED", definition("v1.metrics", 8)))
    await watch.send(event("ADDED", definition("bars.ex.test", 10)))
    await setting.wait(5)
    assert setting.calls == 5


async def test_what_vanished_while_nobody_looked_is_news(setting: Setting) -> None:
    asked = await setting.accept()
    watch = asked["customresourcedefinitions"]
    await watch.send(event("ADDED", definition("foos.ex.test", 1)), bookmark(5, ends_list=True))
    await setting.wait(1)
    await watch.send(EXPIRED)
    await (await setting.server.accept()).send(bookmark(9, ends_list=True))
    await setting.wait(2)


async def test_a_call_that_fails_is_repeated(setting: Setting) -> None:
    setting.failures = 2
    asked = await setting.accept()
    await asked["apiservices"].send(event("ADDED", definition("v1.metrics", 8)))
    await setting.wait(3)
    assert setting.failures == 0


async def test_what_comes_late_is_looked_for_again(client: Client, server: Playback) -> None:
    setting = Setting(client, server, delays=(0.01, 0.02, 0.03))
    asked = await setting.accept()
    await asked["apiservices"].send(event("ADDED", definition("v1.metrics", 8)))
    await setting.wait(3)
    await setting.stop()


async def test_news_do_not_wait_for_a_late_look(client: Client, server: Playback) -> None:
    setting = Setting(client, server, delays=(0.01, 3600.0))
    asked = await setting.accept()
    await asked["apiservices"].send(event("ADDED", definition("v1.metrics", 8)))
    await setting.wait(1)
    await asked["apiservices"].send(event("MODIFIED", definition("v1.metrics", 9)))
    await setting.wait(2)
    await setting.stop()


async def test_without_permission_it_says_what_follows(
    setting: Setting, caplog: pytest.LogCaptureFixture
) -> None:
    asked = await setting.accept()
    await asked["customresourcedefinitions"].reply(
        status(403, "Forbidden", "customresourcedefinitions is forbidden"), 403
    )
    await setting.server.accept()  # it goes on trying
    assert "changes of customresourcedefinitions.apiextensions.k8s.io go unnoticed" in caplog.text
    assert setting.calls == 0
