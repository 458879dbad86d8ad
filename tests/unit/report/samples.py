"""Targets, findings and Hypothesis strategies for the reports' tests."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import Any

from hypothesis import strategies as st

from leadsman.model.finding import (
    ABSENT,
    DRIFT_CAUSES,
    DRIFTED_STATES,
    EXCUSED_CAUSES,
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

TARGET = TargetKey("DriftCheck", "flux", "shop")
NOW = 1_795_435_200.0  # 2026-11-23T12:00:00Z
COMMIT = Commit("5f" * 20, f"main@sha1:{'5f' * 20}", "Jane", "Scale up", NOW - 86_400)
FAILURE = Failure("source", "AuthenticationFailed", "https://git.example.com/shop: 401", NOW)


def change(field: str = ".spec.replicas", desired: Any = 2, live: Any = 5) -> Change:
    return Change(
        path=field.replace(".", "/"),
        field=field,
        op=Op.REPLACE,
        desired=desired,
        live=live,
        manager="kubectl-edit",
        operation="Update",
        time="2026-11-23T11:59:10Z",
    )


def added(field: str = ".metadata.labels.team", live: Any = "shop") -> Change:
    return replace(change(field, ABSENT, live), op=Op.ADD)


def excused(field: str = ".spec.paused", cause: Cause = Cause.ADMISSION) -> Change:
    return replace(
        change(field, desired=False, live=True), cause=cause, manager="kustomize-controller"
    )


def finding(
    name: str = "web",
    state: State = State.MODIFIED,
    changes: tuple[Change, ...] | None = None,
    **more: Any,
) -> Finding:
    if changes is None:
        changes = {State.MODIFIED: (change(),), State.ADDED: (added(),)}.get(state, ())
    made = Finding(
        ObjectKey("apps", "Deployment", "shop", name),
        Gvk("apps", "v1", "Deployment"),
        state,
        changes,
        file="deploy/web.yaml",
        since=NOW,
    )
    return replace(made, **more)


def status(*findings: Finding, in_sync: int = 28, **more: Any) -> TargetStatus:
    """A status with these findings, all of them in the inventory, and a verdict that fits."""
    states = Counter({State.IN_SYNC: in_sync})
    states.update(item.state for item in findings)
    drifted = any(item.state in DRIFTED_STATES for item in findings)
    causes = Counter(item.cause for each in findings for item in each.excused)
    undecided = states[State.UNVERIFIABLE] + states[State.REJECTED]
    made = TargetStatus(
        key=TARGET,
        uid="0a-1b",
        generation=3,
        verdict=Verdict.DRIFTED if drifted else Verdict.UNKNOWN if undecided else Verdict.IN_SYNC,
        summary=Summary(
            {state: states[state] for state in State},
            sum(len(item.ignored) for item in findings),
            causes[Cause.ADMISSION],
            causes[Cause.PENDING],
        ),
        findings=findings,
        inventory=tuple(item.key for item in findings),
        commit=COMMIT,
        url="https://git.example.com/shop",
        renderer="Kustomize",
        interval=300.0,
        drift_since=NOW if drifted else 0.0,
        checked_at=NOW,
    )
    return replace(made, **more)


_texts = st.text(max_size=12) | st.sampled_from(["<&>" * 200, "é\u2028\x9b\x7f" * 150, "\ud800x"])
_names = st.text("abcdefghij-.0123456789", min_size=1, max_size=12)
_json = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["line\n" * 4000, "<" * 2000, "\x9b" * 5000]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4)
    ),
    max_leaves=6,
)
_times = st.integers(1_700_000_000, 1_800_000_000).map(float)


def _changes(causes: frozenset[Cause]) -> st.SearchStrategy[Change]:
    return st.builds(
        Change,
        path=_texts.map("/".__add__),
        field=_texts,
        op=st.sampled_from(Op),
        desired=st.just(ABSENT) | _json,
        live=st.just(ABSENT) | _json,
        cause=st.sampled_from(sorted(causes)),
        manager=_texts,
        operation=st.sampled_from(["Apply", "Update", ""]),
        time=st.sampled_from(["", "2026-11-23T12:03:10Z", "soon"]),
    )


changes = _changes(DRIFT_CAUSES)
keys = st.builds(
    ObjectKey, st.sampled_from(["", "apps"]), st.sampled_from(["Service", "Web"]), _names, _names
)


def _drawn(key: ObjectKey, state: State, **fields: Any) -> Finding:
    if state in {State.IN_SYNC, State.MISSING, State.ORPHANED}:
        fields["changes"] = ()
    elif not fields["changes"] and state is not State.UNVERIFIABLE:
        fields["changes"] = (added(),)
    if state in {State.MISSING, State.ORPHANED}:
        fields["excused"] = ()
    if state is State.ADDED:
        fields["changes"] = tuple(replace(item, op=Op.ADD) for item in fields["changes"])
    if state is State.IN_SYNC:  # then all that there is to be said is no drift
        fields |= {"reason": "", "message": "", "since": 0.0}
        if not (fields["ignored"] or fields["excused"]):
            fields["ignored"] = (IgnoredChange("/spec/paused", "a rule"),)
    return Finding(key=key, gvk=Gvk(key.group, "v1", key.kind), state=state, **fields)


findings = st.builds(
    _drawn,
    keys,
    state=st.sampled_from(State),
    changes=st.lists(changes, max_size=5).map(tuple),
    excused=st.lists(_changes(EXCUSED_CAUSES), max_size=3).map(tuple),
    ignored=st.lists(st.builds(IgnoredChange, _texts, _texts), max_size=3).map(tuple),
    reason=st.sampled_from(["", "Forbidden"]),
    message=_texts,
    file=_texts,
    since=_times,
)


@st.composite
def statuses(draw: st.DrawFn, copies: int = 1) -> TargetStatus:
    """Any status; with ``copies`` each finding is there so many times, under other names."""
    drawn = draw(st.lists(findings, max_size=8, unique_by=lambda item: item.key))
    many = [
        replace(item, key=replace(item.key, name=f"{item.key.name}-{number}"))
        for item in drawn
        for number in range(copies)
    ]
    made = status(*many, in_sync=draw(st.integers(0, 50)))
    return replace(
        made,
        inventory=tuple(draw(st.permutations(made.inventory))),
        failure=draw(st.none() | st.builds(Failure, st.just("render"), _names, _texts, _times)),
        commit=draw(st.none() | st.builds(Commit, _texts, _texts, _texts, _texts, st.floats(0))),
        warnings=tuple(draw(st.lists(_texts, max_size=30))),
        url=draw(_texts),
        renderer=draw(st.sampled_from(["", "Helm", "Plain", "Other"])),
        suspended_since=draw(st.just(0.0) | _times),
        handled_check=draw(_texts),
    )
