"""How an object stands against Git: the one value from which everything shown is derived."""

from __future__ import annotations

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
    can be named, as for a field that was removed.
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


@dataclass(frozen=True, slots=True)
class IgnoredChange:
    """A difference that a rule ignores, and the rule's origin."""

    path: str
    rule: str


@dataclass(frozen=True, slots=True)
class Finding:
    """One object that is not in sync, or that is in sync only because a rule ignores something.

    ``reason`` is a PascalCase word and ``message`` a sentence where the state alone does not say
    it all (Unverifiable, Rejected). ``since`` is seconds since the epoch, 0 until the engine has
    set it.
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


@dataclass(frozen=True, slots=True)
class Summary:
    """How many objects are in each state, and how many fields rules ignored."""

    states: dict[State, int] = field(default_factory=dict)
    ignored_fields: int = 0

    @property
    def total(self) -> int:
        """All objects of the target, orphaned ones included."""
        return sum(self.states.values())

    @property
    def drifted(self) -> int:
        """The objects in a state that is drift."""
        return sum(count for state, count in self.states.items() if state in DRIFTED_STATES)
