"""From the engine's state of a target to what is reported of it: one verdict, one reason."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING

from leadsman.engine.judging.serving import moved_warnings
from leadsman.errors import DeliveryError
from leadsman.model.finding import DRIFTED_STATES, Cause, State, Summary
from leadsman.model.source import GitSource
from leadsman.model.status import Failure, TargetStatus, Verdict
from leadsman.source.url import display_url

if TYPE_CHECKING:
    from leadsman.engine.state import TargetState

# How many objects a message names before it says "and N more".
_NAMED = 3


def status_of(state: TargetState) -> TargetStatus:
    """Return the target's status as it is now."""
    if state.rendered is None and state.restored is not None:
        return _kept(state, state.restored)
    counts = Counter(finding.state for finding in state.findings.values())
    in_sync_but_ignored = counts.pop(State.IN_SYNC, 0)
    clean = (
        len(state.desired)
        - sum(1 for key in state.findings if key in state.desired)
        - sum(1 for key in state.pending if key in state.desired and key not in state.findings)
    )
    counts[State.IN_SYNC] = clean + in_sync_but_ignored
    excused = Counter(
        change.cause for finding in state.findings.values() for change in finding.excused
    )
    summary = Summary(
        states={name: counts.get(name, 0) for name in State},
        ignored_fields=sum(len(finding.ignored) for finding in state.findings.values()),
        admission_fields=excused[Cause.ADMISSION],
        pending_fields=excused[Cause.PENDING],
    )
    failure = state.failure or _unserved(state)
    source = _source(state)
    complaint = _complaint(state)
    return TargetStatus(
        key=state.key,
        uid=state.uid,
        generation=state.observed,
        verdict=_verdict(state, summary, failure),
        summary=summary,
        findings=tuple(state.findings.values()),
        inventory=(*state.desired, *state.orphans),
        # What delivery says of itself is mostly what the rest comes from; the verdict stands.
        failure=complaint or failure,
        commit=state.commit,
        url=display_url(source.url) if source is not None else "",
        renderer=state.renderer,
        interval=source.interval if source is not None else 0.0,
        warnings=(*moved_warnings(state), *state.warnings, *state.cautions.values()),
        drift_since=min(
            (f.since for f in state.findings.values() if f.state in DRIFTED_STATES), default=0.0
        ),
        suspended_since=state.suspended_since,
        suspended_by=_suspended_by(state),
        checked_at=state.checked_at,
        handled_check=state.handled,
    )


def same(one: TargetStatus, other: TargetStatus) -> bool:
    """Tell whether two statuses say the same, but for when that was found."""
    return replace(one, checked_at=other.checked_at) == other


def _kept(state: TargetState, restored: TargetStatus) -> TargetStatus:
    """Return the last report's findings, marked with why they could not be looked at again."""
    source = _source(state)
    return TargetStatus(
        key=state.key,
        uid=state.uid,
        generation=state.observed,
        verdict=Verdict.DRIFTED if restored.verdict is Verdict.DRIFTED else Verdict.UNKNOWN,
        summary=restored.summary,
        findings=restored.findings,
        unlisted=restored.unlisted,
        inventory=restored.inventory,
        failure=_complaint(state) or state.failure,
        commit=restored.commit,
        url=display_url(source.url) if source is not None else restored.url,
        renderer=restored.renderer,
        interval=source.interval if source is not None else 0.0,
        warnings=restored.warnings,
        drift_since=restored.drift_since,
        suspended_since=state.suspended_since,
        suspended_by=_suspended_by(state),
        checked_at=state.checked_at,
        handled_check=state.handled,
    )


def _complaint(state: TargetState) -> Failure | None:
    """Return why delivery fails, as whoever delivers says it."""
    delivery = state.target.delivery if state.target is not None else None
    if delivery is None or delivery.complaint is None:
        return None
    said = delivery.complaint
    return Failure(DeliveryError.stage, said.reason, said.message, said.since)


def _suspended_by(state: TargetState) -> str:
    delivery = state.target.delivery if state.target is not None else None
    if delivery is None or delivery.suspension is None:
        return ""
    said = delivery.suspension
    return ": ".join(filter(None, (f"by {said.by}" if said.by else "", said.why)))


def _source(state: TargetState) -> GitSource | None:
    source = state.target.source if state.target is not None else None
    return source if isinstance(source, GitSource) else None


def _verdict(state: TargetState, summary: Summary, failure: Failure | None) -> Verdict:
    """Say Drifted on what is known, and InSync only where everything is known."""
    if summary.drifted:
        return Verdict.DRIFTED
    undecided = summary.states[State.UNVERIFIABLE] + summary.states[State.REJECTED]
    if failure is not None or state.rendered is None or undecided or state.pending:
        return Verdict.UNKNOWN
    return Verdict.IN_SYNC


def _unserved(state: TargetState) -> Failure | None:
    """Tell of rendered objects whose kind the cluster does not serve: delivery fails on them."""
    unserved = [
        finding
        for key in state.unserved
        if (finding := state.findings.get(key)) is not None and finding.state is State.UNVERIFIABLE
    ]
    if not unserved:
        return None
    kinds = sorted({str(finding.gvk) for finding in unserved})
    since = min(finding.since for finding in unserved)
    named = ", ".join(kinds[:_NAMED]) + (
        f" and {len(kinds) - _NAMED} more" if len(kinds) > _NAMED else ""
    )
    return Failure(
        stage="compare",
        reason="KindNotServed",
        message=(
            f"the cluster does not serve {named}, which Git renders "
            f"({len(unserved)} objects): install the CustomResourceDefinition or "
            "change the apiVersion"
        ),
        since=since,
    )
