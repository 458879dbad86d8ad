"""One place in an object, as RFC 6901 and as the API server write it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import orjson

from leadsman.model.finding import ABSENT

if TYPE_CHECKING:
    from collections.abc import Iterable

    from leadsman.model.json import Json


@dataclass(frozen=True, slots=True)
class Item:
    """A step into a list.

    ``live`` and ``desired`` are the element's indices, -1 where it is not there. ``keys`` are what
    tells it apart in a list of type map, ``value`` what does in a set.
    """

    live: int
    desired: int
    keys: tuple[tuple[str, Json], ...] = ()
    value: Json = ABSENT

    @property
    def index(self) -> int:
        """The live object's index where the element is there, else the desired one's."""
        return self.desired if self.live < 0 else self.live


Step: TypeAlias = "str | Item"
Steps: TypeAlias = tuple[Step, ...]


def tokens(steps: Iterable[Step]) -> tuple[str, ...]:
    """Return the reference tokens of a JSON pointer, unescaped."""
    return tuple(step if isinstance(step, str) else str(step.index) for step in steps)


def pointer(steps: Iterable[Step]) -> str:
    """Write a JSON pointer (RFC 6901)."""
    return "".join("/" + token.replace("~", "~0").replace("/", "~1") for token in tokens(steps))


def field_path(steps: Iterable[Step]) -> str:
    """Write a path as in the API server's conflict messages.

    Source: structured-merge-diff, ``fieldpath/element.go``.
    """
    return "".join(f".{step}" if isinstance(step, str) else _element(step) for step in steps)


def _element(step: Item) -> str:
    if step.keys:
        return f"[{','.join(f'{name}={_json(value)}' for name, value in step.keys)}]"
    if step.value is not ABSENT:
        return f"[={_json(step.value)}]"
    return f"[{step.index}]"


def _json(value: Json) -> str:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()
