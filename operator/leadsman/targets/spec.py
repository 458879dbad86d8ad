"""Read the fields of a custom resource that no API server may have validated.

``leadsman check -f`` takes a file as a person wrote it, and an operator may be older than its CRD,
so types are checked here, and each error names the field as ``kubectl explain`` does.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, TypeVar

from leadsman.errors import SpecError

if TYPE_CHECKING:
    from leadsman.model.json import Json, JsonObject

_T = TypeVar("_T")

_DURATION_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|s|m|h)")
_UNIT_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
# What Go's time.Duration, 64 bits of nanoseconds, can hold.
_LONGEST = (2**63 - 1) / 1e9
_SHOWN = 80
# As deep as files of values may be. The API server takes 10,000 levels; what is written in C for
# speed ends at 254.
_DEEPEST = 200

_TYPE_NAMES: dict[type, str] = {
    str: "a text",
    int: "a whole number",
    bool: "true or false",
    list: "a list",
    dict: "an object",
}


class Fields:
    """The fields of one object, read one by one; what was not read by ``close`` is unknown.

    ``path`` is where the object stands, for example ``spec.helm``. A null counts as not set, as
    for the API server.
    """

    __slots__ = ("_unread", "path")

    def __init__(self, path: str, value: Json) -> None:
        if not isinstance(value, dict):
            raise SpecError(f"{path}: must be an object, not {_shown(value)}")
        self.path = path
        self._unread: JsonObject = {k: v for k, v in value.items() if v is not None}

    def at(self, name: str) -> str:
        """Say where a field stands."""
        return f"{self.path}.{name}"

    def error(self, name: str, problem: str) -> SpecError:
        """Make an error about a field."""
        return SpecError(f"{self.at(name)}: {problem}")

    def text(self, name: str, default: str = "", *, pattern: str = "", hint: str = "") -> str:
        """Return a text; one that is not empty must match ``pattern``, which ``hint`` describes."""
        value = self._take(name, str, default)
        if pattern and value and not re.fullmatch(pattern, value):
            raise self.error(name, f"{_shown(value)} is not {hint}")
        return value

    def choice(self, name: str, choices: tuple[str, ...], default: str = "") -> str:
        """Return one of some words."""
        value = self._take(name, str, default)
        if value not in choices:
            raise self.error(name, f"must be {' or '.join(choices)}, not {_shown(value)}")
        return value

    def required(self, name: str) -> str:
        """Return a text that must be set and not be empty."""
        value = self._take(name, str, "")
        if not value:
            raise self.error(name, "must be set")
        return value

    def number(self, name: str) -> int:
        """Return a whole number, 0 where it is not set."""
        return self._take(name, int, 0)

    def flag(self, name: str, *, default: bool = False) -> bool:
        """Return true or false."""
        return self._take(name, bool, default)

    def seconds(self, name: str, default: str, *, least: float = 0.0) -> float:
        """Return a Go duration in seconds, which must not be shorter than ``least``."""
        value = self._take(name, str, default)
        try:
            result = parse_duration(value)
        except ValueError as error:
            raise self.error(name, str(error)) from error
        if result < least:
            raise self.error(name, f"must be at least {least:g}s, not {value}")
        return result

    def texts(self, name: str) -> tuple[str, ...]:
        """Return a list of texts."""
        values = self._take(name, list, [])
        for index, value in enumerate(values):
            if not isinstance(value, str):
                raise self.error(f"{name}[{index}]", f"must be a text, not {_shown(value)}")
        return tuple(values)

    def text_map(self, name: str) -> dict[str, str]:
        """Return an object whose values are texts, as labels are."""
        fields = Fields(self.at(name), self._take(name, dict, {}))
        return {key: fields.text(key) for key in tuple(fields._unread)}

    def free_object(self, name: str) -> JsonObject:
        """Return an object that may hold anything, with its nulls, ``_DEEPEST`` levels deep."""
        value: JsonObject = self._take(name, dict, {})
        if _is_deeper(value, _DEEPEST):
            raise self.error(name, f"is nested deeper than {_DEEPEST} levels")
        return dict(value)

    def object(self, name: str) -> Fields | None:
        """Return the fields of an object, or None where it is not set."""
        value = self._unread.pop(name, None)
        return None if value is None else Fields(self.at(name), value)

    def objects(self, name: str) -> tuple[Fields, ...]:
        """Return the fields of each object in a list."""
        values = self._take(name, list, [])
        return tuple(Fields(f"{self.at(name)}[{i}]", value) for i, value in enumerate(values))

    def has(self, name: str) -> bool:
        """Tell whether a field is set and was not read yet."""
        return name in self._unread

    def close(self) -> None:
        """Raise a ``SpecError`` if there is a field that nobody has read."""
        if self._unread:
            raise self.error(min(self._unread), "unknown field")

    def _take(self, name: str, kind: type[_T], default: _T) -> _T:
        value = self._unread.pop(name, default)
        if not isinstance(value, kind):
            raise self.error(name, f"must be {_TYPE_NAMES[kind]}, not {_shown(value)}")
        return value


def _is_deeper(value: Json, levels: int) -> bool:
    """Tell whether there are lists and objects in one another beyond so many levels."""
    level: list[Json] = [value]
    for _ in range(levels):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if isinstance(outer, dict) else outer)
            if isinstance(inner, dict | list)
        ]
        if not level:
            return False
    return True


def parse_duration(text: str) -> float:
    """Return the seconds that a Go duration of ``h``, ``m``, ``s`` and ``ms`` means.

    Raises a ``ValueError`` for anything else, and for what 64 bits of nanoseconds can't hold.
    Source: Go's ``time.ParseDuration``.
    """
    parts = list(_DURATION_PART.finditer(text))
    if not parts or "".join(part[0] for part in parts) != text:
        raise ValueError(f"{_shown(text)} is not a duration such as 30s or 1h30m")
    seconds = sum(float(part[1]) * _UNIT_SECONDS[part[2]] for part in parts)
    if seconds > _LONGEST:
        raise ValueError(f"{_shown(text)} is too long a duration")
    return seconds


def _shown(value: Json) -> str:
    """Show a value in an error, short and without what may be secret in a nested one."""
    match value:
        case str():
            return f'"{value}"' if len(value) <= _SHOWN else f'"{value[:_SHOWN]}..."'
        case bool():
            return "true" if value else "false"
        case dict():
            return "an object"
        case list():
            return "a list"
        case _:
            return str(value)
