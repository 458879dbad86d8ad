"""Notice that the API server serves other kinds than before, without asking it again and again."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING

from leadsman.errors import KubeError
from leadsman.kube.discovery import ApiResource
from leadsman.kube.watching import Failed, KindWatch
from leadsman.live.roster import Roster

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from leadsman.kube.client import Client

log = logging.getLogger(__name__)

_DEFINITIONS = (
    ApiResource(
        group="apiextensions.k8s.io",
        version="v1",
        kind="CustomResourceDefinition",
        plural="customresourcedefinitions",
        namespaced=False,
    ),
    ApiResource(
        group="apiregistration.k8s.io",
        version="v1",
        kind="APIService",
        plural="apiservices",
        namespaced=False,
    ),
)
# Seconds between a change and each call. Measured: kinds are served at once and their schemas are
# published 0.8 s later; an aggregated API may take longer, and then nothing more is said.
_DELAYS = (1.0, 5.0, 30.0)
_LONGEST_DELAY = 60.0


class SurfaceWatch:
    """Calls ``changed`` after CustomResourceDefinitions or APIServices have come, gone or changed.

    It is called for the first time shortly after the start, so that nothing is missed in
    between, then some times after each change, never twice at once. A ``KubeError`` that it
    raises is logged, and it is called again.
    """

    def __init__(
        self,
        client: Client,
        changed: Callable[[], Awaitable[None]],
        *,
        delays: Sequence[float] = _DELAYS,
    ) -> None:
        self._client = client
        self._changed = changed
        self._delays = tuple(delays)
        self._news = asyncio.Event()

    async def run(self) -> None:
        """Watch until cancelled; what ``changed`` raises other than ``KubeError`` comes out."""
        async with asyncio.TaskGroup() as group:
            for resource in _DEFINITIONS:
                group.create_task(self._watch(resource))
            group.create_task(self._call())

    async def _watch(self, resource: ApiResource) -> None:
        definitions = Roster(lambda meta: meta.resource_version)
        watch = KindWatch(self._client, resource, metadata_only=True)
        async with aclosing(watch.events()) as events:
            async for event in events:
                if definitions.take(event):
                    self._news.set()
                if isinstance(event, Failed):
                    log.warning(
                        "changes of %s go unnoticed until they can be watched: %s",
                        resource,
                        event.error.message,
                    )

    async def _call(self) -> None:
        first, *later = self._delays
        failures = 0
        while True:
            await self._news.wait()
            await asyncio.sleep(min(_LONGEST_DELAY, first * 2.0 ** min(failures, 16)))
            self._news.clear()
            try:
                await self._changed()
                failures = 0
                waited = first
                for delay in later:
                    if await self._news_within(delay - waited):
                        break
                    waited = delay
                    await self._changed()
            except KubeError as error:
                log.warning("what the API server serves could not be read: %s", error.message)
                failures += 1
                self._news.set()

    async def _news_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._news.wait()
        return self._news.is_set()
