"""Find every place where live does not mean what Git says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from leadsman.compare.kinds.emptiness import (
    drops_empty,
    is_absent,
    is_empty,
    is_null_entry,
    is_open,
)
from leadsman.compare.kinds.nodes import ANY, UNTYPED, Field, ListType, Node, Origin, Shape
from leadsman.compare.kinds.values import same_scalar, same_type
from leadsman.compare.pairing import pair_by_keys, pair_by_order, pair_by_value
from leadsman.model.finding import ABSENT, Op

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from leadsman.compare.paths import Item, Step, Steps
    from leadsman.model.json import Json, JsonObject

# The way to a place, as a linked list: most places are never told, and cost one tuple.
Trail: TypeAlias = "tuple[()] | tuple[Trail, Step]"

# Lists of a kind without schema whose elements are told apart by a field everywhere else.
_USUAL_KEYS = {
    "containers": "name",
    "env": "name",
    "imagePullSecrets": "name",
    "initContainers": "name",
    "volumeMounts": "mountPath",
    "volumes": "name",
}


@dataclass(frozen=True, slots=True)
class Difference:
    """One place that differs.

    ``specified``: it is Git's to say, as opposed to a live field that Git leaves open, be it by
    a value that says nothing (``desired`` is that value then). ``owned`` is the number of leading
    steps to what is owned as a whole: the place itself, unless it lies in an atomic list or map.
    """

    steps: Steps
    op: Op
    desired: Json
    live: Json
    field: Field
    specified: bool
    owned: int


def differences(desired: JsonObject, live: JsonObject, node: Node) -> list[Difference]:
    """Compare a desired object with the live one, in no particular order."""
    walk = _Walk()
    walk.values(desired, live, Field(node), (), None)
    walk.run()
    return walk.found


def redundant(value: Json, field: Field, desired: JsonObject, live: JsonObject) -> bool:
    """Tell whether a live value that Git does not specify means nothing.

    That is: it is what the API server writes there, or the same as absent. ``desired`` and
    ``live`` are the objects that the field is in.
    """
    # In what takes anything, such as a chart's values, nothing and empty are words, too.
    is_word = field.node is ANY and (value is not None or field.nullable)
    if (value is None and not is_word) or _is_default(value, field, desired, live):
        return True
    if not is_word and (value == [] or (value == {} and field.node.shape is Shape.MAP)):
        # To be empty is to say something where the API server would fill it in.
        is_filled = field.default is not ABSENT and bool(field.default)
        return not (is_filled and field.node.origin is Origin.CUSTOM)
    if not drops_empty(field):
        return False
    if isinstance(value, dict) and field.node.shape is not Shape.MAP:
        return all(
            redundant(item, field.node.field(key) or UNTYPED, {}, value)
            for key, item in value.items()
        )
    return is_empty(value, field.node)


def _is_default(value: Json, field: Field, desired: JsonObject, live: JsonObject) -> bool:
    if field.default is not ABSENT and _same(field.default, value, field):
        return True
    derived = ABSENT if field.derive is None else field.derive(desired, live)
    return derived is not ABSENT and _same(derived, value, field)


def _same(desired: Json, live: Json, field: Field) -> bool:
    """Tell whether two values mean the same in a place that is owned as a whole."""
    if not isinstance(desired, _CONTAINERS) and not isinstance(live, _CONTAINERS):
        return same_scalar(desired, live, field.node.format)
    walk = _Walk()
    walk.values(desired, live, field, (), ())
    walk.run()
    return not walk.found


class _Walk:
    """The work that is left, as a list: objects may be nested deeper than Python recurses.

    An ``owner`` is the trail to what is owned as a whole, None where each field is on its own.
    """

    __slots__ = ("_todo", "found")

    def __init__(self) -> None:
        self.found: list[Difference] = []
        self._todo: list[tuple[Json, Json, Node, Trail, Trail | None]] = []

    def run(self) -> None:
        while self._todo:
            desired, live, node, trail, owner = self._todo.pop()
            if isinstance(desired, dict):
                self._object(desired, live, node, trail, owner)
            else:
                self._list(desired, live, node, trail, owner)

    def values(
        self, desired: Json, live: Json, field: Field, trail: Trail, owner: Trail | None
    ) -> None:
        """Compare two values that are there; objects and lists when their turn comes."""
        node = field.node
        if isinstance(desired, dict) and isinstance(live, dict):
            known = node.shape is not Shape.LIST and node.shape is not Shape.SCALAR
            self._todo.append((desired, live, node if known else ANY, trail, owner))
        elif isinstance(desired, list) and isinstance(live, list):
            known = node.shape is Shape.LIST or node.shape is Shape.ANY
            self._todo.append((desired, live, node if known else ANY, trail, owner))
        elif (
            isinstance(desired, _CONTAINERS)
            or isinstance(live, _CONTAINERS)
            or not same_scalar(desired, live, node.format)
        ):
            self._found(Op.REPLACE, desired, live, field, trail, owner)

    def _object(
        self, desired: JsonObject, live: JsonObject, node: Node, trail: Trail, owner: Trail | None
    ) -> None:
        if node.atomic and owner is None:
            owner = trail
        for key, wanted in desired.items():
            found = live.get(key, ABSENT)
            if wanted == found and (not node.is_loose or same_type(wanted, found)):
                continue
            field = node.field(key)
            if field is None and found is not ABSENT:
                field = UNTYPED
            is_gone = found is ABSENT or found is None
            if field is None or (is_gone and is_absent(wanted, field)):
                continue  # The API server prunes what it does not know, and leaves out the empty.
            if is_gone:
                self._gone(wanted, field, (trail, key), owner)
            elif not is_open(wanted, field):
                self.values(wanted, found, field, (trail, key), owner)
            elif is_null_entry(wanted, found, node):
                continue
            elif not redundant(found, field, desired, live):
                self._opened(wanted, found, field, (trail, key), owner)
        self._unspecified(desired, live, node, trail, owner)

    def _unspecified(
        self, desired: JsonObject, live: JsonObject, node: Node, trail: Trail, owner: Trail | None
    ) -> None:
        for key in live.keys() - desired.keys():
            field = node.field(key) or UNTYPED
            if not redundant(live[key], field, desired, live):
                self._found(Op.ADD, ABSENT, live[key], field, (trail, key), owner)

    def _gone(self, desired: Json, field: Field, trail: Trail, owner: Trail | None) -> None:
        """Record a value that is gone; of what is only a collection, each part of it.

        The API server leaves out a map or list when its last element is taken from it.
        """
        node = field.node
        if owner is None and not node.atomic and desired:
            if isinstance(desired, dict) and node.shape is Shape.MAP:
                self._object(desired, {}, node, trail, owner)
                return
            if isinstance(desired, list) and node.list_type is not ListType.ATOMIC:
                self._list(desired, [], node, trail, owner)
                return
        self._found(Op.REMOVE, desired, ABSENT, field, trail, owner)

    def _opened(
        self, desired: Json, live: Json, field: Field, trail: Trail, owner: Trail | None
    ) -> None:
        """Record a live value where Git has one that says nothing.

        ``false``, ``0`` and ``""`` still are Git's word, unless it is for the API server to
        choose a value; null and empty lists and maps leave the field open.
        """
        if desired is None or isinstance(desired, _CONTAINERS) or field.assigned:
            self._found(Op.ADD, desired, live, field, trail, owner)
        else:
            self._found(Op.REPLACE, desired, live, field, trail, owner)

    def _list(
        self,
        desired: list[Json],
        live: list[Json],
        node: Node,
        trail: Trail,
        owner: Trail | None,
    ) -> None:
        element = Field(node.element)
        items = _pair(desired, live, node, trail)
        if items is None:
            owner = trail if owner is None else owner
            items = pair_by_order(desired, live, lambda one, other: _same(one, other, element))
        for item in items:
            way: Trail = (trail, item)
            if item.live < 0:
                self._found(Op.REMOVE, desired[item.desired], ABSENT, element, way, owner)
            elif item.desired < 0:
                self._found(Op.ADD, ABSENT, live[item.live], element, way, owner)
            else:
                wanted, found = desired[item.desired], live[item.live]
                if wanted != found or (node.is_loose and not same_type(wanted, found)):
                    self.values(wanted, found, element, way, owner)

    def _found(
        self,
        op: Op,
        desired: Json,
        live: Json,
        field: Field,
        trail: Trail,
        owner: Trail | None,
    ) -> None:
        steps = _steps(trail)
        owned = len(steps) if owner is None else len(_steps(owner))
        specified = op is not Op.ADD or owner is not None
        self.found.append(Difference(steps, op, desired, live, field, specified, owned))


_CONTAINERS = (dict, list)


def _pair(desired: list[Json], live: list[Json], node: Node, trail: Trail) -> Iterable[Item] | None:
    """Pair the elements of a list whose order says nothing, None where it does."""
    if node.list_type is ListType.MAP:
        return pair_by_keys(desired, live, node.keys, node.element)
    if node.list_type is ListType.SET:
        element = Field(node.element)
        are_plain = not any(isinstance(each, _CONTAINERS) for each in (*desired, *live))
        return pair_by_value(
            desired, live, None if are_plain else lambda one, other: _same(one, other, element)
        )
    if node.origin is Origin.UNKNOWN and trail:
        key = _USUAL_KEYS.get(str(trail[1]), "")
        if key and _is_unique(desired, key) and _is_unique(live, key):
            return pair_by_keys(desired, live, (key,), node.element)
    return None


def _is_unique(elements: Sequence[Json], key: str) -> bool:
    names = [element.get(key) for element in elements if isinstance(element, dict)]
    texts = {name for name in names if isinstance(name, str)}
    return len(texts) == len(elements)


def _steps(trail: Trail) -> Steps:
    steps: list[Step] = []
    while trail:
        trail, step = trail
        steps.append(step)
    steps.reverse()
    return tuple(steps)
