from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadsman.engine.reporting.status import status_of
from leadsman.model.delivery import Complaint, Delivery, Suspension
from leadsman.model.finding import Cause, Change, IgnoredChange, Op, State, Summary
from leadsman.model.source import Commit, GitSource
from leadsman.model.status import Failure, TargetStatus, Verdict
from leadsman.model.target import Target
from unit.engine.samples import desired, finding, key, rendered, target_state

if TYPE_CHECKING:
    from leadsman.engine.state import TargetState


def _checked(**states: State) -> TargetState:
    """Return a target whose objects are in these states."""
    state = target_state()
    state.install(rendered(*(desired(name) for name in states)), rejudge=False)
    state.rendered = ("sha",)
    for name, wanted in states.items():
        state.record(key(name), None if wanted is State.IN_SYNC else finding(name, wanted), 7.0)
    return state


def test_all_in_sync_is_in_sync() -> None:
    status = status_of(_checked(a=State.IN_SYNC, b=State.IN_SYNC))
    assert status.verdict is Verdict.IN_SYNC
    assert status.summary.states[State.IN_SYNC] == 2
    assert status.drift_since == 0.0


def test_drift_is_said_with_its_beginning() -> None:
    state = _checked(a=State.IN_SYNC, b=State.MISSING)
    state.record(key("a"), finding("a"), 5.0)
    status = status_of(state)
    assert status.verdict is Verdict.DRIFTED
    assert status.drift_since == 5.0
    assert status.summary.drifted == 2


@pytest.mark.parametrize("undecided", [State.UNVERIFIABLE, State.REJECTED])
def test_what_could_not_be_decided_is_never_in_sync(undecided: State) -> None:
    assert status_of(_checked(a=State.IN_SYNC, b=undecided)).verdict is Verdict.UNKNOWN


def test_what_was_never_rendered_is_unknown() -> None:
    assert status_of(target_state()).verdict is Verdict.UNKNOWN


def test_what_still_waits_is_unknown() -> None:
    state = _checked(a=State.IN_SYNC)
    state.pending.add(key("a"))
    status = status_of(state)
    assert status.verdict is Verdict.UNKNOWN
    assert status.summary.states[State.IN_SYNC] == 0


def test_a_failure_keeps_the_findings_and_takes_away_in_sync() -> None:
    state = _checked(a=State.IN_SYNC)
    state.failure = Failure("source", "Unreachable", "no route", 9.0)
    assert status_of(state).verdict is Verdict.UNKNOWN
    drifted = _checked(a=State.MODIFIED)
    drifted.failure = state.failure
    status = status_of(drifted)
    assert status.verdict is Verdict.DRIFTED
    assert len(status.findings) == 1
    assert status.failure == state.failure


def test_what_delivery_says_of_itself_is_told_and_the_verdict_stands() -> None:
    state = _checked(a=State.IN_SYNC)
    complaint = Complaint("BuildFailed", "no such file", 5.0)
    source = GitSource("https://git.example.com/shop")
    state.target = Target(state.key, source, delivery=Delivery(complaint))
    status = status_of(state)
    failure = Failure("delivery", "BuildFailed", "no such file", 5.0)
    assert (status.verdict, status.failure) == (Verdict.IN_SYNC, failure)
    # What fails here as well comes from it.
    state.failure = Failure("render", "NotAsApplied", "another hash", 6.0)
    assert (status_of(state).verdict, status_of(state).failure) == (Verdict.UNKNOWN, failure)


@pytest.mark.parametrize(
    ("suspension", "said", "since"),
    [
        (Suspension(5.0, "kubectl-edit", "moving"), "by kubectl-edit: moving", 5.0),
        (Suspension(5.0, "kubectl-edit"), "by kubectl-edit", 5.0),
        (Suspension(why="moving"), "moving", 9.0),
        (Suspension(), "", 9.0),
    ],
)
def test_who_has_paused_delivery_is_told(suspension: Suspension, said: str, since: float) -> None:
    state = _checked(a=State.IN_SYNC)
    running = Target(state.key, GitSource("https://git.example.com/shop"))
    state.target = replace(running, delivery=Delivery(suspension=suspension))
    for now in (9.0, 10.0):
        state.note_suspension(now)
    assert (status_of(state).suspended_by, status_of(state).suspended_since) == (said, since)
    state.target = replace(running, delivery=Delivery())
    state.note_suspension(11.0)
    assert (status_of(state).suspended_by, status_of(state).suspended_since) == ("", 0.0)


