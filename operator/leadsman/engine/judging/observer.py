"""Judge live objects the moment they arrive, and keep of them a verdict and a resourceVersion."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from leadsman.compare.judge import judge
from leadsman.compare.orphan import judge_orphan
from leadsman.compare.verdict import unverifiable
from leadsman.errors import CompareError, KubeError
from leadsman.live.scope import EVERYWHERE
from leadsman.model.finding import Finding, State

if TYPE_CHECKING:
    from collections.abc import Callable

    from leadsman.compare.kinds.schema import Schema
    from leadsman.compare.policy import Policy
    from leadsman.engine.dryrun.confirmer import Confirmer
    from leadsman.engine.index import Index
    from leadsman.engine.state import TargetState
    from leadsman.errors import LeadsmanError
    from leadsman.kube.discovery import ApiResource
    from leadsman.kube.objects import ObjectMeta
    from leadsman.live.scope import Scope
    from leadsman.model.desired import DesiredObject
    from leadsman.model.identity import Gvk, ObjectKey, TargetKey
    from leadsman.model.json import JsonObject

# Answers that say for certain that a kind cannot be read, unlike a connection that is cut: then
# the last verdicts stand, and the freshness metric says how old they are.
_DECISIVE = frozenset({"Forbidden", "NotFound", "MethodNotAllowed"})


def is_decisive(error: KubeError) -> bool:
    """Tell whether an answer says for certain that a kind cannot be read."""
    return error.reason in _DECISIVE and not error.retryable


class Observer:
    """The listener of the live watches: called on the event loop, never waits."""

    def __init__(  # noqa: PLR0913 - who is to be told of what, all by name
        self,
        index: Index,
        *,
        now: Callable[[], float],
        news: Callable[[TargetState, float], None],
        depended: Callable[[TargetKey], None],
        turned: Callable[[ApiResource], None],
        compared: Callable[[], None],
        waits: Callable[[TargetState, ObjectKey, Finding | None, JsonObject, set[str]], bool],
        versions: dict[ObjectKey, str],
    ) -> None:
        """Call ``news`` with a target that has news and when they came in.

        ``depended`` is called with a target whose render reads an object that has changed, which
        ``versions`` tells: the resourceVersion of each such object when it was last read.
        ``waits`` tells whether an object can't be judged before it is known what was sent of it,
        from how it stands without and from what ``judge`` calls untold. ``turned`` is called with
        a kind that cannot be followed any more, or can be again.
        """
        self._index = index
        self._now = now
        self._news = news
        self._depended = depended
        self._turned = turned
        self._compared = compared
        self._waits = waits
        self._versions = versions
        self.confirmer: Confirmer | None = None
        # How often an object has been compared, or a verdict recorded: a mark of what is new.
        self.judged = 0
        self.schemas: dict[Gvk, Schema | None] = {}
        # Kinds whose schema cannot be read, and why.
        self.undescribed: dict[Gvk, LeadsmanError] = {}

    def wanted(self, key: ObjectKey, meta: ObjectMeta, /) -> bool:
        """Tell whether the whole object is needed, from its metadata alone."""
        version = meta.resource_version
        for state in self._index.owners(key):
            if state.versions.get(key) != version:
                return True
            state.assumed.discard(key)
        return bool(self._index.dependents(key)) and (self._versions.get(key) != version)

    def observed(
        self, resource: ApiResource, key: ObjectKey, meta: ObjectMeta, obj: JsonObject, /
    ) -> None:
        """Judge an object that is there."""
        received = self._now()
        for state in self._index.owners(key):
            self.judge(state, key, resource.gvk, meta.resource_version, obj, received)
        if self._index.dependents(key):
            self._dependency(key, meta.resource_version)

    def moved(self, resource: ApiResource, key: ObjectKey, meta: ObjectMeta, /) -> None:
        """Note that what was judged is the same at another version: a restart need not ask."""
        for state in self._index.owners(key):
            desired = state.desired.get(key)
            if desired is not None and desired.gvk == resource.gvk and key in state.versions:
                state.versions[key] = meta.resource_version

    def deleted(self, _resource: ApiResource, key: ObjectKey, _meta: ObjectMeta, /) -> None:
        """Record that an object is gone."""
        self._gone(key)

    def relisted(self, resource: ApiResource, is_seen: Callable[[ObjectKey], bool], /) -> None:
        """Record what vanished while nobody watched: what a new list has not shown.

        Objects that wait for their first verdict are left to the fetch that follows: they may
        have become of interest after their place in the list had passed.
        """
        for key in tuple(self._index.keys(resource.group, resource.kind)):
            if not is_seen(key):
                self._gone(key, gvk=resource.gvk)
        for key in self._index.read(resource.group, resource.kind):
            if key in self._versions and not is_seen(key):
                self._dependency(key, "")

    def failed(self, resource: ApiResource, error: KubeError, scope: Scope = EVERYWHERE, /) -> None:
        """Record that a kind cannot be read in some namespaces, where that is certain."""
        if not is_decisive(error):
            self._turned(resource)
            return
        for key in tuple(self._index.keys(resource.group, resource.kind)):
            for state in self._index.owners(key) if key.namespace in scope else ():
                desired = state.desired.get(key)
                if desired is not None and desired.gvk == resource.gvk:
                    self.unverifiable(state, desired, error.reason, error.message)

    def recovered(self, resource: ApiResource, _scope: Scope = EVERYWHERE, /) -> None:
        """Have its targets looked at: the list that came with it has brought every object anew."""
        self._turned(resource)

    def judge(
        self,
        state: TargetState,
        key: ObjectKey,
        gvk: Gvk,
        resource_version: str,
        live: JsonObject,
        received: float | None = None,
        *,
        ask: bool = True,
    ) -> None:
        """Compare one live object with what one target wants of it.

        ``gvk`` says in which group and version the object was read: one that another target asked
        for is not compared. Unless ``ask``, the API server was asked already, and left it to us.
        """
        received = self._now() if received is None else received
        desired = state.desired.get(key)
        if desired is None:
            self._orphan(state, key, gvk, resource_version, live, received)
            return
        if desired.gvk != gvk or state.policy is None:
            return
        if gvk not in self.schemas and gvk not in self.undescribed:
            # Its schema is being read anew: without, the verdict might be another one.
            state.doubt(key)
            state.pending.add(key)
            return
        untold: set[str] = set()
        finding = self._judged(state, state.policy, desired, live, untold)
        # Of what was sent by update, the API server would not say that it is left behind.
        if ask and self.confirmer and untold and self._waits(state, key, None, live, untold):
            return
        if ask and self._is_asked(state, desired, live, finding):
            state.leave(key)
            state.versions[key] = resource_version
            state.lived.discard(key)
            return
        if self._waits(state, key, finding, live, untold):
            return
        state.versions[key] = resource_version
        state.lived.discard(key)
        self.record(state, key, finding, received)
        if gvk in self.undescribed:
            state.pending.add(key)  # the next look may find that it can be read

    def _judged(
        self,
        state: TargetState,
        policy: Policy,
        desired: DesiredObject,
        live: JsonObject,
        untold: set[str],
    ) -> Finding | None:
        self._compared()
        self.judged += 1
        problem: LeadsmanError | None = self.undescribed.get(desired.gvk)
        if problem is None:
            schema, evidence = self.schemas[desired.gvk], state.evidence(desired.key)
            try:
                scaler = state.scaler(desired.key, live)
                return judge(desired, live, schema, policy, evidence, untold=untold, scaler=scaler)
            except CompareError as error:
                problem = error
        return unverifiable(desired, problem.reason, problem.message)

    def missing(self, state: TargetState, key: ObjectKey, message: str = "") -> None:
        """Record for one target that an object is not there, and why if that is known."""
        state.versions.pop(key, None)
        state.lived.discard(key)
        desired = state.desired.get(key)
        received = self._now()
        if desired is None:
            had = key in state.findings
            state.forget(key)
            self._index.replace(state)
            if had:
                self._news(state, received)
            return
        if state.policy is not None:
            finding = judge(desired, None, self.schemas.get(desired.gvk), state.policy)
            if message and finding is not None:
                finding = replace(finding, message=message)
            if not self._is_asked(state, desired, None, finding):
                self.record(state, key, finding, received)

    def unverifiable(
        self, state: TargetState, desired: DesiredObject, reason: str, message: str
    ) -> None:
        """Record for one target that an object could not be judged."""
        state.doubt(desired.key)
        finding = unverifiable(desired, reason, message)
        self.record(state, desired.key, finding, self._now())

    def unverifiable_orphan(
        self, state: TargetState, key: ObjectKey, reason: str, message: str
    ) -> None:
        """Record for one target that nobody can tell whether what Git has dropped still lives."""
        finding = Finding(
            key=key,
            gvk=state.orphans[key],
            state=State.UNVERIFIABLE,
            reason=reason,
            message=f"Git no longer renders it, and it cannot be read whether it lives: {message}",
        )
        self.record(state, key, finding, self._now())

    def adopted(self, state: TargetState) -> None:
        """Take what a target renders from those that hold it for orphaned: it has only moved."""
        for key in state.desired:
            for owner in self._index.owners(key):
                if key in owner.orphans:
                    had = key in owner.findings
                    owner.forget(key)
                    self._index.replace(owner)
                    if had:
                        self._news(owner, self._now())

    def _gone(self, key: ObjectKey, *, gvk: Gvk | None = None) -> None:
        for state in self._index.owners(key):
            desired = state.desired.get(key)
            if desired is not None and gvk is not None and desired.gvk != gvk:
                continue
            if gvk is None or key not in state.pending:
                self.missing(state, key)
        if gvk is None and key in self._versions:
            self._dependency(key, "")

    def _orphan(
        self,
        state: TargetState,
        key: ObjectKey,
        read: Gvk,
        resource_version: str,
        live: JsonObject,
        received: float,
    ) -> None:
        gvk = state.orphans.get(key)
        if gvk is None or state.policy is None:
            return
        if not gvk.version:
            # Known from a report alone, and brought by a watch of another target's.
            gvk = state.orphans[key] = read
        if any(key in owner.desired for owner in self._index.owners(key)):
            # It has moved to another target, which is no drift.
            state.forget(key)
            self._index.replace(state)
            return
        state.versions[key] = resource_version
        finding = judge_orphan(key, gvk, live, state.policy)
        self.record(state, key, finding, received)

    def _dependency(self, key: ObjectKey, resource_version: str) -> None:
        if self._versions.get(key) == resource_version:
            return
        self._versions[key] = resource_version
        for target in tuple(self._index.dependents(key)):
            self._depended(target)

    def _is_asked(
        self,
        state: TargetState,
        desired: DesiredObject,
        live: JsonObject | None,
        finding: Finding | None,
    ) -> bool:
        """Hand a local verdict on; tell whether it is the API server's to give."""
        return self.confirmer is not None and self.confirmer.takes(state, desired, live, finding)

    def record(
        self, state: TargetState, key: ObjectKey, finding: Finding | None, received: float
    ) -> None:
        """Record how an object stands with one target; ``received``: since when that is known."""
        self.judged += 1
        # What was confirmed was another verdict, which must not stand for this one.
        state.confirmed.pop(key, None)
        if state.record(key, finding, received):
            self._news(state, received)
