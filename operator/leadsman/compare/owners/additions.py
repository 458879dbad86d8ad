"""Judge live fields that Git does not specify: who set them, and whether that is drift."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from leadsman.compare.kinds.nodes import UNTYPED, Field, ListType, Node, Origin, Shape
from leadsman.compare.owners.candidate import Candidate
from leadsman.compare.owners.managers import Standing
from leadsman.compare.pairing import pair_by_keys, pair_by_value
from leadsman.compare.paths import field_path
from leadsman.compare.walk import redundant
from leadsman.model.finding import ABSENT, Cause, Op

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leadsman.compare.owners.ownership import Owner
    from leadsman.compare.owners.sent import Sent
    from leadsman.compare.owners.subject import Subject
    from leadsman.compare.paths import Steps
    from leadsman.compare.walk import Difference
    from leadsman.model.json import Json, JsonObject

_Addition: TypeAlias = "tuple[Steps, Json, Field]"
_Judged: TypeAlias = "tuple[Owner, Standing]"
# Where writes through ``scale`` arrive, for which the API server notes nobody where nobody owned
# the field before. Source: ``ScaleHandler`` and ``skipNonAppliedManager`` in apimachinery's
# ``managedfields``.
REPLICAS: Steps = ("spec", "replicas")
_SCALABLE = frozenset(
    {
        ("", "ReplicationController"),
        ("apps", "Deployment"),
        ("apps", "ReplicaSet"),
        ("apps", "StatefulSet"),
    }
)
_POD = ("", "Pod")


class Additions:
    """Judges the additions to one object.

    What was added as a whole is one change at its topmost place. It is taken apart where its
    parts have owners of different standing, and where the whole is not an addition itself: a map
    (each label is one), a list of named elements, a struct that the API server always writes.

    An update of delivery's owns what it sent and the defaults that came with it; ``sent`` tells
    these apart.
    """

    __slots__ = ("_gvk", "_ownership", "_sent", "_trust")

    def __init__(self, subject: Subject, sent: Sent) -> None:
        self._ownership = subject.ownership
        self._trust = subject.trust
        self._gvk = subject.gvk
        self._sent = sent

    def judge(self, difference: Difference) -> Iterator[Candidate]:
        """Return the changes that an added value amounts to; none where it may be there."""
        todo: list[_Addition] = [(difference.steps, difference.live, difference.field)]
        while todo:
            steps, value, field = todo.pop()
            if field.assigned and not self._ownership.owners(steps):
                continue  # Whole: of a map's values nobody knows that they are assigned.
            elements = _elements(steps, value, field.node)
            if elements is not None:
                todo += elements
                continue
            owners = self._owners(steps, field, has_null=difference.desired is None)
            if not owners and self._may_be_unowned(steps, value) and not self._has_come(steps):
                continue
            if _is_divisible(value, field, owners):
                todo += _members(steps, value, field.node, default=field.default)
                continue
            if difference.desired is None and self._is_filled_in(steps, owners):
                continue
            if difference.desired is not ABSENT and field.assigned:
                # Git, and so delivery, asked for a value of the API server's choice.
                owners = [judged for judged in owners if judged[1] is Standing.FOREIGN]
                if not owners:
                    continue
            candidate = self._whole(steps, value, owners)
            if candidate is not None:
                is_retained = field.assigned or self._is_kept(steps)
                yield replace(candidate, retained=is_retained)

    def _owners(self, steps: Steps, field: Field, *, has_null: bool) -> list[_Judged]:
        owners = self._ownership.owners(steps)
        if not owners or not has_null:
            # Who has sent the null that Git ``has_null`` of has not sent what lives.
            owners += self._ownership.unfolded(steps)
        if not owners:
            owners = self._ownership.above(
                steps, only_items=field.node.origin is not Origin.UNKNOWN
            )
        path = field_path(steps)
        if not owners and not self._trust.is_usual(path):
            owners = self._ownership.elsewhere
        found = []
        for owner in owners:
            standing = self._trust.standing(owner.entry, path, self._gvk)
            if standing is Standing.UNKNOWN:
                is_usual = field.assigned or self._trust.is_usual(path)
                standing = Standing.TRUSTED if is_usual else Standing.FOREIGN
            found.append((owner, standing))
        return found

    def _is_filled_in(self, steps: Steps, owners: list[_Judged]) -> bool:
        """Tell whether delivery has, for all that is known, sent the null that Git has.

        Admission fills in what is null when an object is created, such as the class of an Ingress
        that has a default, and whoever applied the null owns it. Once it is written anew it is not.
        """
        return bool(owners) and all(
            standing is Standing.DELIVERED
            and self._ownership.is_first_write(owner.entry)
            and all(
                self._ownership.in_manifest(each.document, steps) in (ABSENT, None)
                for each in self._sent.evidence
                if each.is_of(owner.entry) and each.is_in(self._gvk)
            )
            for owner, standing in owners
        )

    def _may_be_unowned(self, steps: Steps, value: Json) -> bool:
        """Tell whether a field that nobody owns is the API server's own, or usual at least."""
        return (
            self._ownership.is_complete
            or self._trust.is_usual(field_path(steps))
            or self._ownership.versions.is_default(steps, value)
        )

    def _whole(self, steps: Steps, value: Json, owners: list[_Judged]) -> Candidate | None:
        """Judge a value that is not taken apart."""
        standings = {standing for _, standing in owners}
        authors = {standing for owner, standing in owners if owner.exact}
        if authors == {Standing.FOREIGN}:
            # Who made it is asked, not who has filled it in since.
            standings.discard(Standing.TRUSTED)
        cause = Cause.LIVE
        if Standing.DELIVERED in standings:
            cause, wanted = Cause.LEFT_BEHIND, Standing.DELIVERED
        elif Standing.TRUSTED in standings or not owners:
            wanted = Standing.TRUSTED
            path = field_path(steps)
            if any(self._trust.may_change(owner.entry, path, self._gvk) for owner, _ in owners):
                # Whatever is applied. What kubectl replaced it also notes as applied.
                return None
            names = {owner.entry.manager for owner, _ in owners} or {""}
            is_mark = all(self._trust.is_mark(path, name) for name in names)
            if not is_mark and (
                self._ownership.applied(steps)
                or self._sent.has(steps, (owner.entry for owner, _ in owners))
                or self._is_only_sent(steps, owners)
            ):
                cause = Cause.LEFT_BEHIND
            elif owners:
                return None
        else:
            wanted = Standing.FOREIGN
            if self._ownership.applied(steps, value) and not self._trust.tool:
                cause = Cause.LEFT_BEHIND  # `kubectl apply` has taken over what somebody made.
        entries = [owner for owner, standing in owners if standing is wanted]
        # Who made the place is its author; others may have written inside since.
        entries.sort(key=lambda owner: not owner.exact)
        if entries and all(self._trust.is_by_hand(owner.entry) for owner in entries):
            cause = Cause.LIVE  # Git never had it.
        return Candidate(
            steps,
            Op.ADD,
            live=value,
            cause=cause,
            entry=entries[0].entry if entries else None,
            specified=False,
        )

    def _is_kept(self, steps: Steps) -> bool:
        """Tell whether the API server keeps a field when its owner gives it up.

        The name of a Pod's account comes back by its alias, and what was sent as a Secret's
        ``stringData`` is data by then.
        """
        is_data = (self._gvk.group, self._gvk.kind) == ("", "Secret") and steps[0] == "data"
        return is_data or (steps[-1] == "serviceAccountName" and self._ownership.is_built_in)

    def _has_come(self, steps: Steps) -> bool:
        """Tell whether a field that nobody owns was put there since the object was made."""
        is_scaled = steps == REPLICAS and (self._gvk.group, self._gvk.kind) in _SCALABLE
        return self._outlives(steps) or (is_scaled and not self._ownership.is_unwritten)

    def _outlives(self, steps: Steps) -> bool:
        """Tell whether a field may be kept, as nobody's, since its owner has given it up.

        It is filled in but by a default, or by admission: then nobody need have written since.
        """
        return self._is_kept(steps) and not self._ownership.is_unwritten

    def _is_only_sent(self, steps: Steps, owners: list[_Judged]) -> bool:
        """Tell whether nobody but delivery can have put there what it owns by an update, if so.

        The API server fills in fields, but no keys of a map and no elements of a list, unless it is
        a Pod, of which admission makes what the node and the namespace want.
        """
        if not owners:
            return self._outlives(steps)
        if self._trust.is_usual(field_path(steps)) or (self._gvk.group, self._gvk.kind) == _POD:
            return False
        is_theirs = any(owner.exact and self._sent.is_update(owner.entry) for owner, _ in owners)
        return is_theirs and (self._ownership.is_member(steps) or self._outlives(steps))


