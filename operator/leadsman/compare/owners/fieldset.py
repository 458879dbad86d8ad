"""Trees of fields as managedFields have them: can one be read, and is all of it in an object?

Source: structured-merge-diff, ``fieldpath/serialize.go`` and ``serialize-pe.go``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from leadsman.model.finding import ABSENT

if TYPE_CHECKING:
    from leadsman.model.json import Json, JsonObject

_SELF = "."


def is_readable(fields: JsonObject) -> bool:
    """Tell whether every key of a tree says what it is about, and every value is a tree."""
    todo = [fields]
    while todo:
        for key, below in todo.pop().items():
            if not isinstance(below, dict) or not _is_known(key):
                return False
            todo.append(below)
    return True


def _is_known(key: str) -> bool:
    prefix, rest = key[:2], key[2:]
    if prefix == "k:":
        return isinstance(decoded(rest), dict)
    if prefix == "v:":
        return decoded(rest) is not ABSENT
    return key == _SELF or prefix == "f:" or (prefix == "i:" and rest.isdecimal())


def all_there(fields: JsonObject, value: Json) -> bool:
    """Tell whether an object has every place of a tree."""
    todo: list[tuple[JsonObject, Json]] = [(fields, value)]
    while todo:
        fields, value = todo.pop()
        for key, below in fields.items():
            if key == _SELF:
                continue
            found = _member(value, key)
            if found is ABSENT:
                return False
            if isinstance(below, dict) and below:
                todo.append((below, found))
    return True


def _member(value: Json, key: str) -> Json:
    """Return what a key of a tree stands for; what cannot be told is taken for null."""
    prefix, rest = key[:2], key[2:]
    if prefix == "f:":
        return value.get(rest, ABSENT) if isinstance(value, dict) else ABSENT
    if not isinstance(value, list):
        return ABSENT
    wanted = decoded(rest)
    if prefix == "v:":
        return wanted if wanted in value else ABSENT
    if prefix == "k:" and isinstance(wanted, dict):
        for element in value:
            if isinstance(element, dict) and _is_named(element, wanted):
                return element
        return ABSENT
    return None


def _is_named(element: JsonObject, names: JsonObject) -> bool:
    """Tell whether an element has these keys; the version that was read may not write a default."""
    return not names.keys().isdisjoint(element) and all(
        element.get(key, wanted) == wanted for key, wanted in names.items()
    )


def decoded(text: str) -> Json:
    """Read what stands in a key, ABSENT for what is no JSON."""
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return ABSENT
