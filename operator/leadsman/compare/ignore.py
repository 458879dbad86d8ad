"""Rules that say which fields do not count, compiled once per target."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from leadsman.compare.paths import Item, pointer, tokens
from leadsman.compare.selectors import parse_selector
from leadsman.errors import SpecError
from leadsman.expressions import expression
from leadsman.model.finding import IgnoredChange, Op

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from leadsman.compare.owners.candidate import Candidate
    from leadsman.compare.selectors import Requirement
    from leadsman.expressions import Expression
    from leadsman.model.identity import Gvk, ObjectKey
    from leadsman.model.json import JsonObject
    from leadsman.model.target import IgnoreRule, ObjectSelector


@dataclass(frozen=True, slots=True)
class Selector:
    """Which objects a rule is about."""

    expressions: tuple[tuple[str, Expression], ...]
    labels: tuple[Requirement, ...]
    annotations: tuple[Requirement, ...]

    def selects(self, key: ObjectKey, gvk: Gvk, metadata: JsonObject) -> bool:
        """Tell whether an object, with the metadata that Git gives it, is meant."""
        named = {
            "group": gvk.group,
            "version": gvk.version,
            "kind": gvk.kind,
            "namespace": key.namespace,
            "name": key.name,
        }
        if not all(pattern.matches(named[part]) for part, pattern in self.expressions):
            return False
        return all(
            requirement.holds(_texts(metadata.get(field)))
            for field, requirements in (
                ("labels", self.labels),
                ("annotations", self.annotations),
            )
            for requirement in requirements
        )


@dataclass(frozen=True, slots=True)
class Rule:
    """A compiled rule; ``patterns`` are the tokens of its pointers, ``()`` the whole object."""

    name: str
    patterns: tuple[tuple[str, ...], ...]
    selector: Selector
    managers: frozenset[str]

    def covers(self, place: Sequence[str], manager: str) -> bool:
        """Tell whether a place is named by the rule, or lies below one that is."""
        return self._concerns(manager) and any(
            len(pattern) <= len(place) and _alike(pattern, place) for pattern in self.patterns
        )

    def reaches_below(self, place: Sequence[str], manager: str) -> bool:
        """Tell whether the rule may name something below a place."""
        return self._concerns(manager) and any(
            len(pattern) > len(place) and _alike(pattern, place) for pattern in self.patterns
        )

    def _concerns(self, manager: str) -> bool:
        return not self.managers or manager in self.managers


def compile_rules(rules: Iterable[IgnoreRule]) -> tuple[Rule, ...]:
    """Compile rules; raises SpecError that says which rule is wrong and why."""
    return tuple(
        _compiled(rule, rule.origin or f"ignore[{index}]") for index, rule in enumerate(rules)
    )


def covering(rules: Iterable[Rule], key: ObjectKey, gvk: Gvk, metadata: JsonObject) -> Rule | None:
    """Return the first rule that ignores an object as a whole, whoever set what of it."""
    for rule in rules:
        if rule.covers((), "") and rule.selector.selects(key, gvk, metadata):
            return rule
    return None


def sift(
    candidates: Iterable[Candidate], rules: Sequence[Rule]
) -> tuple[list[Candidate], list[IgnoredChange]]:
    """Part changes that count from those that a rule ignores.

    Where a rule names something inside a value that was added or removed as a whole, the rest of
    that value still counts, part by part.
    """
    kept: list[Candidate] = []
    ignored: list[IgnoredChange] = []
    for candidate in candidates:
        more, less = _sift(candidate, rules)
        kept += more
        ignored += less
    return kept, ignored


def _sift(
    candidate: Candidate, rules: Sequence[Rule]
) -> tuple[list[Candidate], list[IgnoredChange]]:
    place = tokens(candidate.steps)
    for rule in rules:
        if rule.covers(place, candidate.manager):
            return [], [IgnoredChange(pointer(candidate.steps), rule.name)]
    if any(rule.reaches_below(place, candidate.manager) for rule in rules):
        kept, ignored = sift(_parts(candidate), rules)
        if ignored:
            return kept, ignored
    return [candidate], []


def _parts(candidate: Candidate) -> Iterator[Candidate]:
    """Take a value that was added or removed apart, one level."""
    if candidate.op is Op.REPLACE:
        return
    side = "live" if candidate.op is Op.ADD else "desired"
    value = getattr(candidate, side)
    parts: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        parts = value.items()
    elif isinstance(value, list):
        is_live = candidate.op is Op.ADD
        parts = (
            (Item(index if is_live else -1, -1 if is_live else index), item)
            for index, item in enumerate(value)
        )
    for step, part in parts:
        changed: dict[str, Any] = {"steps": (*candidate.steps, step), side: part}
        yield replace(candidate, **changed)


def _alike(pattern: Sequence[str], place: Sequence[str]) -> bool:
    return all(one in {"*", other} for one, other in zip(pattern, place, strict=False))


def _compiled(rule: IgnoreRule, name: str) -> Rule:
    paths = rule.paths or (("",) if rule.managers else ())
    return Rule(
        name=name,
        patterns=tuple(
            _pattern(path, f"{name}.paths[{index}]") for index, path in enumerate(paths)
        ),
        selector=_selector(rule.target, f"{name}.target"),
        managers=frozenset(rule.managers),
    )


def _pattern(path: str, where: str) -> tuple[str, ...]:
    """Read a JSON pointer (RFC 6901)."""
    if path and not path.startswith("/"):
        raise SpecError(f'{where}: "{path}" is no JSON pointer: it must begin with "/"')
    if re.search(r"~(?![01])", path):
        raise SpecError(
            f'{where}: "{path}" is no JSON pointer: "~" is written "~0", and "/" in a name "~1"'
        )
    return tuple(token.replace("~1", "/").replace("~0", "~") for token in path.split("/")[1:])


def _selector(target: ObjectSelector, where: str) -> Selector:
    expressions = []
    for part in ("group", "version", "kind", "namespace", "name"):
        text = getattr(target, part)
        if text:
            expressions.append((part, _expression(text, f"{where}.{part}")))
    return Selector(
        tuple(expressions),
        _requirements(target.label_selector, f"{where}.labelSelector"),
        _requirements(target.annotation_selector, f"{where}.annotationSelector"),
    )


def _expression(text: str, where: str) -> Expression:
    try:
        return expression(text)
    except ValueError as error:
        raise SpecError(f'{where}: "{text}" is no regular expression: {error}') from error


def _requirements(text: str, where: str) -> tuple[Requirement, ...]:
    try:
        return parse_selector(text)
    except ValueError as error:
        raise SpecError(f'{where}: "{text}" is no label selector: {error}') from error


def _texts(value: Any) -> dict[str, str]:
    items = value.items() if isinstance(value, dict) else ()
    return {key: text for key, text in items if isinstance(text, str)}
