"""Figures with their goals: what was measured, and whether it is good enough."""

from __future__ import annotations

import operator
import statistics
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

_SIGNS: Final[Mapping[str, Callable[[float, float], bool]]] = {
    "<": operator.lt,
    "<=": operator.le,
    "=": operator.eq,
    ">=": operator.ge,
}
_COLUMNS = ("MEASURE", "OBJECTS", "MEDIAN", "MIN", "MAX", "UNIT", "GOAL", "VERDICT")
_DIGITS = 3


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound; ``sign`` is one of ``< <= = >=``.

    Times and costs scatter, so their bound is held against the median of the repeats. What is
    counted and has to be exact, ``=``, has to be so each time.
    """

    sign: str
    bound: float

    def met(self, value: float) -> bool:
        """Tell whether a value keeps the bound."""
        return _SIGNS[self.sign](value, self.bound)

    def judged(self, values: Sequence[float]) -> float:
        """Return the value that decides: the median, or the one farthest from an exact bound."""
        if self.sign == "=":
            return max(values, key=lambda value: abs(value - self.bound))
        return statistics.median(values)

    def __str__(self) -> str:
        return f"{self.sign} {self.bound:g}"


@dataclass(frozen=True, slots=True)
class Figure:
    """One measure with what came of each repeat; ``objects`` 0 where it is of no one size."""

    measure: str
    unit: str
    values: tuple[float, ...]
    objects: int = 0
    goal: Goal | None = None

    @property
    def name(self) -> str:
        """The measure and at how many objects it was taken."""
        return f"{self.measure}, {self.objects:,} objects" if self.objects else self.measure

    @property
    def value(self) -> float:
        """The median of the repeats."""
        return statistics.median(self.values)

    @property
    def judged(self) -> float:
        """What the goal is held against, see ``Goal``; the median where there is none."""
        return self.value if self.goal is None else self.goal.judged(self.values)

    @property
    def met(self) -> bool | None:
        """Whether the goal is reached, None where there is none."""
        return None if self.goal is None else self.goal.met(self.judged)

    @property
    def verdict(self) -> str:
        """The same in a word."""
        return {None: "", True: "met", False: "MISSED"}[self.met]

    def cells(self) -> tuple[str, ...]:
        """Return the figure as a row of the table."""
        repeated = len(self.values) > 1
        return (
            self.measure,
            f"{self.objects:,}" if self.objects else "",
            readable(self.value),
            readable(min(self.values)) if repeated else "",
            readable(max(self.values)) if repeated else "",
            self.unit,
            "" if self.goal is None else str(self.goal),
            self.verdict,
        )


def readable(value: float) -> str:
    """Return a number with three digits that tell something, in no scientific notation."""
    if value == 0.0 or abs(value) >= 10 ** (_DIGITS - 1):
        return f"{value:,.0f}"
    return f"{value:.{_DIGITS}g}" if abs(value) >= 1e-4 else f"{value:.6f}"


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least ``share`` (0 to 1) of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as aligned text."""
    rows = [_COLUMNS, *(figure.cells() for figure in figures)]
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def markdown(figures: Sequence[Figure]) -> str:
    """Return the figures as a table of Markdown."""
    columns = [column.capitalize() for column in _COLUMNS]
    rows = [columns, ["---", *["---:"] * 4, *["---"] * 3], *(figure.cells() for figure in figures)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def as_json(figures: Sequence[Figure]) -> list[dict[str, Any]]:
    """Return the figures as ``bench.json`` has them: what their goal is held against.

    ``goal`` and ``met`` are null where there is none.
    """
    return [
        {
            "name": figure.name,
            "value": figure.judged,
            "unit": figure.unit,
            "goal": None if figure.goal is None else str(figure.goal),
            "met": figure.met,
        }
        for figure in figures
    ]
