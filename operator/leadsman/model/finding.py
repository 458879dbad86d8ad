"""How an object stands against Git: the one value from which everything shown is derived."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leadsman.model.identity import Gvk, ObjectKey
    from leadsman.model.json import Json


class State(StrEnum):
    """The state of one object."""

    IN_SYNC = "InSync"
    MODIFIED = "Modified"
    ADDED = "Added"
    MISSING = "Missing"
    ORPHANED = "Orphaned"
    REJECTED = "Rejected"
    UNVERIFIABLE = "Unverifiable"


# Rejected is a failure of delivery and Unverifiable one of ours: both are said, neither is drift.
DRIFTED_STATES = frozenset({State.MODIFIED, State.ADDED, State.MISSING, State.ORPHANED})


class Cause(StrEnum):
    """Why a field differs; only LIVE and LEFT_BEHIND make an object drifted."""

    LIVE = "Live"
    LEFT_BEHIND = "LeftBehind"
    ADMISSION = "Admission"
    PENDING = "Pending"


DRIFT_CAUSES = frozenset({Cause.LIVE, Cause.LEFT_BEHIND})
EXCUSED_CAUSES = frozenset({Cause.ADMISSION, Cause.PENDING})


class Op(StrEnum):
    """What happened to the field on the way from Git to live."""

    ADD = "add"
    REPLACE = "replace"
    REMOVE = "remove"


class _Absent:
    """The value of a field that is not there, which null is not."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "ABSENT"

    def __bool__(self) -> bool:
        return False


ABSENT = _Absent()


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs.

    ``path`` is a JSON pointer (RFC 6901): list indices are the live object's where the field is
    there, else the desired one's. ``field`` is the same place as the API server writes it in its
    own messages, ``.spec.template.spec.containers[name="web"].image``. ``desired`` and ``live``
    are ABSENT where the field is not there, and masked in Secrets. ``manager``, ``operation``
    and ``time`` (RFC 3339) are the managedFields entry that last set the field, "" where nobody
    can be named, as for a field that was removed. ``evidence`` is what shows that a change is
    excused, "" if it is not. ``diff`` is what was said of the two values in a report that
    was read back, which may not have kept them whole; None elsewhere, where it follows from them.
    """

    path: str
    field: str
    op: Op
    desired: Json = ABSENT
    live: Json = ABSENT
    cause: Cause = Cause.LIVE
    manager: str = ""
    operation: str = ""
    subresource: str = ""
    time: str = ""
    evidence: str = ""
    diff: str | None = dataclasses.field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class IgnoredChange:
    """A difference that a rule ignores, and the rule's origin."""

    path: str
    rule: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One object that is not in sync, or of which something differs that is no drift.

    ``changes`` are drift and nothing else, ``excused`` what differs by admission or because
    delivery has not come that far, ``ignored`` what differs and a rule ignores. State and changes
    are one statement, and what contradicts itself can't be made:

    * Modified and Added have changes; those of Added are fields that are there and Git does not
      have.
    * InSync, Missing and Orphaned have none: there is nothing that differs, or nothing to compare.
    * Rejected and Unverifiable may have some, and are no drift for it: what the comparison saw
      before the API server refused what Git asks for, or before the verdict stayed open.
    * What is Missing or Orphaned has nothing excused either.

    ``reason`` is a PascalCase word and ``message`` a sentence where the state alone does not say
    it all (Unverifiable, Rejected). ``since`` is seconds since the epoch, 0 until the engine has
    set it.

    Raises:
        ValueError: the state does not fit what differs.

    """

    key: ObjectKey
    gvk: Gvk
    state: State
    changes: tuple[Change, ...] = ()
    ignored: tuple[IgnoredChange, ...] = ()
    reason: str = ""
    message: str = ""
    file: str = ""
    since: float = 0.0
    excused: tuple[Change, ...] = ()

    def __post_init__(self) -> None:
        """Refuse what contradicts itself."""
        why = contradiction(self.state, self.changes, self.excused)
        if why:
            raise ValueError(f"{self.key}: {why}")


def contradiction(
    state: State, changes: tuple[Change, ...], excused: tuple[Change, ...] = ()
) -> str:
    """Tell in which way an object in a state can't have these changes, "" if it can."""
    why = ""
    if any(change.cause not in DRIFT_CAUSES for change in changes):
        why = "a change that is no drift counts as drift"
    elif any(change.cause not in EXCUSED_CAUSES for change in excused):
        why = "a change that is drift is excused"
    elif state in _FIELDWISE and not changes:
        why = f"{state} without a change"
    elif state in _UNCHANGED and changes:
        why = f"{state} with a change"
    elif state in _UNCOMPARED and excused:
        why = f"{state} with an excused change"
    elif state is State.ADDED and any(change.op is not Op.ADD for change in changes):
        why = "a field of Git's counts as added"
    return why


_FIELDWISE = frozenset({State.MODIFIED, State.ADDED})
_UNCHANGED = frozenset({State.IN_SYNC, State.MISSING, State.ORPHANED})
_UNCOMPARED = frozenset({State.MISSING, State.ORPHANED})


@dataclass(frozen=True, slots=True)
class Unlisted:
    """An object that a report had no room for: how it stood is known, but not what differed."""

    key: ObjectKey
    gvk: Gvk
    state: State
    since: float = 0.0


@dataclass(frozen=True, slots=True)
class Summary:
    """How many objects are in each state, and how many fields differ without being drift.

    Rules ignore ``ignored_fields``; admission changed ``admission_fields`` on their way in;
    delivery has not come as far as Git in ``pending_fields``.
    """

    states: dict[State, int] = field(default_factory=dict)
    ignored_fields: int = 0
    admission_fields: int = 0
    pending_fields: int = 0

    @property
    def total(self) -> int:
        """All objects of the target, orphaned ones included."""
        return sum(self.states.values())

    @property
    def drifted(self) -> int:
        """The objects in a state that is drift."""
        return sum(count for state, count in self.states.items() if state in DRIFTED_STATES)
