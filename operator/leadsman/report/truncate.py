"""The objects of a report, the worst first, within a number of bytes whatever was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, TypeAlias, TypeVar

import orjson

from leadsman.model.finding import ABSENT, Cause, Change, Finding, State, Unlisted
from leadsman.report.jsonsize import cut_pair, short, weight
from leadsman.report.text import difference_lines
from leadsman.times import rfc3339, seconds_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from leadsman.model.json import JsonObject

Known = TypeVar("Known", bound="Finding | Unlisted")

# The reason of an object whose changes are not all listed.
TRUNCATED = "Truncated"

# What is not there is worse than what is different; then what Git asks for and will not get; then
# what nobody asked for; last what is not known and what is only ignored.
_ORDER = (
    State.MISSING,
    State.MODIFIED,
    State.REJECTED,
    State.ORPHANED,
    State.ADDED,
    State.UNVERIFIABLE,
    State.IN_SYNC,
)
_RANK = {state: rank for rank, state in enumerate(_ORDER)}
_CAUSES = (Cause.LIVE, Cause.LEFT_BEHIND, Cause.ADMISSION, Cause.PENDING)
_CAUSE_RANK = {cause: rank for rank, cause in enumerate(_CAUSES)}

# Characters. Names are far shorter in a cluster, but a render may hold anything.
_NAME = 512
_PATH = 2048
_MESSAGE = 1024
# Of each value beside which it is told what differs.
_BESIDE = 1024
# Bytes of both values up to which a structure is seen at a glance.
_SMALL = 512


@dataclass(frozen=True, slots=True)
class Level:
    """How much is told of each object: characters per value, changes, fields that are no drift.

    The last is so many excused changes and so many ignored fields.
    """

    value: int
    changes: int
    ignored: int


# From generous to tight; the first at which every object fits is taken. Values give way first:
# their beginning tells most of the story. Below the last one objects are left out.
LEVELS = (
    Level(16_384, 1000, 1000),
    Level(4096, 1000, 100),
    Level(1024, 1000, 20),
    Level(256, 1000, 10),
    Level(256, 100, 5),
    Level(256, 30, 3),
    Level(256, 10, 2),
    Level(256, 3, 1),
    Level(128, 1, 1),
)


@dataclass(slots=True)
class Layout:
    """Objects as a report lists them, and exactly how much is not among them.

    ``size`` is in bytes of JSON.
    """

    objects: list[JsonObject]
    size: int = 0
    complete: bool = True
    left_out: int = 0
    changes: int = 0
    values: int = 0
    excused: int = 0
    ignored: int = 0


class _Told(NamedTuple):
    """An object as a report lists it, and how much of it is not told."""

    item: JsonObject
    changes: int = 0
    values: int = 0
    excused: int = 0
    ignored: int = 0


_Form: TypeAlias = "Callable[[Finding, Level, _Diffs], _Told]"


def worst_first(findings: Iterable[Known]) -> list[Known]:
    """Sort by state, then the newest first, then by name.

    The newest: what has just happened is what is looked for, and what is old was said before.
    """
    return sorted(
        findings, key=lambda item: (_RANK[item.state], -int(item.since), item.key, item.gvk)
    )


def field_name(change: Change) -> str:
    """Return what tells the field apart, in the form that a report keeps.

    Not the path: it counts list items, which others that come and go renumber.
    """
    return short(change.field or change.path, _PATH)


def drift_form(finding: Finding, level: Level, diffs: _Diffs) -> _Told:
    """Write down an object that is not in sync, with all that differs."""
    reason, message = finding.reason, short(finding.message, _MESSAGE)
    if len(finding.changes) > level.changes:
        listed = f"{level.changes} of {len(finding.changes)} changes are listed"
        message = f"{message} ({listed})" if message else listed
        reason = reason or TRUNCATED
    item = _head(finding) | _known(
        {
            "state": finding.state.value,
            "since": rfc3339(finding.since),
            "reason": short(reason, _NAME),
            "message": message,
        }
    )
    item["changes"], shortened = _changes(finding.changes, level.changes, level.value, diffs)
    item["excused"], more = _changes(finding.excused, level.ignored, level.value, diffs)
    item["ignored"] = _ignored(finding, level)
    return _Told(
        {name: value for name, value in item.items() if value != []},
        changes=max(0, len(finding.changes) - level.changes),
        values=shortened + more,
        excused=max(0, len(finding.excused) - level.ignored),
        ignored=max(0, len(finding.ignored) - level.ignored),
    )


def excused_form(finding: Finding, level: Level, diffs: _Diffs) -> _Told:
    """Write down of an object in sync what differs and is no drift."""
    changes, shortened = _changes(finding.excused, level.ignored, level.value, diffs)
    return _Told(
        _head(finding) | {"changes": changes},
        values=shortened,
        excused=max(0, len(finding.excused) - level.ignored),
    )


def ignored_form(finding: Finding, level: Level, _diffs: _Diffs) -> _Told:
    """Write down of an object in sync what rules ignore."""
    return _Told(
        _head(finding) | {"fields": _ignored(finding, level)},
        ignored=max(0, len(finding.ignored) - level.ignored),
    )


def lay_out(
    findings: Sequence[Finding],
    budget: int,
    levels: Sequence[Level] = LEVELS,
    form: _Form = drift_form,
) -> Layout:
    """Write down as many findings, in their order, as fit into ``budget`` bytes of JSON."""
    layout, diffs = Layout([]), _Diffs()
    for level in levels:
        layout = _attempt(findings, level, budget, form, diffs)
        if layout.complete:
            break
    return layout


def _attempt(
    findings: Sequence[Finding], level: Level, budget: int, form: _Form, diffs: _Diffs
) -> Layout:
    """List findings until one does not fit."""
    layout = Layout([])
    for index, finding in enumerate(findings):
        told = form(finding, level, diffs)
        size = weight(orjson.dumps(told.item)) + 1  # and a comma
        if layout.size + size > budget:
            layout.left_out = len(findings) - index
            layout.complete = False
            break
        layout.size += size
        layout.objects.append(told.item)
        layout.changes += told.changes
        layout.values += told.values
        layout.excused += told.excused
        layout.ignored += told.ignored
    return layout


def _head(finding: Finding) -> JsonObject:
    """Name an object and where it comes from."""
    key = finding.key
    named: JsonObject = {
        "version": short(finding.gvk.version, _NAME),
        "name": short(key.name, _NAME),
    }
    return named | _known(
        {
            "group": short(finding.gvk.group, _NAME),
            "kind": short(key.kind, _NAME),
            "namespace": short(key.namespace, _NAME),
            "file": short(finding.file, _PATH),
        }
    )


def _known(texts: dict[str, str]) -> JsonObject:
    return {name: text for name, text in texts.items() if text}


def _ignored(finding: Finding, level: Level) -> list[JsonObject]:
    return [
        {"path": short(ignored.path, _PATH), "rule": short(ignored.rule, _PATH)}
        for ignored in finding.ignored[: level.ignored]
    ]


def _changes(
    changes: Sequence[Change], most: int, limit: int, diffs: _Diffs
) -> tuple[list[JsonObject], int]:
    """Write down the most telling changes; also return how many values were shortened."""
    told: list[JsonObject] = []
    values = 0
    for change in sorted(changes, key=lambda change: _CAUSE_RANK[change.cause])[:most]:
        shown, shortened = _change(change, limit, diffs.of(change))
        told.append(shown)
        values += shortened
    return told, values


class _Diffs:
    """What differs inside of values, found out once for all levels."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        self._known: dict[int, str] = {}

    def of(self, change: Change) -> str:
        if id(change) not in self._known:  # each lives as long as this does
            self._known[id(change)] = _diff(change)
        return self._known[id(change)]


