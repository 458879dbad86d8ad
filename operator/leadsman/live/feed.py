"""Read one watch and sort out what its listener wants to know."""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from typing import TYPE_CHECKING

from leadsman.errors import KubeError
from leadsman.kube.objects import decode_object, fingerprint
from leadsman.kube.stream import Deleted, ListStarted, Observed, Synced
from leadsman.kube.watching import Failed, KindWatch, Recovered
from leadsman.model.identity import ObjectKey
from leadsman.turns import give_way

if TYPE_CHECKING:
    from collections.abc import Callable

    from leadsman.kube.client import Client
    from leadsman.kube.discovery import ApiResource
    from leadsman.kube.objects import ObjectMeta
    from leadsman.kube.watching import WatchEvent
    from leadsman.live.listener import Listener

log = logging.getLogger(__name__)

_RESTART_AFTER, _LONGEST_RESTART_AFTER = 5.0, 300.0


class Feed:
    """A watch on one kind in one namespace, or in all (``""``)."""

    def __init__(
        self,
        client: Client,
        resource: ApiResource,
        namespace: str,
        listener: Listener,
        *,
        gate: asyncio.Semaphore,
        turned: Callable[[Feed], None],
        restarted: Callable[[str, str], None] | None = None,
    ) -> None:
        """Call ``turned`` when its ``failure`` has come, is another one, or has gone."""
        self.resource = resource
        self.namespace = namespace
        self.failure: KubeError | None = None
        self._client = client
        self._listener = listener
        self._gate = gate
        self._turned = turned
        self._restarted = restarted
        self._watch: KindWatch | None = None
        self._task: asyncio.Task[None] | None = None
        self._settled = asyncio.Event()
        self._listed = self._defect = False
        # Objects by the 64-bit hash of their names: a tenth of the memory, and no two among a
        # million are likely to share one. A fingerprint is that of what was handed on last; it is
        # dropped as soon as that may not be what the listener knows.
        self._fingerprints: dict[int, int] = {}
        self._seen: set[int] | None = None

    @property
    def synced(self) -> bool:
        """Whether everything has been listed once, and nothing fails."""
        return self._listed and self.failure is None

    async def settled(self) -> None:
        """Wait until it is synced, has failed or is stopped."""
        await self._settled.wait()

    def retry(self) -> None:
        """Try again now, if it is waiting after a failure."""
        if self._watch is not None:
            self._watch.retry()

    def start(self) -> None:
        """Begin to watch."""
        name = f"watch {self.resource} {self.namespace}".rstrip()
        self._task = asyncio.create_task(self._run_for_ever(), name=name)

    @property
    def ended(self) -> bool:
        """Whether nothing of it is left."""
        return self._task is None or self._task.done()

    def cancel(self) -> None:
        """Begin to end the watch; its listener hears no more."""
        self._settled.set()
        if self._task is not None:
            self._task.cancel()

    async def stop(self) -> None:
        """End the watch."""
        self.cancel()
        if self._task is not None:
            await asyncio.wait([self._task])

    async def _run_for_ever(self) -> None:
        delay = _RESTART_AFTER
        while True:
            try:
                await self._run()
            except Exception as error:
                # A defect of ours, in whatever listens: said loudly, and never in sync.
                log.exception("the watch of %s failed and is started again", self.resource)
                if not self._defect:
                    delay = _RESTART_AFTER  # it went well since the last one
                self._defect = True
                self._fail(KubeError("InternalError", f"{type(error).__name__}: {error}"))
            await asyncio.sleep(delay)
            delay = min(2 * delay, _LONGEST_RESTART_AFTER)

    async def _run(self) -> None:
        self._watch = KindWatch(
            self._client,
            self.resource,
            self.namespace,
            gate=self._gate,
            restarted=self._note_restart,
        )
        async with aclosing(self._watch.events()) as events:
            async for event in events:
                self._take(event)
                await give_way()

    def _take(self, event: WatchEvent) -> None:
        match event:
            case Observed():
                self._observed(event)
            case Deleted(meta):
                key, ident = self._identify(meta)
                self._fingerprints.pop(ident, None)
                if self._seen is not None:
                    self._seen.discard(ident)
                self._listener.deleted(self.resource, key, meta)
            case ListStarted():
                self._seen = set()
                # Between what was handed on last and this list the listener may have asked for an
                # object itself, and found it otherwise than it was before and is again.
                self._fingerprints.clear()
            case Synced():
                self._relisted()
            case Failed(error):
                log.warning("the watch of %s fails: %s", self.resource, error.message)
                self._fail(error)
            case Recovered():
                self._recover()
            case _:
                pass

    def _observed(self, event: Observed) -> None:
        key, ident = self._identify(event.meta)
        if self._seen is not None:
            self._seen.add(ident)
        if not self._listener.wanted(key, event.meta):
            self._fingerprints.pop(ident, None)
            return
        now = fingerprint(event.raw)
        if self._fingerprints.get(ident) != now:
            obj = decode_object(event.raw, self.resource)
            self._fingerprints[ident] = now
            self._listener.observed(self.resource, key, event.meta, obj)
        else:
            self._listener.moved(self.resource, key, event.meta)

    def _relisted(self) -> None:
        seen, self._seen = self._seen or set(), None
        namespace = self.namespace

        def is_seen(key: ObjectKey) -> bool:
            elsewhere = bool(namespace) and key.namespace != namespace
            return elsewhere or hash((key.namespace, key.name)) in seen

        self._listener.relisted(self.resource, is_seen)
        self._listed = True
        self._settled.set()
        if self._defect:
            self._recover()

    def _fail(self, error: KubeError) -> None:
        self.failure = error
        self._fingerprints.clear()
        self._settled.set()
        self._turned(self)

    def _recover(self) -> None:
        log.info("the watch of %s goes well again", self.resource)
        self.failure = None
        self._defect = False
        self._turned(self)

    def _identify(self, meta: ObjectMeta) -> tuple[ObjectKey, int]:
        resource = self.resource
        key = ObjectKey.of(resource.group, resource.kind, meta.namespace, meta.name)
        return key, hash((meta.namespace, meta.name))

    def _note_restart(self, reason: str) -> None:
        if self._restarted is not None:
            self._restarted(str(self.resource), reason)
