"""How long the operator's event loop was kept from other work, as it measures itself."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from harness.operator import Operator

_LAG: Final = "leadsman_event_loop_lag_seconds"


def worst_lag(operator: Operator) -> float | None:
    """Return the worst lag in seconds since the start, None where the operator does not tell it.

    Of a histogram it is the bound of the highest bucket that anything is in.
    """
    if gauges := operator.series(_LAG):
        return max(gauges.values())
    buckets = {
        float(dict(labels)["le"]): count
        for labels, count in operator.series(f"{_LAG}_bucket").items()
    }
    return highest(buckets) if buckets else None


def highest(buckets: dict[float, float]) -> float:
    """Return the least bound that everything is below, of counts that add up as bounds rise."""
    total = max(buckets.values())
    return min(bound for bound, count in buckets.items() if count == total) if total else 0.0
