from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadsman.times import rfc3339, rfc3339_micro, seconds_of


def test_times_are_written_as_the_api_server_writes_them() -> None:
    assert rfc3339(1_795_435_200.9) == "2026-11-23T12:00:00Z"
    assert rfc3339_micro(1_795_435_200.25) == "2026-11-23T12:00:00.250000Z"


@pytest.mark.parametrize("seconds", [0.0, -5.0, 1e12, float("inf"), float("nan")])
def test_what_is_no_time_is_not_written(seconds: float) -> None:
    assert rfc3339(seconds) == ""


@given(st.integers(1, 253_402_300_799))
def test_a_time_is_read_back(seconds: int) -> None:
    assert seconds_of(rfc3339(seconds)) == seconds


@pytest.mark.parametrize("text", ["", "soon", "2026-11-23", "2026-11-23T12:00:00", None, 5])
def test_what_is_no_time_is_read_as_none(text: object) -> None:
    assert seconds_of(text) == 0.0


def test_an_offset_is_understood() -> None:
    assert seconds_of("2026-11-23T13:00:00.5+01:00") == 1_795_435_200.5
