"""Watch one kind for ever: list, watch, resume, and say what happened on the way.

The list is streamed where that is served (by default from Kubernetes 1.34 on), else paged. A
watch that ends is resumed where it ended; where that is no longer possible everything is listed
anew, and whoever listens learns from ``Synced`` what vanished meanwhile.
"""

from __future__ import annotations

import asyncio
import random
import time
from contextlib import AsyncExitStack, aclosing, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from leadsman.errors import KubeError
from leadsman.kube.listing import list_pages
from leadsman.kube.objects import decode_meta
from leadsman.kube.outage import Outage
from leadsman.kube.status import GONE
from leadsman.kube.stream import (
    Bookmark,
    BrokenWatchError,
    Deleted,
    ListStarted,
    Observed,
    Resumed,
    StreamEvent,
    Synced,
    stream_events,
)

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from leadsman.kube.client import Client
    from leadsman.kube.discovery import ApiResource

# Each watch lives for a time of its own, so that they do not all renew at once; seconds.
_LIFETIME = (240, 300)
# Without trouble for so long, or with a change that came in, all is well again.
_STEADY = 10.0
# A watch that ends sooner than this without a word was refused in effect: no hot loop.
_SHORT = 1.0
# What an API server that knows no streamed lists answers when asked for one.
_NO_STREAMING = frozenset({400, 422})


@dataclass(frozen=True, slots=True)
class Failed:
    """It goes on being tried, but at present nothing is known of the kind."""

    error: KubeError


@dataclass(frozen=True, slots=True)
class Recovered:
    """What failed goes well again; comes after ``Synced`` or ``Resumed``."""


WatchEvent: TypeAlias = StreamEvent | Failed | Recovered


class KindWatch:
    """A watch on one kind, cluster-wide or in one namespace, that never gives up.

    ``gate`` bounds how many watches list at once. ``restarted`` is called each time a watch has
    ended, with ``Closed`` (its time was over), ``Expired``, ``Short``, ``Silent`` or the
    reason of the error that ended it.
    """

    def __init__(
        self,
        client: Client,
        resource: ApiResource,
        namespace: str = "",
        *,
        metadata_only: bool = False,
        gate: asyncio.Semaphore | None = None,
        restarted: Callable[[str], None] | None = None,
    ) -> None:
        self.resource = resource
        self.namespace = namespace
        self._client = client
        self._metadata_only = metadata_only
        self._gate = gate or asyncio.Semaphore()
        self._restarted = restarted
        self._version = ""
        self._streaming = True
        # Of the present session: whether it is a list in pages, and whether anything came.
        self._paging = self._bookmarked = self._changed = False
        self._bookmarks = False
        self._outage = Outage()
        self._woken = asyncio.Event()

    def retry(self) -> None:
        """Try again now, if it is waiting after a failure."""
        self._woken.set()

    async def events(self) -> AsyncGenerator[WatchEvent]:
        """Yield what happens, without end. Close the generator to end the watch."""
        while True:
            started = time.monotonic()
            try:
                async with aclosing(self._session()) as session:
                    async for event in session:
                        yield event
                        if isinstance(event, Synced | Resumed) and self._outage.over():
                            yield Recovered()
                failure = self._closed(time.monotonic() - started)
            except KubeError as error:
                failure = self._broken(error, time.monotonic() - started)
            if failure is not None:
                if self._outage.began(failure):
                    yield Failed(failure)
                await self._pause(self._outage.delay(failure))

    async def _session(self) -> AsyncGenerator[StreamEvent]:
        """List in pages, or watch, if need be after a streamed list, and keep the version."""
        self._paging = not self._version and not self._streaming
        self._bookmarked = self._changed = False
        async with AsyncExitStack() as listing:
            if not self._version:
                await listing.enter_async_context(self._gate)
            async with aclosing(self._list() if self._paging else self._stream()) as events:
                async for event in events:
                    if isinstance(event, Synced):
                        self._version = event.version
                        self._bookmarked = not self._paging
                        await listing.aclose()
                    elif not self._version:
                        pass  # a list under way: only its end is a place to go on from
                    elif isinstance(event, Bookmark):
                        self._version = event.version
                        self._bookmarked = True
                    elif isinstance(event, Observed | Deleted):
                        self._version = event.meta.resource_version
                        self._changed = True
                    yield event

    def _stream(self) -> AsyncGenerator[StreamEvent]:
        return stream_events(
            self._client,
            self.resource,
            self.namespace,
            self._version,
            lifetime=random.randint(*_LIFETIME),  # noqa: S311 - no secret
            metadata_only=self._metadata_only,
        )

    async def _list(self) -> AsyncGenerator[StreamEvent]:
        pages = list_pages(
            self._client, self.resource, self.namespace, metadata_only=self._metadata_only
        )
        async with aclosing(pages):
            async for page in pages:
                if page.first:
                    yield ListStarted()
                try:
                    for raw in page.items:
                        yield Observed(decode_meta(raw), raw)
                except msgspec.MsgspecError as error:
                    raise BrokenWatchError(
                        "UnexpectedAnswer",
                        f"the list of {self.resource} is not understood: {error}",
                    ) from error
                if page.last:
                    yield Synced(page.version)

    def _closed(self, lasted: float) -> KubeError | None:
        """Judge how a session has ended without an error; None is as it should be."""
        if self._paging:
            return None
        failure = None
        if not self._version:
            # What was asked for was taken for a plain watch: the list never ended.
            self._streaming = False
        elif self._changed or self._bookmarked:
            pass
        elif lasted < _SHORT:
            failure = KubeError("Short", f"the watch of {self.resource} was closed at once")
        elif self._bookmarks and lasted > _LIFETIME[0] / 2:
            # Bookmarks come every minute. Without any, the API server waits for a version that it
            # has not reached: its store was set back, as from a backup.
            self._version = ""
            failure = KubeError("Silent", f"the watch of {self.resource} brought no bookmark")
        self._ended("Closed" if failure is None else failure.reason, lasted)
        return failure

    def _broken(self, error: KubeError, lasted: float) -> KubeError | None:
        """Judge an error that has ended a session; None where there is another way."""
        if not self._version and not self._paging and error.status in _NO_STREAMING:
            self._streaming = False
            return None
        expired = error.status == GONE
        if expired or not error.retryable or isinstance(error, BrokenWatchError):
            self._version = ""
        self._ended("Expired" if expired else error.reason, lasted)
        return error

    def _ended(self, reason: str, lasted: float) -> None:
        self._bookmarks = self._bookmarks or self._bookmarked
        if not self._paging and (self._changed or lasted > _STEADY):
            self._outage.steady()
        if self._restarted is not None:
            self._restarted(reason)

    async def _pause(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._woken.wait()
        self._woken.clear()