def _diff(change: Change) -> str:
    """Tell what differs inside of two values that nobody wants to read whole."""
    if change.diff is not None:
        return change.diff
    if isinstance(change.desired, dict | list):
        try:
            size = len(orjson.dumps(change.desired)) + len(orjson.dumps(change.live))
        except TypeError:  # what is no JSON
            return ""
        if size < _SMALL:
            return ""
    return "\n".join(difference_lines(change))


def _change(change: Change, limit: int, diff: str) -> tuple[JsonObject, int]:
    # What differs is told by the lines, and both values need not be.
    kept = min(limit, _BESIDE) if diff else limit
    desired, live, shortened = cut_pair(change.desired, change.live, kept)
    shown: JsonObject = {
        "path": short(change.path, _PATH),
        "field": short(change.field, _PATH),
        "op": change.op.value,
        "cause": change.cause.value,
        "manager": short(change.manager, _NAME),
        "operation": change.operation,
        "subresource": change.subresource,
        # The schema refuses what is no time, and with it the whole report.
        "time": change.time if seconds_of(change.time) else "",
        "evidence": short(change.evidence, _PATH),
        "diff": short(diff, limit),
    }
    shown = {name: text for name, text in shown.items() if text or name == "path"}
    if desired is not ABSENT:
        shown["desired"] = desired
    if live is not ABSENT:
        shown["live"] = live
    return shown, shortened
