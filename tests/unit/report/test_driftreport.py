from __future__ import annotations

import random
from dataclasses import replace

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadsman.model.finding import Cause, IgnoredChange, State
from leadsman.model.status import TargetStatus, Verdict
from leadsman.report.driftreport import STATUS_LIMIT, build_report, build_status
from leadsman.report.jsonsize import weight
from leadsman.report.restore import restore
from unit.report.samples import COMMIT, FAILURE, NOW, change, excused, finding, status, statuses


def test_the_report_belongs_to_its_target() -> None:
    assert build_report(status()) == {
        "apiVersion": "leadsman.dev/v1alpha1",
        "kind": "DriftReport",
        "metadata": {
            "namespace": "flux",
            "name": "shop",
            "ownerReferences": [
                {
                    "apiVersion": "leadsman.dev/v1alpha1",
                    "kind": "DriftCheck",
                    "name": "shop",
                    "uid": "0a-1b",
                    "controller": True,
                }
            ],
        },
        "spec": {"target": {"kind": "DriftCheck", "name": "shop"}},
    }
    assert "ownerReferences" not in build_report(status(uid=""))["metadata"]


def test_the_status_says_all_there_is() -> None:
    told = status(
        finding(),
        finding("db", State.MISSING),
        suspended_since=NOW - 60,
        warnings=("commonLabels is deprecated",),
    )
    built = build_status(told, None, NOW)
    assert len(built.pop("objects")) == 2
    assert len(built.pop("conditions")) == 3
    assert built.pop("inventory")
    assert built == {
        "observedGeneration": 3,
        "verdict": "Drifted",
        "summary": {
            "total": 30,
            "inSync": 28,
            "modified": 1,
            "added": 0,
            "missing": 1,
            "orphaned": 0,
            "rejected": 0,
            "unverifiable": 0,
            "drifted": 2,
            "ignoredFields": 0,
            "admissionFields": 0,
            "pendingFields": 0,
        },
        "revision": COMMIT.revision,
        "commit": {
            "sha": COMMIT.sha,
            "author": "Jane",
            "subject": "Scale up",
            "time": "2026-11-22T12:00:00Z",
        },
        "url": "https://git.example.com/shop",
        "renderer": "Kustomize",
        "driftSince": "2026-11-23T12:00:00Z",
        "suspended": True,
        "suspendedSince": "2026-11-23T11:59:00Z",
        "warnings": ["commonLabels is deprecated"],
    }


def test_what_is_in_sync_by_a_rule_is_told_apart_from_what_is_not() -> None:
    ignored = (IgnoredChange("/spec/paused", "spec.compare.ignore[0]"),)
    told = status(
        finding("db", State.IN_SYNC, ignored=ignored, since=0.0), finding(ignored=ignored)
    )
    built = build_status(told, None, NOW)
    assert [(item["name"], item["state"]) for item in built["objects"]] == [("web", "Modified")]
    assert [item["name"] for item in built["ignored"]] == ["db"]
    fields = built["ignored"][0]["fields"]
    assert (
        fields
        == built["objects"][0]["ignored"]
        == [{"path": "/spec/paused", "rule": "spec.compare.ignore[0]"}]
    )
    assert built["summary"]["ignoredFields"] == 2
    assert "ignored" not in build_status(status(finding()), None, NOW)


def test_what_is_excused_is_told_apart_and_leaves_an_object_in_sync() -> None:
    told = status(
        finding("db", State.IN_SYNC, excused=(excused(),), since=0.0),
        finding(excused=(excused(cause=Cause.PENDING),)),
    )
    built = build_status(told, None, NOW)
    assert [item["name"] for item in built["objects"]] == ["web"]
    assert [change["cause"] for change in built["objects"][0]["changes"]] == ["Live"]
    assert [change["cause"] for change in built["objects"][0]["excused"]] == ["Pending"]
    assert [(item["name"], len(item["changes"])) for item in built["excused"]] == [("db", 1)]
    assert "ignored" not in built
    summary = built["summary"]
    assert (summary["drifted"], summary["inSync"]) == (1, 29)
    assert (summary["admissionFields"], summary["pendingFields"]) == (1, 1)
    assert build_status(status(told.findings[0]), None, NOW)["verdict"] == "InSync"


def test_what_rules_ignore_takes_no_room_from_what_has_drifted() -> None:
    ignored = tuple(IgnoredChange(f"/spec/field{number}", "r" * 100) for number in range(20))
    drifted = [finding(f"bad-{number}", changes=(change(live="x" * 400),)) for number in range(500)]
    by_rule = [
        finding(f"good-{number}", State.IN_SYNC, ignored=ignored, since=0.0)
        for number in range(3000)
    ]
    alone = build_status(status(*drifted), None, NOW)
    built = build_status(status(*drifted, *by_rule), None, NOW)
    assert built["objects"] == alone["objects"]
    assert weight(orjson.dumps(built)) <= STATUS_LIMIT
    listed = sum(len(item["fields"]) for item in built["ignored"])
    assert 0 < listed == 3000 * 20 - built["truncated"]["ignored"]
    assert set(built["truncated"]) == {"ignored"}
    # A restart neither takes them for drift nor forgets how many there are.
    restored = restore(build_report(status(*drifted)) | {"status": built})
    assert restored is not None
    again = build_status(restored, built, NOW + 60)
    for part in ("objects", "ignored", "summary", "truncated"):
        assert again[part] == built[part]


