"""Strings and values made fit for a report, and what they weigh in the API server's JSON."""

from __future__ import annotations

import math
import re
from typing import TYPE_CHECKING

import orjson

from leadsman.report.lines import differ_at

if TYPE_CHECKING:
    from leadsman.model.json import Json

# Server-side apply reads its body as YAML, which refuses these raw, or takes them for a line break
# and folds it. C1 controls also act on terminals, and no reader can tell the others from spaces.
_REFUSED = re.compile("[\x7f-\x9f\u2028\u2029\ufffe\uffff]")
# As above: a key of a YAML flow mapping has at most 1024 characters, quotes and escapes included.
_LONGEST_KEY = 1000

# A float with an exponent: the API server may write up to 20 digits where orjson writes "1e20".
_EXPONENT = re.compile(rb"\de")
# The API server's integers, and up to where a float is every integer.
_LARGEST_INT = 2**63 - 1
_EXACT = 2**53
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
    r"""Write what the API server would refuse as ``\x9b``.

    Lone surrogates, which UTF-8 cannot carry, become "?": file names and authors in Git are any
    bytes.
    """
    if text.isascii() and "\x7f" not in text:
        return text
    text = text.encode("utf-8", "replace").decode("utf-8")
    return _REFUSED.sub(lambda found: ascii(found[0])[1:-1], text)


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
        start = line if same - line < limit // 2 else same - limit // 4
    return (
        _cut(desired, start, limit) if long[0] else desired,
        _cut(live, start, limit) if long[1] else live,
        sum(long),
    )


def _cut(text: str, start: int, limit: int) -> str:
    head = f"[{start} equal characters] …" if start else ""
    tail = "…" if start + limit < len(text) else ""
    # Of a book only the page that is shown is cleaned, and no page grows by that.
    page = clean(text[start : start + limit])[:limit]
    return f"{head}{page}{tail} [{len(text)} characters in all]"


def _portable(value: Json, limit: int) -> Json:
    """Return the value, or the text that stands for one that is too long or can't be written."""
    if isinstance(value, dict | list):
        value = _structure(value, limit)
    if isinstance(value, str):
        return value if len(value) > limit + _SLACK else clean(value)
    if isinstance(value, float):
        if not math.isfinite(value):
            return str(value)
        # As the API server gives it back: 1.0 is 1.
        return int(value) if value.is_integer() and abs(value) < _EXACT else value
    if isinstance(value, int) and not -_LARGEST_INT - 1 <= value <= _LARGEST_INT:
        return str(value)
    return value


def _structure(value: Json, limit: int) -> Json:
    try:
        raw = orjson.dumps(value)
    except TypeError:
        return "[a value that cannot be shown]"
    text = raw.decode()
    brackets = text.count("{") + text.count("[")
    odd = (
        len(text) > limit + _SLACK
        or _REFUSED.search(text)
        # What holds neither many brackets nor much text need not be walked through.
        or ((brackets > _DEEPEST or len(text) > _LONGEST_KEY) and _is_odd(value))
    )
    return text if odd else value


def _is_odd(value: Json) -> bool:
    """Tell whether a structure is nested too deep, or has a key too long, for the API server."""
    level = [value]
    for _ in range(_DEEPEST):
        inner: list[Json] = []
        for item in level:
            if isinstance(item, dict):
                if any(len(orjson.dumps(key)) > _LONGEST_KEY for key in item):
                    return True
                inner += item.values()
            else:
                inner += item
        level = [item for item in inner if isinstance(item, dict | list)]
    return bool(level)
