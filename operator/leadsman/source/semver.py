"""Version ranges as Flux reads them in ``ref.semver``.

Source: github.com/Masterminds/semver v3 (ranges) and fluxcd/pkg ``version`` (which tags are
versions: complete ones, with or without a ``v``). The ranges look like npm's and differ in this:
a prerelease fits as soon as any bound in its group names a prerelease, whatever its number.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from semantic_version import Version

_LONGEST = 512
_MOST_GROUPS = 32
_ALL = 3  # major, minor, patch

_PART = r"(?:[0-9]+|[xX*])"
_VERSION = (
    rf"v?(?P<major>{_PART})(?:\.(?P<minor>{_PART}))?(?:\.(?P<patch>{_PART}))?"
    r"(?P<pre>-[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
    r"(?:\+[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*)?"
)
_ANONYMOUS = re.sub(r"\?P<\w+>", "?:", _VERSION)
_OPERATOR = r"(?:!=|>=|=>|<=|=<|~>|=|>|<|~|\^)?"
_HYPHEN = re.compile(rf"\s*({_ANONYMOUS})\s+-\s+({_ANONYMOUS})\s*")
_GROUP = re.compile(
    rf"\s*{_OPERATOR}\s*{_ANONYMOUS}\s*(?:(?:\s+|,\s*){_OPERATOR}\s*{_ANONYMOUS}\s*)*"
)
_BOUND = re.compile(rf"(?P<operator>{_OPERATOR})\s*{_VERSION}")


def parse_version(tag: str) -> Version | None:
    """Read a tag such as ``v1.2.3-rc.1`` or ``1.2.3``; None if it is no complete version."""
    try:
        return Version(tag.removeprefix("v"))
    except ValueError:
        return None


def precedence(version: Version) -> Any:
    """Return what versions are ordered by; build metadata does not count."""
    return version.truncate("prerelease").precedence_key


@dataclass(frozen=True, slots=True)
class Range:
    """A version fits if it fits all bounds of one group."""

    groups: tuple[tuple[_Bound, ...], ...]

    def __contains__(self, version: Version) -> bool:
        return any(_fits(version, group) for group in self.groups)


def parse_range(text: str) -> Range:
    """Read a range such as ``>=1.2.0 <2.0.0``, ``~1.2``, ``1.x || >=2.0.0-0``.

    Raises:
        ValueError: it is no range.
    """
    if len(text) > _LONGEST:
        raise ValueError(f"it is longer than {_LONGEST} characters")
    groups = _HYPHEN.sub(r">= \1, <= \2 ", text).split("||")
    if len(groups) > _MOST_GROUPS:
        raise ValueError(f"it has more than {_MOST_GROUPS} alternatives")
    return Range(tuple(_parse_group(group) for group in groups))


def _parse_group(text: str) -> tuple[_Bound, ...]:
    if not _GROUP.fullmatch(text):
        raise ValueError(f"{text.strip()!r} is no version range")
    return tuple(_parse_bound(match) for match in _BOUND.finditer(text))


def _parse_bound(match: re.Match[str]) -> _Bound:
    numbers: list[int] = []
    for part in (match["major"], match["minor"], match["patch"]):
        if part is None or part in "xX*":
            break
        numbers.append(int(part))
    given = len(numbers)
    major, minor, patch = (*numbers, 0, 0, 0)[:3]
    return _Bound(match["operator"], Version(f"{major}.{minor}.{patch}{match['pre'] or ''}"), given)


def _fits(version: Version, group: tuple[_Bound, ...]) -> bool:
    if version.prerelease and not any(bound.version.prerelease for bound in group):
        return False
    return all(bound.allows(version) for bound in group)


@dataclass(frozen=True, slots=True)
class _Bound:
    """An operator and a version of which the first ``given`` of three numbers are written."""

    operator: str
    version: Version
    given: int

    def allows(self, version: Version) -> bool:
        order = _compare(version, self.version)
        written = self.given or _ALL
        match self.operator:
            case "" | "=" if written == _ALL and self.given:
                fits = order == 0
            case "" | "=" | "~" | "~>":
                fits = self._is_about(version)
            case "^":
                fits = self._is_compatible(version)
            case "!=":
                fits = not self._is_same(version, order)
            case ">":
                fits = order > 0 and (written == _ALL or self._order(version, written) > 0)
            case "<":
                fits = order < 0
            case "<=" | "=<":
                # A bare ``*`` is taken for ``0.0`` here, as upstream does.
                fits = order <= 0 or (
                    self.given < _ALL and self._order(version, self.given or _ALL - 1) <= 0
                )
            case _:
                fits = order >= 0
        return fits

    def _order(self, version: Version, written: int) -> int:
        """Compare as many numbers as are written."""
        theirs, ours = _numbers(version)[:written], self._numbers[:written]
        return (theirs > ours) - (theirs < ours)

    @property
    def _numbers(self) -> tuple[int, int, int]:
        return _numbers(self.version)

    def _is_same(self, version: Version, order: int) -> bool:
        """Tell whether ``!=`` excludes a version: what is not written may be anything."""
        if self.given == 1:
            return bool(version.major == self.version.major)
        if self.given == _ALL - 1:
            same = _numbers(version)[:2] == self._numbers[:2]
            return bool(same and version.prerelease == self.version.prerelease)
        return order == 0

    def _is_about(self, version: Version) -> bool:
        """Tell whether a version differs in no number before the last one written but one."""
        if _compare(version, self.version) < 0:
            return False
        if self._numbers == (0, 0, 0) and self.given in {0, _ALL}:
            return True
        same = 1 if self.given == 1 else 2
        return _numbers(version)[:same] == self._numbers[:same]

    def _is_compatible(self, version: Version) -> bool:
        """Tell whether a version has the same first number that is not 0, as ``^`` asks."""
        if _compare(version, self.version) < 0:
            return False
        same = next((i for i, number in enumerate(self._numbers, 1) if number), _ALL)
        if 0 < self.given < same:
            same = self.given
        return _numbers(version)[:same] == self._numbers[:same]


def _numbers(version: Version) -> tuple[int, int, int]:
    return version.major, version.minor, version.patch


def _compare(one: Version, other: Version) -> int:
    """Return a number below, at or above 0, as ``one`` stands to ``other``."""
    left, right = precedence(one), precedence(other)
    return int(left > right) - int(left < right)
