"""A place of a live object in a manifest of it as it was sent, without what is filled in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadsman.model.finding import ABSENT

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leadsman.compare.paths import Item, Step, Steps
    from leadsman.model.json import Json


def at(value: Json, steps: Steps) -> Json:
    """Return what is at a place, ABSENT if nothing."""
    for step in steps:
        value = _member(value, step)
        if value is ABSENT:
            break
    return value


def _member(value: Json, step: Step) -> Json:
    """Take one step into a manifest as it was applied, in which defaults are not written."""
    if isinstance(step, str):
        return value.get(step, ABSENT) if isinstance(value, dict) else ABSENT
    for element in _candidates(value, step):
        return element
    return ABSENT


def _candidates(value: Json, item: Item) -> Iterator[Json]:
    elements = value if isinstance(value, list) else []
    if item.keys:
        for element in elements:
            if isinstance(element, dict) and all(
                element.get(name, wanted) == wanted for name, wanted in item.keys
            ):
                yield element
    elif item.value is not ABSENT:
        yield from (element for element in elements if element == item.value)
    elif item.index < len(elements):
        yield elements[item.index]
