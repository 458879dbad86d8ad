"""Watch what delivers: Flux's Kustomizations and their sources, as long as their kinds are served.

Not by kopf: it says nothing of what vanished while a watch was cut, and cannot begin when a kind
comes to be, nor end when it goes.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING, Final

from leadsman.kube.objects import decode_object
from leadsman.kube.status import FORBIDDEN
from leadsman.kube.stream import Deleted, ListStarted, Observed, Synced
from leadsman.kube.watching import Failed, KindWatch, Recovered
from leadsman.model.identity import Gvk, TargetKey
from leadsman.targets.flux.kustomization import GIT_REPOSITORY, GROUP, KIND

if TYPE_CHECKING:
    from collections.abc import Callable

    from leadsman.engine.delivered import Delivered
    from leadsman.errors import KubeError
    from leadsman.kube.client import Client
    from leadsman.kube.discovery import ApiResource, Discovery
    from leadsman.kube.watching import WatchEvent
    from leadsman.model.json import JsonObject

log = logging.getLogger(__name__)

_SOURCES: Final = "source.toolkit.fluxcd.io"
# Seconds between two looks for controllers that have stopped.
_EVERY: Final = 10.0
_KINDS: Final = (Gvk(GROUP, "", KIND), Gvk(_SOURCES, "", GIT_REPOSITORY))


class DeliveryWatch:
    """Keeps ``delivered`` as the cluster is, for those targets that ``owns`` says are ours."""

    def __init__(
        self,
        client: Client,
        discovery: Discovery,
        delivered: Delivered,
        owns: Callable[[TargetKey], bool],
        namespaces: tuple[str, ...] = (),
    ) -> None:
        """Watch in the named ``namespaces``, or in all."""
        self._client = client
        self._discovery = discovery
        self._delivered = delivered
        self._owns = owns
        self._namespaces = namespaces or ("",)
        self._watched: dict[ApiResource, list[asyncio.Task[None]]] = {}
        self._unlisted: set[tuple[ApiResource, str]] = set()
        self._listed = asyncio.Event()
        self._changed = asyncio.Event()

    def look(self) -> None:
        """Say that other kinds may be served than before."""
        self._changed.set()

    async def listed(self) -> None:
        """Wait until all is known that there was at the start, or cannot be."""
        await self._listed.wait()

    async def run(self) -> None:
        """Watch until cancelled."""
        self._watched.clear()
        async with asyncio.TaskGroup() as group:
            while True:
                self._changed.clear()
                self._follow(group)
                while not await self._changed_within(_EVERY):
                    self._delivered.look()

    async def _changed_within(self, seconds: float) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        return self._changed.is_set()

    def _follow(self, group: asyncio.TaskGroup) -> None:
        served = {found[0] for gvk in _KINDS if (found := self._discovery.readable(gvk))}
        for resource in self._watched.keys() - served:
            for task in self._watched.pop(resource):
                task.cancel()
            self._vanish(resource)
            log.info("%s is not served any more", resource)
        for resource in served - self._watched.keys():
            self._unlisted |= {(resource, namespace) for namespace in self._namespaces}
            self._watched[resource] = [
                group.create_task(self._watch(resource, namespace))
                for namespace in self._namespaces
            ]
        self._told()

    def _vanish(self, resource: ApiResource) -> None:
        for namespace in self._namespaces:
            self._unlisted.discard((resource, namespace))
            for key in self._there(resource, namespace):
                self._gone(key)

    async def _watch(self, resource: ApiResource, namespace: str) -> None:
        watch = KindWatch(self._client, resource, namespace)
        listed: set[TargetKey] = set()
        async with aclosing(watch.events()) as events:
            async for event in events:
                self._take(resource, namespace, event, listed)

    def _take(
        self, resource: ApiResource, namespace: str, event: WatchEvent, listed: set[TargetKey]
    ) -> None:
        match event:
            case ListStarted():
                listed.clear()
            case Observed(meta, raw):
                key = TargetKey(resource.kind, meta.namespace, meta.name)
                listed.add(key)
                self._observed(key, decode_object(raw, resource))
            case Deleted(meta):
                listed.discard(key := TargetKey(resource.kind, meta.namespace, meta.name))
                self._gone(key)
            case Synced():
                for key in self._there(resource, namespace) - listed:
                    self._gone(key)
                self._unlisted.discard((resource, namespace))
                self._told()
            case Failed(error):
                log.warning("%s cannot be watched: %s", resource, error.message)
                if error.status == FORBIDDEN:
                    # Others are not kept waiting for what may never be allowed.
                    self._unlisted.discard((resource, namespace))
                    self._told()
                    self._unread(resource, error)
            case Recovered():
                log.info("%s can be watched again", resource)
                self._unread(resource, None)
            case _:
                pass

    def _unread(self, resource: ApiResource, error: KubeError | None) -> None:
        if resource.kind != KIND:
            self._delivered.sources_unread(resource.kind, error)

    def _observed(self, key: TargetKey, found: JsonObject) -> None:
        if key.kind != KIND:
            self._delivered.source_changed(key, found)
        elif self._owns(key):
            self._delivered.changed(found)

    def _gone(self, key: TargetKey) -> None:
        if key.kind == KIND:
            self._delivered.gone(key)
        else:
            self._delivered.source_changed(key, None)

    def _there(self, resource: ApiResource, namespace: str) -> set[TargetKey]:
        known = self._delivered.keys if resource.kind == KIND else self._delivered.sources
        return {key for key in known if namespace in {"", key.namespace}}

    def _told(self) -> None:
        if not self._unlisted and not self._listed.is_set():
            self._listed.set()
            self._delivered.begin()
