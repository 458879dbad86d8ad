"""What a scrape shows, and what it costs."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from leadsman.engine.reporting.gauges import Gauges
from leadsman.engine.reporting.status import status_of
from leadsman.engine.state import TargetState
from leadsman.model.finding import State
from leadsman.model.identity import TargetKey
from leadsman.report.target_metrics import TargetMetrics
from unit.engine.samples import desired, finding, key, rendered

if TYPE_CHECKING:
    from leadsman.model.status import TargetStatus

SHOP = TargetKey("DriftCheck", "shop", "shop")


class Written(TargetMetrics):
    """Counts whose lines are written."""

    def __init__(self) -> None:
        super().__init__()
        self.updates: list[TargetStatus] = []

    def update(self, status: TargetStatus) -> None:
        self.updates.append(status)
        super().update(status)

    @property
    def text(self) -> str:
        return b"".join(self.families()).decode()


@dataclass
class Fleet:
    metrics: Written = field(default_factory=Written)
    states: dict[TargetKey, TargetState] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.gauges = Gauges(self.states, self.metrics)

    def target(self) -> TargetState:
        state = self.states[SHOP] = TargetState(SHOP)
        state.install(rendered(desired("web")), rejudge=False)
        state.rendered = ()
        state.record(key("web"), None, 1.0)
        state.settled = True
        self.gauges.looked(status_of(state))
        return state

    async def scrape(self) -> str:
        await self.gauges.refresh()
        return self.metrics.text


async def test_a_target_is_shown_as_it_is() -> None:
    fleet = Fleet()
    state = fleet.target()
    assert 'state="InSync"} 1.0' in await fleet.scrape()
    state.record(key("web"), finding("web", State.MISSING), 2.0)
    fleet.gauges.touch(SHOP)
    assert 'state="Missing"} 1.0' in await fleet.scrape()


async def test_a_look_that_changes_nothing_writes_nothing_but_its_time() -> None:
    fleet = Fleet()
    state = fleet.target()
    await fleet.scrape()
    state.checked_at = 77.0
    fleet.gauges.looked(status_of(state))
    assert "checked_timestamp_seconds" in (text := await fleet.scrape())
    assert "} 77.0" in text
    assert len(fleet.metrics.updates) == 1


async def test_what_came_and_went_between_two_looks_is_not_shown_for_ever() -> None:
    fleet = Fleet()
    state = fleet.target()
    await fleet.scrape()
    state.record(key("web"), finding("web", State.MISSING), 2.0)
    fleet.gauges.touch(SHOP)
    await fleet.scrape()
    state.busy = True
    state.record(key("web"), None, 3.0)
    fleet.gauges.touch(SHOP)
    assert 'state="Missing"} 1.0' in await fleet.scrape()
    state.busy = False
    fleet.gauges.looked(status_of(state))
    assert 'state="InSync"} 1.0' in await fleet.scrape()


async def test_what_is_not_looked_at_yet_is_not_shown() -> None:
    fleet = Fleet()
    fleet.target().settled = False
    assert "target_name=" not in await fleet.scrape()


async def test_what_is_reported_is_kept_once() -> None:
    fleet = Fleet()
    state = fleet.target()
    state.reported = status_of(state)
    state.checked_at = 5.0
    await fleet.scrape()
    assert fleet.gauges._shown[SHOP] is state.reported
    assert fleet.metrics.updates == [replace(state.reported, checked_at=5.0)]


async def test_a_target_that_is_gone_is_not_shown() -> None:
    fleet = Fleet()
    fleet.target()
    await fleet.scrape()
    del fleet.states[SHOP]
    fleet.gauges.remove(SHOP)
    assert "target_name=" not in await fleet.scrape()
