"""Whether the API server can read an object by its own schema, and so keep its managedFields."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadsman.compare.nodes import ListType, Shape
from leadsman.model.finding import ABSENT

if TYPE_CHECKING:
    from leadsman.compare.nodes import Node
    from leadsman.model.json import Json


def is_tracked(live: Json, node: Node) -> bool:
    """Tell whether the API server still notes who writes to an object.

    An element without the key that tells it apart cannot be named in managedFields. The API server
    stores it all the same, and from then on leaves managedFields as they were, whoever writes.
    Source: ``FieldManager.UpdateNoErrors`` in apimachinery's ``pkg/util/managedfields``.
    """
    todo = [(live, node)]
    while todo:
        value, known = todo.pop()
        if isinstance(value, dict):
            for key, item in value.items():
                field = known.field(key)
                if field is not None and isinstance(item, dict | list):
                    todo.append((item, field.node))
        elif isinstance(value, list) and known.shape is Shape.LIST:
            if known.list_type is ListType.MAP and not all(
                _has_keys(item, known) for item in value
            ):
                return False
            todo += [(item, known.element) for item in value if isinstance(item, dict | list)]
    return True


def _has_keys(item: Json, node: Node) -> bool:
    return isinstance(item, dict) and all(
        item.get(key) is not None
        or ((field := node.element.field(key)) is not None and field.default is not ABSENT)
        for key in node.keys
    )
