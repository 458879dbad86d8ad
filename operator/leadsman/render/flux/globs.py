"""Shell patterns as Flux's variables match them, byte by byte.

Unlike in a path ``*`` takes ``/`` too. Source: fluxcd/pkg ``envsubst/path/match.go``, which is Go's
``path.Match`` without separators.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_ESCAPE, _OPEN, _CLOSE = b"\\[]"
_STAR, _ANY, _NOT, _RANGE = b"*?^-"
_REPLACEMENT: Final = 0xFFFD
# Bytes of a character in UTF-8 by its first one.
_WIDTHS: Final = ((0xF0, 4), (0xE0, 3), (0xC2, 2))


class GlobError(ValueError):
    """A pattern is malformed, or takes too long to match."""


@dataclass(slots=True)
class Budget:
    """How many steps may still be made: a pattern with many stars takes very many."""

    steps: int

    def spend(self, steps: int = 1) -> None:
        """Make some. Raises GlobError when none is left."""
        self.steps -= steps
        if self.steps < 0:
            raise GlobError("takes too long to match")


def matches(pattern: bytes, name: bytes, budget: Budget) -> bool:
    """Tell whether a pattern matches all of a name. Raises GlobError."""
    while pattern:
        star, chunk, pattern = _next_chunk(pattern)
        if star and not chunk:
            return True
        rest = _match_chunk(chunk, name, budget)
        if rest is not None and (not rest or pattern):
            name = rest
            continue
        found = _later(chunk, name, budget, last=not pattern) if star else None
        if found is None:
            return False
        name = found
    return not name


def _later(chunk: bytes, name: bytes, budget: Budget, *, last: bool) -> bytes | None:
    """Return what is left after a chunk that a star stands before; the first place counts."""
    for start in range(1, len(name) + 1):
        rest = _match_chunk(chunk, name[start:], budget)
        if rest is not None and not (last and rest):
            return rest
    return None


def _next_chunk(pattern: bytes) -> tuple[bool, bytes, bytes]:
    """Split off what comes before the next star, and tell whether a star is before it."""
    body = pattern.lstrip(b"*")
    in_class = False
    at = 0
    while at < len(body):
        byte = body[at]
        if byte == _ESCAPE:
            at += at + 1 < len(body)
        elif byte in (_OPEN, _CLOSE):
            in_class = byte == _OPEN
        elif byte == _STAR and not in_class:
            break
        at += 1
    return len(body) < len(pattern), body[:at], body[at:]


def _match_chunk(chunk: bytes, name: bytes, budget: Budget) -> bytes | None:
    """Return what is left of a name that begins with a chunk, None if it does not."""
    while chunk:
        budget.spend()
        if not name:
            return None
        if chunk[0] == _OPEN:
            character, width = _decode(name)
            name = name[width:]
            fits, chunk = _match_class(chunk[1:], character)
            if not fits:
                return None
        elif chunk[0] == _ANY:
            name, chunk = name[_decode(name)[1] :], chunk[1:]
        else:
            if chunk[0] == _ESCAPE:
                chunk = chunk[1:]
                if not chunk:
                    raise GlobError("ends with a backslash")
            if chunk[0] != name[0]:
                return None
            name, chunk = name[1:], chunk[1:]
    return name


def _match_class(chunk: bytes, character: int) -> tuple[bool, bytes]:
    """Match one character with what follows ``[``; return also what follows the class."""
    negated = chunk[:1] == b"^"
    chunk = chunk[negated:]
    found, ranges = False, 0
    while not (chunk and chunk[0] == _CLOSE and ranges):
        low, chunk = _class_character(chunk)
        high = low
        if chunk[0] == _RANGE:
            high, chunk = _class_character(chunk[1:])
        found = found or low <= character <= high
        ranges += 1
    return found is not negated, chunk[1:]


def _class_character(chunk: bytes) -> tuple[int, bytes]:
    if not chunk or chunk[0] in (_RANGE, _CLOSE):
        raise GlobError("has a malformed class of characters")
    chunk = chunk[chunk[0] == _ESCAPE :]
    if not chunk:
        raise GlobError("has a malformed class of characters")
    character, width = _decode(chunk)
    rest = chunk[width:]
    if not rest or (character == _REPLACEMENT and width == 1):
        raise GlobError("has a malformed class of characters")
    return character, rest


def _decode(data: bytes) -> tuple[int, int]:
    """Return the first character and its bytes; of what is no UTF-8 the replacement, one byte."""
    if data[0] < 0x80:  # noqa: PLR2004 - ASCII
        return data[0], 1
    width = next((width for first, width in _WIDTHS if data[0] >= first), 1)
    try:
        return ord(data[:width].decode()), width
    except (UnicodeDecodeError, TypeError):
        return _REPLACEMENT, 1
