from __future__ import annotations

from dataclasses import replace
from itertools import product
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings

from leadsman.model.finding import ABSENT, DRIFTED_STATES, Cause, State
from leadsman.model.status import TargetStatus, Verdict
from leadsman.report.driftreport import build_report, build_status
from leadsman.report.events import (
    EventRecorder,
    EventSpec,
    _Series,
    event_body,
    events_between,
)
from leadsman.report.restore import restore
from unit.report.apiserver import api_server
from unit.report.samples import FAILURE, NOW, change, finding, status, statuses

if TYPE_CHECKING:
    from leadsman.model.json import JsonObject


def reasons(previous: TargetStatus | None, current: TargetStatus) -> list[str]:
    return [event.reason for event in events_between(previous, current)]


def notes(previous: TargetStatus | None, current: TargetStatus) -> list[str]:
    return [event.note for event in events_between(previous, current)]


def restarted(told: TargetStatus) -> TargetStatus:
    restored = restore(build_report(told) | {"status": build_status(told, None, NOW)})
    assert restored is not None
    return restored


def test_drift_names_field_values_manager_and_time() -> None:
    (event,) = events_between(status(), status(finding()))
    assert event == EventSpec(
        target=status().key,
        uid="0a-1b",
        reason="DriftDetected",
        action="Compare",
        note="Deployment shop/web drifted: spec.replicas: 2 -> 5 (kubectl-edit, 11:59:10Z)",
        warning=True,
        related=finding().key,
        gvk=finding().gvk,
    )


def test_what_resolves_is_said() -> None:
    (event,) = events_between(status(finding()), status())
    assert (event.reason, event.warning, event.related) == ("DriftResolved", False, finding().key)
    assert event.note == (
        "Deployment shop/web is no longer drifted; it had drifted since 2026-11-23T12:00:00Z"
    )


def _one(state: State) -> TargetStatus:
    return status(finding(state=state)) if state is not State.IN_SYNC else status()


@pytest.mark.parametrize(("before", "after"), list(product(State, State)))
def test_each_transition_of_an_object(before: State, after: State) -> None:
    drifted, drifts = before in DRIFTED_STATES, after in DRIFTED_STATES
    fieldwise = {State.MODIFIED, State.ADDED}
    expected = []
    if drifts and (not drifted or (before is not after and not {before, after} <= fieldwise)):
        expected = ["DriftDetected"]
    # What would be refused or can't be compared is neither drifted nor resolved.
    if drifted and after is State.IN_SYNC:
        expected = ["DriftResolved"]
    assert reasons(_one(before), _one(after)) == expected
    assert reasons(restarted(_one(before)), _one(after)) == expected


def test_a_field_that_joins_is_news_and_nothing_else_is() -> None:
    image = change('.spec.template.spec.containers[name="web"].image', "web:1", "web:2")
    before = status(finding())
    joined = status(finding(changes=(change(), image)))
    (note,) = notes(before, joined)
    assert note == (
        'Deployment shop/web drifted: spec.template.spec.containers[name="web"].image: '
        '"web:1" -> "web:2" (kubectl-edit, 11:59:10Z)'
    )
    assert reasons(joined, before) == []  # one of two reverted: still drifted
    assert reasons(before, status(finding(changes=(change(live=6),)))) == []
    pending = status(finding(changes=(change(), replace(image, cause=Cause.PENDING))))
    assert reasons(before, pending) == []
    assert reasons(pending, joined) == ["DriftDetected"]


def test_failures_are_said_by_stage_and_once() -> None:
    for stage, reason in (
        ("source", "SourceFailed"),
        ("render", "RenderFailed"),
        ("compare", "CompareFailed"),
        ("kube", "CompareFailed"),
    ):
        failing = status(failure=replace(FAILURE, stage=stage))
        (event,) = events_between(status(), failing)
        assert (event.reason, event.warning) == (reason, True)
        assert event.note == "AuthenticationFailed: https://git.example.com/shop: 401"
        assert reasons(failing, failing) == []
        assert reasons(restarted(failing), failing) == []


def test_a_failure_is_news_again_when_it_is_another() -> None:
    slow = status(failure=replace(FAILURE, message="no answer after 30.1 s"))
    slower = status(failure=replace(FAILURE, message="no answer after 30.2 s"))
    other = status(failure=replace(FAILURE, message="no such host"))
    assert reasons(slow, slower) == []
    assert reasons(slow, other) == ["SourceFailed"]
    assert reasons(slow, status(failure=replace(FAILURE, reason="Timeout"))) == ["SourceFailed"]


def test_a_restart_repeats_nothing_though_texts_had_to_be_cleaned() -> None:
    odd = change('.data["\x9b\ud800"]', "a", "b")
    told = status(
        finding(changes=(odd,)), failure=replace(FAILURE, message="\x1b[31mred\x9bm" * 500)
    )
    assert reasons(restarted(told), told) == []


def test_a_moved_list_item_is_no_news() -> None:
    port = change('.spec.ports[name="http"].port', 80, 81)
    moved = replace(port, path="/spec/ports/1/port")
    assert reasons(status(finding(changes=(port,))), status(finding(changes=(moved,)))) == []


def test_recovery_says_how_things_stand() -> None:
    (note,) = notes(status(finding(), failure=FAILURE), status(finding()))
    assert note == (
        "AuthenticationFailed is over: Drifted: 1 of 29 objects drifted: "
        "Deployment shop/web (spec.replicas by kubectl-edit)"
    )
    unknown = status(verdict=Verdict.UNKNOWN)
    assert notes(status(failure=FAILURE), unknown) == ["AuthenticationFailed is over: Unknown"]


