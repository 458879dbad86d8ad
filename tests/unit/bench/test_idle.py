"""What is counted while nothing changes, and what of it is to be expected."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.asked import Asked, counts
from bench.idle import Period, renewals

_DISPATCHED = "apiserver_flowcontrol_dispatched_requests_total"


def test_only_what_the_schemas_for_the_operator_counted_is_taken() -> None:
    metrics = [
        f"# TYPE {_DISPATCHED} counter",
        f'{_DISPATCHED}{{flow_schema="exempt",priority_level="exempt"}} 900',
        f'{_DISPATCHED}{{flow_schema="bench-1-watch",priority_level="workload-low"}} 3',
        f'{_DISPATCHED}{{flow_schema="bench-3-other",priority_level="workload-low"}} 2',
        'apiserver_request_total{verb="GET"} 7',
    ]
    assert counts(metrics) == Counter({Asked.WATCH: 3, Asked.OTHER: 2})


@pytest.mark.parametrize(
    ("began", "ended", "times"),
    [(40.0, 160.0, 0), (200.0, 239.0, 0), (200.0, 250.0, 1), (250.0, 310.0, 1), (400.0, 900.0, 3)],
)
def test_a_watch_is_renewed_when_its_time_is_over(began: float, ended: float, times: int) -> None:
    assert renewals(began, ended) == times


@given(
    st.floats(0.0, 5.0),
    st.lists(st.floats(240.0, 300.0), min_size=20, max_size=20),
    st.floats(0.0, 2000.0),
    st.floats(0.0, 2000.0),
)
def test_no_watch_is_renewed_more_often_than_is_allowed_for(
    first: float, lifetimes: list[float], began: float, lasts: float
) -> None:
    ended, when, seen = began + lasts, first, 0
    for lifetime in lifetimes:
        when += lifetime
        seen += began < when < ended
    assert seen <= renewals(began, ended)


@pytest.mark.parametrize(("begun", "early"), [(0, 0), (6, 0), (7, 1), (100, 94)])
def test_what_is_beyond_the_renewals_is_early(begun: int, early: int) -> None:
    asked = Counter({Asked.WATCH: begun})
    period = Period(200.0, 260.0, asked, cpu=0.1, watches=6, polls=0)
    assert period.early == early
    assert period.lasted == 60.0
