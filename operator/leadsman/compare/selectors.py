"""Label selectors as kubectl writes them: ``app=web,tier in (a,b),!canary``."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._/-]*[A-Za-z0-9])?"
_VALUE = r"[A-Za-z0-9._/:-]*"
_REQUIREMENT = re.compile(
    rf"\s*(?:(?P<absent>!)\s*(?P<gone>{_NAME})"
    rf"|(?P<key>{_NAME})\s*(?:(?P<equality>==|=|!=)\s*(?P<value>{_VALUE})"
    rf"|\s(?P<operator>in|notin)\s*\((?P<values>[^()]*)\))?)\s*(?:,|$)"
)


@dataclass(frozen=True, slots=True)
class Requirement:
    """One term: the key's value is, or is not, among some; without values, that there is one."""

    key: str
    values: frozenset[str] | None
    negated: bool

    def holds(self, labels: Mapping[str, str]) -> bool:
        """Tell whether labels meet it; an absent key is in no set of values."""
        value = labels.get(self.key)
        met = value is not None if self.values is None else value in self.values
        return met is not self.negated


def parse_selector(text: str) -> tuple[Requirement, ...]:
    """Read a selector, all of whose terms must hold; "" selects everything.

    Raises ValueError with the term that cannot be read.
    """
    requirements = []
    position = 0
    while position < len(text) and text[position:].strip():
        match = _REQUIREMENT.match(text, position)
        if match is None:
            raise ValueError(f'cannot read "{text[position:].strip()}"')
        requirements.append(_requirement(match))
        position = match.end()
    return tuple(requirements)


def _requirement(match: re.Match[str]) -> Requirement:
    if match["absent"]:
        return Requirement(match["gone"], None, negated=True)
    if match["equality"]:
        return Requirement(
            match["key"], frozenset({match["value"]}), negated=match["equality"] == "!="
        )
    if match["operator"]:
        values = frozenset(value.strip() for value in match["values"].split(","))
        return Requirement(match["key"], values, negated=match["operator"] == "notin")
    return Requirement(match["key"], None, negated=False)
