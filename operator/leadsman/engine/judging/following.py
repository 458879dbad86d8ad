"""Which kinds are watched for whom, and whether that goes well.

``leadsman check`` has no watches: then nothing is followed, and nothing is missed by that.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from leadsman.engine.judging.observer import is_decisive
from leadsman.errors import KubeError
from leadsman.kube.status import FORBIDDEN
from leadsman.live.scope import EVERYWHERE
from leadsman.model.finding import State
from leadsman.model.identity import Gvk

if TYPE_CHECKING:
    from leadsman.engine.index import Index
    from leadsman.engine.judging.observer import Observer
    from leadsman.engine.state import TargetState
    from leadsman.kube.discovery import ApiResource, Discovery
    from leadsman.live.scope import Scope
    from leadsman.live.watches import LiveWatches
    from leadsman.model.identity import TargetKey

# A connection that is lost, and nothing else that has no HTTP status.
_LOST = frozenset({"ApiServerUnreachable", "Silent", "Timeout"})
# Seconds that the first lists of a target's kinds may take.
_SYNC_TIMEOUT = 120.0


class Following:
    """What each target wants to be watched; ``watches`` is None where nothing is."""

    def __init__(self, discovery: Discovery, index: Index, observer: Observer) -> None:
        self._discovery = discovery
        self._index = index
        self._observer = observer
        self._resources: dict[TargetKey, frozenset[ApiResource]] = {}
        # By how many targets each kind is wanted.
        self._wanted: Counter[ApiResource] = Counter()
        self.watches: LiveWatches | None = None

    async def watch(self, key: TargetKey, resources: frozenset[ApiResource]) -> bool:
        """Watch the kinds of the target's objects; tell whether anything is watched at all.

        Their first lists are waited for, though not for ever.
        """
        if self.watches is None:
            return False
        self._follow(key, resources | self._holders(key))
        await self.watches.want(self._wanted)
        await self.watches.wait_synced(resources, _SYNC_TIMEOUT)
        return True

    async def attend(self, key: TargetKey) -> None:
        """Watch the kinds that hold what the target's render reads, rendered or not."""
        holders = self._holders(key)
        known = self._resources.get(key, frozenset())
        if self.watches is not None and not holders <= known:
            self._follow(key, known | holders)
            await self.watches.want(self._wanted)

    def attends(self, key: TargetKey) -> bool:
        """Tell whether a change of what the target's render reads would be noticed."""
        watches = self.watches
        return watches is not None and not any(
            self._concerns(key, resource, gap.scope)
            for resource in self._holders(key)
            for gap in watches.gaps(resource)
        )

    async def drop(self, key: TargetKey) -> None:
        """Stop to watch what only this target wanted."""
        if self._resources.get(key) and self.watches is not None:
            self._follow(key, frozenset())
            await self.watches.want(self._wanted)

    def healthy(self, key: TargetKey) -> bool:
        """Tell whether what is known of the target is up to date.

        A kind that may not be read is known to be unknown; one whose watch is cut is not.
        """
        watches = self.watches
        return watches is None or not any(
            (gap.failure is None or not is_decisive(gap.failure))
            and self._concerns(key, resource, gap.scope)
            for resource in self._resources.get(key, ())
            for gap in watches.gaps(resource)
        )

    def broken(self, state: TargetState) -> KubeError | None:
        """Return why a kind of the target cannot be followed though the API server answers.

        Its objects are not known to be in sync any more; drift that was found stands. A connection
        that is lost is no such reason: then nothing can be told, and it passes; nor is a refusal of
        an API server that may have just started.
        """
        confirmer = self._observer.confirmer
        if confirmer is not None and (unasked := confirmer.failure(state.key)) is not None:
            return unasked
        if self.watches is None:
            return None
        broken: dict[tuple[Gvk, Scope], KubeError] = {}
        for resource in sorted(self._resources.get(state.key, ()), key=str):
            for gap in self.watches.gaps(resource):
                failure = gap.failure
                if failure is None or is_decisive(failure) or _may_pass(failure):
                    continue
                if self._concerns(state.key, resource, gap.scope):
                    what = f"{resource} cannot be watched: {failure.message}"
                    known = resource.gvk, gap.scope
                    broken[known] = KubeError("WatchFailed", what, status=failure.status)
        if not broken:
            return None
        for key, desired in state.desired.items():
            error = next(
                (
                    each
                    for (gvk, scope), each in broken.items()
                    if gvk == desired.gvk and key.namespace in scope
                ),
                None,
            )
            finding = state.findings.get(key)
            if error is not None and (finding is None or finding.state is State.IN_SYNC):
                self._observer.unverifiable(state, desired, error.reason, error.message)
                # A watch that goes on where it was cut brings no object that has not changed.
                state.unfollowed.add(key)
        return next(iter(broken.values()))

    def resume(self, state: TargetState) -> None:
        """Have those judged again whose kind can be watched again."""
        for key in tuple(state.unfollowed):
            desired = state.desired.get(key)
            resource = self._discovery.resource(desired.gvk) if desired is not None else None
            if (
                resource is None
                or self.watches is None
                or self.watches.synced(resource, key.namespace)
            ):
                state.unfollowed.discard(key)
                state.pending.add(key)

    def wanting(self, resource: ApiResource) -> list[TargetKey]:
        """Return the targets that follow a kind."""
        return [key for key, resources in self._resources.items() if resource in resources]

    def _concerns(self, key: TargetKey, resource: ApiResource, scope: Scope) -> bool:
        """Tell whether the target has, or its render reads, objects of a kind in a scope."""
        group, kind = resource.group, resource.kind
        return scope == EVERYWHERE or self._index.concerns(key, group, kind, scope)

    def _holders(self, key: TargetKey) -> frozenset[ApiResource]:
        """Return the kinds of ConfigMaps and Secrets that the target's render reads."""
        kinds = {Gvk("", "v1", dependency.kind) for dependency in self._index.dependencies(key)}
        return frozenset(filter(None, map(self._discovery.resource, kinds)))

    def _follow(self, key: TargetKey, resources: frozenset[ApiResource]) -> None:
        """Put down which kinds a target wants from now on."""
        before = self._resources.pop(key, frozenset())
        self._wanted.update(resources - before)
        for resource in before - resources:
            self._wanted[resource] -= 1
            if not self._wanted[resource]:
                del self._wanted[resource]
        if resources:
            self._resources[key] = resources


def _may_pass(failure: KubeError) -> bool:
    return failure.status == FORBIDDEN or (failure.status == 0 and failure.reason in _LOST)
