"""Helm values: merge documents, and set one value at a path.

Source: ``MergeMaps`` and ``pkg/strvals/parser.go`` in Helm; ``ReplacePathValue`` in fluxcd/pkg
``chartutil`` for how a value from a ConfigMap or Secret is put at its ``targetPath``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from leadsman.model.json import Json, JsonObject

_WORDS: Final[dict[str, Json]] = {"true": True, "false": False, "null": None, "0": 0}
_MOST_ITEMS: Final = 65536
_DEEPEST: Final = 30
_INT64: Final = 1 << 63
_LONGEST_INT: Final = 1000


def merge(under: JsonObject, over: JsonObject) -> JsonObject:
    """Return both, mapping by mapping; where both have something else, ``over`` wins."""
    merged = dict(under)
    for key, value in over.items():
        below = merged.get(key)
        if isinstance(value, dict) and isinstance(below, dict):
            merged[key] = merge(below, value)
        else:
            merged[key] = value
    return merged


def set_value(values: JsonObject, path: str, text: str) -> JsonObject:
    """Return the values with what a text says put at a path like ``a.b[0].c``.

    It is read as by ``helm --set path=text``, so that a comma begins another assignment; a text in
    quotes as by ``--set-string``, so that a number stays a string.

    Raises ValueError, which says nothing of the text: it may be a secret.
    """
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "'\""
    line = _Line(f"{path}={text.strip(chr(39) + chr(34)) if quoted else text}")
    while not line.ended:
        keys = _path(line)
        value = _value(line, as_text=quoted)
        values = _put(values, keys, value)
    return values


class _Line:
    """A text that is read up to stop characters; a backslash takes their meaning away."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    @property
    def ended(self) -> bool:
        return self._at >= len(self._text)

    def next_is(self, char: str) -> bool:
        """Take the next character if it is this one."""
        if self._text.startswith(char, self._at):
            self._at += 1
            return True
        return False

    def until(self, stops: str) -> tuple[str, str]:
        """Take all up to a stop, and the stop, which is "" at the end."""
        found: list[str] = []
        while not self.ended:
            char = self._text[self._at]
            self._at += 1
            if char in stops:
                return "".join(found), char
            if char == "\\" and not self.ended:
                char = self._text[self._at]
                self._at += 1
            found.append(char)
        return "".join(found), ""


def _path(line: _Line) -> list[str | int]:
    keys: list[str | int] = []
    stop = "."
    while stop != "=":
        if stop == "[":
            digits, _ = line.until("]")
            if not digits.isdecimal() or len(digits) > _LONGEST_INT or int(digits) > _MOST_ITEMS:
                raise ValueError("what is in brackets is not an index")
            keys.append(int(digits))
            junk, stop = line.until("[.=")
            if junk:
                raise ValueError("something stands after an index")
        else:
            key, stop = line.until("=[,.")
            keys.append(key)
        if stop in {"", ","}:
            raise ValueError("something has no value; is a comma meant as such? Then \\, is one")
        if len(keys) > _DEEPEST:
            raise ValueError("nested too deeply")
    return keys


def _value(line: _Line, *, as_text: bool) -> Json:
    if not line.next_is("{"):
        return _typed(line.until(",")[0], as_text=as_text)
    items: list[Json] = []
    stop = ","
    while stop == ",":
        item, stop = line.until(",}")
        items.append(_typed(item, as_text=as_text))
    if not stop:
        raise ValueError("a list must end with '}'")
    line.next_is(",")
    return items


def _typed(text: str, *, as_text: bool) -> Json:
    if as_text:
        return text
    if text.lower() in _WORDS:
        return _WORDS[text.lower()]
    digits = text.removeprefix("-").removeprefix("+") if text[:2] not in {"-+", "+-"} else ""
    # Python refuses to count very many digits, and no more than these fit into 64 bits.
    countable = len(digits) <= _LONGEST_INT and digits.isascii() and digits.isdecimal()
    if countable and not text.startswith("0"):
        number = int(text)
        if -_INT64 <= number < _INT64:
            return number
    return text


def _put(container: Json, keys: list[str | int], value: Json) -> Json:
    """Return the container with the value put below it; lists grow as needed."""
    if not keys:
        return value
    key, *rest = keys
    if isinstance(key, int):
        if container is not None and not isinstance(container, list):
            raise ValueError("an item is put where there is no list")
        items = list(container or [])
        items += [None] * (key + 1 - len(items))
        items[key] = _put(items[key], rest, value)
        return items
    if container is not None and not isinstance(container, dict):
        raise ValueError("a key is put where there is no mapping")
    fields = dict(container or {})
    if key and rest and key in fields and fields[key] is None:
        raise ValueError("a key is put where there is null")
    if key:
        fields[key] = _put(fields.get(key), rest, value)
    return fields
