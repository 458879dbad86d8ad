"""The conditions of a report: could it be checked, is it in sync, is it suspended."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from leadsman.model.finding import DRIFTED_STATES, Finding, State
from leadsman.model.status import TargetStatus, Verdict
from leadsman.report.jsonsize import short
from leadsman.report.text import field_text, object_text, printable
from leadsman.report.truncate import worst_first
from leadsman.times import rfc3339, seconds_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leadsman.model.json import JsonObject

# Characters of a message; objects named in it; fields named of an object.
_MESSAGE = 2048
_OBJECTS = 3
_FIELDS = 3
_WHY = 200

# metav1.Condition's own rule, which the CRD repeats.
_REASON = re.compile(r"[A-Za-z](?:[A-Za-z0-9_,:]{0,1022}[A-Za-z0-9_])?")

_NOT_YET = "not every object has been compared yet"

# The word of each state where it stands beside the object's name.
_WORDS = {State.MISSING: "missing", State.ORPHANED: "orphaned", State.ADDED: "added"}


def build_conditions(
    status: TargetStatus, ranked: Sequence[Finding], previous: JsonObject | None, now: float
) -> list[JsonObject]:
    """Return the conditions; one whose status stays keeps its transition time of ``previous``.

    ``ranked`` are the status' findings, the worst first.
    """
    known = _known(previous)
    conditions: list[JsonObject] = []
    for kind, (truth, reason, message) in {
        "Ready": _ready(status, ranked),
        "InSync": _in_sync(status, ranked),
        "Suspended": _suspended(status),
    }.items():
        before, since = known.get(kind, ("", ""))
        conditions.append(
            {
                "type": kind,
                "status": truth,
                "observedGeneration": status.generation,
                "lastTransitionTime": since if before == truth else rfc3339(now),
                "reason": reason if _REASON.fullmatch(reason) else "Failed",
                "message": short(message, _MESSAGE),
            }
        )
    return conditions


def summary_text(status: TargetStatus, ranked: Sequence[Finding] | None = None) -> str:
    """Tell in a sentence how many objects are not in sync, and name the worst of them."""
    ranked = worst_first(status.findings) if ranked is None else ranked
    total, counts = status.summary.total, status.summary.states
    parts = []
    for count, states, said in (
        (status.summary.drifted, DRIFTED_STATES, "drifted"),
        (counts.get(State.REJECTED, 0), {State.REJECTED}, "would be refused"),
        (counts.get(State.UNVERIFIABLE, 0), {State.UNVERIFIABLE}, "could not be compared"),
    ):
        if count:
            named = [_named(item) for item in ranked if item.state in states][:_OBJECTS]
            if named and count > len(named):
                named.append(f"and {count - len(named)} more")
            names = f": {', '.join(named)}" if named else ""
            parts.append(f"{count} of {_plural(total, 'object')} {said}{names}")
    if not parts and status.verdict is Verdict.IN_SYNC:
        parts.append(f"{_plural(total, 'object')} as Git asks for")
    if ignored := status.summary.ignored_fields:
        parts.append(f"{_plural(ignored, 'differing field')} ignored by rules")
    if changed := status.summary.admission_fields:
        parts.append(f"{_plural(changed, 'field')} changed on admission")
    if pending := status.summary.pending_fields:
        parts.append(f"{_plural(pending, 'field')} not yet delivered")
    return "; ".join(parts)


def _ready(status: TargetStatus, ranked: Sequence[Finding]) -> tuple[str, str, str]:
    if status.failure is not None:
        # The stage stands first: restore() reads it back from here.
        return "False", status.failure.reason, f"{status.failure.stage}: {status.failure.message}"
    if status.commit is None and not status.summary.total:
        return "Unknown", "NotChecked", "has not been checked yet"
    return "True", "Checked", summary_text(status, ranked) or _NOT_YET


def _in_sync(status: TargetStatus, ranked: Sequence[Finding]) -> tuple[str, str, str]:
    told = summary_text(status, ranked)
    if status.verdict is Verdict.IN_SYNC:
        return "True", "InSync", told
    if status.verdict is Verdict.DRIFTED:
        if status.failure is not None:
            told += f" (compared with {_revision(status)}: see the condition Ready)"
        return "False", "Drifted", told
    if status.failure is not None:
        known = f"; before that: {told}" if told else ""
        return "Unknown", "NotChecked", f"could not be checked: {status.failure.reason}{known}"
    for state in (State.REJECTED, State.UNVERIFIABLE):
        if status.summary.states.get(state, 0):
            return "Unknown", state.value, told
    return "Unknown", "NotChecked", _NOT_YET


def _suspended(status: TargetStatus) -> tuple[str, str, str]:
    if status.suspended_since:
        message = f"Git is followed no further; live is still compared with {_revision(status)}"
        if status.suspended_by:
            message = f"{printable(status.suspended_by)}; {message}"
        return "True", "Suspended", message
    return "False", "Active", "Git is followed"


def _revision(status: TargetStatus) -> str:
    return printable(status.commit.revision) if status.commit else "the last revision rendered"


def _named(finding: Finding) -> str:
    """Name an object and what is wrong: ``Deployment shop/web (spec.replicas by kubectl-edit)``."""
    if finding.state in {State.REJECTED, State.UNVERIFIABLE}:
        said = ": ".join(part for part in (finding.reason, finding.message) if part)
        said = short(printable(said), _WHY)
    else:
        fields = [
            short(field_text(change), _WHY) + (f" by {change.manager}" if change.manager else "")
            for change in finding.changes[:_FIELDS]
        ]
        if len(finding.changes) > _FIELDS:
            fields.append(f"and {len(finding.changes) - _FIELDS} more")
        said = ", ".join(fields) or _WORDS.get(finding.state, "modified")
    return f"{object_text(finding.key)} ({said})" if said else object_text(finding.key)


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _known(previous: JsonObject | None) -> dict[str, tuple[str, str]]:
    """Read status and transition time of each condition; ``previous`` may be anybody's work."""
    conditions = (previous or {}).get("conditions")
    return {
        str(item.get("type")): (str(item.get("status")), str(item["lastTransitionTime"]))
        for item in (conditions if isinstance(conditions, list) else [])
        if isinstance(item, dict) and seconds_of(item.get("lastTransitionTime"))
    }
