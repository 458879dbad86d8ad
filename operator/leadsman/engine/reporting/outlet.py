"""What leaves the engine: news of targets for the reports, and for the metrics."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadsman.engine.reporting.status import same, status_of

if TYPE_CHECKING:
    from leadsman.engine.reporting.gauges import Gauges
    from leadsman.engine.reporting.reporter import Reporter
    from leadsman.engine.state import TargetState
    from leadsman.model.identity import TargetKey
    from leadsman.model.status import TargetStatus


class Outlet:
    """Tells whoever wants to know, which for ``leadsman check`` is nobody."""

    def __init__(self) -> None:
        self.reporter: Reporter | None = None
        self.gauges: Gauges | None = None

    def announce(self, state: TargetState) -> None:
        """Say that a target is new, if nothing was ever reported of it."""
        if state.restored is None and self.reporter is not None:
            self.reporter.announce(state.key)

    def news(self, state: TargetState, received: float) -> None:
        """Say that an object of a target stands otherwise, since a change that came in then."""
        if self.gauges is not None:
            self.gauges.touch(state.key)
        if self.reporter is not None and state.settled and not state.busy:
            self.reporter.mark(state.key, received)

    def looked(self, state: TargetState) -> None:
        """Say what a look has changed, which mostly is nothing."""
        status = status_of(state)
        if self.gauges is not None:
            self.gauges.looked(status)
        before = state.reported
        if self.reporter is None or (before is not None and same(before, status)):
            return
        # A commit has a hundred targets move to another revision, and one of them drift.
        self.reporter.mark(state.key, urgent=before is not None and not _stands(before, status))

    def remove(self, key: TargetKey) -> None:
        """Say that a target is gone."""
        if self.reporter is not None:
            self.reporter.remove(key)
        if self.gauges is not None:
            self.gauges.remove(key)


def _stands(before: TargetStatus, after: TargetStatus) -> bool:
    """Tell whether all stands as it did, perhaps in another revision."""
    return (
        before.verdict is after.verdict
        and before.summary == after.summary
        and before.findings == after.findings
        and (before.failure is None) is (after.failure is None)
    )
