"""The engine: targets in, reports out.

It owns the order in which things happen and nothing else: what a target asks for comes in as the
custom resource, what is found leaves through the reporter and the snapshot that metrics read.
"""

from __future__ import annotations

import asyncio
import logging
import time
from typing import TYPE_CHECKING

from leadsman.engine.comparing import comparing
from leadsman.engine.dryrun.once import finish
from leadsman.engine.index import Index
from leadsman.engine.lookup import Lookup
from leadsman.engine.reconcile import Outcome, Reconciler
from leadsman.engine.reporting.outlet import Outlet
from leadsman.engine.reporting.status import status_of
from leadsman.engine.scheduling.followers import followers_of, host_of
from leadsman.engine.scheduling.gathering import Gathering
from leadsman.engine.scheduling.order import Fair
from leadsman.engine.scheduling.queue import WorkQueue
from leadsman.engine.sources import Sources
from leadsman.engine.state import TargetState
from leadsman.engine.targets import Targets, update
from leadsman.errors import LeadsmanError
from leadsman.settings import Mode
from leadsman.targets.driftcheck import key_of, target_from

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Coroutine, Iterable, Mapping

    from leadsman.kube.client import Client
    from leadsman.kube.discovery import ApiResource, Discovery
    from leadsman.live.schemas import Schemas
    from leadsman.model.identity import Gvk, TargetKey
    from leadsman.model.json import JsonObject
    from leadsman.model.status import TargetStatus
    from leadsman.model.target import Target
    from leadsman.render.renderer import Renderer
    from leadsman.report.own_metrics import Instruments
    from leadsman.source.mirrors import GitMirrors

log = logging.getLogger(__name__)

# Seconds between two looks for checkouts that nobody needs any more.
_TIDY_EVERY = 5.0


class Engine:
    """All targets of one process.

    ``share`` is how many targets of one Git server may be looked at at once; None: any number.
    """

    def __init__(  # noqa: PLR0913 - the parts, all by name
        self,
        *,
        client: Client,
        discovery: Discovery,
        schemas: Schemas,
        mirrors: GitMirrors,
        renderer: Renderer,
        instruments: Instruments,
        mode: Mode = Mode.READ_ONLY,
        share: int | None = None,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._targets = Targets()
        self.states = self._targets.states
        self.outlet = Outlet()
        self._instruments = instruments
        self._mirrors = mirrors
        self._schemas = schemas
        self._now = now
        self._queue: WorkQueue[TargetKey] = WorkQueue(
            waited=instruments.queue_wait.observe, order=Fair(self._host, share)
        )
        self._index = Index()
        self._lookup = Lookup(client)
        self._tidied = float("-inf")
        self._gathering = Gathering(self._gathered)
        self._tasks: set[asyncio.Task[None]] = set()
        parts = comparing(
            client=client,
            discovery=discovery,
            schemas=schemas,
            states=self.states,
            index=self._index,
            lookup=self._lookup,
            outlet=self.outlet,
            instruments=instruments,
            mode=mode,
            now=now,
            due=self._queue.add,
            depended=self._depended,
            turned=self._turned,
            start=self._start,
        )
        self.observer, self.acquirer = parts.observer, parts.acquirer
        self.following, self._inquiries = parts.following, parts.inquiries
        self.confirmer, self._surface = parts.observer.confirmer, parts.surface
        self._reconciler = Reconciler(
            sources=Sources(mirrors, self._lookup, instruments.staged),
            renderer=renderer,
            discovery=discovery,
            lookup=self._lookup,
            index=self._index,
            acquirer=self.acquirer,
            following=self.following,
            now=now,
            staged=instruments.staged,
        )

    def restore(self, statuses: Iterable[TargetStatus]) -> None:
        """Take over what was reported before a restart; call it before the first target."""
        self._targets.restore(statuses)

    def listed(self) -> None:
        """Say that all targets are known that there are at the start."""
        self._gathering.expect(self.states)

    def resource_changed(self, resource: JsonObject) -> None:
        """Take a DriftCheck as it is now."""
        metadata, key = resource.get("metadata") or {}, key_of(resource)
        try:
            target, error = target_from(resource), None
        except LeadsmanError as failure:
            target, error = None, failure
        self.target_changed(key, target, metadata=metadata, error=error)

    def target_changed(
        self,
        key: TargetKey,
        target: Target | None,
        *,
        metadata: JsonObject,
        error: LeadsmanError | None = None,
    ) -> None:
        """Take a target, or why its spec cannot be carried out."""
        state = self.states.get(key)
        uid = str(metadata.get("uid", ""))
        if state is not None and state.uid != uid:
            # Deleted and made anew under the same name: it has no history.
            self._forget(key)
            state = None
        is_new = state is None
        if state is None:
            state = self._targets.add(key, uid)
            self.outlet.announce(state)
        if update(state, target, metadata=metadata, error=error, now=self._now()) or is_new:
            self._queue.forget_tries(key)
            self._queue.add(key)

    def resource_gone(self, key: TargetKey) -> None:
        """Forget a target whose custom resource was deleted."""
        if key in self.states:
            self._forget(key)

    def repository_changed(self, names: Collection[str]) -> int:
        """Look at Git now for what follows a repository that was pushed to; return how many.

        ``names`` are its addresses in the form of ``repository_name``.
        """
        followers = followers_of(self.states.values(), names)
        if followers:
            self._mirrors.doubt(names)
        for key in followers:
            self._queue.add(key)
        return len(followers)

    def snapshot(self) -> list[TargetStatus]:
        """Return every target's status as it is now, those not looked at yet left out."""
        return [status_of(state) for state in self.states.values() if state.settled]

    def described(self, gvk: Gvk) -> str:
        """Identify how a kind is described now, "" where that is not known."""
        schema = self.observer.schemas.get(gvk)
        identity = self._schemas.identity(gvk)
        return f"{identity} {schema.versions.stored}" if schema is not None and identity else ""

    @property
    def settled(self) -> bool:
        """Tell whether every known target has been looked at once."""
        return self._targets.settled

    @property
    def depth(self) -> int:
        """Return how many targets wait to be looked at."""
        return len(self._queue)

    async def run(self, workers: int) -> None:
        """Reconcile until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._queue.run(self._reconcile, workers))
            if self.confirmer is not None:
                group.create_task(self.confirmer.run())

    async def surface_changed(self) -> None:
        """Look at kinds anew: a CustomResourceDefinition or an aggregated API came, went, changed.

        Raises:
            KubeError: the API server could not be asked; call again.

        """
        await self._surface.changed()

    def admission_changed(self) -> None:
        """Have the API server asked anew about what it was asked about before."""
        if self.confirmer is not None:
            log.info("admission has changed: all objects are confirmed anew")
            self.confirmer.again(self.states.values())

    async def check_once(
        self, targets: Iterable[Target], refused: Mapping[TargetKey, LeadsmanError]
    ) -> list[TargetStatus]:
        """Look at each target once and return how it stands, as ``leadsman check`` does.

        ``refused`` are those whose spec cannot be carried out, and why.
        """
        for target in targets:
            state = self._targets.add(target.key, target.uid)
            state.generation, state.target = target.generation, target
            state.note_suspension(self._now())
        for key, error in refused.items():
            self.states[key] = TargetState(key, spec_error=error)
        work = asyncio.gather(*(self._reconciler.reconcile(s) for s in self.states.values()))
        if self.confirmer is None:
            await work
            return self.snapshot()
        await finish(work, self.confirmer, self._tasks)
        return self.snapshot()

    async def _reconcile(self, key: TargetKey) -> None:
        state = self.states.get(key)
        if state is None:
            return
        if is_first := self._gathering.open:
            await self._reconciler.prepare(state)
            outcome = Outcome(after=0.0)
        else:
            outcome = await self._reconciler.reconcile(state)
        if self.states.get(key) is not state:
            # It was deleted meanwhile and perhaps made anew: what this look has put down since is
            # nobody's, and would keep live changes from the new target.
            self._index.remove(state)
            self._reconciler.drop(key)
            self._unwatch(key)
            return
        if is_first:
            self._gathering.rendered(key)
            return
        self._targets.looked(key)
        self._inquiries.ask(state)
        if outcome.retry:
            self._queue.retry(key, cap=outcome.after)
        else:
            self._queue.forget_tries(key)
            self._queue.add_by(key, outcome.after)
        self.outlet.looked(state)
        self._tidy()

    def _tidy(self) -> None:
        """Remove the checkouts that nobody was rendered from, now and then."""
        now = asyncio.get_running_loop().time()
        if now - self._tidied >= _TIDY_EVERY:
            self._tidied = now
            self._mirrors.prune(self._reconciler.checkouts())

    def _host(self, key: TargetKey) -> str:
        state = self.states.get(key)
        return "" if state is None else host_of(state)

    def _gathered(self, targets: Iterable[TargetKey]) -> None:
        for key in targets:
            if key in self.states:
                self._queue.add(key)

    def _depended(self, key: TargetKey) -> None:
        state = self.states.get(key)
        if state is None or state.target is None:
            return
        self._lookup.forget_values(state.target)
        self._queue.add(key)

    def _turned(self, resource: ApiResource) -> None:
        for key in self.following.wanting(resource):
            if key in self.states:
                self._queue.add(key)

    def _forget(self, key: TargetKey) -> None:
        state = self._targets.remove(key)
        self._queue.remove(key)
        self._index.remove(state)
        self._reconciler.drop(key)
        if self.confirmer is not None:
            self.confirmer.drop(key)
        if state.target is not None:
            self._lookup.drop(state.target)
        self.outlet.remove(key)
        self._gathering.rendered(key)
        self._unwatch(key)

    def _unwatch(self, key: TargetKey) -> None:
        self._start(self.following.drop(key))

    def _start(self, work: Coroutine[None, None, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
