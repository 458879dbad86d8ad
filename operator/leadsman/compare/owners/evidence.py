"""Tell by evidence what admission changed on its way in, where the API server may not be asked.

What a mutating webhook or policy does leaves no entry of its own in ``managedFields``. Seen on
kube-apiserver 1.37 with both, for create and update, client-side apply, server-side apply and
Helm in either way:

* a field that admission **changed** stays the sender's, with the time of the sender's last write;
* a field that admission **added** is nobody's, an element of a keyed list too; what it adds to an
  atomic list changes that list, which stays the sender's;
* a field that admission **removed** still is the sender's, although it is not there; but so is,
  for who applies, a zero or an empty list that is never stored.

So the owner alone says nothing of a value that differs: the same manager may have sent another one,
as a person does with ``kubectl apply`` and another file. It takes a document of what was sent, and
a time after which the sender has not written again. A field that a person removes is taken from
every owner (structured-merge-diff, ``merge/update.go``), so that an owner of what is not there,
and would be stored, is evidence of itself. But the API server drops on its own what another change
makes pointless, such as the ``nodePort`` of a Service whose type is changed: somebody else's write
since then is doubt.

In doubt it is drift. Times are whole seconds, in which a second write by a client that uses the
sender's name can't be told apart.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from leadsman.compare.access import mapping
from leadsman.compare.owners.ownership import TIME
from leadsman.compare.owners.traces import was_stored
from leadsman.compare.rewrites.normalize import LAST_APPLIED, normalize
from leadsman.compare.walk import differences
from leadsman.model.finding import ABSENT, Op

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leadsman.compare.owners.ownership import Entry, Owner
    from leadsman.compare.owners.subject import Subject
    from leadsman.compare.paths import Step, Steps
    from leadsman.compare.walk import Difference
    from leadsman.model.identity import Gvk
    from leadsman.model.json import JsonObject

# Where no field depends on another one.
_FREE = frozenset({"metadata", "data", "binaryData"})

# With which others are dropped, as ports and policies are with a Service's type.
_DECISIVE: dict[tuple[str, str], Steps] = {("", "Service"): ("spec", "type")}
_NOTED_WITHIN = timedelta(seconds=10)

TRACE = "managedFields: its sender still owns what is not there"
_LAST_APPLIED_PATH = ("metadata", "annotations", LAST_APPLIED)


@dataclass(frozen=True, slots=True)
class Evidence:
    """What delivery is known to have sent of one object.

    ``source`` says where that is known from. ``managers`` are the field managers that sent it, by
    ``operation`` (Apply or Update, "" for either); ``document`` is it. ``begun`` and ``ended``
    (RFC 3339, the API server's clock) are when it was sent: a write of the sender's in that time
    was of this document. Beyond it, all that is known is whether the sender has written since the
    object was created.
    """

    source: str
    managers: frozenset[str]
    document: JsonObject = field(repr=False)
    begun: str = ""
    ended: str = ""
    operation: str = ""

    def is_of(self, entry: Entry) -> bool:
        """Tell whether an entry is that of the sender."""
        return entry.manager in self.managers and self.operation in {"", entry.operation}

    def is_in(self, gvk: Gvk) -> bool:
        """Tell whether the document is written in a version of a kind."""
        said = self.document.get("apiVersion"), self.document.get("kind")
        return said == (gvk.api_version, gvk.kind)

    def covers(self, time: str) -> bool:
        """Tell whether something was written while this was sent."""
        return bool(self.begun and self.ended) and self.begun <= time <= self.ended


class Witness:
    """Answers for one object which differences are admission's work.

    ``evidence`` is what was found elsewhere, what was sent last first.
    """

    __slots__ = ("_differing", "_evidence", "_given", "_subject")

    def __init__(self, subject: Subject, evidence: Sequence[Evidence] = ()) -> None:
        self._subject = subject
        self._given = evidence
        self._evidence: tuple[Evidence, ...] | None = None
        self._differing: dict[int, list[Steps] | None] = {}

    def explains(self, difference: Difference) -> tuple[str, Entry] | None:
        """Return what shows that admission made a difference, and whose write it changed.

        None where nothing shows it: then it is drift.
        """
        if not (difference.specified and self._subject.ownership.is_complete):
            return None
        place = difference.steps[: difference.owned]
        ownership = self._subject.ownership
        owners = ownership.owners(place)
        if difference.op is Op.REMOVE and place == difference.steps:
            # Not of who sent a Secret's key in another form: it owns that whatever becomes of it.
            return self._removed(difference, owners)
        found = self._changed(place, [*owners, *ownership.unfolded(place)])
        if found is not None and difference.field.assigned:
            # What the API server chooses it may choose anew with somebody's change beside it.
            return None if self._is_doubtful(place, found[1].time) else found
        return found

    def _removed(self, difference: Difference, owners: list[Owner]) -> tuple[str, Entry] | None:
        """Look for a sender that owns what is not there, though what it sent would be stored."""
        place = difference.steps
        senders = [owner.entry for owner in owners]
        if not senders or not all(map(self._subject.trust.delivers, senders)):
            return None
        since = min(entry.time for entry in senders)
        if self._is_doubtful(place, since) or self._goes_with(place, senders):
            return None
        if self._subject.ownership.is_null(place) or not all(
            was_stored(owner, difference) for owner in owners
        ):
            # Who sent nothing but what is left out, or stored as null, owns it all the same.
            return self._changed(place, owners)
        return None if self._is_older(since) else (TRACE, senders[0])

    def _is_doubtful(self, place: Steps, since: str) -> bool:
        """Tell whether somebody may have written since by what else made a field go."""
        trust, gvk = self._subject.trust, self._subject.gvk
        return not TIME.fullmatch(since) or (
            place[0] not in _FREE
            and not all(
                trust.is_known(entry, gvk)
                for entry in self._subject.ownership.writers_since(place, since)
            )
        )

    def _is_older(self, time: str) -> bool:
        """Tell whether an owner is from before the object was made, as a backup brings them.

        The API server may note the owners a second before it notes the creation.
        """
        created = mapping(self._subject.live.get("metadata")).get("creationTimestamp")
        if not isinstance(created, str) or not TIME.fullmatch(created):
            return False
        made, wrote = map(datetime.fromisoformat, (created, time))
        return made - wrote > _NOTED_WITHIN

    def _goes_with(self, place: Steps, senders: list[Entry]) -> bool:
        """Tell whether what was sent asks for something with which a field goes."""
        gvk = self._subject.gvk
        decisive = _DECISIVE.get((gvk.group, gvk.kind))
        return (
            decisive is not None
            and place[0] == decisive[0]
            and any(
                each.is_of(sender) and each.is_in(gvk) and not self._agrees(each, decisive)
                for sender in senders
                for each in self._known()
            )
        )

    def _known(self) -> tuple[Evidence, ...]:
        if self._evidence is None:
            self._evidence = (*self._given, *last_applied(self._subject))
        return self._evidence

    def _changed(self, place: Steps, owners: list[Owner]) -> tuple[str, Entry] | None:
        """Look for a document with Git's value, whose sender wrote last and nobody else."""
        if len(owners) != 1 or self._subject.ownership.above(place):
            return None
        entry = owners[0].entry
        if (
            entry.subresource
            or not self._subject.trust.delivers(entry)
            or not TIME.fullmatch(entry.time)
        ):
            return None
        known = [each for each in self._known() if each.is_of(entry)]
        # What was sent last must have Git's value, and so must what was sent when it was written.
        if not known or not self._agrees(known[0], place):
            return None
        if self._subject.ownership.is_first_write(entry):
            return known[0].source, entry
        for each in known:
            if each.covers(entry.time) and self._agrees(each, place):
                return each.source, entry
        return None

    def _agrees(self, evidence: Evidence, place: Steps) -> bool:
        """Tell whether a document means what Git means at a place, above and below it."""
        key = id(evidence)  # each lives as long as this does
        if key not in self._differing:
            self._differing[key] = self._compared(evidence)
        differing = self._differing[key]
        return differing is not None and not any(_overlap(place, other) for other in differing)

    def _compared(self, evidence: Evidence) -> list[Steps] | None:
        """Return where a document means something else than Git, None if it can't be told."""
        if not evidence.is_in(self._subject.gvk):
            return None
        found = differences(
            *normalize(self._subject.wanted, evidence.document, self._subject.gvk),
            self._subject.node,
        )
        return [difference.steps[: difference.owned] for difference in found]


def last_applied(subject: Subject) -> tuple[Evidence, ...]:
    """Return what kubectl's annotation says was applied, by the one who wrote the annotation.

    Others keep it when they change fields (``kubectl edit``, ``patch``, ``scale``). It has no time
    of its own: a later write of the same manager without it can't be told from an apply.
    """
    document = subject.ownership.last_applied()
    owners = subject.ownership.owners(_LAST_APPLIED_PATH)
    if not isinstance(document, dict) or len(owners) != 1:
        return ()
    entry = owners[0].entry
    return (
        Evidence(
            "kubectl's last-applied annotation",
            frozenset({entry.manager}),
            document,
            operation=entry.operation,
        ),
    )


def _overlap(one: Steps, other: Steps) -> bool:
    """Tell whether one place is the other, or lies in it."""
    return all(map(_may_be_same, one, other))


def _may_be_same(one: Step, other: Step) -> bool:
    if isinstance(one, str) or isinstance(other, str):
        return one == other
    if one.keys and other.keys:
        return one.keys == other.keys
    if ABSENT in (one.value, other.value):
        return True  # Of two documents, indices tell nothing.
    return bool(one.value == other.value)
