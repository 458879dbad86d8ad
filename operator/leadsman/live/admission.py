"""Notice that admission is other than before: its policies and webhooks came, went or changed."""

from __future__ import annotations

import asyncio
import hashlib
from contextlib import aclosing, suppress
from typing import TYPE_CHECKING

from leadsman.kube.stream import Observed
from leadsman.kube.watching import KindWatch
from leadsman.live.roster import Roster
from leadsman.model.identity import Gvk

if TYPE_CHECKING:
    from collections.abc import Callable

    from leadsman.kube.client import Client
    from leadsman.kube.discovery import ApiResource, Discovery

_KINDS = tuple(
    Gvk("admissionregistration.k8s.io", "v1", kind)
    for kind in (
        "MutatingAdmissionPolicy",
        "MutatingAdmissionPolicyBinding",
        "MutatingWebhookConfiguration",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
    )
)
# Seconds from a change until it is told: the API server takes it up in about two, and what is
# installed together comes together.
_DELAY = 5.0
# Seconds between two calls at least: each has every object asked about anew.
_PAUSE = 60.0


class AdmissionWatch:
    """Calls ``changed`` some seconds after policies or webhooks have changed, not too often."""

    def __init__(
        self,
        client: Client,
        discovery: Discovery,
        changed: Callable[[], None],
        *,
        delay: float = _DELAY,
        pause: float = _PAUSE,
    ) -> None:
        self._client = client
        self._discovery = discovery
        self._changed = changed
        self._delay = delay
        self._pause = pause
        self._news = asyncio.Event()
        self._listed = asyncio.Event()
        # Kept when ``run`` is called again, so that what has changed meanwhile is noticed.
        self._rosters: dict[Gvk, Roster] = {}

    async def run(self) -> None:
        """Watch until cancelled."""
        served = {gvk: self._discovery.resource(gvk) for gvk in _KINDS}
        resources = [resource for resource in served.values() if resource is not None]
        for resource in resources:
            # Their status moves neither.
            self._rosters.setdefault(resource.gvk, Roster(lambda meta: (meta.uid, meta.generation)))
        async with asyncio.TaskGroup() as group:
            for resource in resources:
                group.create_task(self._watch(resource, self._rosters[resource.gvk]))
            group.create_task(self._call())

    async def listed(self, patience: float) -> None:
        """Wait until it is known how admission is, but no longer than so many seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(patience):
                await self._listed.wait()

    @property
    def identity(self) -> str:
        """Identify how admission is; "" while that is not known, or not told yet."""
        if not self._listed.is_set() or self._news.is_set():
            return ""
        digest = hashlib.blake2b(digest_size=16)
        for gvk, roster in sorted(self._rosters.items()):
            for name, mark in sorted(roster.marks.items()):
                digest.update(repr((str(gvk), name, mark)).encode())
        return digest.hexdigest()

    async def _watch(self, resource: ApiResource, known: Roster) -> None:
        watch = KindWatch(self._client, resource, metadata_only=True)
        async with aclosing(watch.events()) as events:
            async for event in events:
                # What the first list holds is what there was.
                is_first = isinstance(event, Observed) and not known.synced
                if known.take(event) and not is_first:
                    self._news.set()
                if all(roster.synced for roster in self._rosters.values()):
                    self._listed.set()

    async def _call(self) -> None:
        while True:
            await self._news.wait()
            await asyncio.sleep(self._delay)
            self._news.clear()
            self._changed()
            await asyncio.sleep(self._pause)