def test_suspension_is_said() -> None:
    suspended = status(suspended_since=NOW)
    assert reasons(status(), suspended) == ["Suspended"]
    assert reasons(suspended, suspended) == []
    assert reasons(suspended, status()) == ["Resumed"]
    assert reasons(None, suspended) == ["Suspended"]


def test_a_target_seen_for_the_first_time_tells_its_drift_and_failure() -> None:
    assert reasons(None, status()) == []
    both = status(finding(), failure=FAILURE)
    assert reasons(None, both) == ["SourceFailed", "DriftDetected"]


def test_many_objects_are_summed_up() -> None:
    many = status(*(finding(f"web-{number}", State.MISSING) for number in range(300)))
    said = notes(status(), many)
    assert len(said) == 21
    assert said[-1] == "and 280 more objects drifted: see the DriftReport"
    said = notes(many, status())
    assert len(said) == 21
    assert said[-1] == "and 280 more objects are no longer drifted"


def test_a_restart_repeats_nothing_though_the_report_was_truncated() -> None:
    changes = tuple(change(f".spec.field{number}") for number in range(10))
    many = status(*(finding(f"web-{number}", changes=changes) for number in range(3000)))
    before = restarted(many)
    assert reasons(before, many) == []
    more = status(*many.findings, finding("new", State.MISSING))
    assert notes(before, more) == ["Deployment shop/new is missing"]
    assert len(events_between(before, status())) == 21


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(statuses())
def test_nothing_is_said_of_what_stays(told: TargetStatus) -> None:
    assert events_between(told, told) == ()


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(statuses(), statuses())
def test_any_event_fits_the_api(previous: TargetStatus, current: TargetStatus) -> None:
    for spec in events_between(previous, current):
        body = event_body(spec, instance="leadsman-0", now=NOW)
        assert 0 < len(body["note"].encode()) <= 1024
        assert len(body["metadata"]["name"]) <= 253


EVENTS = "/apis/events.k8s.io/v1/namespaces/flux/events"


class Clock:
    now = NOW

    def __call__(self) -> float:
        return self.now


async def test_an_event_is_created_on_the_target() -> None:
    written: list[str] = []
    async with api_server() as server:
        recorder = EventRecorder(
            server.client, instance="leadsman-0", now=Clock(), observe=written.append
        )
        await recorder.emit(events_between(status(), status(finding())))
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
            await recorder.emit(events)
            clock.now += 60
        ((_, event),) = server.objects.items()
        assert event["series"] == {"count": 3, "lastObservedTime": "2026-11-23T12:02:00.000000Z"}
        clock.now += 601
        await recorder.emit(events)
        assert len(server.objects) == 2
        # Another value is other news.
        await recorder.emit(events_between(status(), status(finding(changes=(change(live=6),)))))
        assert len(server.objects) == 3


async def test_drift_that_comes_and_goes_is_counted_whenever_it_does() -> None:
    async with api_server() as server:
        recorder = EventRecorder(server.client, instance="leadsman-0", now=Clock())
        for minute in range(3):
            changes = (replace(change(), time=f"2026-01-01T12:0{minute}:00Z"),)
            drifted = status(finding(changes=changes, since=1767268800.0 + 60 * minute))
            await recorder.emit(events_between(status(), drifted))
            await recorder.emit(events_between(drifted, status()))
        assert len(server.objects) == 2
        assert [event["series"]["count"] for event in server.objects.values()] == [3, 3]


async def test_an_expired_event_is_created_anew() -> None:
    async with api_server() as server:
        clock = Clock()
        recorder = EventRecorder(server.client, instance="leadsman-0", now=clock)
        events = events_between(status(), status(finding()))
        await recorder.emit(events)
        server.objects.clear()
        clock.now += 60
        await recorder.emit(events)
        ((_, event),) = server.objects.items()
        assert "series" not in event


async def test_an_event_that_cannot_be_written_stops_nothing(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with api_server() as server:
        recorder = EventRecorder(server.client, instance="leadsman-0")
        server.refusals = [(403, "Forbidden")]
        many = status(finding(), finding("db", State.MISSING))
        await recorder.emit(events_between(status(), many))
        assert len(server.objects) == 1
    assert "refused: Forbidden" in caplog.text


async def test_an_event_whose_answer_was_lost_is_not_written_twice() -> None:
    async with api_server() as server:
        events = events_between(status(), status(finding()))
        for _ in range(2):  # a second recorder at the same moment makes the same name
            await EventRecorder(server.client, instance="leadsman-0", now=Clock()).emit(events)
        assert len(server.objects) == 1
        assert [method for method, _ in server.requests] == ["POST", "POST"]


async def test_what_is_remembered_is_bounded() -> None:
    async with api_server() as server:
        recorder = EventRecorder(server.client, instance="leadsman-0")
        (event,) = events_between(status(), status(finding()))
        for number in range(4096):
            recorder._series[replace(event, note=str(number))] = _Series("event", NOW * 2)
        await recorder.emit([event])
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


def test_masked_values_come_as_they_are() -> None:
    secret = change('.data["password"]', "*** (before)", "*** (after)")
    (said,) = notes(status(), status(finding(changes=(secret,))))
    assert 'data["password"]: "*** (before)" -> "*** (after)"' in said
    removed = replace(secret, live=ABSENT)
    (said,) = notes(status(), status(finding(changes=(removed,))))
    assert 'removed, was "*** (before)"' in said
