"""What says nothing: null, zero and empty, as each place's type has it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadsman.compare.kinds.nodes import Origin, Shape
from leadsman.compare.kinds.values import is_zero

if TYPE_CHECKING:
    from leadsman.compare.kinds.nodes import Field, Node
    from leadsman.model.json import Json


def is_absent(value: Json, field: Field) -> bool:
    """Tell whether a desired value means the same as no value."""
    if value is None:
        return is_open(None, field)
    if not drops_empty(field):
        return False
    if isinstance(value, dict) and field.node.shape is not Shape.MAP:
        return all(
            item is None or child is None or is_absent(item, child)
            for child, item in ((field.node.field(key), item) for key, item in value.items())
        )
    return is_empty(value, field.node)


def is_open(value: Json, field: Field) -> bool:
    """Tell whether a desired value specifies nothing."""
    if value is None:
        return not (field.nullable and field.node.origin is Origin.CUSTOM)
    if isinstance(value, dict) and field.node.shape is Shape.OBJECT:
        return False
    return drops_empty(field) and is_empty(value, field.node)


def is_null_entry(desired: Json, live: Json, node: Node) -> bool:
    """Tell whether a map of Go's has the zero that null is decoded to, as for ``label:``."""
    is_map = node.origin is Origin.GO and node.shape is Shape.MAP
    return desired is None and is_map and live == ""


def drops_empty(field: Field) -> bool:
    """Tell whether the API server leaves out what is empty, or may do so."""
    origin = field.node.origin
    return origin is Origin.UNKNOWN or (origin is Origin.GO and not field.keeps_zero)


def is_empty(value: Json, node: Node) -> bool:
    """Tell whether a value is an empty collection or a zero that Go would leave out."""
    if isinstance(value, dict | list):
        return not value
    return node.origin is Origin.GO and is_zero(value, node.format)
