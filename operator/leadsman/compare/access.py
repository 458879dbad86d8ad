"""Look into documents whose shape nobody has checked."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from leadsman.model.json import Json, JsonObject


def mapping(value: Json) -> JsonObject:
    """Return an object, or an empty one for what is none."""
    return value if isinstance(value, dict) else {}


def objects(value: Json) -> list[JsonObject]:
    """Return the objects of a list, none for what is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []
