"""How long the operator's event loop was kept from other work, as it measures itself."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass, field
from itertools import zip_longest
from typing import TYPE_CHECKING, Final

from bench.usage import waited_for_a_core

if TYPE_CHECKING:
    from collections.abc import Mapping

    from bench.measures import Turns
    from bench.results import Results
    from harness.operator import Operator

_BUSY: Final = "leadsman_event_loop_busy_seconds_bucket"
_LAG: Final = "leadsman_event_loop_lag_seconds_bucket"


@dataclass(slots=True)
class Loop:
    """The turns of the event loops of one process after another.

    ``busy`` by the CPU that they took, ``lag`` by the clock, which goes on while the loop waits for
    a core, for the interpreter's lock, or for what it should not have waited for. Each is how many
    turns took at most so many seconds, by these bounds. ``starved``: seconds that the threads were
    ready to go on and had no core, within turns and before them.
    """

    busy: Counter[float] = field(default_factory=Counter)
    lag: Counter[float] = field(default_factory=Counter)
    starved: float = 0.0

    def add(self, operator: Operator) -> None:
        """Add the turns of a process that is about to end. Raises OSError if it does not answer."""
        busy, lag = _turns(operator, _BUSY), _turns(operator, _LAG)
        self.busy.update(busy)
        self.lag.update(lag)
        self.starved += waited_for_a_core(operator.pid)

    def blocked(self, bound: float) -> float:
        """Return how many turns at least were long by the clock for no want of a core.

        A long turn that was not blocked has waited for a core for what it was not at work of
        ``bound``. Those may have been the busiest ones; only so many could wait that long.
        """
        return max(0.0, longer(self.lag, bound) - excused(self.busy, self.starved, bound))

    def conclude(self, results: Results, objects: int, named: Turns, bound: float) -> None:
        """Add the figures; ``bound`` is from which on a turn is long."""
        if not self.busy:
            return
        results.add(named.busy, objects, longer(self.busy, bound))
        results.add(named.busiest, objects, longest(self.busy))
        results.add(named.late, objects, share_longer(self.lag, bound) * 100.0)
        results.add(named.blocked, objects, self.blocked(bound))
        results.add(named.latest, objects, longest(self.lag))


def _turns(operator: Operator, series: str) -> dict[float, float]:
    return {float(dict(labels)["le"]): n for labels, n in operator.series(series).items()}


def longer(buckets: Mapping[float, float], bound: float) -> float:
    """Return how many turns took longer than one of the bounds."""
    return max(buckets.values()) - buckets[bound]


def share_longer(buckets: Mapping[float, float], bound: float) -> float:
    """Return of what part of all turns (0 to 1) that is so; 0 where there was none."""
    total = max(buckets.values())
    return longer(buckets, bound) / total if total else 0.0


def excused(busy: Mapping[float, float], starved: float, bound: float) -> float:
    """Return how many turns at most can have lasted for ``bound`` by working and being starved.

    ``busy`` is how many worked for at most so many seconds, ``starved`` the seconds for all.
    """
    found, bounds = 0.0, sorted(busy, reverse=True)
    for upper, lower in zip_longest(bounds, bounds[1:]):
        turns = busy[upper] - (0.0 if lower is None else busy[lower])
        each = max(0.0, bound - upper)
        able = turns if turns * each <= starved else starved // each
        found, starved = found + able, starved - able * each
        if able < turns:
            break
    return found


def longest(buckets: Mapping[float, float]) -> float:
    """Return the least bound that no turn exceeds; the largest there is where one exceeds all."""
    total = max(buckets.values())
    within = [bound for bound, count in buckets.items() if count == total and bound < math.inf]
    return min(within, default=max(bound for bound in buckets if bound < math.inf))
