"""What is written of a run."""

from __future__ import annotations

import json
import math
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench import measures
from bench.document import show, write
from bench.lag import Loop, longer, longest, share_longer
from bench.options import SECTIONS, Options, parse
from bench.results import Results

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def results() -> Results:
    found = Results(facts=[("Cores", "2")], notes=["So much was copied."])
    for objects, factor in ((1_000, 1.0), (10_000, 8.0)):
        found.add(measures.CHECK_CPU, objects, 0.05 * factor, 0.06 * factor)
        found.add(measures.CHECK_WALL, objects, 0.1 * factor)
        found.add(measures.CHECK_API, objects, 0.04 * factor)
        found.add(measures.MEMORY_STEADY, objects, 80.0 * factor)
    found.add(measures.KUBECTL_CPU, 1_000, 60.0)
    found.latencies["report, 1,000 objects"] = [0.0, 0.01, 0.2]
    found.memory["soak"] = [(0.0, 80.0), (1.0, 81.0)]
    found.conclude()
    return found


def test_the_document_has_the_table_and_all_plots(results: Results, tmp_path: Path) -> None:
    written = write(results, tmp_path)
    text = (tmp_path / "docs/benchmarks.md").read_text()
    assert "* Cores: 2\n" in text
    assert "So much was copied." in text
    assert f"| {measures.CHECK_CPU.name} | 1,000 | 0.055 | 0.05 | 0.06 | s |" in text
    assert f"| growth of {measures.CHECK_CPU.name} |" in text
    plots = sorted(path.name for path in written if path.suffix == ".svg")
    assert plots == ["growth.svg", "latency.svg", "memory.svg", "peers.svg"]
    for plot in plots:
        assert f"](benchmarks/{plot})" in text
    peers = (tmp_path / "docs/benchmarks/peers.svg").read_text()
    assert "kubectl diff, 1,000 objects" in peers
    told = json.loads((tmp_path / "bench.json").read_text())
    assert len(told) == len(results.figures)
    assert {tuple(one) for one in told} == {("name", "value", "unit", "goal", "met")}


def test_the_same_run_makes_the_same_files(results: Results, tmp_path: Path) -> None:
    first = {path: path.read_bytes() for path in write(results, tmp_path)}
    assert first == {path: path.read_bytes() for path in write(results, tmp_path)}


def test_memory_is_drawn_by_size_or_by_time_or_both(results: Results, tmp_path: Path) -> None:
    drawn = []
    for some in (Results(memory=results.memory), Results(figures=results.figures), results):
        write(some, tmp_path)
        drawn.append((tmp_path / "docs/benchmarks/memory.svg").read_text())
    assert [">seconds<" in text for text in drawn] == [True, False, True]
    assert [">objects<" in text for text in drawn] == [False, True, True]


def test_a_plot_without_figures_is_not_there(results: Results, tmp_path: Path) -> None:
    write(results, tmp_path)
    written = write(Results(), tmp_path)
    assert [path.name for path in written] == ["benchmarks.md", "bench.json"]
    assert not list((tmp_path / "docs/benchmarks").iterdir())


def test_what_is_printed_has_every_figure(results: Results) -> None:
    text = show(results)
    assert all(figure.measure in text for figure in results.figures)
    assert text.startswith("Cores  2\n")


def test_short_is_the_smallest_size_without_what_takes_long() -> None:
    short = parse(["--short"])
    assert short.sizes == (1_000,)
    assert short.sections == set(SECTIONS) - {"soak", "scrape"}
    assert parse([]) == Options()
    assert Options().sizes == (1_000, 10_000, 100_000)
    assert Options().sections == set(SECTIONS)
    assert parse(["--short", "--only", "soak"]).sections == {"soak"}
    assert parse(["--sizes", "10000,1000"]).sizes == (1_000, 10_000)


