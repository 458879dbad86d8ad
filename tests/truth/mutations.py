"""Changes to make to a live object: one for each type of field and way to change it."""

from __future__ import annotations

import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from truth.places import GONE, Place, places
from truth.values import field_of, made, varied

if TYPE_CHECKING:
    import random
    from collections.abc import Iterable, Iterator

    from truth.apitypes import Type
    from truth.values import Bank

# Tokens of what many fields share that have nothing to do with each other: spec, labels.
_SHARED = 2
ACTIONS = ("change", "zero", "remove", "add", "reorder")
_LONGEST_COPY = 40_000


@dataclass(frozen=True, slots=True)
class Mutation:
    """One change: the JSON patch operation, and the place that it is about.

    ``place`` is that of what is changed, removed or reordered, or where the addition will be.
    """

    action: str
    place: Place
    operation: dict[str, Any]

    @property
    def tokens(self) -> tuple[str | int, ...]:
        """The place's tokens."""
        return self.place.tokens

    @property
    def field_type(self) -> str:
        """What kind of field it is about."""
        return self.place.type.kind

    @property
    def is_renaming(self) -> bool:
        """Whether it changes what tells an element of a list apart."""
        return self.place.is_key and self.action in {"change", "zero", "remove"}

    def __str__(self) -> str:
        return f"{self.action} {self.place.pointer} ({self.field_type}): {self.operation}"


def proposals(
    live: dict[str, Any], desired: dict[str, Any], root: Type, bank: Bank, rng: random.Random
) -> Iterator[Mutation]:
    """Yield changes to an object without end of ideas, each action as likely as another."""
    found: dict[str, list[Place]] = {action: [] for action in ACTIONS}
    for place in places(live, desired, root):
        for action in _possible(place):
            found[action].append(place)
    for candidates in found.values():
        rng.shuffle(candidates)
    actions = [action for action in ACTIONS if found[action]]
    while actions:
        action = rng.choice(actions)
        place = found[action].pop()
        if not found[action]:
            actions.remove(action)
        mutation = _mutation(action, place, bank, rng)
        if mutation is not None:
            yield mutation


def _possible(place: Place) -> Iterable[str]:
    value = place.value
    if isinstance(value, dict):
        if place.type.kind == "map" or (place.type.properties and place.tokens != ("metadata",)):
            yield "add"
        if not place.tokens and "labels" not in value.get("metadata", {}):
            yield "add"
    elif isinstance(value, list):
        yield "add"
        if len(value) > 1:
            yield "reorder"
    else:
        yield "change"
        yield "zero"
    if len(place.tokens) > 1:
        yield "remove"


def _mutation(action: str, place: Place, bank: Bank, rng: random.Random) -> Mutation | None:
    match action:
        case "remove":
            return Mutation(action, place, {"op": "remove", "path": place.pointer})
        case "reorder":
            mixed = list(place.value)
            rng.shuffle(mixed)
            return None if mixed == place.value else _replace(action, place, mixed)
        case "zero":
            zero = _zero(place.value)
            return None if zero == place.value else _replace(action, place, zero)
        case "change":
            other = _other(place, bank, rng)
            return None if other is GONE or other == place.value else _replace(action, place, other)
        case _:
            return _addition(place, bank, rng)


def _replace(action: str, place: Place, value: Any) -> Mutation:
    return Mutation(action, place, {"op": "replace", "path": place.pointer, "value": value})


def _zero(value: Any) -> Any:
    if isinstance(value, bool):
        return False
    return "" if isinstance(value, str) else 0


def _other(place: Place, bank: Bank, rng: random.Random) -> Any:
    seen = [value for value in bank.values(field_of(place)) if value != place.value]
    if seen and rng.random() < 0.5:
        return rng.choice(seen)
    return varied(place.value, place.type.kind, rng)


def _addition(place: Place, bank: Bank, rng: random.Random) -> Mutation | None:
    if isinstance(place.value, list):
        return _element(place, rng)
    if not place.tokens or place.tokens == ("metadata",):
        return _labels(place, rng)
    if place.type.kind == "map":
        key = rng.choice(["truth", "truth.example.com/added", "added.x", "a-b"])
        field = place.type.field(key)
        values = list(place.value.values())
        value = copy.deepcopy(rng.choice(values)) if values else made(field, rng)
        return _added(place, key, value)
    absent = [key for key in place.type.properties if key not in place.value]
    absent = [key for key in absent if place.tokens or key not in {"status", "metadata"}]
    if not absent:
        return None
    key = rng.choice(absent)
    field = place.type.field(key)
    seen = bank.values(f"{field.name}|{key}")
    value = copy.deepcopy(rng.choice(seen)) if seen else made(field, rng)
    return _added(place, key, value)


def _labels(place: Place, rng: random.Random) -> Mutation | None:
    metadata = place.value if place.tokens else place.value.get("metadata", {})
    name = rng.choice(["labels", "annotations"])
    if name in metadata:
        return None
    where = Place(("metadata", name), GONE, place.type, GONE, -1)
    value = {"truth.example.com/added": "yes"}
    return Mutation("add", where, {"op": "add", "path": where.pointer, "value": value})


def _added(place: Place, key: str, value: Any) -> Mutation | None:
    if value is GONE or value is None:
        return None
    where = Place((*place.tokens, key), GONE, place.type.field(key), GONE, place.unit)
    return Mutation("add", where, {"op": "add", "path": where.pointer, "value": value})


def _element(place: Place, rng: random.Random) -> Mutation | None:
    element = place.type.element
    if place.value and len(str(place.value[0])) < _LONGEST_COPY:
        value = copy.deepcopy(rng.choice(place.value))
        if isinstance(value, dict):
            for key in place.type.keys or ("name",):
                if key in value:
                    kind = element.field(key).kind
                    value[key] = varied(value[key], kind, rng)
        elif not isinstance(value, list):
            value = varied(value, element.kind, rng)
    else:
        value = made(element, rng)
    if value is GONE or value is None or value in place.value:
        return None
    index = len(place.value)
    where = Place((*place.tokens, index), GONE, element, GONE, place.unit)
    return Mutation("add", where, {"op": "add", "path": f"{place.pointer}/-", "value": value})


def apart(one: Mutation, other: Mutation) -> bool:
    """Tell whether two changes cannot get in each other's way."""
    shorter, longer = sorted((one.tokens, other.tokens), key=len)
    if longer[: len(shorter)] == shorter:
        return False
    common = 0
    for first, second in zip(shorter, longer, strict=False):
        if first != second:
            break
        common += 1
    if common >= len(shorter) - 1 > _SHARED:
        return False  # fields of one small struct often hang together, as a type and its options
    # In the same list, or in the same thing that is owned as a whole, indices and owners shift.
    if any(isinstance(token, int) for token in shorter[: common + 1]) or not common:
        return False
    return not any(0 <= whole <= common for whole in (one.place.unit, other.place.unit))