def test_a_kind_that_is_not_served_is_a_failure_that_names_it() -> None:
    state = _checked(a=State.IN_SYNC, b=State.UNVERIFIABLE)
    state.unserved.add(key("b"))
    status = status_of(state)
    assert status.failure is not None
    assert status.failure.reason == "KindNotServed"
    assert "v1 ConfigMap" in status.failure.message
    assert status.failure.since == 7.0


def test_after_a_restart_that_cannot_render_the_report_stands() -> None:
    state = target_state()
    restored = TargetStatus(
        key=state.key,
        uid="1",
        generation=1,
        verdict=Verdict.IN_SYNC,
        summary=Summary({State.IN_SYNC: 3}),
        inventory=(key("a"),),
        commit=Commit("0" * 40, "main@sha1:" + "0" * 40),
        suspended_since=4.0,
    )
    state.restore(restored)
    state.failure = Failure("source", "Unreachable", "no route", 9.0)
    status = status_of(state)
    assert status.verdict is Verdict.UNKNOWN
    assert status.summary.states[State.IN_SYNC] == 3
    assert status.inventory == (key("a"),)
    assert status.commit == restored.commit
    drifted = target_state()
    drifted.restore(replace(restored, verdict=Verdict.DRIFTED, drift_since=2.0))
    assert status_of(drifted).verdict is Verdict.DRIFTED
    assert status_of(drifted).drift_since == 2.0


def test_ignored_fields_are_counted_and_their_object_is_in_sync() -> None:
    state = _checked(a=State.IN_SYNC, b=State.IN_SYNC)
    ignoring = replace(
        finding("a", State.IN_SYNC), ignored=(IgnoredChange("/data/x", "spec.compare.ignore[0]"),)
    )
    state.record(key("a"), ignoring, 1.0)
    status = status_of(state)
    assert status.verdict is Verdict.IN_SYNC
    assert status.summary.states[State.IN_SYNC] == 2
    assert status.summary.ignored_fields == 1


def test_excused_fields_are_counted_by_cause_and_their_object_is_in_sync() -> None:
    state = _checked(a=State.IN_SYNC, b=State.IN_SYNC)
    causes = Cause.ADMISSION, Cause.PENDING, Cause.ADMISSION
    excused = tuple(
        Change(f"/data/{number}", f".data.{number}", Op.REPLACE, cause=cause)
        for number, cause in enumerate(causes)
    )
    state.record(key("a"), replace(finding("a", State.IN_SYNC), excused=excused), 1.0)
    status = status_of(state)
    assert (status.verdict, status.drift_since) == (Verdict.IN_SYNC, 0.0)
    assert status.summary.states[State.IN_SYNC] == 2
    assert (status.summary.admission_fields, status.summary.pending_fields) == (2, 1)


@given(st.dictionaries(st.text("abcdef", min_size=1, max_size=3), st.sampled_from(State)))
def test_every_object_is_counted_once(states: dict[str, State]) -> None:
    states.pop("", None)
    in_git = {name: state for name, state in states.items() if state is not State.ORPHANED}
    state = _checked(**in_git)
    for name in states.keys() - in_git.keys():
        state.record(key(name), finding(name, State.ORPHANED), 1.0)
    summary = status_of(state).summary
    assert summary.total == len(states)
    for wanted in State:
        assert summary.states[wanted] == sum(1 for each in states.values() if each is wanted)


def test_a_spec_that_was_not_looked_at_yet_is_not_said_to_be_observed() -> None:
    state = _checked(a=State.IN_SYNC)
    state.generation, state.observed = 2, 1
    assert status_of(state).generation == 1


def test_an_address_is_told_without_who_asks() -> None:
    state = target_state()
    source = GitSource("https://ghp_token@git.example.org/shop.git?private_token=secret")
    state.target = Target(state.key, source)
    assert status_of(state).url == "https://git.example.org/shop.git"


def test_the_interval_is_the_specs_also_after_a_restart() -> None:
    state = _checked(a=State.IN_SYNC)
    assert status_of(state).interval == 0.0
    state.target = Target(state.key, GitSource("https://git.example.com/shop", interval=21_600.0))
    before = status_of(state)
    assert before.interval == 21_600.0
    state.rendered, state.restored = None, replace(before, interval=0.0)
    assert status_of(state).interval == 21_600.0
