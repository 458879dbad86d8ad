"""Strings and values made fit for a report, and what they weigh in the API server's JSON."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import orjson

from leadsman.report.lines import differ_at

if TYPE_CHECKING:
    from leadsman.model.json import Json

# A float with an exponent: the API server may write up to 20 digits where orjson writes "1e20".
_EXPONENT = re.compile(rb"\de")
# Of the brackets of a nested value; orjson gives up at 254, and nobody reads that deep.
_DEEPEST = 64
# A cut text also says how long it was: cutting by less would make it longer.
_SLACK = 80


def weight(raw: bytes) -> int:
    r"""Return the most bytes that the API server may need for this compact JSON.

    Go's encoding/json writes ``<``, ``>``, ``&`` and two line separators as ``\u003c`` and so on.
    """
    escaped = 5 * (raw.count(b"<") + raw.count(b">") + raw.count(b"&"))
    escaped += 3 * raw.count(b"\xe2\x80")
    return len(raw) + escaped + 20 * len(_EXPONENT.findall(raw))


def clean(text: str) -> str:
    """Replace what UTF-8 cannot carry: a file name or an author in Git is any bytes."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode("utf-8")


def short(text: str, limit: int) -> str:
    """Clean a text and shorten it to ``limit`` characters, an ellipsis at the end."""
    text = clean(text[: limit + 1])
    return text if len(text) <= limit else f"{text[: limit - 1]}…"


def cut_pair(desired: Json, live: Json, limit: int) -> tuple[Json, Json, int]:
    """Shorten two values to about ``limit`` characters each; also return how many were.

    A shortened value is a string: the JSON of what is no string itself, from the beginning and
    with its whole length. Of two long texts the beginning that both share gives way, or the two
    would read the same.
    """
    desired, live = _portable(desired, limit), _portable(live, limit)
    long = [isinstance(side, str) and len(side) > limit + _SLACK for side in (desired, live)]
    start = 0
    if all(long):
        same = differ_at(desired, live)
        # From the line's beginning, if that is near: half a line explains little.
        line = desired.rfind("\n", 0, same) + 1
        start = line if same - line < limit // 2 else same
    return (
        _cut(desired, start, limit) if long[0] else desired,
        _cut(live, start, limit) if long[1] else live,
        sum(long),
    )


def _cut(text: str, start: int, limit: int) -> str:
    head = f"[{start} equal characters] …" if start else ""
    return f"{head}{text[start : start + limit]}… [{len(text)} characters in all]"


def _portable(value: Json, limit: int) -> Json:
    """Return the value, or the text that stands for one that is too long or can't be written."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, dict | list):
        return _structure(value, limit)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if isinstance(value, int) and not -(2**63) <= value < 2**63:
        return str(value)
    return value


def _structure(value: Json, limit: int) -> Json:
    try:
        raw = orjson.dumps(value)
    except TypeError:
        return "[a value that cannot be shown]"
    brackets = raw.count(b"{") + raw.count(b"[")
    if len(raw) > limit + _SLACK or (brackets > _DEEPEST and _depth(value) > _DEEPEST):
        return raw.decode()
    return value


def _depth(value: Json) -> int:
    deepest, level = 0, [value]
    while level:
        deepest += 1
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
    return deepest
