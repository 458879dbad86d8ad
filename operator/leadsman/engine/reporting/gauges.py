"""The targets' metrics, kept as the states are, at the cost of what has changed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadsman.engine.reporting.status import same, status_of
from leadsman.turns import give_way

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leadsman.engine.state import TargetState
    from leadsman.model.identity import TargetKey
    from leadsman.model.status import TargetStatus
    from leadsman.report.target_metrics import TargetMetrics


class Gauges:
    """Knows which targets' metrics are out of date."""

    def __init__(self, states: Mapping[TargetKey, TargetState], metrics: TargetMetrics) -> None:
        self._states = states
        self._metrics = metrics
        self._shown: dict[TargetKey, TargetStatus] = {}
        self._changed: set[TargetKey] = set()

    def touch(self, key: TargetKey) -> None:
        """Say that a target may have changed."""
        self._changed.add(key)

    def looked(self, status: TargetStatus) -> None:
        """Take a target as it is after a look, which mostly changes nothing but its time."""
        key = status.key
        shown = self._shown.get(key)
        if shown is None or key in self._changed or not same(shown, status):
            self._changed.add(key)
        else:
            self._metrics.checked(key, status.checked_at)

    def remove(self, key: TargetKey) -> None:
        """Forget a target."""
        self._changed.discard(key)
        self._shown.pop(key, None)
        self._metrics.remove(key)

    async def refresh(self) -> None:
        """Bring the metrics up to date; what is between two revisions stays as it was."""
        for key in tuple(self._changed):
            state = self._states.get(key)
            if state is not None and state.settled and not state.busy:
                self._changed.discard(key)
                status = status_of(state)
                self._metrics.update(status)
                # Mostly it is what was reported: then it is kept once.
                reported = state.reported
                is_reported = reported is not None and same(reported, status)
                self._shown[key] = reported if reported is not None and is_reported else status
            await give_way()
