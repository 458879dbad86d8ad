"""Watch one kind in all namespaces at once, or where that is forbidden in each that is named."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

from leadsman.errors import KubeError
from leadsman.kube.status import FORBIDDEN
from leadsman.live.scope import EVERYWHERE, Scope

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator

    from leadsman.kube.discovery import ApiResource
    from leadsman.live.feed import Feed
    from leadsman.live.listener import Listener

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Gap:
    """Where nothing is known of a kind at present, and why; None: it is not listed yet."""

    scope: Scope
    failure: KubeError | None


class Spread:
    """The watches of one kind, and who is told how they fare.

    ``make`` makes a feed of a namespace, ``""`` for all, that calls what it is given when its
    failure has come or gone. The feed of all namespaces is tried again for as long as it is
    refused, now and then: when it may list at last, the others end.
    """

    def __init__(
        self,
        resource: ApiResource,
        namespaces: Collection[str],
        listener: Listener,
        make: Callable[[str, Callable[[Feed], None]], Feed],
    ) -> None:
        self._resource = resource
        self._namespaces = frozenset(namespaces) if resource.namespaced else frozenset()
        self._listener = listener
        self._make = make
        self._parts: dict[str, Feed] = {}
        self._ended: list[Feed] = []
        self._unwatched: KubeError | None = None
        self._whole = make("", self._whole_turned)
        self._whole.start()

    @property
    def apart(self) -> bool:
        """Whether the kind may only be read namespace by namespace."""
        return bool(self._parts)

    async def stop(self) -> None:
        """End all watches of the kind."""
        self._end_parts()
        self._whole.cancel()
        for feed in (self._whole, *self._ended):
            await feed.stop()

    def retry(self) -> None:
        """Try again now what has failed."""
        for feed in (self._whole, *self._parts.values()):
            if feed.failure is not None:
                feed.retry()

    async def settled(self) -> None:
        """Wait until all that can be listed now has been, the rest has failed, or it is stopped."""
        await self._whole.settled()
        for feed in tuple(self._parts.values()):
            await feed.settled()

    def gaps(self, namespace: str | None = None) -> Iterator[Gap]:
        """Yield where nothing is known of the kind, of all namespaces or of one alone."""
        if not self._parts:
            if not self._whole.synced:
                yield Gap(EVERYWHERE, self._whole.failure)
            return
        for name, feed in self._parts.items():
            if not feed.synced and namespace in {None, name}:
                yield Gap(Scope(frozenset({name})), feed.failure)
        if namespace is None or namespace not in self._parts:
            yield Gap(self._elsewhere, self._unwatched)

    @property
    def _elsewhere(self) -> Scope:
        return Scope(self._namespaces, others=True)

    def _whole_turned(self, whole: Feed) -> None:
        failure = whole.failure
        if failure is None:
            self._end_parts()
            self._listener.recovered(self._resource, EVERYWHERE)
        elif self._namespaces and failure.status == FORBIDDEN and not failure.retryable:
            self._split(failure)
        else:
            self._listener.failed(self._resource, failure, EVERYWHERE)

    def _split(self, refusal: KubeError) -> None:
        names = ", ".join(sorted(self._namespaces))
        log.info("%s may not be watched in all namespaces, only in: %s", self._resource, names)
        self._unwatched = KubeError(
            refusal.reason,
            f"{self._resource} are watched in the namespaces {names} alone (--watch-namespaces), "
            "this object is in another: name its namespace there and allow list and watch in it, "
            f"or allow both in all namespaces: {refusal.message}",
            status=refusal.status,
            retryable=False,
        )
        if not self._parts:
            self._parts = {
                name: self._make(name, self._part_turned) for name in sorted(self._namespaces)
            }
            for feed in self._parts.values():
                feed.start()
        self._listener.failed(self._resource, self._unwatched, self._elsewhere)

    def _part_turned(self, part: Feed) -> None:
        scope = Scope(frozenset({part.namespace}))
        if part.failure is None:
            self._listener.recovered(self._resource, scope)
        else:
            self._listener.failed(self._resource, part.failure, scope)

    def _end_parts(self) -> None:
        self._ended = [feed for feed in self._ended if not feed.ended]
        for feed in self._parts.values():
            feed.cancel()
            self._ended.append(feed)
        self._parts = {}
