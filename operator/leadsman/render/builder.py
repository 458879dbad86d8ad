"""Build values from libyaml's events by the rules of Go's yaml.v2.

Unlike PyYAML's constructor it recurses nowhere, lets an anchor be defined again, lets a merge key
override what stands before it, and tells duplicate keys with their line.

Source: ``decode.go`` of yaml.v2.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TYPE_CHECKING, Any

import yaml

from leadsman.render.messages import shorten
from leadsman.render.scalars import (
    TAG_PREFIX,
    key_text,
    normal_number,
    resolve,
    resolve_tagged,
)

if TYPE_CHECKING:
    from leadsman.model.json import Json
    from leadsman.render.allowance import Allowance

# orjson, which writes what is read here, refuses more than 254 levels.
MAX_DEPTH = 200

OnDuplicate = Callable[[int, str], None]

_MERGE = "<<"
_MERGE_TAG = TAG_PREFIX + "merge"
_NOT_MERGEABLE = "a merge key takes a mapping or a list of mappings"

# Go's measure against aliases that unfold into more than memory holds: what they may make up of
# all decoded nodes sinks from 99 to 10 percent between these numbers of nodes.
_ALIASES_FREE = 100
_NODES_FREE = 1000
_NODES_LOW = 400_000
_NODES_HIGH = 4_000_000
_SHARE_SMALL = 0.99
_SHARE_LARGE = 0.10


class _Sign(Enum):
    """What stands where a key or an anchor's value is not, or not yet."""

    NONE = 0
    MERGE = 1


