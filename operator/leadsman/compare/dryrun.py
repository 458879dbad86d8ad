"""Decide by what the API server makes of Git's object: the answer to a dry run.

``live`` and the answer are both documents of the API server, so that they are compared alike, and
where they mean the same, delivery would change nothing.

How ``managedFields`` attributes what mutating admission does, as measured on Kubernetes 1.37 with a
MutatingAdmissionPolicy and with a webhook, on creation and on update, under ``kubectl apply``,
``kubectl apply --server-side`` and Helm 4 (which applies server-side):

* what admission adds (a label, a container) is nobody's: no entry owns it;
* what it changes stays with the manager whose request it changed, as if that had sent the value.

Therefore an addition of admission's own is silent in any case, like the API server's defaults, and
a changed value looks as if delivery had sent another than Git's. Other versions may attribute the
former to the delivery manager, too, which is dealt with here as well.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import orjson

from leadsman.compare.kinds.nodes import UNTYPED
from leadsman.compare.kinds.values import same_scalar
from leadsman.compare.owners.ownership import Ownership
from leadsman.compare.paths import Item, field_path
from leadsman.compare.rewrites.normalize import normalize
from leadsman.compare.walk import differences
from leadsman.model.finding import ABSENT, Cause, Op

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from leadsman.compare.kinds.nodes import Node
    from leadsman.compare.owners.candidate import Candidate
    from leadsman.compare.owners.ownership import Entry
    from leadsman.compare.owners.subject import Subject
    from leadsman.compare.paths import Step, Steps
    from leadsman.compare.walk import Difference
    from leadsman.model.json import Json, JsonObject

# A place as it is the same in two comparisons with one live object.
_Place: TypeAlias = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API server would make of Git's object.

    ``merged`` is the whole object. ``manager`` is in whose name it was asked, "" where that was not
    by server-side apply, which alone drops what a manager no longer applies.
    """

    merged: JsonObject
    manager: str = ""


class DryRun:
    """The differences between live and what delivery would make of it.

    ``desired`` is Git's object as it is compared (``normalize``), that of ``subject`` as it was
    sent.
    """

    __slots__ = ("_after", "_answer", "_desired", "_found", "_subject")

    def __init__(self, answer: Answer, desired: JsonObject, subject: Subject) -> None:
        self._answer = answer
        self._after = Ownership(answer.merged)
        self._desired = desired
        self._subject = subject
        found = differences(*normalize(answer.merged, subject.live, subject.gvk), subject.node)
        self._found = [(_place(item.steps[: item.owned]), item) for item in found]

    def reconsider(self, candidates: Iterable[Candidate]) -> Iterator[Candidate]:
        """Judge what the local comparison found anew.

        A value of Git's of which the API server makes what is live was changed on its way in. What
        Git does not specify is left behind if delivery would remove it; otherwise it stays what it
        is, since server-side apply never removes what others own. (What delivery alone owns and
        would remove, the local comparison has found already, by its owner.)
        """
        for candidate in candidates:
            place = _place(candidate.steps)
            related = [item for where, item in self._found if _overlap(where, place)]
            if candidate.specified:
                related = [item for item in related if _is_at(candidate.steps, item.steps)]
                is_kept = related or candidate.excuse or not self._is_sent(candidate.steps)
                yield candidate if is_kept else replace(candidate, cause=Cause.ADMISSION)
            elif any(
                item.op is Op.ADD and len(item.steps) <= len(candidate.steps) for item in related
            ):
                entry = self._applied(candidate.steps)
                is_left = entry is not None and not candidate.excuse
                yield (
                    replace(candidate, cause=Cause.LEFT_BEHIND, entry=entry)
                    if is_left
                    else candidate
                )
            elif related:
                yield candidate
            else:
                yield self._kept(candidate)

    def overlooked(self, candidates: Iterable[Candidate]) -> Iterator[Difference]:
        """Return what delivery would change and the local comparison took for equal.

        Only where Git specifies something, and not where live has exactly what Git says: there it
        is admission that would change it, and live has not drifted.
        """
        known = [_place(candidate.steps) for candidate in candidates if candidate.specified]
        for place, item in self._found:
            if item.op is Op.ADD or any(_overlap(place, other) for other in known):
                continue
            if item.owned < len(item.steps) and self._is_exact(item.steps[: item.owned]):
                continue  # Indices of two lists tell nothing of one another.
            steps, said = _located(self._desired, item.steps, self._subject.node)
            if said is not ABSENT and _is_overlooked(said, item):
                yield replace(item, steps=steps)

    def _is_exact(self, steps: Steps) -> bool:
        """Tell whether live has exactly what Git says at a place that is owned as a whole."""
        _, said = _located(self._desired, steps, self._subject.node)
        _, found = _located(self._subject.live, steps, self._subject.node)
        return said is not ABSENT and bool(said == found)

    def _is_sent(self, steps: Steps) -> bool:
        """Tell whether Git's object has a field, and not only the API server's defaults for it.

        What a person has set in place of a default, delivery leaves as it is; nor does the API
        server take the old alias of a Pod's account from who sends it beside a name.
        """
        if steps[-1] == "serviceAccount" and self._subject.ownership.is_built_in:
            return False
        return _has(self._subject.wanted, steps) or any(
            owner.entry.manager == self._answer.manager and owner.entry.operation == "Apply"
            for owner in (*self._after.owners(steps), *self._after.above(steps))
        )

    def _applied(self, steps: Steps) -> Entry | None:
        """Return the entry by which who delivers has applied a field, if it has."""
        manager = self._answer.manager
        if not manager or self._subject.trust.is_mark(field_path(steps), manager):
            return None
        for owner in self._subject.ownership.owners(steps):
            entry = owner.entry
            if entry.manager == self._answer.manager and entry.operation == "Apply":
                return entry
        return None

    def _kept(self, candidate: Candidate) -> Candidate:
        """Judge an addition that delivery would not remove.

        What looked left behind is admission's, who adds it anew, where nobody would own it any more
        and the API server does not keep it by itself.
        """
        entry = candidate.entry
        is_left = candidate.cause is Cause.LEFT_BEHIND and entry is not None
        if not is_left or entry is None or entry.operation != "Apply" or candidate.retained:
            return candidate
        if entry.manager != self._answer.manager:
            return candidate
        after = (*self._after.owners(candidate.steps), *self._after.above(candidate.steps))
        if any(
            owner.entry.manager != entry.manager or owner.entry.operation != "Apply"
            for owner in after
        ):
            return candidate
        return replace(candidate, cause=Cause.ADMISSION)


