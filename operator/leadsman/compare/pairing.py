"""Which element of a desired list is which of the live one."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, TypeAlias

import orjson

from leadsman.compare.kinds.nodes import Origin
from leadsman.compare.paths import Item
from leadsman.model.finding import ABSENT

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Sequence

    from leadsman.compare.kinds.nodes import Node
    from leadsman.model.json import Json


def pair_by_keys(
    desired: Sequence[Json], live: Sequence[Json], keys: Sequence[str], element: Node
) -> list[Item] | None:
    """Pair the elements of a list of type map, None where one of them is no object.

    A key that is not given is the schema's default, as a port's protocol. An element that comes
    more often than live (two variables of one name) is paired from the end: the API server lets
    the last one win, and drops the others when it merges.
    """
    fields = [element.field(key) for key in keys]
    defaults = [
        None if field is None or field.default is ABSENT else field.default for field in fields
    ]
    keeps = element.origin is Origin.CUSTOM
    wanted = _identities(desired, keys, defaults, keeps=keeps)
    found = _identities(live, keys, defaults, keeps=keeps)
    if wanted is None or found is None:
        return None
    if wanted == found:
        return [
            Item(index, index, tuple(zip(keys, identity, strict=True)))
            for index, identity in enumerate(wanted)
            if element.is_loose or desired[index] != live[index]
        ]
    return list(_pair_groups(keys, _grouped(wanted), _grouped(found)))


_Identity: TypeAlias = tuple["Json", ...]


def _identities(
    elements: Sequence[Json], keys: Sequence[str], defaults: Sequence[Json], *, keeps: bool
) -> list[_Identity] | None:
    """Return what tells each element apart, None if one is no object or has no such thing.

    ``keeps``: a zero is a value like any other, as in custom resources.
    """
    if not all(isinstance(element, dict) for element in elements):
        return None
    if len(keys) == 1:
        key, default = keys[0], defaults[0]
        found = [(_part(element.get(key), default, keeps=keeps),) for element in elements]
    else:
        found = [
            tuple(
                _part(element.get(key), default, keeps=keeps)
                for key, default in zip(keys, defaults, strict=True)
            )
            for element in elements
        ]
    is_plain = all(not isinstance(part, dict | list) for identity in found for part in identity)
    return found if is_plain else None


def _part(value: Json, default: Json, *, keeps: bool) -> Json:
    return value if value or (keeps and value is not None) else default


def _grouped(identities: list[_Identity]) -> dict[_Identity, list[int]]:
    groups: dict[_Identity, list[int]] = {}
    for index, identity in enumerate(identities):
        groups.setdefault(identity, []).append(index)
    return groups


def _pair_groups(
    keys: Sequence[str],
    wanted: dict[_Identity, list[int]],
    found: dict[_Identity, list[int]],
) -> Iterator[Item]:
    for identity, indices in wanted.items():
        named = tuple(zip(keys, identity, strict=True))
        others = found.pop(identity, [])
        paired = min(len(indices), len(others))
        if not paired:
            yield from (Item(-1, index, named) for index in indices)
        for other in others[: len(others) - paired]:
            yield Item(other, -1, named)
        for offset in range(-paired, 0):
            yield Item(others[offset], indices[offset], named)
    for identity, others in found.items():
        named = tuple(zip(keys, identity, strict=True))
        yield from (Item(index, -1, named) for index in others)


def pair_by_value(
    desired: Sequence[Json],
    live: Sequence[Json],
    same: Callable[[Json, Json], bool] | None = None,
) -> Iterator[Item]:
    """Pair the elements of a set; how often one comes says nothing.

    ``same`` tells of two that are written otherwise whether they mean the same.
    """
    found = {_hashable(value): index for index, value in enumerate(live)}
    seen: set[Hashable] = set()
    for index, value in enumerate(desired):
        key = _hashable(value)
        if key in seen:
            continue
        seen.add(key)
        if key not in found and same is not None:
            alike = (each for each, at in found.items() if same(value, live[at]))
            key = next(alike, key)
            seen.add(key)
        yield Item(found.pop(key, -1), index, value=value)
    for key, index in found.items():
        if key not in seen:
            yield Item(index, -1, value=live[index])


def _hashable(value: Json) -> Hashable:
    return value if isinstance(value, str) else orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def pair_by_order(
    desired: Sequence[Json], live: Sequence[Json], same: Callable[[Json, Json], bool]
) -> Iterator[Item]:
    """Pair the elements of an atomic list by their place.

    Where the lengths differ, what is the same at both ends is paired first, so that one element
    that was put in or taken out is one difference.
    """
    wanted = deque(range(len(desired)))
    found = deque(range(len(live)))
    if len(wanted) != len(found):
        while wanted and found and same(desired[wanted[0]], live[found[0]]):
            wanted.popleft()
            found.popleft()
        while wanted and found and same(desired[wanted[-1]], live[found[-1]]):
            wanted.pop()
            found.pop()
    while wanted or found:
        yield Item(found.popleft() if found else -1, wanted.popleft() if wanted else -1)
