"""The fence of DryRun mode: a ValidatingAdmissionPolicy that denies every write but dry runs.

RBAC knows no verb for a dry run: who may ask what a write would do may write. What keeps Leadsman
from that is the API server itself, by the policy in ``deploy/components/dry-run``. Without it
Leadsman does not run in that mode, and ends when it is gone.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import aclosing
from typing import TYPE_CHECKING

from leadsman.app.fence_trial import BINDINGS, POLICIES, Posts, Trial
from leadsman.errors import KubeError, LeadsmanError
from leadsman.kube.stream import Synced
from leadsman.kube.watching import Failed, KindWatch
from leadsman.live.roster import Roster

if TYPE_CHECKING:
    from collections.abc import Callable

    from leadsman.kube.client import Client
    from leadsman.kube.discovery import ApiResource

log = logging.getLogger(__name__)

# Seconds for which a fence that was just installed may be out of force: an API server takes up a
# policy, and the controller manager aggregates roles, a second or two after they are written.
_PATIENCE = 10.0
_TRY_EVERY = 1.0
# Seconds between two looks that nothing has called for: nobody tells of permissions that change.
_LOOK_EVERY = 600.0


class Fence:
    """Makes sure of the fence, and keeps an eye on it."""

    def __init__(self, client: Client) -> None:
        self._client = client
        self._trial = Trial(client)
        self._posts: Posts | None = None
        self._doubt = asyncio.Event()

    async def stand(self) -> None:
        """Return once the fence is known to hold.

        Raises:
            LeadsmanError: it does not: ``FenceMissing``, ``FenceWeak``, ``FenceRemovable``,
                ``FenceUntried`` or ``FenceTooTight``.
            KubeError: the API server could not be asked.

        """
        deadline = time.monotonic() + _PATIENCE
        while True:
            try:
                return await self.verify()
            except KubeError:
                raise
            except LeadsmanError as error:
                if not error.retryable or time.monotonic() > deadline:
                    raise
                log.info("%s; trying again", error.message)
            await asyncio.sleep(_TRY_EVERY)

    async def verify(self) -> None:
        """Try the fence once: a real write is denied, a dry run is not, and it cannot be removed.

        Raises as ``stand`` does.
        """
        posts = await self._trial.run()
        if posts != self._posts:
            log.info("the fence holds", extra={"policy": posts.policy, "binding": posts.binding})
        self._posts = posts

    async def guard(self, *, hold: Callable[[], None], release: Callable[[], None]) -> None:
        """Watch the fence until cancelled.

        ``hold`` is called as soon as it is in doubt, ``release`` when it is known to hold again.

        Raises:
            LeadsmanError: it does not hold any more.

        """
        async with asyncio.TaskGroup() as group:
            for resource in (POLICIES, BINDINGS):
                group.create_task(self._watch(resource, hold))
            group.create_task(self._look(release))

    async def _look(self, release: Callable[[], None]) -> None:
        while True:
            try:
                async with asyncio.timeout(_LOOK_EVERY):
                    await self._doubt.wait()
            except TimeoutError:
                pass
            self._doubt.clear()
            try:
                await self.verify()
            except KubeError as error:
                log.warning("the fence cannot be tried: %s", error.message)
                self._doubt.set()
                await asyncio.sleep(_TRY_EVERY)
                continue
            if not self._doubt.is_set():
                release()

    async def _watch(self, resource: ApiResource, hold: Callable[[], None]) -> None:
        seen = Roster(lambda meta: meta.resource_version)
        watch = KindWatch(self._client, resource, metadata_only=True)
        async with aclosing(watch.events()) as events:
            async for event in events:
                news = seen.take(event)
                name = self._name(resource)
                missing = isinstance(event, Synced) and name not in seen
                # What is seen for the first time was tried a moment ago.
                if name in news.changed | news.gone or missing or isinstance(event, Failed):
                    hold()
                    self._doubt.set()

    def _name(self, resource: ApiResource) -> str:
        posts = self._posts
        if posts is None:
            return ""
        return posts.policy if resource is POLICIES else posts.binding