def _place(steps: Iterable[Step]) -> _Place:
    """Name a place by what tells list elements apart, which indices of two lists do not."""
    return tuple(step if isinstance(step, str) else _element(step) for step in steps)


def _element(step: Item) -> str:
    # No field's name begins so, and a key that does is only compared with its like.
    if step.keys:
        return "\0k" + orjson.dumps(dict(step.keys), option=orjson.OPT_SORT_KEYS).decode()
    if step.value is not ABSENT:
        return "\0v" + orjson.dumps(step.value, option=orjson.OPT_SORT_KEYS).decode()
    return f"\0i{step.index}"


def _is_at(steps: Steps, other: Steps) -> bool:
    """Tell whether two places may be one, in a list without keys by their index in live."""
    for one, another in zip(steps, other, strict=False):
        if isinstance(one, str) or isinstance(another, str):
            continue
        is_plain = not one.keys and one.value is ABSENT
        if is_plain and min(one.live, another.live) >= 0:
            return one.live == another.live
    return True


def _overlap(one: _Place, other: _Place) -> bool:
    length = min(len(one), len(other))
    return one[:length] == other[:length]


def _located(document: Json, steps: Steps, node: Node) -> tuple[Steps, Json]:
    """Follow steps into Git's object: return its value there, or ABSENT.

    The steps come back with Git's own indices in place of the answer's.
    """
    value: Json = document
    found: list[Step] = []
    for step in steps:
        if isinstance(step, str):
            value = value.get(step, ABSENT) if isinstance(value, dict) else ABSENT
            found.append(step)
            node = (node.field(step) or UNTYPED).node
        else:
            node = node.element
            index = _index(value, step, node)
            value = ABSENT if index < 0 else value[index]
            found.append(replace(step, desired=index))
        if value is ABSENT:
            return steps, ABSENT
    return tuple(found), value


def _has(document: Json, steps: Steps) -> bool:
    """Tell whether Git's object has a place, or the list whose elements have none of their own."""
    value: Json = document
    for step in steps:
        if isinstance(step, str):
            value = value.get(step, ABSENT) if isinstance(value, dict) else ABSENT
        elif step.keys or step.value is not ABSENT:
            is_there = isinstance(value, list) and 0 <= step.desired < len(value)
            value = value[step.desired] if is_there else ABSENT
        else:
            return isinstance(value, list)
        if value is ABSENT:
            return False
    return True


def _index(value: Json, step: Item, element: Node) -> int:
    """Return where in Git's list an element of the answer is, -1 if it is not there.

    A key that Git leaves open is the schema's default, as a port's protocol.
    """
    if not isinstance(value, list):
        return -1
    if not step.keys:
        if step.value is not ABSENT:
            return next((i for i, element in enumerate(value) if element == step.value), -1)
        return step.index if step.index < len(value) else -1
    fields = {name: element.field(name) for name, _ in step.keys}
    usual = {name: None if known is None else known.default for name, known in fields.items()}
    for index, given in enumerate(value):
        if isinstance(given, dict) and all(
            given.get(name, usual[name]) == wanted or (wanted is None and name not in given)
            for name, wanted in step.keys
        ):
            return index
    return -1


def _is_overlooked(said: Json, item: Difference) -> bool:
    """Tell whether Git's value is one that live does not have and the answer has something of."""
    if said is None:
        return False
    if item.live is ABSENT:
        return _share(said, item.desired)
    if isinstance(said, dict | list):
        return bool(said != item.live)
    return not same_scalar(said, item.live, item.field.node.format)


def _share(said: Json, merged: Json) -> bool:
    """Tell whether an object that the answer has, and live has not, holds anything of Git's."""
    if isinstance(said, dict) and isinstance(merged, dict):
        return any(key in merged and _share(value, merged[key]) for key, value in said.items())
    if isinstance(said, list) and isinstance(merged, list):
        return bool(said) and bool(merged)
    return said is not None
