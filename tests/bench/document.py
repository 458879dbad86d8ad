"""``docs/benchmarks.md``, ``bench.json`` and what is printed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Final

from bench.figures import as_json, markdown, table
from bench.plots import draw

if TYPE_CHECKING:
    from bench.results import Results

_HEAD: Final = """\
# Benchmarks

Made by `make bench`; every figure is of this one run. Where something was repeated, the figure is
the median, and the least and the most stand beside it. A goal is held against the median; one that
is exact (`=`) against each repeat.

"""
_HOW: Final = Path(__file__).with_name("how.md")


def write(results: Results, folder: Path) -> list[Path]:
    """Write ``bench.json``, ``docs/benchmarks.md`` and its plots; return what was written."""
    figures = results.ordered()
    docs = folder / "docs"
    plots = draw(results, docs / "benchmarks")
    told = folder / "bench.json"
    told.write_text(json.dumps(as_json(figures), indent=2) + "\n", encoding="utf-8")
    parts = [
        _HEAD,
        "".join(f"* {what}: {how}\n" for what, how in results.facts),
        f"\n{markdown(figures)}\n",
        "".join(f"* {note}\n" for note in results.notes),
        *(f"\n## {title}\n\n![{title}](benchmarks/{file})\n" for title, file in plots.items()),
        "\n",
        _HOW.read_text(encoding="utf-8"),
    ]
    page = docs / "benchmarks.md"
    page.write_text("".join(parts), encoding="utf-8")
    return [page, *(docs / "benchmarks" / file for file in plots.values()), told]


def show(results: Results) -> str:
    """Return what is printed: the machine, the versions and the table."""
    width = max((len(what) for what, _ in results.facts), default=0)
    facts = [f"{what.ljust(width)}  {how}" for what, how in results.facts]
    return "\n".join([*facts, "", table(results.ordered()), *results.notes])