class YamlError(ValueError):
    """A stream that Kubernetes cannot read; ``line`` counts from 1.

    ``reason`` is that of the error to be told, where it is another than the reader's own.
    """

    def __init__(self, line: int, problem: str, reason: str = "") -> None:
        problem = shorten(problem)
        super().__init__(f"line {line}: {problem}")
        self.line = line
        self.problem = problem
        self.reason = reason


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not been seen.

    ``key`` is the mapping's key whose value comes next, ``merged`` the keys that only a merge has
    set so far, ``nodes`` and ``text`` how many nodes and characters had been read before it.
    """

    value: list[Json] | dict[str, Json]
    anchor: str | None
    nodes: int
    text: int
    line: int
    key: str | _Sign = _Sign.NONE
    merged: frozenset[str] = frozenset()


class Builder:
    """Builds the value of one document, event by event.

    ``first_line`` is the number of the line that libyaml counts as 0. ``value`` is the document's
    once its last event was fed, ``line`` where its content begins. ``allowance`` is taken from.
    """

    def __init__(self, first_line: int, on_duplicate: OnDuplicate, allowance: Allowance) -> None:
        self.value: Json = None
        self.line = 0
        self._first_line = first_line
        self._on_duplicate = on_duplicate
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Json, int, int]] = {}
        self._allowance = allowance
        self._nodes = 0
        self._text = 0
        self._aliased = 0

    def feed(self, event: Any) -> None:
        """Take the next event between the document's start and its end.

        Raises YamlError.
        """
        kind = type(event)
        if kind is yaml.ScalarEvent:
            self._scalar(event)
        elif kind is yaml.MappingStartEvent:
            self._start({}, event)
        elif kind is yaml.SequenceStartEvent:
            self._start([], event)
        elif kind is yaml.AliasEvent:
            self._alias(event)
        else:
            done = self._open.pop()
            if done.anchor is not None:
                nodes, text = self._nodes - done.nodes, self._text - done.text
                self._anchors[done.anchor] = done.value, nodes, text
            self._place(done.value, done.line)

    def _count(self, nodes: int, text: int, event: Any) -> None:
        self._nodes += nodes
        self._text += text
        try:
            self._allowance.take(nodes, text)
        except ValueError as error:
            raise YamlError(self._line_of(event), str(error), "RenderTooLarge") from None

    def _line_of(self, event: Any) -> int:
        return int(event.start_mark.line) + self._first_line

    def _awaits_key(self) -> bool:
        return (
            bool(self._open)
            and type(self._open[-1].value) is dict
            and self._open[-1].key is _Sign.NONE
        )

    def _scalar(self, event: Any) -> None:
        text: str = event.value
        self._count(1, len(text), event)
        tag: str | None = event.tag
        line = self._line_of(event)
        is_plain: bool = event.implicit[0]
        if tag is not None:
            try:
                value = resolve_tagged(tag, text)
            except ValueError as error:
                raise YamlError(line, str(error)) from None
        else:
            value = resolve(text) if is_plain else text
        if event.anchor is not None:
            self._anchors[event.anchor] = value, 1, len(text)
        if text == _MERGE and (is_plain or tag == _MERGE_TAG) and self._awaits_key():
            self._open[-1].key = _Sign.MERGE
        else:
            self._place(value, line)

    def _start(self, value: list[Json] | dict[str, Json], event: Any) -> None:
        line = self._line_of(event)
        if self._awaits_key():
            raise YamlError(line, "a list or mapping cannot be the key of a mapping")
        if len(self._open) >= MAX_DEPTH:
            raise YamlError(line, f"nested deeper than {MAX_DEPTH} levels")
        if event.anchor is not None:
            # Known from here on, so that an alias inside itself is told from an unknown one.
            self._anchors[event.anchor] = _Sign.NONE, 0, 0
        self._open.append(_Open(value, event.anchor, self._nodes, self._text, line))
        self._count(1, 0, event)

    def _alias(self, event: Any) -> None:
        line = self._line_of(event)
        try:
            value, nodes, text = self._anchors[event.anchor]
        except KeyError:
            raise YamlError(line, f"unknown anchor '{event.anchor}'") from None
        if value is _Sign.NONE:
            raise YamlError(line, f"the value of anchor '{event.anchor}' contains itself")
        self._count(1 + nodes, text, event)
        self._aliased += nodes
        if self._aliased > _ALIASES_FREE and self._nodes > _NODES_FREE:
            large = min(max(self._nodes - _NODES_LOW, 0) / (_NODES_HIGH - _NODES_LOW), 1.0)
            if self._aliased / self._nodes > _SHARE_SMALL - (_SHARE_SMALL - _SHARE_LARGE) * large:
                raise YamlError(line, "the document's aliases unfold into too much")
        if self._open and self._open[-1].key is _Sign.MERGE and not isinstance(value, dict):
            raise YamlError(line, _NOT_MERGEABLE)
        self._place(value, line)

    def _place(self, value: Json, line: int) -> None:
        """Put a finished node where it belongs: it is the document, an item, a key or its value."""
        if not self._open:
            self.value, self.line = self._value(value, line), line
            return
        inner = self._open[-1]
        container = inner.value
        if isinstance(container, list):
            container.append(self._value(value, line))
        elif inner.key is _Sign.NONE:
            inner.key = self._key(inner, value, line)
        elif inner.key is _Sign.MERGE:
            _merge(inner, value, line)
            inner.key = _Sign.NONE
        else:
            container[inner.key] = self._value(value, line)
            inner.key = _Sign.NONE

    def _key(self, inner: _Open, value: Json, line: int) -> str:
        try:
            key = key_text(value)
        except ValueError as error:
            raise YamlError(line, str(error)) from None
        if key in inner.value:
            if key in inner.merged:
                inner.merged -= {key}
            else:
                self._on_duplicate(line, key)
        return key

    @staticmethod
    def _value(value: Json, line: int) -> Json:
        if type(value) is not float and type(value) is not int:
            return value
        try:
            return normal_number(value)
        except ValueError as error:
            raise YamlError(line, str(error)) from None


def _merge(inner: _Open, value: Json, line: int) -> None:
    """Set the value's keys, also those that are set already: that is how yaml.v2 does it."""
    maps = value if isinstance(value, list) else [value]
    if not all(isinstance(item, dict) for item in maps):
        raise YamlError(line, _NOT_MERGEABLE)
    target = inner.value
    assert isinstance(target, dict)  # noqa: S101 - only a mapping has keys
    for item in reversed(maps):
        inner.merged |= item.keys() - target.keys()
        target.update(item)
