"""Write what is new: one report per target and period, then its Events."""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING

from leadsman.engine.reporting.pace import Pace
from leadsman.engine.reporting.status import same, status_of
from leadsman.engine.scheduling.order import Urgent
from leadsman.engine.scheduling.queue import WorkQueue
from leadsman.errors import KubeError
from leadsman.report.events import events_between

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from leadsman.engine.state import TargetState
    from leadsman.model.identity import TargetKey
    from leadsman.model.status import TargetStatus
    from leadsman.report.own_metrics import Instruments
    from leadsman.report.recorder import EventRecorder
    from leadsman.report.writer import ReportWriter

log = logging.getLogger(__name__)

# Seconds after which a new target has a report though it has not been looked at yet: many never
# need it, and those who wait for a report with kubectl need not wait for a slow Git server.
_PATIENCE = 1.0
# Seconds for which it may be that the API server could not be asked before it is said: as long as
# its watches bear with it, and time for three more looks.
_DOUBT = 10.0
# Seconds between two tries to write, at most.
_RETRY_WITHIN = 30.0
# Writes a second in the long run, and at once. A thousand changes at once that concern a hundred
# targets are told in a second; Events are for people, who read slower, and never delay a report.
_REPORTS_PACE = (100.0, 200)
_EVENTS_PACE = (20.0, 200)
# Seconds that what is being written may take once the process has been told to end.
_LAST_WORDS = 3.0


class Reporter:
    """Turns news of targets into writes: the first at once, then at most one per period."""

    def __init__(
        self,
        states: Mapping[TargetKey, TargetState],
        writer: ReportWriter,
        recorder: EventRecorder,
        instruments: Instruments,
        *,
        now: Callable[[], float],
        period: float,
    ) -> None:
        self._states = states
        self._writer = writer
        self._recorder = recorder
        self._instruments = instruments
        self._now = now
        self._period = period
        self._received: dict[TargetKey, float] = {}
        self._urgent: set[TargetKey] = set()
        # Another verdict goes before another revision.
        self._order: Urgent[TargetKey] = Urgent(self._urgent.__contains__)
        self._queue: WorkQueue[TargetKey] = WorkQueue(order=self._order)
        self._events: WorkQueue[TargetKey] = WorkQueue()
        self._pace = Pace(*_REPORTS_PACE)
        self._events_pace = Pace(*_EVENTS_PACE)
        self._written: dict[TargetKey, float] = {}

    def mark(self, key: TargetKey, received: float | None = None, *, urgent: bool = False) -> None:
        """Say that the target may have news; ``received`` is when a live change came in.

        These go before others, and so does what is ``urgent``.
        """
        if received is not None:
            self._received.setdefault(key, received)
        if urgent or received is not None:
            self._urgent.add(key)
            self._order.hurry(key)
        # By the loop's clock: the wall clock may jump, and a report must not wait for it.
        now = asyncio.get_running_loop().time()
        wait = self._written.get(key, float("-inf")) + self._period - now
        self._queue.add_by(key, max(0.0, wait))

    def announce(self, key: TargetKey) -> None:
        """Say that a target is new: it has a report even while its first look takes long."""
        self._queue.add_by(key, _PATIENCE)

    def remove(self, key: TargetKey) -> None:
        """Forget the target."""
        self._queue.remove(key)
        self._events.remove(key)
        self._received.pop(key, None)
        self._urgent.discard(key)
        self._written.pop(key, None)
        self._writer.forget(key)
        self._recorder.forget(key)

    def rewrite(self, key: TargetKey) -> None:
        """Write the report even if nothing is new, as when somebody has deleted it."""
        self._writer.forget(key)
        self.mark(key)

    async def run(self, workers: int = 4) -> None:
        """Write until cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._queue.run(self._handle, workers))
                group.create_task(self._events.run(self._emit, workers))
        except asyncio.CancelledError:
            # The next process takes the report for all that was said: Events that are not written
            # now never will be.
            last = asyncio.ensure_future(self._say_the_rest())
            await asyncio.wait({last}, timeout=_LAST_WORDS)
            last.cancel()
            raise

    async def _handle(self, key: TargetKey) -> None:
        report = asyncio.ensure_future(self._report(key))
        try:
            await asyncio.shield(report)
        except asyncio.CancelledError:
            await asyncio.wait({report}, timeout=_LAST_WORDS)
            report.cancel()
            raise

    async def _report(self, key: TargetKey) -> None:
        state = self._states.get(key)
        if state is None:
            self._recorder.forget(key)
            return
        if state.busy or (not state.settled and state.reported is not None):
            return
        if wait := self._doubted(state):
            self._queue.add_after(key, wait)
            return
        await self._pace.turn()
        received = self._received.pop(key, None)
        self._urgent.discard(key)
        status, settled = status_of(state), state.settled
        try:
            written = await self._writer.write(status)
        except KubeError as error:
            if received is not None:
                self._received.setdefault(key, received)
                self._urgent.add(key)
            self._retry(self._queue, key, "report", error)
            return
        if written and settled:
            self._written[key] = asyncio.get_running_loop().time()
            if received is not None:
                latency = max(0.0, self._now() - received)
                self._instruments.detection_latency.observe(latency)
        before, state.reported = state.reported, status
        self._follow_up(state, status)
        events = events_between(before, status)
        for event in events:
            log.info("%s: %s", event.reason, event.note, extra={"target": str(key)})
        self._queue.forget_tries(key)
        if events:
            self._recorder.hold(key, events)
            self._events.add_by(key, 0.0)

    def _follow_up(self, state: TargetState, written: TargetStatus) -> None:
        """Say that there is news if what was written does not hold any more.

        A look that has ended while it was written was held against the report before.
        """
        if not state.busy and not same(written, status_of(state)):
            self.mark(state.key, urgent=True)

    async def _emit(self, key: TargetKey) -> None:
        """Write the Events of a target that wait."""
        refused = await self._recorder.emit(key, self._events_pace.turn)
        if refused is None:
            self._events.forget_tries(key)
        else:
            self._retry(self._events, key, "Events", refused)

    async def _say_the_rest(self) -> None:
        for key in self._recorder.waiting():
            await self._recorder.emit(key)

    def _doubted(self, state: TargetState) -> float:
        """Return for how many seconds more a failure is not told.

        That the API server could not be asked can only be told once it can, and by then the next
        look has mostly gone well.
        """
        failure, reported = state.failure, state.reported
        if failure is None or failure.stage != KubeError.stage:
            return 0.0
        if reported is not None and reported.failure is not None:
            return 0.0
        return min(_DOUBT, max(0.0, failure.since + _DOUBT - self._now()))

    def _retry(
        self, queue: WorkQueue[TargetKey], key: TargetKey, what: str, error: KubeError
    ) -> None:
        delay = queue.retry(key, cap=_RETRY_WITHIN, patient=True)
        log.warning(
            "%s not written: %s",
            what,
            error.message,
            extra={"target": str(key), "reason": error.reason, "retry_in": round(delay, 1)},
        )
