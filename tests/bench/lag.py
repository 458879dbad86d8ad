"""How long the operator's event loop was kept from other work, as it measures itself."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

    from harness.operator import Operator

# By CPU: on a machine that the API server keeps busy as well, a turn is longer than it works.
_BUSY: Final = "leadsman_event_loop_busy_seconds_bucket"


def turns(operator: Operator) -> dict[float, float]:
    """Return how many turns of its event loop took at most so many seconds, by these bounds."""
    return {float(dict(labels)["le"]): n for labels, n in operator.series(_BUSY).items()}


def longer(buckets: Mapping[float, float], bound: float) -> float:
    """Return how many turns took longer than one of the bounds."""
    return max(buckets.values()) - buckets[bound]


def longest(buckets: Mapping[float, float]) -> float:
    """Return the least bound that no turn exceeds; the largest there is where one exceeds all."""
    total = max(buckets.values())
    within = [bound for bound, count in buckets.items() if count == total and bound < math.inf]
    return min(within, default=max(bound for bound in buckets if bound < math.inf))
