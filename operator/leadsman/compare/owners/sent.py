"""What delivery has sent of one object by updates, of which managedFields tell little.

An update owns what it changed, be that what was sent or a default that came with it.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from leadsman.compare.owners.evidence import last_applied
from leadsman.compare.rewrites.normalize import normalize
from leadsman.compare.walk import differences
from leadsman.model.finding import ABSENT, Cause, Op

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from leadsman.compare.owners.candidate import Candidate
    from leadsman.compare.owners.evidence import Evidence
    from leadsman.compare.owners.ownership import Entry
    from leadsman.compare.owners.subject import Subject
    from leadsman.compare.paths import Steps
    from leadsman.compare.walk import Difference


class Sent:
    """Answers for one object what delivery's updates were of.

    ``evidence`` is what is known of what was sent, the last first; ``untold`` are the managers of
    which something had to be known and is not.
    """

    __slots__ = ("_differing", "_noted", "_subject", "evidence", "untold")

    def __init__(self, subject: Subject, evidence: Sequence[Evidence] = ()) -> None:
        self._subject = subject
        self.evidence = evidence
        self.untold: set[str] = set()
        self._noted: tuple[Evidence, ...] | None = None
        # Where live is not as a document was sent, by the document.
        self._differing: dict[int, list[Steps]] = {}

    def is_update(self, entry: Entry) -> bool:
        """Tell whether an entry is delivery's, by an update of the object itself."""
        is_update = entry.operation == "Update" and not entry.subresource
        return (
            is_update
            and self._subject.trust.delivers(entry)
            and entry.manager not in self._subject.trust.named
        )

    def has(self, steps: Steps, owners: Iterable[Entry]) -> bool:
        """Tell whether delivery, which owns a place by an update, has sent it.

        In the last manifest, or in that of its last write: a Secret's data that were sent as
        ``stringData`` stay when a later manifest drops them.
        """
        return any(
            # A null asks for what would be there without.
            self._subject.ownership.in_manifest(each.document, steps) not in (ABSENT, None)
            for entry in owners
            if self.is_update(entry)
            for each in self._known(entry, self.evidence)
        )

    def dropped(self, candidate: Candidate, difference: Difference) -> Candidate:
        """Name what lives beyond Git in what is owned as a whole as what delivery once sent.

        That is so where the whole is still as it was sent.
        """
        entry, place = candidate.entry, difference.steps[: difference.owned]
        if candidate.op is not Op.ADD or candidate.excuse or entry is None:
            return candidate
        trust = self._subject.trust
        if self._noted is None:
            self._noted = last_applied(self._subject)
        if self.is_update(entry) and not trust.is_by_hand(entry):
            known = self._known(entry, (*self.evidence, *self._noted))
        else:
            # What `kubectl apply` has taken over from whoever made the object.
            known = [] if trust.tool else list(self._noted)
        if any(self._is_as_sent(each, place) for each in known):
            return replace(candidate, cause=Cause.LEFT_BEHIND)
        return candidate

    def _known(self, entry: Entry, evidence: Iterable[Evidence]) -> list[Evidence]:
        """Return what an entry's manager sent last, and what while the entry was written."""
        known = [each for each in evidence if each.is_of(entry)]
        if not known or (known[0].ended and entry.time > known[0].ended):
            self.untold.add(entry.manager)
        return [
            each
            for each in known
            if each.is_in(self._subject.gvk) and (each is known[0] or each.covers(entry.time))
        ]

    def _is_as_sent(self, evidence: Evidence, place: Steps) -> bool:
        subject, key = self._subject, id(evidence)  # each lives as long as this does
        if subject.ownership.in_manifest(evidence.document, place) is ABSENT:
            return False
        if key not in self._differing:
            compared = normalize(evidence.document, subject.live, subject.gvk)
            found = differences(*compared, subject.node)
            self._differing[key] = [difference.steps for difference in found]
        return not any(steps[: len(place)] == place for steps in self._differing[key])
