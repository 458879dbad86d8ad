"""What the engine remembers of one target between two looks at it."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from leadsman.engine.inquiry import scaled_at
from leadsman.errors import DeliveryError
from leadsman.model.finding import DRIFTED_STATES, Finding, State

if TYPE_CHECKING:
    from leadsman.compare.owners.evidence import Evidence
    from leadsman.compare.policy import Policy
    from leadsman.engine.inquiry import Inquiry
    from leadsman.errors import LeadsmanError
    from leadsman.model.desired import DesiredObject, Rendered
    from leadsman.model.identity import Gvk, ObjectKey, TargetKey
    from leadsman.model.json import JsonObject
    from leadsman.model.source import Commit
    from leadsman.model.status import Failure, TargetStatus
    from leadsman.model.target import Target
    from leadsman.model.trace import Trace


@dataclass(slots=True)
class Demand:
    """Something that is asked for, perhaps once more while it is being done."""

    asked: int = 0
    done: int = 0

    def ask(self) -> None:
        """Ask for it, whatever is being done."""
        self.asked += 1

    def __bool__(self) -> bool:
        return self.asked != self.done


@dataclass(slots=True)
class TargetState:
    """The mutable state of one target; touched on the event loop only, never across an await.

    ``target`` is None while the custom resource's spec cannot be carried out. Each object of
    ``desired`` is in one of three places: ``pending`` (not judged yet), ``findings`` (not in sync)
    or neither (in sync). ``versions`` holds the resourceVersion that was judged, of objects that
    live; ``lived`` are those that did when they were last looked at, and must be again, ``assumed``
    those that were in sync at that version before a restart, and were not seen since.
    ``unfollowed`` could not be told to be in sync any more when their kind's watch broke: they are
    judged anew once it goes on.
    ``confirmed`` holds digests of what the API server was asked about and whose verdict stands,
    ``cautions`` by kind or object what was learned from that. ``orphans`` were rendered once, Git
    has dropped them, and they may still live; ``unserved`` are of kinds that the cluster does not
    know, ``moved`` of versions that it does not serve, while it serves another one of the kind.
    ``rendered`` says what ``desired`` was made from, so that an unchanged input renders nothing,
    and ``trace`` what of the commit, so that a commit that leaves that alone renders nothing;
    ``failed`` is the same of a render that failed, and why. ``stale`` asks to render once more
    whatever the inputs, ``rejudge`` to judge all objects anew. ``edition`` counts how often what is
    wanted of the objects, or by which rules, has changed: an answer that was asked for before is
    no answer any more. ``settled``: looked at once, well or badly.
    ``busy``: between two revisions, when nothing may be reported. ``observed``: the generation of
    the spec that was looked at last, well or badly, which is what a report is about. ``inquiries``
    are about objects that differ in what delivery wrote: what it is known to have sent of them.
    ``unproven`` are those of which that is to be found out before they are judged.
    ``restored_since`` says of objects that a report told of whether they had drifted, and since
    when, until they are judged. ``requested`` is what somebody who asks for a full check has
    written into the custom resource, ``handled`` what was there when the last look began.
    """

    key: TargetKey
    uid: str = ""
    generation: int = 0
    observed: int = 0
    target: Target | None = None
    spec_error: LeadsmanError | None = None
    policy: Policy | None = None

    commit: Commit | None = None
    rendered: tuple[object, ...] | None = None
    renderer: str = ""
    trace: Trace | None = None
    warnings: tuple[str, ...] = ()
    desired: dict[ObjectKey, DesiredObject] = field(default_factory=dict)
    orphans: dict[ObjectKey, Gvk] = field(default_factory=dict)
    unserved: set[ObjectKey] = field(default_factory=set)
    moved: set[ObjectKey] = field(default_factory=set)

    pending: set[ObjectKey] = field(default_factory=set)
    versions: dict[ObjectKey, str] = field(default_factory=dict)
    lived: set[ObjectKey] = field(default_factory=set)
    assumed: set[ObjectKey] = field(default_factory=set)
    unfollowed: set[ObjectKey] = field(default_factory=set)
    findings: dict[ObjectKey, Finding] = field(default_factory=dict)
    confirmed: dict[ObjectKey, bytes] = field(default_factory=dict)
    cautions: dict[str, str] = field(default_factory=dict)

    failure: Failure | None = None
    suspended_since: float = 0.0
    checked_at: float = 0.0
    settled: bool = False
    busy: bool = False
    stale: Demand = field(default_factory=Demand)
    rejudge: Demand = field(default_factory=Demand)
    edition: int = 0
    failed: tuple[tuple[object, ...], LeadsmanError] | None = None

    inquiries: dict[ObjectKey, Inquiry] = field(default_factory=dict)
    unproven: set[ObjectKey] = field(default_factory=set)

    restored: TargetStatus | None = None
    restored_since: dict[ObjectKey, tuple[bool, float]] = field(default_factory=dict)
    reported: TargetStatus | None = None

    requested: str = ""
    handled: str = ""

    def restore(self, status: TargetStatus) -> None:
        """Take over what a report says, so that a restart repeats nothing and loses nothing."""
        self.restored = self.reported = status
        self.observed = status.generation
        self.handled = status.handled_check
        self.restored_since = {
            finding.key: (finding.state in DRIFTED_STATES, finding.since)
            for finding in status.known
            if finding.since
        }
        self.commit = status.commit
        if status.failure is None or status.failure.stage != DeliveryError.stage:
            self.failure = status.failure
        self.suspended_since = status.suspended_since

    def record(self, key: ObjectKey, finding: Finding | None, now: float) -> bool:
        """Set how an object stands; None is in sync. Return whether that is news."""
        was_pending = key in self.pending
        self.pending.discard(key)
        self.assumed.discard(key)
        self.unfollowed.discard(key)
        before = self.findings.get(key)
        if finding is None:
            self.restored_since.pop(key, None)
            if before is None:
                return was_pending
            del self.findings[key]
            return True
        since = self._since(finding, before, now)
        after = replace(finding, since=since)
        if after == before:
            return was_pending
        self.findings[key] = after
        return True

    def _since(self, finding: Finding, before: Finding | None, now: float) -> float:
        """Since when the object is as bad as it is: drift goes on though its fields change."""
        if finding.state is State.IN_SYNC:
            return 0.0
        drifted = finding.state in DRIFTED_STATES
        if before is not None and (before.state in DRIFTED_STATES) is drifted and before.since:
            return before.since
        was_drifted, since = self.restored_since.get(finding.key, (not drifted, now))
        if was_drifted is not drifted:
            return now
        del self.restored_since[finding.key]
        return since

    def note_suspension(self, now: float) -> None:
        """Note since when the target has been suspended, if it is."""
        target = self.target
        said = target.delivery.suspension if target is not None and target.delivery else None
        if said is not None:
            self.suspended_since = said.since or self.suspended_since or now
            return
        suspended = target is not None and target.suspended
        self.suspended_since = (self.suspended_since or now) if suspended else 0.0

    def doubt(self, key: ObjectKey) -> None:
        """Have no verdict on an object any more; that it lived is remembered."""
        self.assumed.discard(key)
        if self.versions.pop(key, None) is not None:
            self.lived.add(key)

    def evidence(self, key: ObjectKey) -> tuple[Evidence, ...]:
        """Return what delivery is known to have sent of an object."""
        inquiry = self.inquiries.get(key)
        return () if inquiry is None else inquiry.evidence

    def scaler(self, key: ObjectKey, live: JsonObject) -> str:
        """Return the autoscaler that is known to see to an object's replicas, as it lives now."""
        inquiry = self.inquiries.get(key)
        if inquiry is None or inquiry.question.scaled != scaled_at(live):
            return ""
        return inquiry.scaler

    def assume(self, key: ObjectKey, version: str, confirmed: bytes = b"") -> None:
        """Take an object for in sync as it lives at a version, if it is seen to live at that.

        ``confirmed`` as that field has it, empty where nobody was asked.
        """
        if confirmed:
            self.confirmed[key] = confirmed
        self.pending.discard(key)
        self.lived.discard(key)
        self.versions[key] = version
        self.assumed.add(key)

    def unassume(self) -> None:
        """Have those judged of which nothing was seen."""
        for key in tuple(self.assumed):
            self.doubt(key)
            self.pending.add(key)

    def is_plainly_in_sync(self, key: ObjectKey) -> bool:
        """Tell whether an object is in sync by itself: no rule, evidence or answer was needed."""
        return key not in self.confirmed and self._is_quiet(key)

    def is_confirmed_in_sync(self, key: ObjectKey) -> bool:
        """Tell whether an object is in sync, the API server says so, and there is no more to it."""
        return key in self.confirmed and self._is_quiet(key) and str(key) not in self.cautions

    def _is_quiet(self, key: ObjectKey) -> bool:
        return not (
            key in self.findings
            or key in self.pending
            or key in self.inquiries
            or key in self.assumed
        )

    def leave(self, key: ObjectKey) -> None:
        """Want no evidence any more of an object that the API server is asked about."""
        self.assumed.discard(key)
        self.unproven.discard(key)
        inquiry = self.inquiries.get(key)
        if inquiry is not None and inquiry.waiting:
            del self.inquiries[key]
        elif inquiry is not None:
            inquiry.told = False

    def forget(self, key: ObjectKey) -> None:
        """Drop all that is known of an object that is no longer of this target."""
        self.pending.discard(key)
        self.versions.pop(key, None)
        self.lived.discard(key)
        self.assumed.discard(key)
        self.unfollowed.discard(key)
        self.findings.pop(key, None)
        self.confirmed.pop(key, None)
        self.cautions.pop(str(key), None)
        self.orphans.pop(key, None)
        self.unserved.discard(key)
        self.inquiries.pop(key, None)
        self.unproven.discard(key)
        self.moved.discard(key)

    def reconsider(self, policy: Policy) -> None:
        """Have all objects judged anew, by other rules."""
        self.policy = policy
        self.edition += 1
        self.busy = True
        self.pending |= self.desired.keys() | self.orphans.keys()
        self.lived |= self.versions.keys()
        self.versions.clear()
        self.assumed.clear()
        self.confirmed.clear()

    def recheck(self, policy: Policy) -> None:
        """Have all objects read and judged anew, and all evidence asked for again."""
        self.reconsider(policy)
        self.inquiries.clear()
        self.unproven.clear()

    def install(self, rendered: Rendered, *, rejudge: bool) -> set[ObjectKey]:
        """Make a render's objects the desired ones; return those that must be judged anew.

        ``rejudge``: all of them, as after a change of the rules. An object that Git has dropped
        becomes an orphan if it lives.
        """
        self.edition += 1
        desired = {item.key: item for item in rendered.objects}
        changed = {
            key
            for key, item in desired.items()
            if rejudge or (old := self.desired.get(key)) is None or _differs(old, item)
        }
        for key, item in self.desired.items():
            if key not in desired:
                lived = key in self.versions or key in self.lived
                self.forget(key)
                if lived:
                    self.orphans[key] = item.gvk
                    changed.add(key)
        for key in desired:
            self.orphans.pop(key, None)
        if rejudge:
            changed |= self.orphans.keys()
            self.confirmed.clear()
        self.desired = desired
        self.renderer = rendered.renderer
        self.trace = rendered.trace
        self.warnings = rendered.warnings
        self.pending |= changed
        for key in changed:
            self.doubt(key)
        return changed


def _differs(old: DesiredObject, new: DesiredObject) -> bool:
    old = old.origin or old
    # Also by file: a finding says where in Git its object comes from.
    return old.digest != new.digest or old.gvk != new.gvk or old.file != new.file
