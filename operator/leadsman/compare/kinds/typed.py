"""Whether the API server can read an object by its own schema, and so keep its managedFields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadsman.compare.kinds.nodes import ListType, Origin, Shape
from leadsman.model.finding import ABSENT

if TYPE_CHECKING:
    from leadsman.compare.kinds.nodes import Node
    from leadsman.model.json import Json

# Numbers are alike to structured-merge-diff, ``typed/validate.go``.
_TYPES: dict[str, tuple[type, ...]] = {
    "string": (str,),
    "boolean": (bool,),
    "integer": (int, float),
    "number": (int, float),
}


def is_tracked(live: Json, node: Node) -> bool:
    """Tell whether the API server still notes who writes to an object.

    An element without the key that tells it apart cannot be named in managedFields, and a value of
    another type than its definition has by now cannot be read. The API server stores it all the
    same, and from then on leaves managedFields as they were, whoever writes.
    Source: ``FieldManager.UpdateNoErrors`` in apimachinery's ``pkg/util/managedfields``.
    """
    todo = [(live, node)]
    while todo:
        value, known = todo.pop()
        if isinstance(value, dict):
            for key, item in value.items():
                field = known.field(key)
                if field is None:
                    continue
                if not fits(item, field.node):
                    return False
                if isinstance(item, dict | list):
                    todo.append((item, field.node))
        elif isinstance(value, list) and known.shape is Shape.LIST:
            if known.list_type is ListType.MAP and not all(
                _has_keys(item, known) for item in value
            ):
                return False
            if not all(fits(item, known.element) for item in value):
                return False
            todo += [(item, known.element) for item in value if isinstance(item, dict | list)]
    return True


def fits(value: Json, node: Node) -> bool:
    """Tell whether a value of a custom resource is of its place's type, as far as one is known."""
    if value is None or node.origin is not Origin.CUSTOM:
        return True
    match node.shape:
        case Shape.LIST:
            return isinstance(value, list)
        case Shape.OBJECT | Shape.MAP:
            return isinstance(value, dict)
        case Shape.SCALAR:
            types = _TYPES.get(node.type)
            return types is None or (
                isinstance(value, types) and (bool in types or not isinstance(value, bool))
            )
        case _:
            return True


def _has_keys(item: Json, node: Node) -> bool:
    return isinstance(item, dict) and all(
        item.get(key) is not None
        or ((field := node.element.field(key)) is not None and field.default is not ABSENT)
        for key in node.keys
    )
