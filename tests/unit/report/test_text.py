from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given

from leadsman.model.finding import ABSENT, Cause, Change, State
from leadsman.model.identity import ObjectKey
from leadsman.report.text import (
    change_lines,
    change_text,
    cut,
    finding_text,
    object_text,
    printable,
    value_text,
    who_text,
)
from unit.report.samples import NOW, change, changes, finding


def test_a_change_is_one_line() -> None:
    assert change_text(change(), since=NOW) == "spec.replicas: 2 -> 5 (kubectl-edit, 11:59:10Z)"


def test_the_day_is_told_where_it_is_another() -> None:
    assert who_text(change(), since=NOW + 86_400) == "kubectl-edit, 2026-11-23T11:59:10Z"
    assert who_text(change()) == "kubectl-edit, 2026-11-23T11:59:10Z"


def test_cause_and_subresource_are_told() -> None:
    scaled = replace(change(), subresource="scale", cause=Cause.LEFT_BEHIND, time="")
    assert who_text(scaled) == "left behind by Git, kubectl-edit via scale"
    unknown = replace(change(), manager="", time="2026-11-23T12:03:10Z")
    assert change_text(unknown) == "spec.replicas: 2 -> 5"


def test_what_was_added_or_removed_says_so() -> None:
    assert change_text(replace(change(), desired=ABSENT, manager="")) == "spec.replicas: added 5"
    assert (
        change_text(replace(change(), live=ABSENT, manager="")) == "spec.replicas: removed, was 2"
    )
    assert change_text(replace(change(), live=None, manager="")) == "spec.replicas: 2 -> null"


def test_a_file_is_told_by_its_changed_lines() -> None:
    before = "".join(f"key{number}=1\n" for number in range(500))
    after = before.replace("key250=1", "key250=2").replace("key400=1\n", "")
    file = change('.data["app.properties"]', before, after)
    assert change_text(replace(file, manager="")) == (
        'data["app.properties"]: line 251: "key250=1" -> "key250=2", and 1 more'
    )
    assert change_lines(file, since=NOW) == [
        'data["app.properties"]: (kubectl-edit, 11:59:10Z)',
        "  @@ line 251 @@",
        "  - key250=1",
        "  + key250=2",
        "  @@ line 401 @@",
        "  - key400=1",
    ]


def test_a_structure_is_told_by_what_differs_in_it() -> None:
    desired = [{"name": f"port-{number}", "port": number} for number in range(30)]
    live = [*desired[:28], {"name": "port-28", "port": 80}, desired[29], {"name": "new"}]
    ports = change(".spec.ports", desired, live)
    assert change_text(ports, since=NOW) == (
        "spec.ports: [28].port: 28 -> 80, and 1 more (kubectl-edit, 11:59:10Z)"
    )
    assert change_lines(ports, since=NOW, most=1) == [
        "spec.ports: (kubectl-edit, 11:59:10Z)",
        "  [28].port: 28 -> 80",
        "  and 1 more",
    ]


def test_long_texts_are_shown_where_they_differ() -> None:
    said = change_text(change(".spec.x", "a" * 500 + "b", "a" * 500 + "c"), limit=40)
    assert said.startswith('spec.x: "…aaaaaaaaaab" -> "…aaaaaaaaaac" (')


def test_values_are_bounded_whatever_they_are() -> None:
    assert value_text("x" * 10_000_000, 20) == '"xxxxxxxxxxxxxxxxxx…'
    assert value_text(2**80) == str(2**80)
    assert cut("abcdef", 4) == "abc…"


def test_terminal_sequences_are_escaped() -> None:
    assert printable("a\x1b[31m\x9bm\u202eb\n") == r"a\x1b[31m\x9bm\u202eb\n"
    assert printable("grün ☸") == "grün ☸"
    assert object_text(ObjectKey("", "ClusterRole", "", "a\x1bb")) == r"ClusterRole a\x1bb"


@pytest.mark.parametrize(
    ("state", "said"),
    [
        (State.MISSING, "Deployment shop/web is missing"),
        (State.ORPHANED, "Deployment shop/web still lives though Git has dropped it"),
        (State.MODIFIED, "Deployment shop/web drifted: spec.replicas: 2 -> 5"),
    ],
)
def test_a_finding_is_one_line(state: State, said: str) -> None:
    assert finding_text(finding(state=state)).startswith(said)


def test_a_finding_says_why() -> None:
    hidden = finding(state=State.UNVERIFIABLE, reason="Forbidden", message="secrets is forbidden")
    assert finding_text(hidden) == (
        "Deployment shop/web could not be compared: Forbidden: secrets is forbidden"
    )


@given(changes)
def test_any_change_can_be_told(any_change: Change) -> None:
    for line in (change_text(any_change), *change_lines(any_change)):
        assert line.isprintable()
