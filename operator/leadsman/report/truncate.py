"""The objects of a report, the worst first, within a number of bytes whatever was found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from leadsman.model.finding import ABSENT, Cause, Change, Finding, State
from leadsman.report.jsonsize import cut_pair, short, weight
from leadsman.report.times import rfc3339, seconds_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from leadsman.model.json import JsonObject

# The reason of an object whose changes are not all listed. One that was itself not listed is read
# back with this reason and no changes.
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

_NOT_OF_IN_SYNC = frozenset({"state", "since", "reason", "message"})

# Characters. Names are far shorter in a cluster, but a render may hold anything.
_NAME = 512
_PATH = 2048
_MESSAGE = 1024


@dataclass(frozen=True, slots=True)
class Level:
    """How much is told of each object: characters per value, changes and ignored fields."""

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
    ignored: int = 0


def worst_first(findings: Iterable[Finding]) -> list[Finding]:
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


def lay_out(findings: Sequence[Finding], budget: int, levels: Sequence[Level] = LEVELS) -> Layout:
    """Write down as many findings, in their order, as fit into ``budget`` bytes of JSON."""
    layout = Layout([])
    for level in levels:
        layout = _attempt(findings, level, budget)
        if layout.complete:
            break
    return layout


def _attempt(findings: Sequence[Finding], level: Level, budget: int) -> Layout:
    """List findings until one does not fit."""
    layout = Layout([])
    for index, finding in enumerate(findings):
        if finding.reason == TRUNCATED and not finding.changes:
            layout.left_out += 1  # all that is known of it is in the inventory
            continue
        item, values = _object(finding, level)
        size = weight(orjson.dumps(item)) + 1  # and a comma
        if layout.size + size > budget:
            layout.left_out += len(findings) - index
            layout.complete = False
            break
        layout.size += size
        layout.objects.append(item)
        layout.values += values
        layout.changes += max(0, len(finding.changes) - level.changes)
        layout.ignored += max(0, len(finding.ignored) - level.ignored)
    return layout


def _object(finding: Finding, level: Level) -> tuple[JsonObject, int]:
    key = finding.key
    reason, message = finding.reason, short(finding.message, _MESSAGE)
    if len(finding.changes) > level.changes:
        listed = f"{level.changes} of {len(finding.changes)} changes are listed"
        message = f"{message} ({listed})" if message else listed
        reason = reason or TRUNCATED
    item: JsonObject = {
        "group": short(key.group, _NAME),
        "version": short(finding.gvk.version, _NAME),
        "kind": short(key.kind, _NAME),
        "namespace": short(key.namespace, _NAME),
        "name": short(key.name, _NAME),
        "state": finding.state.value,
        "since": rfc3339(finding.since),
        "file": short(finding.file, _PATH),
        "reason": short(reason, _NAME),
        "message": message,
    }
    item = {name: text for name, text in item.items() if text or name in {"version", "name"}}
    ignored = [
        {"path": short(ignored.path, _PATH), "rule": short(ignored.rule, _PATH)}
        for ignored in finding.ignored[: level.ignored]
    ]
    if finding.state is State.IN_SYNC:
        # Listed apart, where the schema knows nothing but what rules ignore.
        item = {name: text for name, text in item.items() if name not in _NOT_OF_IN_SYNC}
        return (item | {"fields": ignored} if ignored else item), 0
    values = 0
    if finding.changes:
        changes: list[JsonObject] = []
        ranked = sorted(finding.changes, key=lambda change: _CAUSE_RANK[change.cause])
        for change in ranked[: level.changes]:
            shown, shortened = _change(change, level.value)
            changes.append(shown)
            values += shortened
        item["changes"] = changes
    if ignored:
        item["ignored"] = ignored
    return item, values


def _change(change: Change, limit: int) -> tuple[JsonObject, int]:
    desired, live, shortened = cut_pair(change.desired, change.live, limit)
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
    }
    shown = {name: text for name, text in shown.items() if text or name == "path"}
    if desired is not ABSENT:
        shown["desired"] = desired
    if live is not ABSENT:
        shown["live"] = live
    return shown, shortened
