"""What it shows that somebody owns a field that is not there: was it ever stored?"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from leadsman.compare.access import mapping
from leadsman.compare.kinds.emptiness import drops_empty
from leadsman.compare.kinds.nodes import UNTYPED, Field, Origin, Shape
from leadsman.compare.paths import Item
from leadsman.model.json import Json, JsonObject

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leadsman.compare.owners.ownership import Owner
    from leadsman.compare.walk import Difference

# What is owned of a place, Git's value there, and what the place is.
_Part: TypeAlias = tuple[JsonObject, Json, Field]


def was_stored(owner: Owner, difference: Difference) -> bool:
    """Tell whether an owner's fields show that it sent something of a place that is stored.

    By Update, one owns what was stored. Who applies owns all that it sent, what is left out as
    empty too, be it a zero, an empty list, or a struct without fields.
    """
    is_applied = owner.entry.operation == "Apply"
    is_element = isinstance(difference.steps[-1], Item)
    if owner.exact and (not is_applied or is_element):
        return True
    whole: _Part = (owner.below, difference.desired, difference.field)
    # Of an element that it does not own itself, it may have sent a part before it was removed.
    todo: list[_Part] = [*_inside(*whole)] if is_element else [whole]
    while todo:
        owned, value, field = todo.pop()
        keys = owned.keys() - {"."}
        if not keys:
            if value and not (is_applied and _may_be_left_out(value, field)):
                return True
        elif field.node.shape is Shape.MAP or not all(key.startswith("f:") for key in keys):
            return True  # Keys and elements are stored with whatever they have.
        elif not drops_empty(field):
            return True  # as is a struct, if anything in it is given
        else:
            todo += _inside(owned, value, field)
    return False


def _inside(
    owned: JsonObject, value: Json, field: Field
) -> Iterator[tuple[JsonObject, Json, Field]]:
    """Yield the fields in a place: what is owned of each, Git's value, and what it is."""
    for key, below in owned.items():
        if key.startswith("f:"):
            name = key.removeprefix("f:")
            yield mapping(below), mapping(value).get(name), field.node.field(name) or UNTYPED


def _may_be_left_out(value: Json, field: Field) -> bool:
    """Tell whether another value than Git's may have been sent of a field, and not be stored."""
    is_struct = isinstance(value, dict | list) and field.node.origin is Origin.GO
    return is_struct or drops_empty(field)
