"""Watch exactly the kinds that are wanted, each once, and hand on what is of interest.

What most events are about never gets far: an object that no target renders stops at its key, one
that was judged already stops at its resourceVersion, and a status that moves stops at its
fingerprint. Only the rest is decoded.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from leadsman.live.feed import Feed

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from leadsman.errors import KubeError
    from leadsman.kube.client import Client
    from leadsman.kube.discovery import ApiResource
    from leadsman.live.listener import Listener

# Lists under way at once: each costs the API server memory and this process time.
_LISTS_AT_ONCE = 4


class LiveWatches:
    """One watch for each wanted kind (and namespace, where ``namespaces`` are named).

    ``restarted`` is called with the resource and the reason each time a watch has ended, for
    metrics.
    """

    def __init__(
        self,
        client: Client,
        listener: Listener,
        *,
        namespaces: Collection[str] = (),
        lists_at_once: int = _LISTS_AT_ONCE,
        restarted: Callable[[str, str], None] | None = None,
    ) -> None:
        self._client = client
        self._listener = listener
        self._namespaces = tuple(sorted(namespaces))
        self._gate = asyncio.Semaphore(lists_at_once)
        self._restarted = restarted
        self._feeds: dict[ApiResource, tuple[Feed, ...]] = {}

    async def want(self, resources: Collection[ApiResource]) -> None:
        """Watch exactly these kinds from now on; those that are watched already go on."""
        stopped = [
            feed
            for resource in self._feeds.keys() - set(resources)
            for feed in self._feeds.pop(resource)
        ]
        for resource in resources:
            if resource not in self._feeds:
                self._feeds[resource] = self._start(resource)
        await asyncio.gather(*(feed.stop() for feed in stopped))

    async def close(self) -> None:
        """End all watches."""
        await self.want(())

    def retry(self) -> None:
        """Try the kinds that failed again now: what is served, or allowed, may have changed."""
        for feeds in self._feeds.values():
            for feed in feeds:
                if feed.failure is not None:
                    feed.retry()

    def synced(self, resource: ApiResource) -> bool:
        """Tell whether the kind is watched, has been listed, and does not fail."""
        feeds = self._feeds.get(resource, ())
        return bool(feeds) and all(feed.synced for feed in feeds)

    def failure(self, resource: ApiResource) -> KubeError | None:
        """Return why nothing is known of the kind at present, if so."""
        return next((feed.failure for feed in self._feeds.get(resource, ()) if feed.failure), None)

    async def wait_synced(
        self,
        resources: Collection[ApiResource],
        timeout: float,  # noqa: ASYNC109 - a limit for all of them, and no error
    ) -> bool:
        """Wait until each kind is synced or has failed, and tell whether all are synced.

        A kind that is not wanted, or no longer, is not waited for.
        """
        waits = [
            asyncio.ensure_future(feed.settled())
            for resource in resources
            for feed in self._feeds.get(resource, ())
        ]
        if waits:
            _, late = await asyncio.wait(waits, timeout=timeout)
            for wait in late:
                wait.cancel()
        return all(self.synced(resource) for resource in resources)

    def _start(self, resource: ApiResource) -> tuple[Feed, ...]:
        namespaces = self._namespaces if resource.namespaced and self._namespaces else ("",)
        feeds = tuple(
            Feed(
                self._client,
                resource,
                namespace,
                self._listener,
                gate=self._gate,
                restarted=self._restarted,
            )
            for namespace in namespaces
        )
        for feed in feeds:
            feed.start()
        return feeds