def _elements(steps: Steps, value: Json, node: Node) -> list[_Addition] | None:
    """Take apart what is only a collection: each element is an addition of its own."""
    if isinstance(value, dict):
        if node.shape is not Shape.MAP or node.atomic:
            return None
        return _members(steps, value, node, keep=True)
    if not isinstance(value, list) or node.list_type is ListType.ATOMIC:
        return None
    if node.list_type is ListType.SET:
        items = list(pair_by_value((), value))
    else:
        items = pair_by_keys((), value, node.keys, node.element) or []
    element = Field(node.element)
    return [((*steps, item), value[item.live], element) for item in items] or None


def _members(
    steps: Steps, value: JsonObject, node: Node, *, keep: bool = False, default: Json = ABSENT
) -> list[_Addition]:
    """Take an object apart, without the fields that mean nothing.

    What its own ``default`` says of a field goes before that field's.
    """
    given = default if isinstance(default, dict) else {}
    members = []
    for key, item in value.items():
        field = node.field(key) or UNTYPED
        if key in given:
            field = replace(field, default=given[key])
        if keep or not redundant(item, field, {}, value):
            members.append(((*steps, key), item, field))
    return members


def _is_divisible(value: Json, field: Field, owners: list[_Judged]) -> bool:
    node = field.node
    if not isinstance(value, dict) or node.shape is Shape.MAP or node.atomic:
        return False
    if node.origin is Origin.GO and not field.keeps_zero:
        return True  # A struct that is always there.
    if field.default is not ABSENT or field.derive is not None:
        return True
    standings = {standing for _, standing in owners}
    authors = {standing for owner, standing in owners if owner.exact}
    if owners and not authors and all(owner.entry.operation == "Update" for owner, _ in owners):
        # Updates own what they made; a struct that only parts are owned of was there before. Of
        # what was applied nobody can tell.
        return node.origin is not Origin.UNKNOWN
    if len(standings) <= 1 or Standing.DELIVERED in authors:
        return False
    return Standing.FOREIGN not in authors or Standing.DELIVERED in standings
