"""The plots of ``docs/benchmarks.md``, as SVG."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure as Canvas

from bench import measures
from bench.growth import by_size, exponent

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from matplotlib.axes import Axes

    from bench.results import Results

# Text stays text, and the same figures make the same file.
_STYLE: Final[dict[Any, Any]] = {
    "svg.fonttype": "none",
    "svg.hashsalt": "leadsman",
    "font.size": 9,
    "axes.grid": True,
    "grid.alpha": 0.3,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "legend.frameon": False,
    "legend.fontsize": 8,
}
# More points of a curve than this make it no clearer.
_POINTS: Final = 600
_MARKERS: Final = "os^Dv<>Pp*hX8d"
# What is set side by side: the tool, and its measures of CPU, of the API server's, and of wall.
_PEERS: Final = (
    ("leadsman, full check", measures.CHECK_CPU, measures.CHECK_API, measures.CHECK_WALL),
    ("leadsman check --all", measures.COMMAND_CPU, None, measures.COMMAND_WALL),
    ("Flux, reconcile", measures.FLUX_CPU, measures.FLUX_API, measures.FLUX_WALL),
    (
        "kubectl diff --server-side",
        measures.SERVER_SIDE_CPU,
        measures.SERVER_SIDE_API,
        measures.SERVER_SIDE_WALL,
    ),
    ("kubectl diff", measures.KUBECTL_CPU, measures.KUBECTL_API, measures.KUBECTL_WALL),
)
_BARS: Final = (
    ("its own CPU", "#1f6f8b"),
    ("the API server's CPU", "#e0a458"),
    ("wall", "#9aa5b1"),
)


def draw(results: Results, folder: Path) -> dict[str, str]:
    """Write all plots that there is something for; return their files by their titles."""
    drawn = {}
    folder.mkdir(parents=True, exist_ok=True)
    with mpl.rc_context(_STYLE):
        for title, file, plot in _PLOTS:
            canvas = plot(results)
            path = folder / file
            if canvas is None:
                path.unlink(missing_ok=True)
                continue
            canvas.savefig(path, format="svg", metadata={"Date": None}, bbox_inches="tight")
            # The lines of a path end with blanks, which no file of ours does.
            lines = path.read_text(encoding="utf-8").splitlines()
            path.write_text("".join(f"{line.rstrip()}\n" for line in lines), encoding="utf-8")
            drawn[title] = file
    return drawn


def _growth(results: Results) -> Canvas | None:
    costs = by_size(results.figures, measures.costs())
    if not costs:
        return None
    canvas, axes = _axes(8.0, 6.0)
    for place, (measure, values) in enumerate(costs.items()):
        sizes = list(values)
        first = values[sizes[0]]
        axes.plot(
            sizes,
            [value / first for value in values.values()],
            marker=_MARKERS[place % len(_MARKERS)],
            linewidth=1.0,
            markersize=5,
            label=f"{measure}: n^{exponent(values):.2f}",
        )
    sizes = sorted({size for values in costs.values() for size in values})
    axes.plot(sizes, [size / sizes[0] for size in sizes], "k--", linewidth=1.5, label="linear")
    _logarithmic(axes, "objects", f"times what it is at {sizes[0]:,} objects")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return canvas


def _latency(results: Results) -> Canvas | None:
    if not results.latencies:
        return None
    canvas, axes = _axes(7.5, 4.2)
    for name, seconds in results.latencies.items():
        # Below a millisecond the report was there before the change was answered.
        places = range(0, len(seconds), max(1, len(seconds) // _POINTS))
        ordered = sorted(seconds)
        shares = [100.0 * (place + 1) / len(ordered) for place in places]
        axes.plot(
            [max(1e-3, ordered[place]) for place in places],
            shares,
            drawstyle="steps-post",
            label=f"{name} ({len(ordered):,} changes)",
        )
    axes.set_xscale("log")
    axes.set_xlabel("seconds from the answer to the change")
    axes.set_ylabel("% of the changes that are told by then")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return canvas


def _memory(results: Results) -> Canvas | None:
    sizes = {
        name: {one.objects: one.value for one in results.figures if one.measure == name}
        for name in (measures.MEMORY_STEADY.name, measures.MEMORY_PEAK.name)
    }
    sizes = {name: values for name, values in sizes.items() if values}
    if not sizes and not results.memory:
        return None
    panels = bool(sizes) + bool(results.memory)
    canvas = Canvas(figsize=(5.0 * panels, 4.0), layout="constrained")
    axes = [*canvas.subplots(1, panels, squeeze=False).flat]
    left, right = axes[0], axes[-1]
    if sizes:
        for name, values in sizes.items():
            left.plot([*values], [*values.values()], marker="o", label=name)
        goals = measures.MEMORY_PEAK.goals
        bounds = [goal.bound for goal in goals.values()]
        left.plot([*goals], bounds, "k_", markersize=14, label="goal")
        _logarithmic(left, "objects", "MiB")
        left.legend()
    if results.memory:
        for name, seen in results.memory.items():
            samples = seen[:: max(1, len(seen) // _POINTS)]
            right.plot([when for when, _ in samples], [mib for _, mib in samples], label=name)
        right.set_ylim(bottom=0)
        right.set_xlabel("seconds")
        right.set_ylabel("MiB")
        right.legend()
    return canvas


def _peers(results: Results) -> Canvas | None:
    rows = [
        (f"{tool}, {size:,}", [_value(results, one, size) for one in named])
        for size in sorted({one.objects for one in results.figures})
        for tool, *named in _PEERS
    ]
    rows = [(label, values) for label, values in rows if values[0] is not None]
    if not rows:
        return None
    canvas, axes = _axes(8.0, 0.6 + 0.55 * len(rows))
    for bar, (what, colour) in enumerate(_BARS):
        found = [
            (place + (bar - 1) * 0.27, values[bar])
            for place, (_, values) in enumerate(rows)
            if values[bar] is not None
        ]
        drawn = axes.barh(
            [place for place, _ in found],
            [value or 0.0 for _, value in found],
            height=0.25,
            color=colour,
            label=what,
        )
        axes.bar_label(drawn, fmt=lambda value: f"{value:.3g}", padding=2, fontsize=7)
    axes.set_yticks(range(len(rows)), [f"{label} objects" for label, _ in rows])
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.set_xlabel("seconds for one look at all objects, of which none has drifted")
    axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return canvas


def _value(results: Results, measure: measures.Measure | None, size: int) -> float | None:
    return None if measure is None else results.value(measure, size)


def _axes(width: float, height: float) -> tuple[Canvas, Axes]:
    canvas = Canvas(figsize=(width, height))
    return canvas, canvas.subplots()


def _logarithmic(axes: Axes, x: str, y: str) -> None:
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel(x)
    axes.set_ylabel(y)


_PLOTS: Final[tuple[tuple[str, str, Callable[[Results], Canvas | None]], ...]] = (
    ("Growth", "growth.svg", _growth),
    ("Latency", "latency.svg", _latency),
    ("Memory", "memory.svg", _memory),
    ("Peers side by side", "peers.svg", _peers),
)
