"""A suspended DriftCheck follows Git no further, and goes on to measure."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from e2e.drift.conftest import Shop


def test_drift_is_found_while_suspended(shop: Shop) -> None:
    check, operator = shop.check, shop.check.operator
    first = shop.repository.head()
    check.patch(suspend=True, interval="1s")
    report = check.wait(lambda report: report.status["suspended"], "suspended")
    assert report.verdict == "InSync"
    assert report.conditions["Suspended"]["status"] == "True"
    since = report.status["suspendedSince"]
    seconds = operator.value("leadsman_target_suspended_timestamp_seconds", **check.labels)
    assert int(seconds) == datetime.fromisoformat(since).timestamp()

    second = shop.repository.commit({"README.md": "new"})
    shop.kubectl("annotate", "service/podinfo", "example.com/note=by hand")
    report = check.wait_verdict("Drifted")
    assert report.states == {("Service", "podinfo"): "Added"}
    assert report.status["commit"]["sha"] == first
    assert report.status["suspendedSince"] == since <= report.status["driftSince"]
    assert report.conditions["Suspended"]["status"] == "True"

    check.patch(suspend=None)
    report = check.wait(lambda report: report.status["commit"]["sha"] == second, "the new commit")
    assert report.verdict == "Drifted"
    assert "suspendedSince" not in report.status
    assert report.conditions["Suspended"]["status"] == "False"
    assert not operator.series("leadsman_target_suspended_timestamp_seconds", **check.labels)
    reasons = [event["reason"] for event in check.events()]
    assert reasons == ["Suspended", "DriftDetected", "Resumed"]
