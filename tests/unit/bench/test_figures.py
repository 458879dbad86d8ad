"""The table, the document's table and ``bench.json`` say the same of each figure."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.figures import Figure, Goal, as_json, markdown, percentile, readable, table

VALUES = st.lists(st.floats(-1e6, 1e6), min_size=1)


@pytest.mark.parametrize(
    ("sign", "below", "same", "above"),
    [
        ("<", True, False, False),
        ("<=", True, True, False),
        ("=", False, True, False),
        (">=", False, True, True),
    ],
)
def test_a_goal_is_a_bound(sign: str, *, below: bool, same: bool, above: bool) -> None:
    goal = Goal(sign, 2.0)
    assert [goal.met(value) for value in (1.0, 2.0, 3.0)] == [below, same, above]
    assert str(goal) == f"{sign} 2"


def test_the_goal_is_held_against_the_median() -> None:
    figure = Figure("wall", "s", (0.1, 5.0, 0.2), 1000, Goal("<", 1.0))
    assert figure.value == 0.2
    assert figure.met is True
    assert figure.name == "wall, 1,000 objects"
    assert figure.cells() == ("wall", "1,000", "0.2", "0.1", "5", "s", "< 1", "met")


@pytest.mark.parametrize(
    ("values", "judged"),
    [((1.0, 100.0, 1.0), 100.0), ((1.0, 1.0, 0.0), 0.0), ((1.0, 1.0, 1.0), 1.0)],
)
def test_an_exact_goal_is_held_against_each_repeat(
    values: tuple[float, ...], judged: float
) -> None:
    figure = Figure("renders", "renders", values, 1000, Goal("=", 1.0))
    assert (figure.value, figure.judged) == (1.0, judged)
    assert figure.met is (judged == 1.0)
    assert figure.cells()[2] == "1"
    assert figure.cells()[-1] == ("met" if judged == 1.0 else "MISSED")
    assert as_json([figure])[0]["value"] == judged


@given(VALUES, st.sampled_from(["<", "<=", "=", ">="]), st.floats(-1e6, 1e6))
def test_what_is_exact_is_met_by_all_and_every_other_bound_by_the_median(
    values: list[float], sign: str, bound: float
) -> None:
    figure = Figure("wall", "s", tuple(values), goal=Goal(sign, bound))
    expected = [figure.value] if sign != "=" else values
    assert figure.met is all(Goal(sign, bound).met(value) for value in expected)


def test_what_was_not_repeated_has_no_spread() -> None:
    assert Figure("wall", "s", (2.0,)).cells() == ("wall", "", "2", "", "", "s", "", "")


def test_json_has_a_verdict_only_where_there_is_a_goal() -> None:
    missed = Figure("lost", "changes", (3.0,), 1000, Goal("=", 0.0))
    told = Figure("seen", "changes", (3.0,))
    assert json.loads(json.dumps(as_json([missed, told]))) == [
        {
            "name": "lost, 1,000 objects",
            "value": 3.0,
            "unit": "changes",
            "goal": "= 0",
            "met": False,
        },
        {"name": "seen", "value": 3.0, "unit": "changes", "goal": None, "met": None},
    ]


def test_the_tables_have_a_line_for_each_figure() -> None:
    figures = [Figure("wall", "s", (2.0,), 1000, Goal("<", 1.0)), Figure("CPU", "s", (1.0, 3.0))]
    lines = table(figures).splitlines()
    assert lines[0].split() == [
        "MEASURE",
        "OBJECTS",
        "MEDIAN",
        "MIN",
        "MAX",
        "UNIT",
        "GOAL",
        "VERDICT",
    ]
    assert lines[1].split() == ["wall", "1,000", "2", "s", "<", "1", "MISSED"]
    assert lines[1].index("MISSED") == lines[0].index("VERDICT")
    rows = markdown(figures).splitlines()
    assert rows[2] == "| wall | 1,000 | 2 |  |  | s | < 1 | MISSED |"
    assert {row.count("|") for row in rows} == {9}


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (0.012345, "0.0123"),
        (0.00012345, "0.000123"),
        (0.0000123, "0.000012"),
        (99.96, "100"),
        (123.6, "124"),
        (1234567.0, "1,234,567"),
        (-3.14159, "-3.14"),
    ],
)
def test_numbers_are_readable(value: float, text: str) -> None:
    assert readable(value) == text


@given(VALUES, st.floats(0.0, 1.0))
def test_a_percentile_is_the_least_value_that_its_share_does_not_exceed(
    values: list[float], share: float
) -> None:
    found = percentile(values, share)
    assert found in values
    assert sum(value <= found for value in values) >= share * len(values) - 1e-6
    less = [value for value in values if value < found]
    assert not less or len(less) < share * len(values) + 1e-6


def test_percentiles_of_a_hundred_values() -> None:
    values = [float(value) for value in range(1, 101)]
    assert [percentile(values, share) for share in (0.0, 0.5, 0.99, 1.0)] == [1, 50, 99, 100]
