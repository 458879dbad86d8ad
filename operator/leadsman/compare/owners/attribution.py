"""Say who made a difference in what Git specifies, and whether he may.

What Git does not specify is ``additions``' to judge.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from leadsman.compare.kinds.nodes import Origin
from leadsman.compare.owners.candidate import Candidate
from leadsman.compare.paths import field_path
from leadsman.model.finding import Cause, Op

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leadsman.compare.owners.evidence import Witness
    from leadsman.compare.owners.managers import Trust
    from leadsman.compare.owners.ownership import Entry, Owner, Ownership
    from leadsman.compare.walk import Difference
    from leadsman.model.desired import DesiredObject

NULL_REMOVES = "a null in Git, which a patch cannot store"


def attributed(
    desired: DesiredObject, difference: Difference, ownership: Ownership, trust: Trust
) -> Candidate:
    """Attribute a difference in what Git specifies.

    A field that was removed alone has no owner any more, unless it is one that is then written as
    null, which whoever updated it owns, or somebody applied a value of it that is not stored; one
    that was changed, or that is part of what is owned as a whole, has. An element more than Git has
    in a list that delivery has applied is one that Git has dropped.
    """
    steps = difference.steps
    place = steps[: difference.owned]
    owners = ownership.owners(place)
    if difference.op is not Op.REMOVE:
        # Who sent a Secret's key in another form is noted for that alone, whatever becomes of it.
        owners += ownership.unfolded(place)
    # Of two who wrote in one second, delivery is the less likely to have changed it.
    owners.sort(key=lambda owner: trust.delivers(owner.entry))
    owners.sort(key=lambda owner: owner.entry.time, reverse=True)
    if difference.op is Op.REMOVE and difference.owned == len(steps):
        is_null = ownership.is_null(steps)
        owners = [
            each
            for each in owners
            if each.exact and ownership.is_complete and (is_null or not trust.delivers(each.entry))
        ]
    else:
        owners = owners or ownership.above(
            steps, only_items=difference.field.node.origin is not Origin.UNKNOWN
        )
        if not owners and len(ownership.elsewhere) == 1:
            # Nobody else can have, in whatever words.
            owners = ownership.elsewhere
    if difference.op is Op.ADD:
        # Who owns the same as a whole has sent the same: delivery too.
        owners.sort(key=lambda owner: not _applies(owner.entry, trust))
    entry = owners[0].entry if owners else None
    is_theirs = entry is not None and trust.delivers(entry)
    is_left = difference.op is Op.ADD and entry is not None and _applies(entry, trust)
    excuse = ""
    if entry is not None and trust.may_change(entry, field_path(steps), desired.gvk):
        excuse = f"known manager {entry.manager}"
        if entry.subresource:
            excuse += f" through {entry.subresource}"
    elif _is_patched_null(difference, ownership, trust):
        excuse = NULL_REMOVES
    elif is_theirs and not (
        ownership.is_complete and _is_own(difference, owners, ownership, trust)
    ):
        # Delivery owned it already; whoever has changed it since need not have been noted.
        entry, is_left = None, False
    return Candidate(
        steps,
        difference.op,
        desired=difference.desired,
        live=difference.live,
        cause=Cause.LEFT_BEHIND if is_left else Cause.LIVE,
        entry=entry,
        excuse=excuse,
    )


def _is_own(
    difference: Difference, owners: Sequence[Owner], ownership: Ownership, trust: Trust
) -> bool:
    """Tell whether a value of the API server's choice is what its owner was given.

    It chooses anew when somebody changes what that depends on, and notes it as the owner's still.
    """
    return not difference.field.assigned or all(
        map(trust.delivers, ownership.writers_since(difference.steps, owners[0].entry.time))
    )


def _applies(entry: Entry, trust: Trust) -> bool:
    """Tell whether an entry is of what delivery has applied."""
    return entry.operation == "Apply" and trust.delivers(entry) and not trust.is_by_hand(entry)


def _is_patched_null(difference: Difference, ownership: Ownership, trust: Trust) -> bool:
    """Tell whether delivery could only leave a default, if any, where Git says null.

    To a client that patches, null is the word to remove a field (RFC 7386), of which the API
    server then makes the default, if it has one; whoever creates or applies a nullable field stores
    the null. Of lists, which are sent whole, clients and the API server leave nulls out as well
    (``pruneNulls`` in evanphx/json-patch).
    """
    if difference.desired is not None or difference.live != difference.field.default:
        return False
    ways = {entry.operation for entry in ownership.entries if trust.delivers(entry)}
    return ways == {"Update"}


def witnessed(candidate: Candidate, witness: Witness, difference: Difference) -> Candidate:
    """Name a difference as admission's work where something shows it."""
    shown = witness.explains(difference)
    if shown is None:
        return candidate
    evidence, entry = shown
    return replace(candidate, cause=Cause.ADMISSION, entry=entry, evidence=evidence)
