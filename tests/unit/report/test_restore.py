from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadsman.model.finding import ABSENT, Cause, Change, IgnoredChange, Op, State
from leadsman.model.status import TargetStatus, Verdict
from leadsman.report.driftreport import build_report, build_status
from leadsman.report.restore import restore
from leadsman.report.truncate import TRUNCATED, worst_first
from unit.report.samples import FAILURE, NOW, change, excused, finding, status, statuses

if TYPE_CHECKING:
    from leadsman.model.json import JsonObject


def stored(told: TargetStatus) -> JsonObject:
    """The report as the API server gives it back."""
    report: JsonObject = orjson.loads(
        orjson.dumps(build_report(told) | {"status": build_status(told, None, NOW)})
    )
    return report


def test_everything_that_was_said_is_read_back() -> None:
    told = status(
        finding("db", State.MISSING),
        finding(
            changes=(
                change(desired=None, live=[1, {"a": None}]),
                Change("/a", ".a", Op.ADD, live=False, subresource="scale"),
                Change("/b", ".b", Op.REMOVE, desired="", cause=Cause.LEFT_BEHIND),
            ),
            excused=(excused(),),
            ignored=(IgnoredChange("/spec/paused", "rule"),),
        ),
        finding("x", State.UNVERIFIABLE, reason="Forbidden", message="may not be read"),
        finding("y", State.IN_SYNC, ignored=(IgnoredChange("/a", "rule"),), since=0.0),
        finding(
            "z",
            State.IN_SYNC,
            excused=(excused(), excused(".spec.b", Cause.PENDING)),
            ignored=(IgnoredChange("/a", "rule"),),
            since=0.0,
        ),
        failure=FAILURE,
        suspended_since=NOW - 5,
        warnings=("careful",),
    )
    restored = restore(stored(told))
    assert restored is not None
    assert replace(restored, findings=tuple(worst_first(restored.findings))) == replace(
        told,
        checked_at=0.0,
        interval=0.0,
        inventory=tuple(sorted(told.inventory)),
        findings=tuple(worst_first(told.findings)),
    )


def test_what_is_absent_and_what_is_null_stay_apart() -> None:
    restored = restore(stored(status(finding(changes=(change(desired=None, live=ABSENT),)))))
    assert restored is not None
    (only,) = restored.findings[0].changes
    assert only.desired is None
    assert only.live is ABSENT


def test_objects_that_were_left_out_are_not_forgotten() -> None:
    many = [finding(f"web-{number}", changes=(change(),) * 5) for number in range(3000)]
    report = stored(status(*many))
    listed = len(report["status"]["objects"])
    assert listed < 2000
    restored = restore(report)
    assert restored is not None
    assert {item.key for item in restored.known} == {item.key for item in many}
    assert all(item.state is State.MODIFIED and item.since == NOW for item in restored.known)
    assert all(item.reason == TRUNCATED for item in restored.findings)
    assert len(restored.unlisted) == 3000 - listed


@settings(max_examples=40, suppress_health_check=[HealthCheck.too_slow])
@given(statuses())
def test_what_any_report_says_is_said_again(told: TargetStatus) -> None:
    report = stored(told)
    before, restored = report["status"], restore(report)
    assert restored is not None
    assert restored.summary == told.summary
    assert restored.verdict is told.verdict
    assert [item.state for item in worst_first(restored.known)] == [
        item.state for item in worst_first(told.findings)
    ]
    again = build_status(restored, before, NOW + 60)
    for part in (
        "objects",
        "excused",
        "ignored",
        "summary",
        "inventory",
        "revision",
        "driftSince",
        "suspendedSince",
    ):
        assert again.get(part) == before.get(part)


@pytest.mark.parametrize(
    "report",
    [
        {},
        {"status": {"verdict": "InSync"}},
        {"spec": {"target": {"kind": "DriftCheck", "name": "shop"}}},
        {"spec": {"target": {"kind": 5, "name": "shop"}}, "status": {"verdict": "InSync"}},
        {"spec": [], "status": [], "metadata": 5},
    ],
)
def test_what_is_no_report_says_nothing(report: JsonObject) -> None:
    assert restore(report) is None


def test_what_cannot_be_read_is_left_out() -> None:
    report = stored(status(finding()))
    good = report["status"]["objects"][0]
    report["status"] |= {
        "verdict": "Splendid",
        "summary": {"modified": -1, "inSync": "many", "added": 2},
        "objects": [
            None,
            {"kind": "Web"},
            {**good, "state": "Odd"},
            {**good, "changes": [5, {"op": "move"}, {"op": "add", "cause": "Live"}]},
            {**good, "name": "fate", "changes": [{"op": "add", "cause": "Fate"}]},
            {**good, "name": "none", "changes": []},
            {**good, "name": "more", "state": "Missing"},
            {**good, "name": "odd", "excused": good["changes"]},
        ],
        "conditions": [{"type": "Ready", "status": "False"}],
        "warnings": [1, "two"],
        "driftSince": "yesterday",
        "observedGeneration": "3",
    }
    restored = restore(report)
    assert restored is not None
    assert restored.verdict is Verdict.UNKNOWN
    assert restored.summary.total == restored.summary.states[State.ADDED] == 2
    only, odd = restored.findings
    assert only.changes == (Change("", "", Op.ADD),)
    assert odd.excused == ()
    # How an object stands is believed, what contradicts it is not.
    assert [(item.key.name, item.state) for item in restored.unlisted] == [
        ("fate", State.MODIFIED),
        ("none", State.MODIFIED),
        ("more", State.MISSING),
    ]
    assert restored.failure is not None
    assert restored.failure.reason == ""
    assert restored.warnings == ("two",)
    assert restored.drift_since == restored.generation == 0


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=8,
)


@given(st.data())
def test_nothing_that_anybody_writes_makes_it_fail(data: st.DataObject) -> None:
    report = stored(status(finding(), failure=FAILURE))
    place = report
    while True:
        name = data.draw(st.sampled_from(sorted(place)))
        if not isinstance(place[name], dict) or not place[name] or data.draw(st.booleans()):
            place[name] = data.draw(_json)
            break
        place = place[name]
    restored = restore(report)
    assert restored is None or build_status(restored, report.get("status"), NOW)
