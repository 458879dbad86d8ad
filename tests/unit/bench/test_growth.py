"""How the growth of a cost is told."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import measures
from bench.growth import by_size, exponent, steepest
from bench.results import Results

if TYPE_CHECKING:
    from collections.abc import Callable


@given(
    st.floats(0.0, 3.0),
    st.floats(1e-3, 1e3),
    st.lists(st.integers(1, 10**6), min_size=2, max_size=5, unique=True),
)
def test_the_exponent_of_a_power_is_found(power: float, factor: float, sizes: list[int]) -> None:
    costs = {size: factor * float(size) ** power for size in sizes}
    assert exponent(costs) == pytest.approx(power, abs=1e-6)


@pytest.mark.parametrize("costs", [{}, {1000: 1.0}, {1000: 0.0, 10_000: 1.0}])
@pytest.mark.parametrize("told", [exponent, steepest])
def test_no_exponent_without_two_costs(
    told: Callable[[dict[int, float]], float], costs: dict[int, float]
) -> None:
    with pytest.raises(ValueError, match=r"fewer than two sizes|no logarithm"):
        told(costs)


@given(
    st.floats(0.0, 1e6),
    st.floats(1e-3, 1e3),
    st.lists(st.integers(1, 10**6), min_size=2, max_size=5, unique=True),
)
def test_a_constant_makes_a_linear_cost_no_steeper(
    constant: float, factor: float, sizes: list[int]
) -> None:
    costs = {size: constant + factor * size for size in sizes}
    assert steepest(costs) <= 1.0 + 1e-6


@given(st.dictionaries(st.integers(1, 10**6), st.floats(1e-3, 1e6), min_size=2, max_size=5))
def test_the_steepest_part_is_no_flatter_than_the_whole(costs: dict[int, float]) -> None:
    assert steepest(costs) >= exponent(costs) - 1e-6


def test_a_cost_that_rises_at_the_end_fits_a_line_but_is_found() -> None:
    results = Results()
    for objects, seconds in ((100_000, 20.0), (1_000, 1.0), (10_000, 1.0)):
        results.add(measures.CHECK_CPU, objects, seconds)
    results.conclude()
    told = {one.measure: one for one in results.figures}
    whole = told[f"growth of {measures.CHECK_CPU.name}"]
    part = told[f"growth of {measures.CHECK_CPU.name}, steepest from one size to the next"]
    assert (whole.met, part.met) == (True, False)
    assert part.value == pytest.approx(1.301, abs=1e-3)


def test_only_wanted_measures_of_several_sizes_grow() -> None:
    cost, other = measures.COLD, measures.LOAD_P50
    figures = [cost.figure(10_000, 2.0), other.figure(1_000, 1.0), cost.figure(1_000, 1.0)]
    assert by_size(figures, [cost.name, other.name]) == {cost.name: {1_000: 1.0, 10_000: 2.0}}
    free = [cost.figure(1_000, 0.0), cost.figure(10_000, 1.0)]
    assert by_size(free, [cost.name]) == {}


def test_growth_and_bytes_for_each_object_follow_from_the_sizes() -> None:
    results = Results()
    for objects, mib in ((1_000, 100.0), (10_000, 190.0), (100_000, 1090.0)):
        results.add(measures.MEMORY_STEADY, objects, mib)
    results.conclude()
    told = {(one.measure, one.objects): one for one in results.figures}
    steady = told[f"growth of {measures.MEMORY_STEADY.name}", 0]
    assert 0.4 < steady.value < 0.7
    assert steady.met is True
    for objects in (10_000, 100_000):
        each = told[measures.BYTES.name, objects].value
        assert each == pytest.approx(0.01 * 2**20)


def test_a_ratio_is_that_of_what_was_done_in_turns() -> None:
    results = Results()
    results.compare(measures.KUBECTL_RATIO, 1_000, [(60.0, 0.5), (90.0, 1.0), (50.0, 0.5)])
    assert results.value(measures.KUBECTL_RATIO, 1_000) == 100.0


def test_goals_hold_up_to_a_size() -> None:
    goals = [measures.MEMORY_PEAK.figure(size, 1.0).goal for size in (200, 1_000, 10_000, 100_000)]
    assert [str(goal) for goal in goals] == ["< 120", "< 120", "< 200", "< 600"]
    assert measures.COLD.figure(100_000, 1.0).goal is None


def test_the_table_is_ordered_by_measure_and_then_by_size() -> None:
    results = Results()
    results.add(measures.WARM, 1_000, 1.0)
    results.add(measures.COLD, 10_000, 1.0)
    results.add(measures.COLD, 1_000, 1.0)
    results.conclude()
    told = [(one.measure, one.objects) for one in results.ordered()]
    assert told == [
        (measures.COLD.name, 1_000),
        (measures.COLD.name, 10_000),
        (measures.WARM.name, 1_000),
        (f"growth of {measures.COLD.name}", 0),
    ]


def test_no_two_measures_have_the_same_name() -> None:
    names = measures.names()
    assert len(names) == len(set(names))
    grouped = (measures.LISTS_GZIP.size, measures.POLLED.cpu, measures.SOAK_TURNS.late)
    assert {one.name for one in grouped} < set(names)
    assert set(measures.costs()) < set(names)
