from __future__ import annotations

from dataclasses import replace
from itertools import product

import pytest
from hypothesis import HealthCheck, given, settings

from leadsman.model.finding import ABSENT, DRIFTED_STATES, Cause, State
from leadsman.model.status import TargetStatus, Verdict
from leadsman.report.driftreport import build_report, build_status
from leadsman.report.events import EventSpec, events_between
from leadsman.report.recorder import event_body
from leadsman.report.restore import restore
from unit.report.samples import FAILURE, NOW, change, excused, finding, status, statuses


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
    expected = []
    # From Modified to Added another field has joined.
    if drifts and before is not after:
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
    pending = status(finding(excused=(replace(image, cause=Cause.PENDING),)))
    assert reasons(before, pending) == []
    assert reasons(pending, joined) == ["DriftDetected"]


def test_what_is_excused_is_no_news() -> None:
    changed = status(finding(state=State.IN_SYNC, excused=(excused(),), since=0.0))
    assert reasons(status(), changed) == []
    assert reasons(restarted(changed), status()) == []
    assert reasons(changed, status(finding())) == ["DriftDetected"]
    assert reasons(status(finding()), changed) == ["DriftResolved"]


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


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(statuses())
def test_nothing_is_said_of_what_stays(told: TargetStatus) -> None:
    assert events_between(told, told) == ()


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(statuses(), statuses())
def test_any_event_fits_the_api(previous: TargetStatus, current: TargetStatus) -> None:
    for spec in events_between(previous, current):
        body = event_body(spec, instance="leadsman-0", now=NOW)
        assert 0 < len(body["note"].encode()) <= 1024
        assert len(body["metadata"]["name"]) <= 253


def test_masked_values_come_as_they_are() -> None:
    secret = change('.data["password"]', "*** (before)", "*** (after)")
    (said,) = notes(status(), status(finding(changes=(secret,))))
    assert 'data["password"]: "*** (before)" -> "*** (after)"' in said
    removed = replace(secret, live=ABSENT)
    (said,) = notes(status(), status(finding(changes=(removed,))))
    assert 'removed, was "*** (before)"' in said
