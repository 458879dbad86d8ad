"""What the demo takes for true, and what it does not."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from demo.reports import Seen
from demo.scenes import Drift

CHANGE = {
    "path": "/spec/replicas",
    "field": ".spec.replicas",
    "op": "replace",
    "desired": 2,
    "live": 5,
    "manager": "kubectl",
}
OBJECT = {"kind": "Deployment", "name": "web", "state": "Modified", "changes": [CHANGE]}
DRIFT = Drift("Deployment", "web", "Modified", "spec.replicas", 5, "kubectl")


def seen(*objects: dict[str, Any]) -> Seen:
    return Seen({"metadata": {"name": "shop"}, "status": {"objects": list(objects)}}, 0.0)


def test_finds_the_object_that_a_report_has() -> None:
    other = {"kind": "Service", "name": "web", "state": "Missing"}
    assert DRIFT.in_report(seen(other, OBJECT)) == OBJECT
    assert Drift("Service", "web", "Missing").in_report(seen(OBJECT, other)) == other


@pytest.mark.parametrize(
    ("place", "value"),
    [("kind", "DaemonSet"), ("name", "db"), ("state", "Added"), ("changes", [])],
)
def test_takes_no_other_object_for_it(place: str, value: object) -> None:
    assert DRIFT.in_report(seen(OBJECT | {place: value})) is None


@pytest.mark.parametrize(
    ("place", "value"), [("field", ".spec.minReadySeconds"), ("live", 4), ("manager", "helm")]
)
def test_takes_no_other_change_for_it(place: str, value: object) -> None:
    changed = copy.deepcopy(OBJECT)
    changed["changes"] = [CHANGE | {place: value}]
    assert DRIFT.in_report(seen(changed)) is None


def test_finds_nothing_in_a_report_without_objects() -> None:
    assert DRIFT.in_report(Seen({"metadata": {"name": "shop"}}, 0.0)) is None
