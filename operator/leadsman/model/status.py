"""The state of one target as it is reported: the engine makes it, every output reads it."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING

from leadsman.model.finding import Finding, Summary, Unlisted

if TYPE_CHECKING:
    from leadsman.model.identity import ObjectKey, TargetKey
    from leadsman.model.source import Commit


class Verdict(StrEnum):
    """What is said of a whole target."""

    IN_SYNC = "InSync"
    DRIFTED = "Drifted"
    UNKNOWN = "Unknown"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a target could not be checked; times in seconds since the epoch."""

    stage: str
    reason: str
    message: str
    since: float = 0.0


@dataclass(frozen=True, slots=True)
class TargetStatus:
    """One target's verdict with everything that leads to it.

    Times are seconds since the epoch, 0 for "not". ``commit`` is the revision that the findings
    are about, which after a failure is the last one that could be rendered. ``findings`` hold the
    objects that are not in sync, in no order; ``unlisted``, after a restart, those of which the
    report that was read back says no more than their state. ``inventory`` are the objects that
    the target renders or has rendered and that still live. ``interval`` is how often Git is
    asked, in seconds, 0 where nobody asks or knows. ``handled_check`` is what the last request for
    a full check that was carried out said, "" if there was none. ``suspended_by`` tells who has
    paused delivery, and why, as far as that is known.
    """

    key: TargetKey
    uid: str
    generation: int
    verdict: Verdict
    summary: Summary = field(default_factory=Summary)
    findings: tuple[Finding, ...] = ()
    unlisted: tuple[Unlisted, ...] = ()
    inventory: tuple[ObjectKey, ...] = ()
    failure: Failure | None = None
    commit: Commit | None = None
    url: str = ""
    renderer: str = ""
    interval: float = 0.0
    warnings: tuple[str, ...] = ()
    drift_since: float = 0.0
    suspended_since: float = 0.0
    suspended_by: str = ""
    checked_at: float = 0.0
    handled_check: str = ""

    @property
    def known(self) -> tuple[Finding | Unlisted, ...]:
        """All objects that are said to be in a state, whether or not what differs is known."""
        return (*self.findings, *self.unlisted)
