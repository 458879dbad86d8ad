"""YAML as Go writes it, byte for byte: what is built can be told by its hash.

kustomize and Flux write objects by ``sigs.k8s.io/yaml``, that is Go's yaml.v2, whose emitter is a
port of libyaml's. So libyaml writes here, and what is decided before is decided as in Go. A text
that begins with a byte order mark, which Go's port escapes as a whole, is written otherwise.

Source: ``encode.go``, ``sorter.go`` and ``resolve.go`` of go.yaml.in/yaml/v2.
"""

from __future__ import annotations

import math
import re
from datetime import datetime
from decimal import Decimal
from functools import cmp_to_key
from typing import TYPE_CHECKING, Final, TypeVar

import yaml

from leadsman.render.scalars import resolve

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from leadsman.model.json import Json

_Ordered = TypeVar("_Ordered", int, str, "tuple[int, int, str]")

_BASE_60: Final = re.compile(r"[-+]?[0-9][0-9_]*(?::[0-5]?[0-9])+(?:\.[0-9_]*)?", re.ASCII)
_TIME: Final = re.compile(
    r"([0-9]{4})-([0-9]{1,2})-([0-9]{1,2})"
    r"(?:(?:[Tt]|( ))([0-9]{1,2}):([0-9]{1,2}):([0-9]{1,2})(?:[.,][0-9]+)?"
    r"(?(4)|(?:Z|[-+]([0-9]{2}):([0-9]{2}))))?",
    re.ASCII,
)
# From where on a text is broken at its next space.
_WIDTH: Final = 80
_END: Final = b"\n...\n"
# As with C's %g, smaller and larger exponents are written out.
_EXPONENT_BELOW: Final = -4
_EXPONENT_FROM: Final = 6


def dump(value: Json) -> bytes:
    """Write one document; what JSON can say is taken, floats as they are."""
    text = yaml.emit(
        _stream(value),
        Dumper=yaml.CSafeDumper,
        allow_unicode=True,
        width=_WIDTH,
    )
    data = str(text).encode()
    # libyaml closes a text whose last line breaks count; Go does not.
    return data[: -len(_END) + 1] if data.endswith(_END) else data


def _stream(value: Json) -> Iterator[yaml.Event]:
    yield yaml.StreamStartEvent()
    yield yaml.DocumentStartEvent(explicit=False)
    yield from _events(value)
    yield yaml.DocumentEndEvent(explicit=False)
    yield yaml.StreamEndEvent()


def _events(value: Json) -> Iterator[yaml.Event]:
    if isinstance(value, dict):
        yield yaml.MappingStartEvent(None, None, implicit=True, flow_style=False)
        for key in sorted_keys(value):
            yield _scalar(key)
            yield from _events(value[key])
        yield yaml.MappingEndEvent()
    elif isinstance(value, list):
        yield yaml.SequenceStartEvent(None, None, implicit=True, flow_style=False)
        for item in value:
            yield from _events(item)
        yield yaml.SequenceEndEvent()
    else:
        yield _scalar(value)


def _scalar(value: Json) -> yaml.Event:
    style = None
    match value:
        case None:
            text = "null"
        case bool():
            text = "true" if value else "false"
        case float():
            text = float_text(value)
        case str():
            text = value
            if "\n" in text:
                style = "|"
            elif not _is_plain(text):
                style = '"'
        case _:
            text = str(value)
    return yaml.ScalarEvent(None, None, (True, True), text, style=style)


def _is_plain(text: str) -> bool:
    """Tell whether a text is read as one without quotes, by Go and by other readers."""
    return isinstance(resolve(text), str) and not (_BASE_60.fullmatch(text) or _is_time(text))


def _is_time(text: str) -> bool:
    found = _TIME.fullmatch(text)
    if found is None:
        return False
    year, month, day, _, hour, minute, second, east, past = found.groups()
    try:
        datetime(  # noqa: DTZ001 - only whether there is such a time
            int(year) or 4, int(month), int(day), int(hour or 0), int(minute or 0), int(second or 0)
        )
    except ValueError:
        return False
    return int(east or 0) <= 24 and int(past or 0) < 60  # noqa: PLR2004 - hours and minutes


def float_text(value: float) -> str:
    """Write a float like Go's ``strconv.FormatFloat(value, 'g', -1, 64)``, in YAML's words."""
    if math.isnan(value):
        return ".nan"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    sign, digits, power = Decimal(repr(value)).normalize().as_tuple()
    assert isinstance(power, int)  # noqa: S101 - it is finite
    minus, figures = "-" * sign, "".join(map(str, digits))
    exponent = len(figures) - 1 + power
    if not any(digits):
        return f"{minus}0"
    if _EXPONENT_BELOW <= exponent < _EXPONENT_FROM:
        return minus + format(Decimal(figures).scaleb(power), "f")
    fraction = f".{figures[1:]}" if len(figures) > 1 else ""
    return f"{minus}{figures[0]}{fraction}e{'-' if exponent < 0 else '+'}{abs(exponent):02d}"


def sorted_keys(keys: Iterable[str]) -> list[str]:
    """Return keys in the order in which Go's encoder writes them: numbers in them by their size."""
    return sorted(keys, key=cmp_to_key(_compare))


def _compare(one: str, other: str) -> int:
    for at, (mine, theirs) in enumerate(zip(one, other, strict=False)):
        if mine == theirs:
            continue
        letters = mine.isalpha(), theirs.isalpha()
        if all(letters):
            return _order(mine, theirs)
        if any(letters):
            return -1 if letters[1] else 1
        return _compare_numbers(one, other, at)
    return _order(len(one), len(other))


def _compare_numbers(one: str, other: str, at: int) -> int:
    """Compare from where two keys differ, in what is no letter in either."""
    start = 0
    if "0" in (one[at], other[at]):
        before = at - 1
        while before >= 0 and one[before].isdecimal():
            if one[before] != "0":
                start = 1
                break
            before -= 1
    (mine, end), (theirs, other_end) = (_number(text, at, start) for text in (one, other))
    return _order((mine, end, one[at]), (theirs, other_end, other[at]))


def _number(text: str, at: int, start: int) -> tuple[int, int]:
    number = start
    while at < len(text) and text[at].isdecimal():
        number = _wrapped(number * 10 + ord(text[at]) - ord("0"))
        at += 1
    return number, at


def _wrapped(number: int) -> int:
    """Return a number as 64 bits with a sign hold it."""
    return (number + (1 << 63)) % (1 << 64) - (1 << 63)


def _order(one: _Ordered, other: _Ordered) -> int:
    return 0 if one == other else (-1 if one < other else 1)
