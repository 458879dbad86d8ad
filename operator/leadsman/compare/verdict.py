"""Build the finding: what state a list of differences is, and how they are told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadsman.model.finding import DRIFT_CAUSES, Change, Finding, IgnoredChange, State

if TYPE_CHECKING:
    from leadsman.compare.mask import Mask
    from leadsman.compare.owners.candidate import Candidate
    from leadsman.model.desired import DesiredObject


def verdict(
    desired: DesiredObject,
    differing: list[Candidate],
    ignored: list[IgnoredChange],
    mask: Mask,
) -> Finding:
    """Make the finding: drift alone decides the state, what is excused is told beside it."""
    drift = [candidate for candidate in differing if candidate.cause in DRIFT_CAUSES]
    changes: list[Change] = []
    excused: list[Change] = []
    for candidate in differing:
        values = mask.values(candidate.steps, candidate.desired, candidate.live)
        told = changes if candidate.cause in DRIFT_CAUSES else excused
        told.append(candidate.change(*values))
    changes.sort(key=_place)
    excused.sort(key=_place)
    ignored.sort(key=lambda change: change.path)
    state, reason, message = State.IN_SYNC, "", ""
    if drift:
        is_modified = any(candidate.specified for candidate in drift)
        state = State.MODIFIED if is_modified else State.ADDED
    unnamed = sum(not candidate.specified and candidate.entry is None for candidate in drift)
    if unnamed:
        reason = "OwnersUnknown"
        message = (
            f"who set {unnamed} of the fields that Git does not specify cannot be told: "
            "the object's managedFields are missing or cannot be read"
        )
    return finding_of(
        desired, state, tuple(changes), tuple(ignored), tuple(excused), reason, message
    )


def finding_of(
    desired: DesiredObject,
    state: State,
    changes: tuple[Change, ...] = (),
    ignored: tuple[IgnoredChange, ...] = (),
    excused: tuple[Change, ...] = (),
    reason: str = "",
    message: str = "",
) -> Finding:
    """Make a finding about an object that Git has."""
    return Finding(
        key=desired.key,
        gvk=desired.gvk,
        state=state,
        changes=changes,
        ignored=ignored,
        excused=excused,
        reason=reason,
        message=message,
        file=desired.file,
    )


def unverifiable(desired: DesiredObject, reason: str, message: str) -> Finding:
    """Make the finding that an object cannot be judged, and why."""
    return finding_of(desired, State.UNVERIFIABLE, reason=reason, message=message)


def _place(change: Change) -> tuple[str, str]:
    return change.path, change.field