@pytest.mark.parametrize("arguments", [["--only", "sleep"], ["--sizes", "150"], ["--sizes", "x"]])
def test_what_cannot_be_measured_is_refused(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        parse(arguments)
    assert "bench: error" in capsys.readouterr().err


def test_turns_of_the_event_loop_are_read_from_a_histogram() -> None:
    buckets = {0.01: 5.0, 0.05: 7.0, 0.1: 8.0, math.inf: 8.0}
    assert longer(buckets, 0.05) == 1.0
    assert longest(buckets) == 0.1
    assert longest({**buckets, math.inf: 9.0}) == 0.1
    assert longest(dict.fromkeys(buckets, 8.0)) == 0.01
    assert share_longer(buckets, 0.05) == 1.0 / 8.0
    assert share_longer(dict.fromkeys(buckets, 0.0), 0.05) == 0.0


def test_turns_that_only_wait_are_told_by_the_clock() -> None:
    bounds = (0.01, 0.05, 0.1, math.inf)
    busy = Counter(dict.fromkeys(bounds, 1000.0))
    lag = Counter(dict(zip(bounds, (990.0, 998.0, 1000.0, 1000.0), strict=True)))
    results = Results()
    Loop(busy, lag).conclude(results, 1_000, measures.TURNS, measures.LONG_TURN)
    told = {one.measure: (one.value, one.met) for one in results.figures}
    assert told == {
        measures.TURNS.busy.name: (0.0, True),
        measures.TURNS.busiest.name: (0.01, None),
        measures.TURNS.late.name: (pytest.approx(0.2), None),
        measures.TURNS.blocked.name: (2.0, False),
        measures.TURNS.latest.name: (0.1, None),
    }


@pytest.mark.parametrize(
    ("busiest", "starved", "blocked"),
    [
        # At work for 10 ms at most: a long turn that was not blocked has waited for 40 ms or more.
        (0.01, 0.0, 10.0),
        (0.01, 0.039, 10.0),
        (0.01, 0.121, 7.0),
        (0.01, 5.0, 0.0),
        # One of them was at work for up to 30 ms, or for so long that it need not have waited.
        (0.03, 0.0, 10.0),
        (0.03, 0.021, 9.0),
        (0.03, 0.061, 8.0),
        (0.05, 0.0, 9.0),
        (math.inf, 0.0, 9.0),
    ],
)
def test_turns_are_blocked_that_no_want_of_a_core_explains(
    busiest: float, starved: float, blocked: float
) -> None:
    bounds = (0.01, 0.03, 0.05, math.inf)
    busy = Counter({bound: 1000.0 if bound >= busiest else 999.0 for bound in bounds})
    lag = Counter(dict(zip(bounds, (900.0, 990.0, 990.0, 1000.0), strict=True)))
    assert Loop(busy, lag, starved).blocked(0.05) == blocked


@given(
    st.lists(
        st.tuples(st.floats(0.0, 0.1), st.floats(0.0, 0.1), st.sampled_from([0.0, 0.3])),
        max_size=30,
    )
)
def test_no_more_turns_are_called_blocked_than_were(
    turns: list[tuple[float, float, float]],
) -> None:
    bounds = (0.001, 0.01, 0.025, 0.05, 0.1, math.inf)
    busy = Counter({bound: sum(work <= bound for work, _, _ in turns) for bound in bounds})
    lag = Counter({bound: sum(sum(one) <= bound for one in turns) for bound in bounds})
    # As the kernel counts it: a nanosecond more or less decides nothing.
    starved = sum(wait for _, wait, _ in turns) + 1e-9
    blocked = sum(block > 0.0 for _, _, block in turns)
    loop = Loop(Counter(busy), Counter(lag), starved)
    assert loop.blocked(0.05) <= blocked
    # Where no turn has to wait for a core, all but those that may have worked so long are found.
    if not any(wait for _, wait, _ in turns):
        assert loop.blocked(0.05) >= blocked - sum(work > 0.025 for work, _, _ in turns)


def test_no_turns_are_no_figures() -> None:
    results = Results()
    Loop().conclude(results, 1_000, measures.TURNS, measures.LONG_TURN)
    assert results.figures == []
