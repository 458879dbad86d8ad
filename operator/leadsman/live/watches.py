"""Watch exactly the kinds that are wanted, each once, and hand on what is of interest.

What most events are about never gets far: an object that no target renders stops at its key, one
that was judged already stops at its resourceVersion, and a status that moves stops at its
fingerprint. Only the rest is decoded.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from leadsman.live.feed import Feed
from leadsman.live.scope import EVERYWHERE
from leadsman.live.spread import Gap, Spread

if TYPE_CHECKING:
    from collections.abc import Callable, Collection

    from leadsman.errors import KubeError
    from leadsman.kube.client import Client
    from leadsman.kube.discovery import ApiResource
    from leadsman.live.listener import Listener

# Lists under way at once: each costs the API server memory and this process time.
_LISTS_AT_ONCE = 4


class LiveWatches:
    """One watch for each wanted kind.

    With ``namespaces`` a kind that may not be watched in all of them is watched in each of these.
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
        self._spreads: dict[ApiResource, Spread] = {}

    async def want(self, resources: Collection[ApiResource]) -> None:
        """Watch exactly these kinds from now on; those that are watched already go on."""
        unwanted = self._spreads.keys() - set(resources)
        stopped = [self._spreads.pop(resource) for resource in unwanted]
        for resource in resources:
            if resource not in self._spreads:
                self._spreads[resource] = self._start(resource)
        await asyncio.gather(*(spread.stop() for spread in stopped))

    async def close(self) -> None:
        """End all watches."""
        await self.want(())

    def retry(self) -> None:
        """Try the kinds that failed again now: what is served, or allowed, may have changed."""
        for spread in self._spreads.values():
            spread.retry()

    def gaps(self, resource: ApiResource, namespace: str | None = None) -> list[Gap]:
        """Return where nothing is known of the kind, in all namespaces or in one, and why."""
        spread = self._spreads.get(resource)
        return [Gap(EVERYWHERE, None)] if spread is None else list(spread.gaps(namespace))

    def synced(self, resource: ApiResource, namespace: str | None = None) -> bool:
        """Tell whether the kind is watched, has been listed, and does not fail.

        That is in the namespace, without one in all of them.
        """
        return not self.gaps(resource, namespace)

    def failure(self, resource: ApiResource, namespace: str | None = None) -> KubeError | None:
        """Return why nothing is known of the kind at present, if so, in a namespace or anywhere."""
        return next((gap.failure for gap in self.gaps(resource, namespace) if gap.failure), None)

    def apart(self, resource: ApiResource) -> bool:
        """Tell whether the kind may not be read in all namespaces, and is in those named."""
        spread = self._spreads.get(resource)
        return spread is not None and spread.apart

    async def wait_synced(
        self,
        resources: Collection[ApiResource],
        timeout: float,  # noqa: ASYNC109 - a limit for all of them, and no error
    ) -> bool:
        """Wait until each kind is synced or has failed, and tell whether all are synced.

        A kind that is not wanted, or no longer, is not waited for.
        """
        waits = [
            asyncio.ensure_future(self._spreads[resource].settled())
            for resource in resources
            if resource in self._spreads
        ]
        if waits:
            _, late = await asyncio.wait(waits, timeout=timeout)
            for wait in late:
                wait.cancel()
        return all(self.synced(resource) for resource in resources)

    def _start(self, resource: ApiResource) -> Spread:
        def make(namespace: str, turned: Callable[[Feed], None]) -> Feed:
            return Feed(
                self._client,
                resource,
                namespace,
                self._listener,
                gate=self._gate,
                turned=turned,
                restarted=self._restarted,
            )

        return Spread(resource, self._namespaces, self._listener, make)
