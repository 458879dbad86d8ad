"""Which changes count as told, and when."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.latency import sequence
from bench.load import Ledger, values_in
from bench.usage import memory_growth

LEVELS = ("debug", "info")


def test_a_report_tells_of_a_change_and_of_all_before_it() -> None:
    ledger = Ledger()
    ledger.made("shop/web", 1, 10.0)
    ledger.made("shop/web", 5, 10.5)
    ledger.made("shop/db", 2, 10.1)
    assert ledger.waiting == 3
    ledger.told("shop/web", 5, 11.0)
    assert sorted(ledger.latencies) == [0.5, 1.0]
    assert ledger.waiting == 1


def test_a_report_of_an_earlier_value_leaves_later_changes_waiting() -> None:
    ledger = Ledger()
    ledger.made("shop/web", 1, 10.0)
    ledger.made("shop/web", 5, 10.5)
    ledger.told("shop/web", 1, 11.0)
    assert ledger.latencies == [1.0]
    assert ledger.waiting == 1


def test_a_report_may_come_before_the_answer_to_the_change() -> None:
    ledger = Ledger()
    ledger.told("shop/web", 3, 9.9)
    ledger.made("shop/web", 3, 10.0)
    ledger.made("shop/web", 4, 10.0)
    assert ledger.latencies == [0.0]
    assert ledger.waiting == 1


@given(st.integers(1, 60), st.integers(1, 20))
def test_changes_go_from_target_to_target_and_are_reverted(count: int, targets: int) -> None:
    steps = list(sequence(count, targets))
    assert sorted(steps) == sorted((n, level) for n in range(count) for level in LEVELS)
    for number in range(count):
        assert steps.index((number, "debug")) < steps.index((number, "info"))
    # No target has two changes that are not reverted yet, and all others come in between.
    of_one = [place for place, (number, _) in enumerate(steps) if number % targets == 0]
    whole = of_one[: 2 * (count // targets)]
    assert all(after - before == targets for before, after in pairwise(whole))


@given(st.permutations(range(8)))
def test_the_last_report_tells_of_all(order: list[int]) -> None:
    ledger = Ledger()
    for number in order:
        ledger.made("shop/web", number, float(number))
        ledger.told("shop/web", number, 100.0)
    ledger.told("shop/web", 7, 200.0)
    assert ledger.waiting == 0
    assert len(ledger.latencies) == 8


def test_values_are_read_from_the_changes_of_a_report() -> None:
    def found(name: str, path: str, live: Any) -> dict[str, Any]:
        change = {"path": path, "op": "replace", "live": live}
        return {"namespace": "shop", "name": name, "changes": [change]}

    report = {
        "status": {
            "objects": [
                found("web", "/data/level", "change-17"),
                found("db", "/data/other", "change-18"),
                found("mq", "/data/level", "debug"),
                {"namespace": "shop", "name": "gone", "state": "Missing"},
            ]
        }
    }
    assert values_in(report) == {"shop/web": 17}
    assert values_in({}) == {}


def test_growth_leaves_out_what_is_taken_at_first() -> None:
    mib = [50.0] * 25 + [100.0] * 25 + [104.0] * 25 + [110.0] * 25
    samples = [(float(second), value) for second, value in enumerate(mib)]
    assert memory_growth(samples, 0.0, 100.0) == pytest.approx(10.0)
    assert memory_growth(samples[:50], 0.0, 100.0) is None
    assert memory_growth([], 0.0, 100.0) is None
