from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import orjson
from hypothesis import given, settings
from hypothesis import strategies as st

from leadsman.model.finding import Cause, Change, Finding, IgnoredChange, State
from leadsman.report.jsonsize import weight
from leadsman.report.truncate import (
    LEVELS,
    TRUNCATED,
    drift_form,
    excused_form,
    ignored_form,
    lay_out,
    worst_first,
)
from unit.report.samples import NOW, change, excused, finding, findings

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def test_the_worst_and_the_newest_come_first() -> None:
    ranked = [
        finding("a", State.MISSING, since=NOW),
        finding("b", State.MISSING, since=NOW),
        finding("z", State.MISSING, since=NOW - 60),
        finding("c", State.MODIFIED),
        finding("d", State.REJECTED),
        finding("e", State.ORPHANED),
        finding("f", State.ADDED),
        finding("g", State.UNVERIFIABLE),
        finding("h", State.IN_SYNC),
    ]
    assert worst_first(reversed(ranked)) == ranked


def test_with_room_enough_everything_is_listed() -> None:
    ignored = (IgnoredChange("/spec/paused", "spec.compare.ignore[0]"),)
    layout = lay_out([finding(ignored=ignored), finding("db", State.MISSING)], 10_000)
    assert layout.complete
    assert layout.objects == [
        {
            "group": "apps",
            "version": "v1",
            "kind": "Deployment",
            "namespace": "shop",
            "name": "web",
            "state": "Modified",
            "since": "2026-11-23T12:00:00Z",
            "file": "deploy/web.yaml",
            "changes": [
                {
                    "path": "/spec/replicas",
                    "field": ".spec.replicas",
                    "op": "replace",
                    "cause": "Live",
                    "manager": "kubectl-edit",
                    "operation": "Update",
                    "time": "2026-11-23T11:59:10Z",
                    "desired": 2,
                    "live": 5,
                }
            ],
            "ignored": [{"path": "/spec/paused", "rule": "spec.compare.ignore[0]"}],
        },
        {
            "group": "apps",
            "version": "v1",
            "kind": "Deployment",
            "namespace": "shop",
            "name": "db",
            "state": "Missing",
            "since": "2026-11-23T12:00:00Z",
            "file": "deploy/web.yaml",
        },
    ]


def test_values_give_way_before_changes() -> None:
    many = [finding(f"web-{index}", changes=(change(live="x" * 5000),) * 4) for index in range(20)]
    layout = lay_out(many, 200_000)
    assert (layout.complete, layout.changes, layout.values) == (True, 0, 80)
    assert len(layout.objects) == 20


def test_changes_give_way_before_objects() -> None:
    many = [finding(f"web-{index}", changes=(change(),) * 50) for index in range(20)]
    layout = lay_out(many, 120_000)
    assert len(layout.objects) == 20
    assert layout.changes == 20 * 20
    assert layout.objects[0]["reason"] == TRUNCATED
    assert layout.objects[0]["message"] == "30 of 50 changes are listed"


def test_what_makes_an_object_drift_is_the_last_to_give_way() -> None:
    pending = Change("/a", ".a", change().op, cause=Cause.PENDING)
    many = [finding(f"web-{index}", excused=(pending,) * 40) for index in range(100)]
    layout = lay_out(many, 50_000)
    assert (layout.changes, layout.excused) == (0, 100 * 38)
    assert layout.objects[0]["changes"][0]["field"] == ".spec.replicas"
    assert len(layout.objects[0]["excused"]) == 2


def test_of_an_object_in_sync_only_what_rules_ignore_is_told() -> None:
    ignored = (IgnoredChange("/spec/paused", "spec.compare.ignore[0]"),)
    odd = finding(state=State.IN_SYNC, ignored=ignored, reason="Odd", message="odd")
    layout = lay_out([odd], 10_000, form=ignored_form)
    assert layout.objects == [
        {
            "group": "apps",
            "version": "v1",
            "kind": "Deployment",
            "namespace": "shop",
            "name": "web",
            "file": "deploy/web.yaml",
            "fields": [{"path": "/spec/paused", "rule": "spec.compare.ignore[0]"}],
        }
    ]


def test_of_an_object_in_sync_what_is_excused_is_told_apart() -> None:
    item = finding(state=State.IN_SYNC, excused=(excused(),), ignored=(IgnoredChange("/a", "r"),))
    (told,) = lay_out([item], 10_000, form=excused_form).objects
    assert (told["name"], sorted(told)) == (
        "web",
        ["changes", "file", "group", "kind", "name", "namespace", "version"],
    )
    assert told["changes"] == [
        {
            "path": "/spec/paused",
            "field": ".spec.paused",
            "op": "replace",
            "cause": "Admission",
            "manager": "kustomize-controller",
            "operation": "Update",
            "time": "2026-11-23T11:59:10Z",
            "desired": False,
            "live": True,
        }
    ]


@settings(max_examples=80)
@given(
    st.lists(findings, max_size=8, unique_by=lambda item: item.key),
    st.integers(0, 40_000),
    st.sampled_from(
        [
            (drift_form, ("changes", "excused", "ignored")),
            (excused_form, ("", "changes", "")),
            (ignored_form, ("", "", "fields")),
        ]
    ),
)
def test_a_layout_keeps_to_its_budget_and_counts_what_it_leaves_out(
    drawn: list[Finding], budget: int, way: tuple[Callable[..., Any], Sequence[str]]
) -> None:
    form, names = way
    ranked = worst_first(drawn)
    layout = lay_out(ranked, budget, form=form)
    assert sum(weight(orjson.dumps(item)) + 1 for item in layout.objects) == layout.size <= budget
    listed, rest = ranked[: len(layout.objects)], ranked[len(layout.objects) :]
    assert layout.left_out == len(rest)
    counts = layout.changes, layout.excused, layout.ignored
    for part, name, count in zip(("changes", "excused", "ignored"), names, counts, strict=True):
        shown = sum(len(item.get(name, ())) for item in layout.objects)
        assert count == (sum(len(getattr(item, part)) for item in listed) - shown if name else 0)
    # The same, whatever the order; and orjson can write it, which no lone surrogate survives.
    assert lay_out(worst_first(reversed(drawn)), budget, form=form) == layout


def test_levels_go_from_generous_to_tight() -> None:
    for wide, tight in pairwise(LEVELS):
        assert wide.value >= tight.value
        assert wide.changes >= tight.changes
        assert wide.ignored >= tight.ignored
        assert wide != tight
