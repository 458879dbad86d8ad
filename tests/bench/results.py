"""What a run brings together: figures for the table, curves for the plots."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from itertools import pairwise
from typing import TYPE_CHECKING

from bench import measures
from bench.growth import by_size, exponent, steepest

if TYPE_CHECKING:
    from collections.abc import Iterable

    from bench.figures import Figure
    from bench.measures import Measure


@dataclass(slots=True)
class Results:
    """All that has been measured so far.

    ``facts`` are what it was measured on and with, pairs of what and how. ``latencies`` are seconds
    by what was waited for, ``memory`` pairs of seconds and MiB by what was done meanwhile.
    ``notes`` are what a reader has to know. ``failed``: something could not be measured.
    """

    facts: list[tuple[str, str]] = field(default_factory=list)
    figures: list[Figure] = field(default_factory=list)
    latencies: dict[str, list[float]] = field(default_factory=dict)
    memory: dict[str, list[tuple[float, float]]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)
    failed: bool = False

    def add(self, measure: Measure, objects: int, *values: float) -> None:
        """Add what came of a measure's repeats, if it was taken at all."""
        if values:
            figure = measure.figure(objects, *values)
            self.figures.append(figure)
            say(f"  {figure.name}: {' '.join(filter(None, figure.cells()[2:]))}")

    @property
    def met(self) -> bool:
        """Whether all goals are reached."""
        return all(figure.met is not False for figure in self.figures)

    def value(self, measure: Measure, objects: int) -> float | None:
        """Return the median of a measure, None where it was not taken."""
        found = (
            figure.value
            for figure in self.figures
            if (figure.measure, figure.objects) == (measure.name, objects)
        )
        return next(found, None)

    def compare(self, ratio: Measure, objects: int, pairs: Iterable[tuple[float, float]]) -> None:
        """Add by how many times one thing is more than another, of what was done in turns."""
        self.add(ratio, objects, *(more / less for more, less in pairs))

    def conclude(self) -> None:
        """Add what follows from figures of several sizes."""
        costs = by_size(self.figures, measures.costs())
        for measure, values in costs.items():
            self.figures.append(measures.growth(measure, exponent(values)))
            if len(values) > 2:
                self.figures.append(measures.steepest_growth(measure, steepest(values)))
        memory = costs.get(measures.MEMORY_STEADY.name, {})
        sizes = list(memory)
        for less, more in pairwise(sizes):
            added = (memory[more] - memory[less]) * 2**20 / (more - less)
            self.figures.append(measures.BYTES.figure(more, added))

    def ordered(self) -> list[Figure]:
        """Return the figures in the order of the table: by measure, then by size."""
        order = {name: place for place, name in enumerate(measures.names())}
        return sorted(
            self.figures, key=lambda one: (order.get(one.measure, len(order)), one.objects)
        )


def say(text: str) -> None:
    """Tell what is being done."""
    print(f"bench: {text}", file=sys.stderr, flush=True)