def test_what_is_not_known_is_not_there() -> None:
    unknown = TargetStatus(status().key, "", 1, Verdict.UNKNOWN)
    assert sorted(build_status(unknown, None, NOW)) == [
        "conditions",
        "observedGeneration",
        "summary",
        "suspended",
        "verdict",
    ]


def test_a_check_that_finds_nothing_new_changes_nothing() -> None:
    before = build_status(status(finding()), None, NOW)
    again = build_status(status(finding(), checked_at=NOW + 600), before, NOW + 600)
    assert orjson.dumps(again) == orjson.dumps(before)


@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(statuses(), st.randoms(use_true_random=False))
def test_the_order_of_findings_changes_nothing(told: TargetStatus, chance: random.Random) -> None:
    before = build_status(told, None, NOW)
    shuffled = list(told.findings), list(told.inventory)
    for part in shuffled:
        chance.shuffle(part)
    other = replace(told, findings=tuple(shuffled[0]), inventory=tuple(shuffled[1]))
    assert orjson.dumps(build_status(other, before, NOW + 60)) == orjson.dumps(before)


@settings(max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(statuses(copies=150))
def test_the_limit_holds_and_counts_are_exact(told: TargetStatus) -> None:
    built = build_status(told, None, NOW)
    assert weight(orjson.dumps(built)) <= STATUS_LIMIT
    listed, truncated = built.get("objects", []), built.get("truncated", {})
    assert all(item["state"] != "InSync" for item in listed)
    not_in_sync = sum(item.state is not State.IN_SYNC for item in told.findings)
    assert truncated.get("objects", 0) == not_in_sync - len(listed)
    by_name = {
        (item.key.group, item.key.kind, item.key.namespace, item.key.name): item
        for item in told.findings
    }
    of_listed = [
        by_name[item.get("group", ""), item["kind"], item["namespace"], item["name"]]
        for item in listed
    ]
    shown = sum(len(item.get("changes", ())) for item in listed)
    assert truncated.get("changes", 0) == sum(len(item.changes) for item in of_listed) - shown
    in_sync = [item for item in told.findings if item.state is State.IN_SYNC]
    shown = sum(len(item.get("excused", ())) for item in listed)
    shown += sum(len(item["changes"]) for item in built.get("excused", ()))
    apart = sum(len(item.excused) for item in (*of_listed, *in_sync))
    assert truncated.get("excused", 0) == apart - shown
    shown = sum(len(item.get("ignored", ())) for item in listed)
    shown += sum(len(item.get("fields", ())) for item in built.get("ignored", ()))
    ignored = sum(len(item.ignored) for item in (*of_listed, *in_sync))
    assert truncated.get("ignored", 0) == ignored - shown
    assert built["summary"]["total"] == told.summary.total
    assert built["summary"]["drifted"] == told.summary.drifted
    assert truncated.get("warnings", 0) == max(0, len(told.warnings) - 20)


def test_ten_thousand_findings_with_twenty_changes_each_are_cut_to_size() -> None:
    changes = tuple(change(f".spec.field{number}", "x" * 100, "y" * 100) for number in range(20))
    told = status(*(finding(f"web-{number}", changes=changes) for number in range(10_000)))
    built = build_status(told, None, NOW)
    assert 400_000 < len(orjson.dumps(built)) <= STATUS_LIMIT
    assert built["truncated"]["objects"] == 10_000 - len(built["objects"])
    assert built["summary"]["modified"] == 10_000


def test_an_inventory_beyond_all_bounds_is_left_out_and_said_so() -> None:
    chance = random.Random(1)  # noqa: S311 - names that do not compress, the same in each run
    told = status(finding())
    keys = [
        replace(told.findings[0].key, name=f"{chance.getrandbits(128):x}") for _ in range(12_000)
    ]
    built = build_status(replace(told, inventory=tuple(keys)), None, NOW)
    assert "inventory" not in built
    assert built["truncated"] == {"inventory": 12_000}
    assert len(built["objects"]) == 1


def test_after_a_restart_what_was_cut_is_still_said_to_be() -> None:
    changes = tuple(change(f".spec.field{number}", live="y" * 400) for number in range(5))
    told = status(
        *(finding(f"web-{number}", changes=changes) for number in range(2000)),
        failure=FAILURE,
    )
    before = build_status(told, None, NOW)
    assert sorted(before["truncated"]) == ["changes", "objects", "values"]
    restored = restore(build_report(told) | {"status": before})
    assert restored is not None
    again = build_status(restored, before, NOW + 60)
    for part in ("objects", "summary", "truncated", "inventory"):
        assert again[part] == before[part]
