"""A DriftReport read back, so that a restart repeats nothing and loses nothing."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from leadsman.model.finding import (
    ABSENT,
    DRIFT_CAUSES,
    EXCUSED_CAUSES,
    Cause,
    Change,
    Finding,
    IgnoredChange,
    Op,
    State,
    Summary,
    Unlisted,
    contradiction,
)
from leadsman.model.identity import Gvk, ObjectKey, TargetKey
from leadsman.model.source import Commit
from leadsman.model.status import Failure, TargetStatus, Verdict
from leadsman.report.inventory import decode_inventory
from leadsman.times import seconds_of

if TYPE_CHECKING:
    from collections.abc import Iterator
    from enum import StrEnum

    from leadsman.model.json import Json, JsonObject

E = TypeVar("E", bound="StrEnum")


def restore(report: JsonObject) -> TargetStatus | None:
    """Read what a report says of its target; None if it is not one or says nothing yet.

    Anybody may have written it: what cannot be read is left out. Values are as far as they were
    kept, times are whole seconds, ``checked_at`` and ``interval`` are 0. An object whose changes
    were not all kept has the reason ``Truncated``, and is among the ``unlisted`` if none were.
    """
    metadata, told = _object(report, "metadata"), _object(report, "status")
    target = _object(_object(report, "spec"), "target")
    kind, name = _text(target, "kind"), _text(target, "name")
    if not (told and kind and name):
        return None
    inventory, states = decode_inventory(told.get("inventory"))
    unlisted = {item.key: item for item in states}
    listed: dict[ObjectKey, Finding] = {}
    for found in _findings(told):
        if isinstance(found, Unlisted):
            unlisted[found.key] = found
            continue
        other = listed.get(found.key)
        if other is not None and other.state is found.state is State.IN_SYNC:
            # Listed twice: for what is excused and for what rules ignore.
            found = replace(other, ignored=found.ignored)  # noqa: PLW2901 - it is both together
        listed[found.key] = found
    return TargetStatus(
        key=TargetKey(kind, _text(metadata, "namespace"), name),
        uid=_owner(metadata, kind, name),
        generation=_count(told, "observedGeneration"),
        verdict=_enum(Verdict, told.get("verdict")) or Verdict.UNKNOWN,
        summary=_summary(_object(told, "summary")),
        findings=tuple(listed.values()),
        unlisted=tuple(item for key, item in unlisted.items() if key not in listed),
        inventory=inventory,
        failure=_failure(told),
        commit=_commit(told),
        url=_text(told, "url"),
        renderer=_text(told, "renderer"),
        warnings=tuple(text for text in _list(told, "warnings") if isinstance(text, str)),
        drift_since=seconds_of(told.get("driftSince")),
        suspended_since=seconds_of(told.get("suspendedSince")),
        handled_check=_text(told, "lastHandledCheckAt"),
    )


def _owner(metadata: JsonObject, kind: str, name: str) -> str:
    for owner in _objects(metadata, "ownerReferences"):
        if (owner.get("kind"), owner.get("name")) == (kind, name):
            return _text(owner, "uid")
    return ""


def _summary(told: JsonObject) -> Summary:
    states = {state: _count(told, state.value[0].lower() + state.value[1:]) for state in State}
    return Summary(
        states,
        ignored_fields=_count(told, "ignoredFields"),
        admission_fields=_count(told, "admissionFields"),
        pending_fields=_count(told, "pendingFields"),
    )


def _commit(told: JsonObject) -> Commit | None:
    commit, revision = _object(told, "commit"), _text(told, "revision")
    if not revision:
        return None
    return Commit(
        sha=_text(commit, "sha"),
        revision=revision,
        author=_text(commit, "author"),
        subject=_text(commit, "subject"),
        time=seconds_of(commit.get("time")),
    )


def _failure(told: JsonObject) -> Failure | None:
    for condition in _objects(told, "conditions"):
        if condition.get("type") == "Ready" and condition.get("status") == "False":
            stage, _, message = _text(condition, "message").partition(": ")
            return Failure(
                stage=stage,
                reason=_text(condition, "reason"),
                message=message,
                since=seconds_of(condition.get("lastTransitionTime")),
            )
    return None


def _findings(told: JsonObject) -> Iterator[Finding | Unlisted]:
    for item in _objects(told, "objects"):
        state = _enum(State, item.get("state"))
        changes = tuple(_changes(item, "changes", DRIFT_CAUSES))
        excused = tuple(_changes(item, "excused", EXCUSED_CAUSES))
        yield from _finding(item, state, changes, excused, "ignored")
    for item in _objects(told, "excused"):
        excused = tuple(_changes(item, "changes", EXCUSED_CAUSES))
        yield from _finding(item, State.IN_SYNC, (), excused, "")
    for item in _objects(told, "ignored"):
        yield from _finding(item, State.IN_SYNC, (), (), "fields")


def _finding(
    item: JsonObject,
    state: State | None,
    changes: tuple[Change, ...],
    excused: tuple[Change, ...],
    ignored_in: str,
) -> Iterator[Finding | Unlisted]:
    """Yield what an object is listed for, if it can be read; its state alone if no more can."""
    kind, name = _text(item, "kind"), _text(item, "name")
    if state is None or not (kind and name):
        return
    group = _text(item, "group")
    key = ObjectKey.of(group, kind, _text(item, "namespace"), name)
    gvk = Gvk(group, _text(item, "version"), kind)
    since = seconds_of(item.get("since"))
    if contradiction(state, changes, excused):
        yield Unlisted(key, gvk, state, since)
        return
    yield Finding(
        key=key,
        gvk=gvk,
        state=state,
        changes=changes,
        ignored=tuple(
            IgnoredChange(_text(ignored, "path"), _text(ignored, "rule"))
            for ignored in _objects(item, ignored_in)
        ),
        reason=_text(item, "reason"),
        message=_text(item, "message"),
        file=_text(item, "file"),
        since=since,
        excused=excused,
    )


def _changes(item: JsonObject, name: str, causes: frozenset[Cause]) -> Iterator[Change]:
    for change in _objects(item, name):
        op, cause = _enum(Op, change.get("op")), _enum(Cause, change.get("cause"))
        if op is None or cause not in causes:
            continue
        yield Change(
            path=_text(change, "path"),
            field=_text(change, "field"),
            op=op,
            desired=change.get("desired", ABSENT),
            live=change.get("live", ABSENT),
            cause=cause,
            manager=_text(change, "manager"),
            operation=_text(change, "operation"),
            subresource=_text(change, "subresource"),
            time=_text(change, "time"),
            evidence=_text(change, "evidence"),
            diff=_text(change, "diff"),
        )


def _enum(kind: type[E], value: Json) -> E | None:
    try:
        return kind(value)
    except ValueError:
        return None


def _text(owner: JsonObject, name: str) -> str:
    value = owner.get(name)
    return value if isinstance(value, str) else ""


def _count(owner: JsonObject, name: str) -> int:
    value = owner.get(name)
    return value if isinstance(value, int) and value > 0 else 0


def _object(owner: Json, name: str) -> JsonObject:
    value = owner.get(name) if isinstance(owner, dict) else None
    return value if isinstance(value, dict) else {}


def _list(owner: JsonObject, name: str) -> list[Json]:
    value = owner.get(name)
    return value if isinstance(value, list) else []


def _objects(owner: JsonObject, name: str) -> Iterator[JsonObject]:
    return (item for item in _list(owner, name) if isinstance(item, dict))
