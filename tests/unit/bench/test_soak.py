"""What happens in a soak, and what has to be equal in the end."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest

from bench.fleet import KINDS, Fleet
from bench.soak import change
from bench.soakplan import CALM, RESTARTS, Act, Step, plan
from bench.soaktruth import expected, object_name, reported

FLEET = Fleet(targets=3, per_target=20)


def steps(seconds: float, seed: int = 1) -> list[Step]:
    return list(plan(FLEET, seconds, seed, KINDS))


def test_a_seed_plays_the_same_again() -> None:
    assert steps(60.0) == steps(60.0)
    assert steps(60.0) != steps(60.0, seed=2)


@pytest.mark.parametrize("seconds", [30.0, 600.0])
def test_everything_happens_in_order_and_the_end_is_calm(seconds: float) -> None:
    taken = steps(seconds)
    assert [step.at for step in taken] == sorted(step.at for step in taken)
    assert taken[0].at > 0.0
    assert taken[-1].at < seconds
    assert {step.act for step in taken} == set(Act)
    assert [step.number for step in taken] == list(range(len(taken)))
    restarts = [step.at for step in taken if step.act in RESTARTS]
    assert max(restarts) < seconds * (1.0 - CALM)
    assert all(step.target < FLEET.targets for step in taken)
    assert all(step.application < FLEET.applications for step in taken)


def test_live_changes_come_about_ten_a_second() -> None:
    done = Counter(step.act for step in steps(600.0))
    live = done[Act.CHANGE] + done[Act.DELETE] + done[Act.RESTORE]
    assert 5_500 < live < 6_500
    assert done[Act.CHANGE] > done[Act.RESTORE] > done[Act.DELETE] > 0


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_is_changed_in_two_ways(kind: str) -> None:
    first, second = (change(Step(0.0, number, Act.CHANGE, 0, 0, kind)) for number in (10, 11))
    assert first != second
    assert "labels" in second["metadata"]


def status(**more: Any) -> dict[str, Any]:
    changed = {"path": "/data/level", "op": "replace", "live": "debug", "time": "then"}
    found = {"kind": "ConfigMap", "name": "web", "state": "Modified", "since": "then"}
    other = {"kind": "Service", "name": "web", "state": "Missing", "since": "before"}
    return {
        "verdict": "Drifted",
        "summary": {"total": 2, "drifted": 2},
        "revision": "main@sha1:1",
        "objects": [found | {"changes": [changed]}, other],
        "driftSince": "then",
        "conditions": [{"type": "Ready"}],
    } | more


def test_times_and_the_order_make_no_difference() -> None:
    later = status(driftSince="later", conditions=[])
    later["objects"] = [{**found, "since": "later"} for found in reversed(later["objects"])]
    later["objects"][1]["changes"] = [{**later["objects"][1]["changes"][0], "time": "later"}]
    assert reported(later) == expected(status(), set())


@pytest.mark.parametrize(
    "wrong",
    [
        {"verdict": "InSync"},
        {"summary": {"total": 3, "drifted": 2}},
        {"revision": "main@sha1:2"},
        {"objects": status()["objects"][:1]},
        {"objects": [{**status()["objects"][0], "changes": []}, status()["objects"][1]]},
        {"excused": [{"kind": "ConfigMap", "name": "db"}]},
    ],
)
def test_anything_else_does(wrong: dict[str, Any]) -> None:
    assert reported(status(**wrong)) != expected(status(), set())


def test_orphans_are_what_git_has_dropped_and_lives() -> None:
    orphan = {
        "kind": "Service",
        "namespace": "shop",
        "name": "db",
        "state": "Orphaned",
        "since": "then",
    }
    with_orphan = status(summary={"total": 3, "drifted": 3, "orphaned": 1})
    with_orphan["objects"].append(orphan)
    alive = {object_name("Service", "shop", "db")}
    assert reported(with_orphan) == expected(status(), alive)
    assert reported(with_orphan) != expected(status(), set())
    assert reported(status()) != expected(status(), alive)


def test_who_has_nothing_but_orphans_has_drifted() -> None:
    scratch = {"verdict": "InSync", "summary": {"total": 2, "drifted": 0}}
    assert expected(scratch, set())["verdict"] == "InSync"
    assert expected(scratch, {"Service shop/db"})["verdict"] == "Drifted"
