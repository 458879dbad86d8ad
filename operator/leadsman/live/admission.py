"""Notice that admission is other than before: its policies and webhooks came, went or changed."""

from __future__ import annotations

import asyncio
from contextlib import aclosing
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

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as group:
            for gvk in _KINDS:
                resource = self._discovery.resource(gvk)
                if resource is not None:
                    group.create_task(self._watch(resource))
            group.create_task(self._call())

    async def _watch(self, resource: ApiResource) -> None:
        # Their status moves neither.
        known = Roster(lambda meta: (meta.uid, meta.generation))
        watch = KindWatch(self._client, resource, metadata_only=True)
        async with aclosing(watch.events()) as events:
            async for event in events:
                # What the first list holds is what there was.
                is_first = isinstance(event, Observed) and not known.synced
                if known.take(event) and not is_first:
                    self._news.set()

    async def _call(self) -> None:
        while True:
            await self._news.wait()
            await asyncio.sleep(self._delay)
            self._news.clear()
            self._changed()
            await asyncio.sleep(self._pause)
