"""Reports and their Events, written to an API server over real HTTP."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager, suppress
from typing import TYPE_CHECKING

import pytest

from leadsman.engine.reporting.outlet import Outlet
from leadsman.engine.reporting.reporter import Reporter
from leadsman.engine.reporting.status import status_of
from leadsman.model.desired import Rendered
from leadsman.model.finding import State
from leadsman.model.source import Commit
from leadsman.model.status import Failure
from leadsman.report.own_metrics import Instruments
from leadsman.report.recorder import EventRecorder
from leadsman.report.writer import ReportWriter
from unit.engine.samples import desired, finding, key, target_state
from unit.report.apiserver import api_server

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable
    from typing import Any

    from leadsman.engine.state import TargetState
    from leadsman.model.identity import TargetKey
    from unit.report.apiserver import ApiServer

NOW = 1_700_000_000.0
EVENTS = "/apis/events.k8s.io/"


def drifted() -> TargetState:
    state = target_state()
    drift(state)
    return state


def drift(state: TargetState) -> None:
    state.install(Rendered((desired("a"),), "Plain"), rejudge=False)
    state.rendered = ()
    state.record(key("a"), finding("a", State.MISSING), NOW)
    state.settled = True


def make(server: ApiServer, state: TargetState, period: float = 0.0) -> Reporter:
    return Reporter(
        {state.key: state},
        ReportWriter(server.client),
        EventRecorder(server.client, instance="leadsman-0"),
        Instruments(),
        now=lambda: NOW,
        period=period,
    )


@asynccontextmanager
async def reporter(server: ApiServer, state: TargetState) -> AsyncIterator[asyncio.Task[None]]:
    """A reporter that has news of a target, for as long as the block."""
    made = make(server, state)
    made.mark(state.key)
    async with running(made) as task:
        yield task


@asynccontextmanager
async def running(made: Reporter) -> AsyncIterator[asyncio.Task[None]]:
    task = asyncio.create_task(made.run())
    try:
        yield task
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def events(server: ApiServer) -> list[str]:
    return [said["reason"] for path, said in server.objects.items() if path.startswith(EVENTS)]


async def test_events_that_are_refused_for_now_are_said_later() -> None:
    async with api_server() as server:
        server.refusals = [(429, "TooManyRequests")] * 6
        server.refuse = EVENTS
        async with reporter(server, drifted()), asyncio.timeout(30):
            while not events(server):
                server.arrived.clear()
                await server.arrived.wait()
        assert events(server) == ["DriftDetected"]
        assert not server.refusals


async def test_what_is_being_written_when_the_process_ends_is_finished() -> None:
    async with api_server() as server:
        server.held = asyncio.Event()
        async with reporter(server, drifted()) as task:
            await server.arrived.wait()
            task.cancel()
            asyncio.get_running_loop().call_soon(server.held.set)
            await asyncio.wait({task})
        assert events(server) == ["DriftDetected"]


def verdict(server: ApiServer, state: TargetState) -> tuple[str, str]:
    path = "/apis/leadsman.dev/v1alpha1/namespaces/shop/driftreports"
    status = server.objects.get(f"{path}/{state.key.name}", {}).get("status", {})
    ready = next(iter(status.get("conditions", [])), {"reason": ""})
    return status.get("verdict", ""), ready["reason"]


async def test_a_new_target_has_a_report_before_its_first_look_has_ended() -> None:
    state = target_state()
    async with api_server() as server:
        made = make(server, state, period=3600.0)  # what it delays is not the first verdict
        made.announce(state.key)
        async with running(made), asyncio.timeout(30):
            while not verdict(server, state)[0]:
                server.arrived.clear()
                await server.arrived.wait()
            assert verdict(server, state) == ("Unknown", "NotChecked")
            drift(state)
            made.mark(state.key)
            while not events(server):
                server.arrived.clear()
                await server.arrived.wait()
        assert verdict(server, state)[0] == "Drifted"
        assert events(server) == ["DriftDetected"]


async def test_that_the_api_server_could_not_be_asked_is_told_only_if_it_lasts() -> None:
    state = drifted()
    async with api_server() as server:
        made = make(server, state)
        state.failure = Failure("kube", "ApiServerUnreachable", "refused", since=NOW - 3.0)
        assert made._doubted(state) == pytest.approx(7.0)
        await made._report(state.key)
        assert not server.requests
        state.failure = None  # the next look has gone well
        made.mark(state.key)
        async with running(made), asyncio.timeout(30):
            while not events(server):
                server.arrived.clear()
                await server.arrived.wait()
        assert events(server) == ["DriftDetected"]


@pytest.mark.parametrize(
    ("stage", "since", "told"),
    [("kube", NOW - 11.0, False), ("source", NOW, False), ("kube", NOW, True)],
)
async def test_other_failures_are_told_at_once(stage: str, since: float, *, told: bool) -> None:
    state = drifted()
    state.failure = Failure(stage, "Any", "why", since=since)
    if told:
        state.reported = status_of(state)
    async with api_server() as server:
        assert make(server, state)._doubted(state) == 0.0


async def first_written(
    states: dict[TargetKey, TargetState], say: Callable[[Reporter], None]
) -> str:
    """Return the name of the target whose report comes first after what is said."""
    async with api_server() as server:
        made = Reporter(
            states,
            ReportWriter(server.client),
            EventRecorder(server.client, instance="leadsman-0"),
            Instruments(),
            now=lambda: NOW,
            period=0.0,
        )
        say(made)
        async with running(made), asyncio.timeout(30):
            while not server.objects:
                server.arrived.clear()
                await server.arrived.wait()
            return next(iter(server.objects)).rpartition("/")[2]


def several() -> dict[TargetKey, TargetState]:
    return {state.key: state for state in (target_state(f"t{number}") for number in range(9))}


@pytest.mark.parametrize("urgency", [{"received": NOW}, {"urgent": True}])
async def test_a_change_is_written_before_another_revision(urgency: dict[str, Any]) -> None:
    states = several()
    for state in states.values():
        drift(state)
    last = list(states)[-1]

    def say(made: Reporter) -> None:
        for target in states:
            made.mark(target)
        made.mark(last, **urgency)

    assert await first_written(states, say) == last.name


async def test_whom_a_commit_has_drift_is_written_before_those_that_it_only_moves() -> None:
    states = several()
    for state in states.values():
        state.settled, state.rendered = True, ()
        state.reported = status_of(state)
        state.commit = Commit("1" * 40, f"main@sha1:{'1' * 40}")
    last = list(states.values())[-1]
    drift(last)

    def say(made: Reporter) -> None:
        outlet = Outlet()
        outlet.reporter = made
        for state in states.values():
            outlet.looked(state)

    assert await first_written(states, say) == last.key.name


@pytest.mark.parametrize("before", [State.MODIFIED, None])
async def test_what_a_look_finds_while_a_report_is_written_is_not_lost(
    before: State | None,
) -> None:
    """The look ends with what was reported before, while another verdict is on its way."""
    state = target_state()
    state.install(Rendered((desired("a"),), "Plain"), rejudge=False)
    state.settled, state.rendered = True, ()

    def put(found: State | None) -> None:
        state.record(key("a"), None if found is None else finding("a", found), NOW)

    async def until(server: ApiServer, wanted: str) -> None:
        async with asyncio.timeout(30):
            while verdict(server, state)[0] != wanted:
                server.arrived.clear()
                await server.arrived.wait()

    words = {State.MODIFIED: "Drifted", None: "InSync"}
    after = None if before else State.MODIFIED
    put(before)
    async with api_server() as server:
        made, outlet = make(server, state), Outlet()
        outlet.reporter = made
        made.mark(state.key)
        async with running(made):
            await until(server, words[before])
            server.held = asyncio.Event()
            server.arrived.clear()
            put(after)
            outlet.news(state, NOW)
            await server.arrived.wait()
            state.busy = True
            put(before)
            outlet.news(state, NOW)
            state.busy = False
            outlet.looked(state)
            held, server.held = server.held, None
            held.set()
            await until(server, words[after])
            await until(server, words[before])
