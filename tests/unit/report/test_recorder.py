from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from leadsman.model.finding import State
from leadsman.report.events import EventSpec, events_between
from leadsman.report.recorder import EventRecorder, _Series, event_body
from unit.report.apiserver import api_server
from unit.report.samples import NOW, change, finding, status

if TYPE_CHECKING:
    from collections.abc import Iterable

    import pytest

    from leadsman.errors import KubeError
    from leadsman.model.json import JsonObject

TARGET = status().key
EVENTS = "/apis/events.k8s.io/v1/namespaces/flux/events"


class Clock:
    now = NOW

    def __call__(self) -> float:
        return self.now


async def said(recorder: EventRecorder, events: Iterable[EventSpec]) -> KubeError | None:
    recorder.hold(TARGET, events)
    return await recorder.emit(TARGET)


async def test_an_event_is_created_on_the_target() -> None:
    written: list[str] = []
    async with api_server() as server:
        recorder = EventRecorder(
            server.client, instance="leadsman-0", now=Clock(), observe=written.append
        )
        await said(recorder, events_between(status(), status(finding())))
        ((path, event),) = server.objects.items()
    name = event["metadata"].pop("name")
    assert path == f"{EVENTS}/{name}"
    assert name.startswith("shop.")
    assert written == ["DriftDetected"]
    assert event == {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {"namespace": "flux"},
        "eventTime": "2026-11-23T12:00:00.000000Z",
        "reportingController": "leadsman.dev/leadsman",
        "reportingInstance": "leadsman-0",
        "type": "Warning",
        "reason": "DriftDetected",
        "action": "Compare",
        "note": "Deployment shop/web drifted: spec.replicas: 2 -> 5 (kubectl-edit, 11:59:10Z)",
        "regarding": {
            "apiVersion": "leadsman.dev/v1alpha1",
            "kind": "DriftCheck",
            "namespace": "flux",
            "name": "shop",
            "uid": "0a-1b",
        },
        "related": {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "namespace": "shop",
            "name": "web",
        },
    }


async def test_an_event_that_comes_again_counts_up_within_the_window() -> None:
    clock = Clock()
    async with api_server() as server:
        recorder = EventRecorder(server.client, instance="leadsman-0", now=clock, window=600)
        events = events_between(status(), status(finding()))
        for _ in range(3):
            await said(recorder, events)
            clock.now += 60
        ((_, event),) = server.objects.items()
        assert event["series"] == {"count": 3, "lastObservedTime": "2026-11-23T12:02:00.000000Z"}
        clock.now += 601
        await said(recorder, events)
        assert len(server.objects) == 2
        # Another value is other news.
        await said(recorder, events_between(status(), status(finding(changes=(change(live=6),)))))
        assert len(server.objects) == 3


async def test_drift_that_comes_and_goes_is_counted_whenever_it_does() -> None:
    async with api_server() as server:
        recorder = EventRecorder(server.client, instance="leadsman-0", now=Clock())
        for minute in range(3):
            changes = (replace(change(), time=f"2026-01-01T12:0{minute}:00Z"),)
            drifted = status(finding(changes=changes, since=1767268800.0 + 60 * minute))
            await said(recorder, events_between(status(), drifted))
            await said(recorder, events_between(drifted, status()))
        assert len(server.objects) == 2
        assert [event["series"]["count"] for event in server.objects.values()] == [3, 3]


async def test_an_expired_event_is_created_anew() -> None:
    async with api_server() as server:
        clock = Clock()
        recorder = EventRecorder(server.client, instance="leadsman-0", now=clock)
        events = events_between(status(), status(finding()))
        await said(recorder, events)
        server.objects.clear()
        clock.now += 60
        await said(recorder, events)
        ((_, event),) = server.objects.items()
        assert "series" not in event


async def test_an_event_that_cannot_be_written_stops_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with api_server() as server:
        recorder = EventRecorder(server.client, instance="leadsman-0")
        server.refusals = [(403, "Forbidden")]
        many = status(finding(), finding("db", State.MISSING))
        await said(recorder, events_between(status(), many))
        assert len(server.objects) == 1
    assert "refused: Forbidden" in caplog.text


async def test_an_event_whose_answer_was_lost_is_not_written_twice() -> None:
    async with api_server() as server:
        events = events_between(status(), status(finding()))
        for _ in range(2):  # a second recorder at the same moment makes the same name
            await said(EventRecorder(server.client, instance="leadsman-0", now=Clock()), events)
        assert len(server.objects) == 1
        assert [method for method, _ in server.requests] == ["POST", "POST"]


async def test_what_is_remembered_is_bounded() -> None:
    async with api_server() as server:
        recorder = EventRecorder(server.client, instance="leadsman-0")
        (event,) = events_between(status(), status(finding()))
        for number in range(4096):
            recorder._series[replace(event, note=str(number))] = _Series("event", NOW * 2)
        await said(recorder, [event])
        assert len(recorder._series) == 4096
        assert next(reversed(recorder._series.values())).name != "event"


def body_of(spec: EventSpec) -> JsonObject:
    return event_body(spec, instance="leadsman-0", now=NOW)


def test_names_are_unique_and_fit_whatever_the_target_is_called() -> None:
    (event,) = events_between(status(), status(finding()))
    long = replace(event, target=replace(event.target, name="a" * 235 + ".b" + "c" * 16))
    name = body_of(long)["metadata"]["name"]
    assert len(name) <= 253
    assert ".." not in name
    names = {
        body_of(one)["metadata"]["name"]
        for one in (
            event,
            replace(event, note="other"),
            replace(event, reason="Other"),
            replace(event, uid="other"),
            replace(event, related=None),
        )
    }
    assert len(names) == 5
    assert body_of(event) == body_of(event)


def test_a_note_is_cut_between_characters() -> None:
    (event,) = events_between(status(), status(finding()))
    note = body_of(replace(event, note="ü☸" * 1000))["note"]
    assert len(note.encode()) <= 1024
    assert note.endswith("…")
    assert "\ufffd" not in note


async def test_what_can_go_better_another_time_is_said_in_order_and_once() -> None:
    clock = Clock()
    written: list[str] = []
    async with api_server() as server:
        recorder = EventRecorder(
            server.client, instance="leadsman-0", now=clock, observe=written.append
        )
        server.refusals = [(429, "TooManyRequests")] * 20
        error = await said(recorder, events_between(status(), status(finding())))
        assert error is not None
        assert error.reason == "TooManyRequests"
        assert written == []
        server.refusals = []
        clock.now += 60
        later = status(finding(), finding("db", State.MISSING))
        assert await said(recorder, events_between(status(finding()), later)) is None
        first, second = server.objects.values()
        # Each at the moment at which it was news.
        assert first["eventTime"] == "2026-11-23T12:00:00.000000Z"
        assert second["eventTime"] == "2026-11-23T12:01:00.000000Z"
        assert second["note"] == "Deployment shop/db is missing"
        assert await said(recorder, ()) is None
        assert len(server.objects) == len(written) == 2


async def test_what_waits_is_bounded_and_goes_with_its_target() -> None:
    async with api_server() as server:
        recorder = EventRecorder(server.client, instance="leadsman-0")
        (event,) = events_between(status(), status(finding()))
        server.refusals = [(503, "ServiceUnavailable")] * 20
        many = [replace(event, note=str(number)) for number in range(1000)]
        assert await said(recorder, many) is not None
        assert len(recorder._waiting[TARGET]) == 200
        recorder.forget(TARGET)
        server.refusals = []
        assert await said(recorder, ()) is None
        assert not server.objects
