"""Which element of a desired list is which of the live one."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING

import orjson

from leadsman.compare.paths import Item
from leadsman.model.finding import ABSENT

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Iterator, Sequence

    from leadsman.compare.nodes import Node
    from leadsman.model.json import Json


def pair_by_keys(
    desired: Sequence[Json], live: Sequence[Json], keys: Sequence[str], element: Node
) -> list[Item] | None:
    """Pair the elements of a list of type map, None where one of them is no object.

    A key that is not given is the schema's default, as a port's protocol. An element that comes
    more often than live (two variables of one name) is paired from the end: the API server lets
    the last one win, and drops the others when it merges.
    """
    wanted = _grouped(desired, keys, element)
    found = _grouped(live, keys, element)
    if wanted is None or found is None:
        return None
    items: list[Item] = []
    for key, indices in wanted.items():
        others = found.pop(key, ())
        named = tuple(zip(keys, key, strict=True))
        if not others:
            items.extend(Item(-1, index, named) for index in indices)
            continue
        paired = min(len(indices), len(others))
        items.extend(
            Item(one, other, named)
            for one, other in zip(others[-paired:], indices[-paired:], strict=True)
        )
        items.extend(Item(index, -1, named) for index in others[: len(others) - paired])
    for key, others in found.items():
        named = tuple(zip(keys, key, strict=True))
        items.extend(Item(index, -1, named) for index in others)
    return items


def _grouped(
    elements: Sequence[Json], keys: Sequence[str], element: Node
) -> dict[tuple[Json, ...], list[int]] | None:
    groups: dict[tuple[Json, ...], list[int]] = {}
    defaults = []
    for key in keys:
        field = element.field(key)
        defaults.append(None if field is None or field.default is ABSENT else field.default)
    for index, item in enumerate(elements):
        if not isinstance(item, dict):
            return None
        values = tuple(
            item.get(key) or default for key, default in zip(keys, defaults, strict=True)
        )
        try:
            groups.setdefault(values, []).append(index)
        except TypeError:
            return None
    return groups


def pair_by_value(desired: Sequence[Json], live: Sequence[Json]) -> Iterator[Item]:
    """Pair the elements of a set; how often one comes says nothing."""
    found = {_hashable(value): index for index, value in enumerate(live)}
    seen: set[Hashable] = set()
    for index, value in enumerate(desired):
        key = _hashable(value)
        if key not in seen:
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
