"""Change an object without touching the one that is given.

Where a field is missing or of another type than it ought to have, the object is returned as it is.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from leadsman.model.json import JsonObject


def in_spec(body: JsonObject, change: Callable[[JsonObject], JsonObject]) -> JsonObject:
    """Return an object with its ``spec`` changed."""
    return within(body, "spec", change)


def within(owner: JsonObject, name: str, change: Callable[[JsonObject], JsonObject]) -> JsonObject:
    """Return an object with one of its objects changed, if it has that."""
    value = owner.get(name)
    return {**owner, name: change(value)} if isinstance(value, dict) else owner


def each(owner: JsonObject, name: str, change: Callable[[JsonObject], JsonObject]) -> JsonObject:
    """Return an object with every object of one of its lists changed."""
    items = owner.get(name)
    if not isinstance(items, list):
        return owner
    return {**owner, name: [change(item) if isinstance(item, dict) else item for item in items]}


def without(owner: JsonObject, *names: str) -> JsonObject:
    """Return an object without some of its fields."""
    return {name: value for name, value in owner.items() if name not in names}


def renamed(owner: JsonObject, old: str, new: str) -> JsonObject:
    """Return an object with a field under another name, in the same place."""
    return {new if name == old else name: value for name, value in owner.items()}
