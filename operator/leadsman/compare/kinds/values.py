"""When two scalars mean the same, whatever their bytes."""

from __future__ import annotations

import binascii
import re
from base64 import b64decode
from datetime import UTC, datetime
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from leadsman.compare.kinds.quantity import parse_duration, parse_quantity

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from leadsman.model.json import Json


class Format(Enum):
    """How a scalar is to be read."""

    PLAIN = "plain"
    QUANTITY = "quantity"
    RESOURCE = "resource"  # a quantity in a resource list, which is stored in whole milli units
    INT_OR_STRING = "int-or-string"
    DURATION = "duration"
    SECONDS = "seconds"  # a date-time that is stored in whole seconds
    INSTANT = "instant"
    BYTES = "bytes"


_INSTANT = re.compile(
    r"(\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d)(?:\.(\d+))?([Zz]|[+-]\d\d:\d\d)", re.ASCII
)


def same_scalar(one: Json, other: Json, form: Format) -> bool:
    """Tell whether two scalars of a format mean the same.

    What the format cannot read is compared as it is written. ``true`` is never ``1``.
    """
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if one == other:
        return True
    if isinstance(one, int | float) and isinstance(other, int | float) and _same_float(one, other):
        return True
    read = _READERS.get(form)
    if read is None or not isinstance(one, _SCALARS) or not isinstance(other, _SCALARS):
        return False
    meaning = read(one)
    return meaning is not None and meaning == read(other)


def _same_float(one: float, other: float) -> bool:
    """Tell whether two numbers that no int64 holds are read as the same float."""
    try:
        return max(abs(one), abs(other)) >= _NO_INT64 and float(one) == float(other)
    except OverflowError:
        return False


_SCALARS = (str, int, float)
_NO_INT64 = 2**63


def is_zero(value: Json, form: Format) -> bool:
    """Tell whether a scalar is its type's zero: what Go leaves out where ``omitempty`` is set."""
    if form is Format.QUANTITY and isinstance(value, str):
        return not value or parse_quantity(value) == 0
    return value is False or value in {0, ""}


def same_type(one: Json, other: Json) -> bool:
    """Tell whether two equal documents also agree in where they say true and where 1."""
    todo = [(one, other)]
    while todo:
        one, other = todo.pop()
        if isinstance(one, dict):
            todo += [(value, other[key]) for key, value in one.items()]
        elif isinstance(one, list):
            todo += zip(one, other, strict=True)
        elif isinstance(one, bool) is not isinstance(other, bool):
            return False
    return True


def _text(value: Json) -> str:
    return value if isinstance(value, str) else repr(value)


def _quantity(value: Json) -> int | None:
    return parse_quantity(_text(value))


def _resource(value: Json) -> int | None:
    return parse_quantity(_text(value), digits=3)


def _duration(value: Json) -> int | None:
    return parse_duration(value) if isinstance(value, str) else None


def _instant(value: Json) -> tuple[datetime, str] | None:
    """Return the second, and its fraction without what says nothing."""
    match = _INSTANT.fullmatch(value) if isinstance(value, str) else None
    if match is None:
        return None
    try:
        second = datetime.fromisoformat(f"{match[1]}{match[3]}".upper()).astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    return second, (match[2] or "").rstrip("0")


def _seconds(value: Json) -> datetime | None:
    instant = _instant(value)
    return instant and instant[0]


def decode_bytes(value: Json) -> bytes | None:
    """Decode base64 with or without padding and newlines, None for what is none."""
    if not isinstance(value, str):
        return None
    text = "".join(value.split()).rstrip("=")
    try:
        return b64decode(text + "=" * (-len(text) % 4), validate=True)
    except (binascii.Error, ValueError):
        return None


_READERS: Mapping[Format, Callable[[Json], Any]] = MappingProxyType(
    {
        Format.QUANTITY: _quantity,
        Format.RESOURCE: _resource,
        Format.INT_OR_STRING: _text,
        Format.DURATION: _duration,
        Format.SECONDS: _seconds,
        Format.INSTANT: _instant,
        Format.BYTES: decode_bytes,
    }
)
