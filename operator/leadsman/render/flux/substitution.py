"""Variables in a text, as kustomize-controller's ``postBuild`` puts in their values.

What looks like bash is a small language of its own: ``:-``, ``:=``, ``:+`` and ``:?`` all give a
default, ``$$`` is a dollar, lengths and positions are those of UTF-8.

Source: fluxcd/pkg ``envsubst`` (``parse/parse.go``, ``parse/scan.go``, ``funcs.go``).
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from leadsman.render.flux.globs import Budget, GlobError, matches

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

_BEGIN: Final = re.compile(r"\$\$|\$\{")
_NUMBER: Final = re.compile(r"[+-]?[0-9]{1,19}", re.ASCII)
_INT64: Final = 1 << 63
# How deep defaults may stand in one another, how large a text may become in characters, how many
# steps patterns may take: no real one comes near, and a hostile one ends here.
_DEEPEST: Final = 100
_LARGEST: Final = 16 << 20
_STEPS: Final = 2_000_000
_COPIED: Final = 256


class SubstitutionError(ValueError):
    """A text cannot be read as one with variables, or would become too large."""


def substitute(text: str, variables: Mapping[str, str]) -> str:
    """Return the text with each variable's value in its place; what is not set is empty.

    Raises:
        SubstitutionError: an expression is malformed, or what comes out is too large.

    """
    reader = _Reader(text, variables)
    try:
        return reader.whole()
    except GlobError as error:
        raise SubstitutionError(f"a pattern in line {reader.line} {error}") from None


@dataclass(slots=True)
class _Reader:
    """Reads expressions from ``at`` on, and evaluates them as it goes."""

    text: str
    variables: Mapping[str, str]
    at: int = 0
    depth: int = 0
    size: int = 0
    budget: Budget = field(default_factory=lambda: Budget(_STEPS))

    @property
    def line(self) -> int:
        return self.text.count("\n", 0, self.at) + 1

    def whole(self) -> str:
        parts = []
        done = 0
        while found := _BEGIN.search(self.text, self.at):
            parts.append(self.text[done : found.start()])
            self.at = found.end()
            if found[0] == "$$":
                parts.append("$")
            else:
                parts.append(self._expression())
                self._count(len(parts[-1]))
            done = self.at
        parts.append(self.text[done:])
        return "".join(parts)

    def _count(self, size: int) -> None:
        self.size += size
        if self.size > _LARGEST:
            raise self._error("with its variables the text becomes too large")

    def _error(self, problem: str) -> SubstitutionError:
        return SubstitutionError(f"line {self.line}: {problem}")

    def _expression(self) -> str:
        """Read from behind ``${`` on, to its end; return the value."""
        self.depth += 1
        if self.depth > _DEEPEST:
            raise self._error(f"variables are nested deeper than {_DEEPEST} levels")
        if self._peek() == "#":
            self.at += 1
            name = self._name("bad substitution")
            value = str(len(_bytes(self._value(name))))
        else:
            name = self._name("unable to parse variable name")
            value = self._applied(self._value(name))
        self._close()
        self.depth -= 1
        return value

    def _applied(self, value: str) -> str:
        """Read the operator behind a name, if there is one, and apply it."""
        match self._peek():
            case ":" if self.text[self.at + 1 : self.at + 2] in {"=", "-", "?", "+"}:
                value = self._default(value, 2)
            case ":":
                value = self._slice(value)
            case "=":
                value = self._default(value, 1)
            case "," | "^":
                value = self._cased(value, self._run(",^", 2))
            case "/":
                value = self._replaced(value)
            case "#" | "%" as sign:
                operator = self._run(sign, 2)
                pattern = self._parameter(lambda character: character != "}")
                value = self._trimmed(value, operator, pattern)
        return value

    def _default(self, value: str, width: int) -> str:
        self.at += width
        parts = []
        while self._peek() != "}":
            parts.append(self._parameter(lambda character: character != "}"))
            if not value:
                self._count(len(parts[-1]))
        return value or "".join(parts)

    def _slice(self, value: str) -> str:
        self.at += 1
        start = self._parameter(lambda character: character not in ":}")
        if self._peek() != ":":
            return _sliced(value, start)
        self._run(":")
        return _sliced(value, start, self._parameter(lambda character: character != "}"))

    def _replaced(self, value: str) -> str:
        self.at += 1
        operator = "/"
        if self._peek() in {"/", "#", "%"}:
            operator += self._peek()
            self.at += 1
        old = self._parameter(lambda character: character != "/", escapes=True)
        if not self._run("/"):
            raise self._error("bad substitution")
        if self._peek() == "}":
            new = ""
            if operator in {"/#", "/%"}:
                return value
        else:
            new = self._parameter(lambda character: character != "}", escapes=True)
        match operator:
            case "/#":
                return new + value.removeprefix(old) if value.startswith(old) else value
            case "/%":
                return value.removesuffix(old) + new if value.endswith(old) else value
            case "//":
                self._count(value.count(old) * len(new))
                return value.replace(old, new)
            case _:
                return value.replace(old, new, 1)

    def _trimmed(self, value: str, operator: str, pattern: str) -> str:
        if operator.startswith("%"):
            return _trim(value[::-1], pattern[::-1], self.budget, longest=len(operator) > 1)[::-1]
        return _trim(value, pattern, self.budget, longest=len(operator) > 1)

    @staticmethod
    def _cased(value: str, operator: str) -> str:
        match operator:
            case ",":
                return _each(value[:1], str.lower) + value[1:]
            case ",,":
                return _each(value, str.lower)
            case "^":
                return _each(value[:1], str.upper) + value[1:]
            case "^^":
                return _each(value, str.upper)
            case _:
                return value

    def _parameter(self, accepts: Callable[[str], bool], *, escapes: bool = False) -> str:
        """Read one part of an operator's argument: a text, or an expression."""
        if self.text.startswith("${", self.at):
            self.at += 2
            return self._expression()
        parts = []
        while self.at < len(self.text) and not self.text.startswith("${", self.at):
            pair = self.text[self.at : self.at + 2]
            if escapes and pair in {"$$", r"\/", r"\\"}:
                parts.append(pair[1])
                self.at += 2
            elif accepts(pair[0]):
                parts.append(pair[0])
                self.at += 1
            else:
                break
        if not parts:
            raise self._error("unable to parse substitution within function")
        return "".join(parts)

    def _name(self, problem: str) -> str:
        start = self.at
        while _is_of_name(self._peek()):
            self.at += 1
        if self.at == start:
            raise self._error(problem)
        return self.text[start : self.at]

    def _value(self, name: str) -> str:
        return self.variables.get(name, "")

    def _run(self, characters: str, most: int = _LARGEST) -> str:
        start = self.at
        while self.at - start < most and self._peek() and self._peek() in characters:
            self.at += 1
        return self.text[start : self.at]

    def _close(self) -> None:
        if self._peek() != "}":
            raise self._error("missing closing brace")
        self.at += 1

    def _peek(self) -> str:
        return self.text[self.at : self.at + 1]


def _is_of_name(character: str) -> bool:
    """Tell whether Go has a character for a letter or digit, or it is an underscore."""
    return character.isalpha() or character.isdecimal() or character == "_"


def _each(text: str, change: Callable[[str], str]) -> str:
    """Change letters one by one; what would become several stays, as in Go."""
    return "".join(after if len(after := change(letter)) == 1 else letter for letter in text)


def _sliced(value: str, start: str, length: str | None = None) -> str:
    """Cut a value by bytes; where a number can't be read it stays whole."""
    data = _bytes(value)
    position = _number(start)
    if position is None:
        return value
    if position < 0:
        position = max(0, len(data) + position)
    if length is None:
        return _text(data[position:])
    count = _number(length)
    if count is None:
        return value
    if count < 0:
        end = len(data) + count
        return _text(data[position:end]) if end >= position else ""
    return _text(data[position : position + count])


def _trim(value: str, pattern: str, budget: Budget, *, longest: bool) -> str:
    """Drop the longest or shortest beginning that a pattern matches; nothing if it is malformed."""
    data, glob = _bytes(value), _bytes(pattern)
    lengths = range(len(data), 0, -1) if longest else range(1, len(data) + 1)
    for length in lengths:
        # To look at each beginning is to copy it.
        budget.spend(1 + length // _COPIED)
        try:
            if matches(glob, data[:length], budget):
                return _text(data[length:])
        except GlobError:
            if budget.steps < 0:
                raise
            return value
    return value


def _number(text: str) -> int | None:
    """Read a number as Go's ``strconv.Atoi`` does."""
    if not _NUMBER.fullmatch(text):
        return None
    number = int(text)
    return number if -_INT64 <= number < _INT64 else None


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _text(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")
