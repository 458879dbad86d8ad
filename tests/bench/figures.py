"""Figures with their goals, as a table."""

from __future__ import annotations

import os
import platform
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True)
class Figure:
    """One measured value; ``goal`` None has none, ``most`` False means at least."""

    name: str
    value: float
    unit: str
    goal: float | None = None
    most: bool = True

    @property
    def met(self) -> bool:
        """Whether the goal is reached, if there is one."""
        if self.goal is None:
            return True
        return self.value <= self.goal if self.most else self.value >= self.goal


def table(figures: Sequence[Figure]) -> str:
    """Return the figures as aligned text."""
    rows = [("MEASURE", "VALUE", "GOAL", "")]
    for figure in figures:
        goal = ""
        if figure.goal is not None:
            goal = f"{'<=' if figure.most else '>='} {figure.goal:g} {figure.unit}"
        verdict = "" if figure.goal is None else ("met" if figure.met else "MISSED")
        rows.append((figure.name, f"{figure.value:.3g} {figure.unit}", goal, verdict))
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    )


def percentile(values: Sequence[float], share: float) -> float:
    """Return the smallest value that at least ``share`` (0 to 1) of the values do not exceed."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, max(0, -int(-share * len(ordered) // 1) - 1))]


def machine() -> str:
    """Say what machine this is."""
    return (
        f"{os.cpu_count()} cores, {platform.machine()}, Linux {platform.release()}, "
        f"Python {platform.python_version()}"
    )
