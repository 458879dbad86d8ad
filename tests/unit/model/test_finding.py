from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadsman.model.finding import (
    DRIFT_CAUSES,
    EXCUSED_CAUSES,
    Cause,
    Change,
    Finding,
    Op,
    State,
    contradiction,
)
from leadsman.model.identity import Gvk, ObjectKey

_KEY, _GVK = ObjectKey("", "ConfigMap", "shop", "web"), Gvk("", "v1", "ConfigMap")
_causes = st.lists(st.sampled_from(Cause), max_size=3)


def _changes(causes: list[Cause], op: Op = Op.ADD) -> tuple[Change, ...]:
    return tuple(Change("/data/a", ".data.a", op, cause=cause) for cause in causes)


def test_each_cause_is_either_drift_or_excused() -> None:
    assert set(Cause) == DRIFT_CAUSES | EXCUSED_CAUSES
    assert not DRIFT_CAUSES & EXCUSED_CAUSES


@given(st.sampled_from(State), _causes, _causes, st.sampled_from(Op))
def test_state_and_changes_are_one_statement(
    state: State, drift: list[Cause], excused: list[Cause], op: Op
) -> None:
    try:
        made = Finding(_KEY, _GVK, state, _changes(drift, op), excused=_changes(excused))
    except ValueError as error:
        assert str(error).startswith("ConfigMap shop/web: ")  # noqa: PT017 - either way is right
        assert contradiction(state, _changes(drift, op), _changes(excused))
        return
    assert {change.cause for change in made.changes} <= DRIFT_CAUSES
    assert {change.cause for change in made.excused} <= EXCUSED_CAUSES
    if made.state in {State.MODIFIED, State.ADDED}:
        assert made.changes
    if made.state in {State.IN_SYNC, State.MISSING, State.ORPHANED}:
        assert not made.changes
    if made.state in {State.MISSING, State.ORPHANED}:
        assert not made.excused


@pytest.mark.parametrize(
    ("state", "drift", "excused"),
    [
        *product([State.MODIFIED, State.ADDED], [[]], [[], [Cause.ADMISSION]]),
        *product([State.IN_SYNC, State.MISSING, State.ORPHANED], [[Cause.LIVE]], [[]]),
        *product([State.MISSING, State.ORPHANED], [[]], [[Cause.PENDING]]),
        *product([State.MODIFIED, State.REJECTED], [[Cause.ADMISSION], [Cause.PENDING]], [[]]),
        *product([State.IN_SYNC], [[]], [[Cause.LIVE], [Cause.LEFT_BEHIND]]),
    ],
)
def test_what_contradicts_itself_cannot_be_made(
    state: State, drift: list[Cause], excused: list[Cause]
) -> None:
    with pytest.raises(ValueError, match="ConfigMap shop/web: "):
        Finding(_KEY, _GVK, state, _changes(drift), excused=_changes(excused))


def test_what_git_has_is_never_an_addition() -> None:
    with pytest.raises(ValueError, match="counts as added"):
        Finding(_KEY, _GVK, State.ADDED, _changes([Cause.LIVE], Op.REPLACE))


@pytest.mark.parametrize("state", [State.REJECTED, State.UNVERIFIABLE])
def test_what_was_seen_of_an_open_case_may_be_told(state: State) -> None:
    assert Finding(_KEY, _GVK, state).changes == ()
    assert Finding(_KEY, _GVK, state, _changes([Cause.LIVE])).changes
