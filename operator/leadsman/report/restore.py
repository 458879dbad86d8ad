"""A DriftReport read back, so that a restart repeats nothing and loses nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from leadsman.model.finding import (
    ABSENT,
    Cause,
    Change,
    Finding,
    IgnoredChange,
    Op,
    State,
    Summary,
)
from leadsman.model.identity import Gvk, ObjectKey, TargetKey
from leadsman.model.source import Commit
from leadsman.model.status import Failure, TargetStatus, Verdict
from leadsman.report.inventory import decode_inventory
from leadsman.report.times import seconds_of
from leadsman.report.truncate import TRUNCATED

if TYPE_CHECKING:
    from collections.abc import Iterator
    from enum import StrEnum

    from leadsman.model.json import Json, JsonObject

E = TypeVar("E", bound="StrEnum")


def restore(report: JsonObject) -> TargetStatus | None:
    """Read what a report says of its target; None if it is not one or says nothing yet.

    Anybody may have written it: what cannot be read is left out. Values are as far as they were
    kept, times are whole seconds, ``checked_at`` and ``interval`` are 0. An object whose changes
    were not all kept has the reason ``Truncated``.
    """
    metadata, told = _object(report, "metadata"), _object(report, "status")
    target = _object(_object(report, "spec"), "target")
    kind, name = _text(target, "kind"), _text(target, "name")
    if not (told and kind and name):
        return None
    listed = {finding.key: finding for finding in _findings(told)}
    inventory, unlisted = decode_inventory(told.get("inventory"))
    for finding in unlisted:
        if finding.key not in listed:
            listed[finding.key] = Finding(
                finding.key, finding.gvk, finding.state, reason=TRUNCATED, since=finding.since
            )
    return TargetStatus(
        key=TargetKey(kind, _text(metadata, "namespace"), name),
        uid=_owner(metadata, kind, name),
        generation=_count(told, "observedGeneration"),
        verdict=_enum(Verdict, told.get("verdict")) or Verdict.UNKNOWN,
        summary=_summary(_object(told, "summary")),
        findings=tuple(listed.values()),
        inventory=inventory,
        failure=_failure(told),
        commit=_commit(told),
        url=_text(told, "url"),
        renderer=_text(told, "renderer"),
        warnings=tuple(text for text in _list(told, "warnings") if isinstance(text, str)),
        drift_since=seconds_of(told.get("driftSince")),
        suspended_since=seconds_of(told.get("suspendedSince")),
    )


def _owner(metadata: JsonObject, kind: str, name: str) -> str:
    for owner in _objects(metadata, "ownerReferences"):
        if (owner.get("kind"), owner.get("name")) == (kind, name):
            return _text(owner, "uid")
    return ""


def _summary(told: JsonObject) -> Summary:
    states = {state: _count(told, state.value[0].lower() + state.value[1:]) for state in State}
    return Summary(states, _count(told, "ignoredFields"))


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


def _findings(told: JsonObject) -> Iterator[Finding]:
    for item in _objects(told, "objects"):
        yield from _finding(item, _enum(State, item.get("state")), "ignored")
    for item in _objects(told, "ignored"):
        yield from _finding(item, State.IN_SYNC, "fields")


def _finding(item: JsonObject, state: State | None, ignored_in: str) -> Iterator[Finding]:
    """Yield the finding that an object is listed for, if it can be read."""
    kind, name = _text(item, "kind"), _text(item, "name")
    if state is not None and kind and name:
        group = _text(item, "group")
        yield Finding(
            key=ObjectKey(group, kind, _text(item, "namespace"), name),
            gvk=Gvk(group, _text(item, "version"), kind),
            state=state,
            changes=tuple(_changes(item)),
            ignored=tuple(
                IgnoredChange(_text(ignored, "path"), _text(ignored, "rule"))
                for ignored in _objects(item, ignored_in)
            ),
            reason=_text(item, "reason"),
            message=_text(item, "message"),
            file=_text(item, "file"),
            since=seconds_of(item.get("since")),
        )


def _changes(item: JsonObject) -> Iterator[Change]:
    for change in _objects(item, "changes"):
        op = _enum(Op, change.get("op"))
        if op is None:
            continue
        yield Change(
            path=_text(change, "path"),
            field=_text(change, "field"),
            op=op,
            desired=change.get("desired", ABSENT),
            live=change.get("live", ABSENT),
            cause=_enum(Cause, change.get("cause")) or Cause.LIVE,
            manager=_text(change, "manager"),
            operation=_text(change, "operation"),
            subresource=_text(change, "subresource"),
            time=_text(change, "time"),
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
