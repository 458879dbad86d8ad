"""What is known of a target as a DriftReport, the custom resource that people and tools read.

Pure: the same status and the same previous report give the same bytes, so that comparing them
decides whether there is anything to write.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from leadsman.model.finding import State
from leadsman.report.conditions import build_conditions
from leadsman.report.inventory import encode_inventory
from leadsman.report.jsonsize import short, weight
from leadsman.report.naming import API_VERSIONS, report_name
from leadsman.report.truncate import (
    LEVELS,
    Layout,
    excused_form,
    ignored_form,
    lay_out,
    worst_first,
)
from leadsman.times import rfc3339

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leadsman.model.finding import Finding, Unlisted
    from leadsman.model.json import JsonObject
    from leadsman.model.status import TargetStatus

API_VERSION = "leadsman.dev/v1alpha1"
KIND = "DriftReport"

# Bytes of compact JSON. A whole report stays under 500 KiB; what is left is for its metadata,
# managedFields among them.
STATUS_LIMIT = 450 * 1024
# An inventory that takes more would leave too little for what is to be read.
_INVENTORY_LIMIT = 200 * 1024

_NOT_IN_SYNC = frozenset(State) - {State.IN_SYNC}
_RENDERERS = frozenset({"Helm", "Kustomize", "Plain"})
# What a report of the same findings has in common with the one before.
_LISTS = ("objects", "excused", "ignored", "summary", "warnings")
_WARNINGS = 20
_TEXT = 512
_URL = 2048


def build_report(status: TargetStatus) -> JsonObject:
    """Return the report without its status, as server-side apply takes it."""
    metadata: JsonObject = {"namespace": status.key.namespace, "name": report_name(status.key)}
    if status.uid:
        # No blockOwnerDeletion: it would need permission on the target's finalizers.
        metadata["ownerReferences"] = [
            {
                "apiVersion": API_VERSIONS[status.key.kind],
                "kind": status.key.kind,
                "name": status.key.name,
                "uid": status.uid,
                "controller": True,
            }
        ]
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": metadata,
        "spec": {"target": {"kind": status.key.kind, "name": status.key.name}},
    }


def build_status(status: TargetStatus, previous: JsonObject | None, now: float) -> JsonObject:
    """Return the report's status, at most ``STATUS_LIMIT`` bytes as compact JSON.

    ``previous`` is the status that was written before, or as much as its conditions; ``now`` in
    seconds since the epoch is the time of those conditions that turn.
    """
    ranked = worst_first(status.findings)
    built: JsonObject = {
        "observedGeneration": status.generation,
        "verdict": status.verdict.value,
        "summary": _summary(status),
        "suspended": bool(status.suspended_since),
        "conditions": build_conditions(status, ranked, previous, now),
    }
    built |= _known(
        {
            "revision": short(status.commit.revision, _TEXT) if status.commit else "",
            "commit": _commit(status),
            "url": short(status.url, _URL),
            "renderer": status.renderer if status.renderer in _RENDERERS else "",
            "driftSince": rfc3339(status.drift_since),
            "suspendedSince": rfc3339(status.suspended_since),
            "lastHandledCheckAt": short(status.handled_check, _TEXT),
            "warnings": [short(warning, _TEXT) for warning in status.warnings[:_WARNINGS]],
        }
    )
    room = STATUS_LIMIT - weight(orjson.dumps(built)) - _TEXT
    layout, packed = _fit(status, [each for each in ranked if each.state in _NOT_IN_SYNC], room)
    in_sync = [each for each in ranked if each.state not in _NOT_IN_SYNC]
    # What is no drift gets what is left: first what is excused, then what rules ignore.
    room -= _size(packed) + layout.size
    with_excused = [each for each in in_sync if each.excused]
    excused = lay_out(with_excused, room, form=excused_form)
    with_ignored = [each for each in in_sync if each.ignored]
    by_rule = lay_out(with_ignored, room - excused.size, form=ignored_form)
    built |= _known(
        {
            "objects": layout.objects,
            "excused": excused.objects,
            "ignored": by_rule.objects,
            "inventory": packed,
        }
    )
    truncated = {
        "objects": layout.left_out,
        "changes": layout.changes,
        "excused": layout.excused
        + excused.excused
        + sum(len(each.excused) for each in with_excused[len(excused.objects) :]),
        "values": layout.values + excused.values,
        "ignored": layout.ignored
        + by_rule.ignored
        + sum(len(each.ignored) for each in with_ignored[len(by_rule.objects) :]),
        "warnings": max(0, len(status.warnings) - _WARNINGS),
        "inventory": 0 if packed else len(status.inventory),
    }
    return built | _known({"truncated": _known(truncated | _cut_before(built, previous))})


def _fit(status: TargetStatus, ranked: list[Finding], room: int) -> tuple[Layout, str]:
    """Share the room: the inventory is packed, so it is the objects that give way."""
    packed = _packed(status, ())
    layout = lay_out(ranked, room - _size(packed))
    layout.left_out += len(status.unlisted)
    if layout.left_out:  # their states go into the inventory
        packed = _packed(status, (*ranked, *status.unlisted))
        levels = LEVELS if layout.complete else LEVELS[-1:]
        layout = lay_out(ranked, room - _size(packed), levels)
        layout.left_out += len(status.unlisted)
    return layout, packed


def _size(packed: str) -> int:
    # Base64 may look like numbers to what weighs.
    return weight(packed.encode())


def _packed(status: TargetStatus, objects: Sequence[Finding | Unlisted]) -> str:
    packed = encode_inventory(status.inventory, objects)
    return packed if len(packed) <= _INVENTORY_LIMIT else ""


def _cut_before(built: JsonObject, previous: JsonObject | None) -> JsonObject:
    """Return what had been cut from these same objects when they were read back from a report.

    That is so after a restart for as long as the target cannot be checked.
    """
    truncated = (previous or {}).get("truncated")
    if previous is None or not isinstance(truncated, dict):
        return {}
    if any(previous.get(part) != built.get(part) for part in _LISTS):
        return {}
    return {
        name: truncated[name]
        for name in ("changes", "excused", "values", "ignored", "warnings")
        if isinstance(truncated.get(name), int)
    }


def _summary(status: TargetStatus) -> JsonObject:
    counts = {
        state.value[0].lower() + state.value[1:]: status.summary.states.get(state, 0)
        for state in State
    }
    return {
        "total": status.summary.total,
        **counts,
        "drifted": status.summary.drifted,
        "ignoredFields": status.summary.ignored_fields,
        "admissionFields": status.summary.admission_fields,
        "pendingFields": status.summary.pending_fields,
    }


def _commit(status: TargetStatus) -> JsonObject:
    if status.commit is None:
        return {}
    return _known(
        {
            "sha": short(status.commit.sha, _TEXT),
            "author": short(status.commit.author, _TEXT),
            "subject": short(status.commit.subject, _TEXT),
            "time": rfc3339(status.commit.time),
        }
    )


def _known(fields: JsonObject) -> JsonObject:
    """Leave out what is empty: an absent field says the same, and a time may not be ""."""
    return {name: value for name, value in fields.items() if value}
