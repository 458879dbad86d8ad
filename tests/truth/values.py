"""Values to put into fields: those that real manifests have there, variations, and made ones."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

from truth.places import GONE, Place, places

if TYPE_CHECKING:
    import random

    from truth.apitypes import Type

_DEEPEST = 6
_SAMPLES: dict[str, list[Any]] = {
    "boolean": [True, True, True, False],
    "integer": [1, 2, 30, 0],
    "number": [1.5],
    "string": ["truth"],
    "quantity": ["64Mi"],
    "int-or-string": [8099],
    "byte": ["dHJ1dGg="],
    "date-time": ["2031-02-03T04:05:06Z"],
    # Such as a chart's values, in which nothing and empty are words.
    "any": ["truth", None, [], {}, 0, False],
}
_OTHERS: dict[str, list[Any]] = {
    "quantity": ["123m", "77Mi", "3", "1500m", "2Gi"],
    "int-or-string": ["10%", "55%", 8099, "http-x"],
    "date-time": ["2031-02-03T04:05:06Z"],
    "byte": ["dHJ1dGg=", "AAEC", "dHJ1dGg6IHllcwo="],
}


class Bank:
    """Values that real manifests have in each field, to take other ones from."""

    def __init__(self) -> None:
        self._values: defaultdict[str, dict[str, Any]] = defaultdict(dict)

    def learn(self, document: dict[str, Any], root: Type) -> None:
        """Take in all values of an object."""
        for place in places(document, document, root):
            if place.tokens and not isinstance(place.tokens[-1], int):
                self._keep(field_of(place), place.value)

    def _keep(self, field: str, value: Any) -> None:
        known = self._values[field]
        text = repr(value)
        if len(known) < 30 and len(text) < 2000:
            known[text] = value

    def values(self, field: str) -> list[Any]:
        """Return what was seen in a field."""
        return list(self._values.get(field, {}).values())


def field_of(place: Place) -> str:
    """Return the name under which the values of a field are kept."""
    # A component's own name says nothing of the field that it stands in.
    return f"{place.type.name}|{place.tokens[-1]}"


def varied(value: Any, kind: str, rng: random.Random) -> Any:
    """Return another value of the same type, GONE where none comes to mind."""
    if isinstance(value, bool):
        return not value
    if kind in _OTHERS:
        own = [str(value)] if kind == "int-or-string" and isinstance(value, int) else []
        return rng.choice([*_OTHERS[kind], *own])
    if isinstance(value, int | float):
        return value + rng.choice([1, 1, 2, 10])
    if isinstance(value, str):
        return rng.choice([f"{value}-x", f"{value}x", value[:-1], "truth", f"{value}/truth"])
    return GONE


def made(field: Type, rng: random.Random, depth: int = 0) -> Any:
    """Return some value of a type, GONE for a type that needs more thought."""
    kind = field.kind
    if kind in _SAMPLES:
        return rng.choice(field.schema.get("enum") or _SAMPLES[kind])
    if depth > _DEEPEST:
        return GONE
    if kind == "object":
        return _made_object(field, rng, depth)
    if kind not in {"map", "list"}:
        return GONE
    inside = field.element if kind == "list" else field.field("truth")
    value = made(inside, rng, depth + 1)
    if value is GONE:
        return GONE
    return [value] if kind == "list" else {"truth": value}


def _made_object(field: Type, rng: random.Random, depth: int) -> Any:
    required = field.schema.get("required") or []
    names = list(required) or [name for name in field.properties if rng.random() < 0.2]
    fields = {}
    for name in names[:8]:
        child = field.field(name)
        value = made(child, rng, depth + 1)
        if value is GONE and name in required:
            return GONE
        if value is not GONE:
            fields[name] = value
    return fields or GONE
