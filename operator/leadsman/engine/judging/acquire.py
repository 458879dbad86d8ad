"""Bring the live objects that a target still has to judge: by watches, and by asking for the rest.

A kind that is watched for the first time brings all its objects with its first list. Objects that
become of interest later, when Git has changed, are asked for one by one, or with a list where
that is cheaper. ``leadsman check`` has no watches: everything is asked for.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from leadsman.engine.evidence.proofs import Proofs
from leadsman.engine.inquiry import Answer
from leadsman.engine.judging.resources import Resources
from leadsman.engine.judging.serving import Serving
from leadsman.errors import CompareError, KubeError
from leadsman.live.fetch import FetchAnswer, FetchRequest, fetch_each
from leadsman.live.versions import read_schema

if TYPE_CHECKING:
    from collections.abc import Callable

    from leadsman.engine.judging.following import Following
    from leadsman.engine.judging.observer import Observer
    from leadsman.engine.judging.verdicts import VerdictCache
    from leadsman.engine.state import TargetState
    from leadsman.kube.client import Client
    from leadsman.kube.discovery import ApiResource, Discovery
    from leadsman.live.schemas import Schemas
    from leadsman.model.identity import Gvk, ObjectKey


class Acquirer:
    """Finds out how each pending object of a target lives."""

    def __init__(
        self,
        client: Client,
        discovery: Discovery,
        schemas: Schemas,
        observer: Observer,
        following: Following,
        held: Callable[[TargetState, ObjectKey], bool],
    ) -> None:
        """``held`` tells whether an object may wait while its delivery goes on, and then asks."""
        self._client = client
        self._discovery = discovery
        self._schemas = schemas
        self._observer = observer
        self._proofs = Proofs(client, discovery)
        self._held = held
        self._serving = Serving(client, discovery)
        self._located = Resources(discovery, observer)
        self._following = following
        self.verdicts: VerdictCache | None = None

    async def recall(self, state: TargetState) -> None:
        """Assume what an earlier process has found out, before the lists that are to bear it out.

        Raises:
            KubeError: the API server could not be asked.

        """
        if self.verdicts is not None:
            await self._locate(state)
            await self.verdicts.recall(state)

    async def acquire(self, state: TargetState) -> None:
        """Judge every pending object of the target.

        Raises:
            KubeError: the API server could not be asked; what was not judged stays pending.

        """
        self._observer.adopted(state)
        resources = await self._locate(state)
        if await self._following.watch(state.key, frozenset(resources.values())):
            state.unassume()
        self._following.resume(state)
        try:
            await self._fetch(state, resources)
            await self._settle(state)
            while state.unproven:
                await self.prove(state)
                await self._settle(state)
        finally:
            self._located.tell_unserved(state)

    async def _locate(self, state: TargetState) -> dict[Gvk, ApiResource]:
        """Find out how the kinds of the target's objects are served, and how they are described."""
        await self._serving.settle(state)
        resources = self._located.find(state)
        await self._load_schemas(state)
        return resources

    async def _settle(self, state: TargetState) -> None:
        """Wait for the API server's answers about what differs."""
        if self._observer.confirmer is not None:
            await self._observer.confirmer.settle(state.key)

    async def prove(self, state: TargetState) -> None:
        """Find out what was sent of the objects that wait for it, and judge them.

        Raises:
            KubeError: as for ``acquire``.

        """
        asked = {key: state.inquiries[key].question for key in state.unproven}
        state.unproven.clear()
        answers = await self._proofs.answers(state, asked)
        for key in asked.keys() & state.inquiries.keys() & state.desired.keys():
            answer, inquiry = answers.get(key, Answer()), state.inquiries[key]
            if answer.running and not state.busy and self._held(state, key):
                continue
            if (inquiry.evidence, inquiry.scaler) != (answer.evidence, answer.scaler):
                state.confirmed.pop(key, None)
            inquiry.evidence, inquiry.scaler = answer.evidence, answer.scaler
            inquiry.told, inquiry.waiting = True, False
            state.pending.add(key)
        gvks = {state.desired[key].gvk for key in state.pending if key in state.desired}
        resources = {gvk: self._discovery.resource(gvk) for gvk in gvks}
        await self._fetch(
            state, {gvk: known for gvk, known in resources.items() if known is not None}
        )

    async def _load_schemas(self, state: TargetState) -> None:
        gvks = {state.desired[key].gvk for key in state.pending if key in state.desired}
        observer = self._observer
        unknown = [gvk for gvk in gvks if gvk not in observer.schemas]
        asked = (read_schema(self._client, self._discovery, self._schemas, gvk) for gvk in unknown)
        answers = await asyncio.gather(*asked, return_exceptions=True)
        for gvk, answer in zip(unknown, answers, strict=True):
            if isinstance(answer, CompareError) or (
                isinstance(answer, KubeError) and answer.reason == "UnexpectedAnswer"
            ):
                # Other kinds can be compared.
                observer.undescribed[gvk] = answer
            elif isinstance(answer, BaseException):
                raise answer
            else:
                observer.schemas[gvk] = answer
                observer.undescribed.pop(gvk, None)

    async def _fetch(self, state: TargetState, resources: dict[Gvk, ApiResource]) -> None:
        requests: dict[FetchRequest, ObjectKey] = {}
        for key in tuple(state.pending):
            gvk = state.desired[key].gvk if key in state.desired else state.orphans.get(key)
            resource = resources.get(gvk) if gvk is not None else None
            if resource is not None and not self._unwatched(state, key, resource):
                requests[resource, key.namespace, key.name] = key
        if not requests:
            return
        # What is read for a revision may be older than what a watch has brought by the time that
        # another one is judged, beside this, which asks for what it needs.
        edition = state.edition
        failures: list[KubeError] = []
        defects: list[Exception] = []

        def answered(request: FetchRequest, answer: FetchAnswer) -> None:
            key = requests[request]
            # Else a watch was faster, and what it brought is newer.
            if key in state.pending and state.edition == edition:
                try:
                    failure = self._answered(state, key, request[0], answer)
                except Exception as defect:  # noqa: BLE001 - raised below, when all have ended
                    defects.append(defect)
                    return
                if failure is not None:
                    failures.append(failure)

        watches = self._following.watches
        apart = watches.apart if watches is not None else None
        await fetch_each(self._client, requests, answered, apart)
        if defects:
            raise defects[0]
        if failures:
            raise failures[-1]

    def _answered(
        self, state: TargetState, key: ObjectKey, resource: ApiResource, answer: FetchAnswer
    ) -> KubeError | None:
        """Record what was read of an object; hand back what may go better another time."""
        if isinstance(answer, KubeError):
            return self._unanswered(state, key, resource, answer)
        if answer is None:
            self._observer.missing(state, key)
        else:
            version = str(answer.get("metadata", {}).get("resourceVersion", ""))
            self._observer.judge(state, key, resource.gvk, version, answer)
        return None

    def _unwatched(self, state: TargetState, key: ObjectKey, resource: ApiResource) -> bool:
        """Judge an object that no watch is for; what it is now would soon hold no more."""
        watches = self._following.watches
        if watches is None or not watches.apart(resource):
            return False
        gaps = watches.gaps(resource, key.namespace)
        error = next((gap.failure for gap in gaps if gap.scope.others), None)
        if error is not None:
            self._unverifiable(state, key, error)
        return error is not None

    def _unanswered(
        self, state: TargetState, key: ObjectKey, resource: ApiResource, error: KubeError
    ) -> KubeError | None:
        """Record a refusal as the object's state; hand back what may go better another time."""
        if error.retryable:
            return error
        watches = self._following.watches
        if watches is not None and watches.synced(resource, key.namespace):
            # While its kind can be watched, as when the API server has just started and has not
            # read its roles yet: nothing would come to correct the verdict.
            return KubeError(error.reason, error.message, status=error.status)
        unfollowed = watches and watches.failure(resource, key.namespace)
        # To be let get it would not do: what the watch was refused says what is missing.
        said = unfollowed if unfollowed and unfollowed.reason == error.reason else error
        self._unverifiable(state, key, said)
        return None

    def _unverifiable(self, state: TargetState, key: ObjectKey, error: KubeError) -> None:
        if key in state.desired:
            desired = state.desired[key]
            self._observer.unverifiable(state, desired, error.reason, error.message)
        else:
            self._observer.unverifiable_orphan(state, key, error.reason, error.message)
