"""A change on its way to the report: before rules and masks have been applied."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from leadsman.compare.paths import field_path, pointer
from leadsman.model.finding import ABSENT, Cause, Change, Op

if TYPE_CHECKING:
    from leadsman.compare.owners.ownership import Entry
    from leadsman.compare.paths import Steps
    from leadsman.model.json import Json


@dataclass(frozen=True, slots=True)
class Candidate:
    """One change with its values as they are.

    ``specified``: Git specifies the field, so that this is no mere addition. ``excuse`` names the
    rule by which it is ignored although none of the target's does, "" if it is not. One whose
    ``cause`` is no drift's is reported, but apart; ``evidence`` says what shows that. ``retained``:
    the API server keeps it when its owner gives it up.
    """

    steps: Steps
    op: Op
    desired: Json = ABSENT
    live: Json = ABSENT
    cause: Cause = Cause.LIVE
    entry: Entry | None = None
    specified: bool = True
    excuse: str = ""
    evidence: str = ""
    retained: bool = False

    @property
    def manager(self) -> str:
        """The manager that last set the field, "" where nobody can be named."""
        return "" if self.entry is None else self.entry.manager

    def change(self, desired: Json, live: Json) -> Change:
        """Return what is reported, with values that may be shown."""
        entry = self.entry
        return Change(
            path=pointer(self.steps),
            field=field_path(self.steps),
            op=self.op,
            desired=desired,
            live=live,
            cause=self.cause,
            manager="" if entry is None else entry.manager,
            operation="" if entry is None else entry.operation,
            subresource="" if entry is None else entry.subresource,
            time="" if entry is None else entry.time,
            evidence=self.evidence,
        )
