"""Events on a target: what a change of its status is worth saying, once."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from leadsman.model.finding import DRIFTED_STATES, Change, Finding, State, Unlisted
from leadsman.report.conditions import summary_text
from leadsman.report.jsonsize import clean
from leadsman.report.text import finding_text, object_text
from leadsman.report.truncate import TRUNCATED, field_name, worst_first
from leadsman.times import rfc3339

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leadsman.model.identity import Gvk, ObjectKey, TargetKey
    from leadsman.model.status import Failure, TargetStatus

# Objects named one by one when many drift or recover at once.
_MOST = 20

_FIELDWISE = frozenset({State.MODIFIED, State.ADDED})
_FAILED = {
    "source": ("SourceFailed", "Fetch"),
    "render": ("RenderFailed", "Render"),
    "delivery": ("DeliveryFailed", "Deliver"),
}

# Bytes; a limit of ValidateEvent in k8s.io/kubernetes pkg/apis/core/validation/events.go.
NOTE_LIMIT = 1024


@dataclass(frozen=True, slots=True)
class EventSpec:
    """One Event on ``target``; ``related`` and ``gvk`` are the object it is about, if one."""

    target: TargetKey
    uid: str
    reason: str
    action: str
    note: str
    warning: bool = False
    related: ObjectKey | None = None
    gvk: Gvk | None = None


def events_between(previous: TargetStatus | None, current: TargetStatus) -> tuple[EventSpec, ...]:
    """Return what is new in ``current``; None before it is a target never reported of.

    A status that was read back from a report serves as ``previous`` too. Drift is news once per
    object, and once more per field that joins it.
    """
    return (
        *_health(previous, current),
        *_suspension(previous, current),
        *_drift(previous, current),
    )


def _health(previous: TargetStatus | None, current: TargetStatus) -> Iterator[EventSpec]:
    before = previous.failure if previous is not None else None
    failure = current.failure
    if failure is not None and (before is None or _gist(before) != _gist(failure)):
        reason, action = _FAILED.get(failure.stage, ("CompareFailed", "Compare"))
        yield _spec(current, reason, action, f"{failure.reason}: {failure.message}", warning=True)
    elif failure is None and before is not None:
        note = f"{before.reason} is over: {current.verdict.value}: {summary_text(current)}"
        yield _spec(current, "Recovered", "Compare", note.rstrip(": "))


def _gist(failure: Failure) -> tuple[str, str, str]:
    # Without numbers: "after 30.1 s" and "after 30.2 s" are the same news.
    # Cleaned, as it is when it was read back from a report.
    message = clean(failure.message[:NOTE_LIMIT])
    return failure.stage, failure.reason, re.sub(r"[0-9]+", "0", message[:NOTE_LIMIT])


def _suspension(previous: TargetStatus | None, current: TargetStatus) -> Iterator[EventSpec]:
    was = previous is not None and bool(previous.suspended_since)
    if current.suspended_since and not was:
        note = "Git is followed no further; live is still compared with the last revision"
        yield _spec(current, "Suspended", "Suspend", note)
    elif was and not current.suspended_since:
        yield _spec(current, "Resumed", "Resume", "Git is followed again")


def _drift(previous: TargetStatus | None, current: TargetStatus) -> Iterator[EventSpec]:
    old = {item.key: item for item in previous.known} if previous is not None else {}
    detected = []
    now = {item.key: item for item in current.findings}
    for item in worst_first(now[key] for key in now if now[key].state in DRIFTED_STATES):
        fresh = _fresh(old.get(item.key), item)
        if fresh is not None:
            detected.append((item, fresh))
    for item, fresh in detected[:_MOST]:
        note = finding_text(item, changes=fresh)
        yield _spec(current, "DriftDetected", "Compare", note, warning=True, about=item)
    if len(detected) > _MOST:
        note = f"and {len(detected) - _MOST} more objects drifted: see the DriftReport"
        yield _spec(current, "DriftDetected", "Compare", note, warning=True)
    # What can't be compared any more, or would be refused, has not resolved.
    resolved = worst_first(
        item
        for item in old.values()
        if item.state in DRIFTED_STATES
        and (item.key not in now or now[item.key].state is State.IN_SYNC)
    )
    for past in resolved[:_MOST]:
        since = f"; it had drifted since {rfc3339(past.since)}" if rfc3339(past.since) else ""
        note = f"{object_text(past.key)} is no longer {_AS.get(past.state, 'drifted')}{since}"
        yield _spec(current, "DriftResolved", "Compare", note, about=past)
    if len(resolved) > _MOST:
        note = f"and {len(resolved) - _MOST} more objects are no longer drifted"
        yield _spec(current, "DriftResolved", "Compare", note)


_AS = {State.MISSING: "missing", State.ORPHANED: "orphaned"}


def _fresh(before: Finding | Unlisted | None, now: Finding) -> tuple[Change, ...] | None:
    """Return the changes that are news of a drifted object, or None if nothing is."""
    if before is None or before.state not in DRIFTED_STATES:
        return now.changes
    if now.state not in _FIELDWISE:
        return None if before.state is now.state else now.changes
    if before.state not in _FIELDWISE:
        return now.changes
    if isinstance(before, Unlisted) or before.reason == TRUNCATED:
        return None  # which fields were known before a restart cannot be told
    known = {field_name(change) for change in before.changes}
    return tuple(change for change in now.changes if field_name(change) not in known) or None


def _spec(
    status: TargetStatus,
    reason: str,
    action: str,
    note: str,
    *,
    warning: bool = False,
    about: Finding | Unlisted | None = None,
) -> EventSpec:
    related, gvk = (about.key, about.gvk) if about is not None else (None, None)
    return EventSpec(status.key, status.uid, reason, action, note, warning, related, gvk)
