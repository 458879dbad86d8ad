from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from leadsman.model.finding import State, Summary
from leadsman.model.status import Failure, TargetStatus, Verdict
from leadsman.report.conditions import build_conditions, summary_text
from leadsman.report.truncate import worst_first
from unit.report.samples import FAILURE, NOW, change, finding, status

if TYPE_CHECKING:
    from leadsman.model.json import JsonObject

HIDDEN = finding("db", State.UNVERIFIABLE, reason="Forbidden", message="secrets is forbidden")


def conditions(
    told: TargetStatus, previous: JsonObject | None = None, now: float = NOW
) -> dict[str, JsonObject]:
    built = build_conditions(told, worst_first(told.findings), previous, now)
    return {item["type"]: item for item in built}


def short(item: JsonObject) -> tuple[str, str]:
    return item["status"], item["reason"]


@pytest.mark.parametrize(
    ("told", "ready", "in_sync", "suspended"),
    [
        (status(), ("True", "Checked"), ("True", "InSync"), ("False", "Active")),
        (status(finding()), ("True", "Checked"), ("False", "Drifted"), ("False", "Active")),
        (status(HIDDEN), ("True", "Checked"), ("Unknown", "Unverifiable"), ("False", "Active")),
        (
            status(finding(state=State.REJECTED), HIDDEN),
            ("True", "Checked"),
            ("Unknown", "Rejected"),
            ("False", "Active"),
        ),
        (
            status(verdict=Verdict.UNKNOWN, failure=FAILURE),
            ("False", "AuthenticationFailed"),
            ("Unknown", "NotChecked"),
            ("False", "Active"),
        ),
        (
            status(finding(), failure=FAILURE, suspended_since=NOW),
            ("False", "AuthenticationFailed"),
            ("False", "Drifted"),
            ("True", "Suspended"),
        ),
        (
            status(verdict=Verdict.UNKNOWN, commit=None, in_sync=0),
            ("Unknown", "NotChecked"),
            ("Unknown", "NotChecked"),
            ("False", "Active"),
        ),
        (
            status(verdict=Verdict.UNKNOWN),  # some objects are still to be compared
            ("True", "Checked"),
            ("Unknown", "NotChecked"),
            ("False", "Active"),
        ),
    ],
)
def test_each_state_of_a_target_has_its_conditions(
    told: TargetStatus,
    ready: tuple[str, str],
    in_sync: tuple[str, str],
    suspended: tuple[str, str],
) -> None:
    built = conditions(told)
    assert short(built["Ready"]) == ready
    assert short(built["InSync"]) == in_sync
    assert short(built["Suspended"]) == suspended
    for condition in built.values():
        assert condition["observedGeneration"] == 3
        assert condition["lastTransitionTime"] == "2026-11-23T12:00:00Z"
        assert condition["message"]


def test_the_message_names_the_worst_objects() -> None:
    told = status(
        finding("web"), finding("db", State.MISSING), finding("old", State.ORPHANED), in_sync=28
    )
    assert summary_text(told) == (
        "3 of 31 objects drifted: Deployment shop/db (missing), "
        "Deployment shop/web (spec.replicas by kubectl-edit), Deployment shop/old (orphaned)"
    )


def test_the_message_is_bounded_and_counts_the_rest() -> None:
    fields = tuple(change(f".spec.field{number}") for number in range(5))
    told = status(*(finding(f"web-{number}", changes=fields) for number in range(8)))
    assert summary_text(told).endswith("spec.field2 by kubectl-edit, and 2 more), and 5 more")


def test_what_is_missing_for_a_verdict_is_named() -> None:
    assert conditions(status(HIDDEN))["InSync"]["message"] == (
        "1 of 29 objects could not be compared: "
        "Deployment shop/db (Forbidden: secrets is forbidden)"
    )


def test_ignored_fields_are_mentioned() -> None:
    told = status(summary=Summary({State.IN_SYNC: 1}, ignored_fields=2))
    assert summary_text(told) == "1 object as Git asks for; 2 differing fields ignored by rules"


def test_excused_fields_are_mentioned() -> None:
    told = status(summary=Summary({State.IN_SYNC: 1}, admission_fields=2, pending_fields=1))
    assert summary_text(told) == (
        "1 object as Git asks for; 2 fields changed on admission; 1 field not yet delivered"
    )


def test_a_failure_tells_its_stage_and_what_was_compared() -> None:
    built = conditions(status(finding(), failure=FAILURE))
    assert built["Ready"]["message"] == "source: https://git.example.com/shop: 401"
    assert built["InSync"]["message"].endswith(
        f"(compared with main@sha1:{'5f' * 20}: see the condition Ready)"
    )


def test_a_reason_that_the_schema_would_refuse_is_replaced() -> None:
    for reason in ("", "no word", "a" * 1025, "Ends_", "1st"):
        failing = status(failure=Failure("render", reason, "x"))
        given = conditions(failing)["Ready"]["reason"]
        assert given == (reason if reason == "Ends_" else "Failed")


def test_messages_are_bounded() -> None:
    told = status(failure=Failure("render", "Broken", "x" * 100_000))
    assert len(conditions(told)["Ready"]["message"]) == 2048


def test_a_condition_that_stays_keeps_its_time() -> None:
    previous = {"conditions": list(conditions(status(finding())).values())}
    later = conditions(status(finding(), failure=FAILURE), previous, NOW + 60)
    assert later["Ready"]["lastTransitionTime"] == "2026-11-23T12:01:00Z"
    assert later["InSync"]["lastTransitionTime"] == "2026-11-23T12:00:00Z"


@pytest.mark.parametrize(
    "previous",
    [
        {"conditions": "none"},
        {"conditions": [None, 5, {"type": "Ready"}]},
        {"conditions": [{"type": "Ready", "status": "True", "lastTransitionTime": "once"}]},
        {"conditions": [{"type": ["Ready"], "status": {}, "lastTransitionTime": []}]},
    ],
)
def test_foreign_conditions_do_no_harm(previous: JsonObject) -> None:
    built = conditions(replace(status(finding())), previous)
    assert {item["lastTransitionTime"] for item in built.values()} == {"2026-11-23T12:00:00Z"}
