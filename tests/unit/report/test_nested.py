from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadsman.model.finding import ABSENT
from leadsman.report.nested import nested_changes


def test_each_place_that_differs_is_found_in_order() -> None:
    desired = [{"port": number, "to": {"app.kubernetes.io/name": "web"}} for number in range(11)]
    live = [dict(item) for item in desired]
    live[10] = {**live[10], "port": 80}
    live[2] = {"port": 2, "to": {"app.kubernetes.io/name": "db"}, "extra": None}
    assert nested_changes(desired, live) == [
        ("[2].extra", ABSENT, None),
        ('[2].to["app.kubernetes.io/name"]', "web", "db"),
        ("[10].port", 10, 80),
    ]


def test_what_was_removed_is_absent_live() -> None:
    assert nested_changes({"a": 1, "b": 2}, {"a": 1}) == [("b", 2, ABSENT)]


@pytest.mark.parametrize(
    ("desired", "live"), [(1, 2), ("a", "b"), ([1], {"a": 1}), (ABSENT, [1]), ({"a": 1}, None)]
)
def test_only_two_structures_of_one_kind_are_looked_into(desired: object, live: object) -> None:
    assert nested_changes(desired, live) == []


def test_what_is_too_large_to_be_aligned_is_told_by_its_ends() -> None:
    large = [{"value": number} for number in range(2000)]
    assert nested_changes(large, large[:-1]) == [("[1999]", {"value": 1999}, ABSENT)]
    assert nested_changes(large, large[1:]) == [("[0]", {"value": 0}, ABSENT)]
    changed = [*large[:7], {"value": -1}, *large[8:]]
    assert nested_changes({"a": large}, {"a": changed}) == [("a[7].value", 7, -1)]


_json = st.recursive(
    st.none() | st.booleans() | st.integers(-9, 9) | st.text("ab", max_size=3),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("ab.", max_size=3), inner),
    max_leaves=10,
)


@given(st.lists(_json, max_size=4), st.lists(_json, max_size=4))
def test_any_two_structures_can_be_looked_into(desired: list[object], live: list[object]) -> None:
    for path, before, after in nested_changes(desired, live):
        assert path
        assert before is not ABSENT or after is not ABSENT
