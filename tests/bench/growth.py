"""How a cost grows with the number of objects."""

from __future__ import annotations

import math
from collections import defaultdict
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bench.figures import Figure


def exponent(costs: Mapping[int, float]) -> float:
    """Return ``k`` of the ``c * n ** k`` that fits best the costs by size: 1 is linear.

    Least squares of the logarithms. Raises ValueError without two sizes, or where a cost is not
    above 0.
    """
    if len(costs) < 2:
        raise ValueError(f"no growth between fewer than two sizes: {sorted(costs)}")
    if min(costs.values()) <= 0.0:
        raise ValueError(f"a cost of nothing has no logarithm: {dict(costs)}")
    sizes = [math.log(size) for size in costs]
    values = [math.log(value) for value in costs.values()]
    mean_size, mean_value = math.fsum(sizes) / len(sizes), math.fsum(values) / len(values)
    pairs = list(zip(sizes, values, strict=True))
    covariance = math.fsum((x - mean_size) * (y - mean_value) for x, y in pairs)
    return covariance / math.fsum((x - mean_size) ** 2 for x in sizes)


def steepest(costs: Mapping[int, float]) -> float:
    """Return the largest exponent from one size to the next, see ``exponent``.

    A cost that is level at first and then rises fits a line that hides its end. What a constant
    adds makes an exponent only smaller: that of ``a + b * n`` is never above 1. Raises ValueError
    as ``exponent`` does.
    """
    if len(costs) < 2:
        raise ValueError(f"no growth between fewer than two sizes: {sorted(costs)}")
    return max(exponent(dict(pair)) for pair in pairwise(sorted(costs.items())))


def by_size(figures: Iterable[Figure], measures: Iterable[str]) -> dict[str, dict[int, float]]:
    """Return the values by size of those of the measures that were taken at several sizes.

    What cost nothing that could be measured at some size is left out: it does not grow.
    """
    found: dict[str, dict[int, float]] = defaultdict(dict)
    for figure in figures:
        if figure.objects:
            found[figure.measure][figure.objects] = figure.value
    return {
        measure: dict(sorted(found[measure].items()))
        for measure in measures
        if len(found[measure]) > 1 and min(found[measure].values()) > 0.0
    }
