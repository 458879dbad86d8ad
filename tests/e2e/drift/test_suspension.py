"""A suspended DriftCheck follows Git no further, and goes on to measure."""

from __future__ import annotations

import json
from datetime import datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from e2e.drift.command import Leadsman
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


def test_a_check_by_hand_says_what_the_report_says(shop: Shop, leadsman: Leadsman) -> None:
    """Git has dropped an object since: the operator goes on with the revision before."""
    check = shop.check
    check.patch(suspend=True)
    report = check.wait(lambda report: report.status["suspended"], "suspended")
    kustomization = shop.repository.git("show", "main:kustomization.yaml")
    shop.repository.commit({"kustomization.yaml": kustomization.replace("- hpa.yaml", "")})
    file = leadsman.home / "suspended.yaml"
    file.write_text(shop.kubectl("get", "driftcheck/shop", "-o", "yaml"))
    for ways in (("--all", "-n", check.namespace), ("-f", str(file))):
        done = leadsman.check(*ways, "-o", "json")
        assert done.code == 0, done.everything
        (told,) = json.loads(done.out)
        assert unconditional(told["status"]) == unconditional(report.status)

    shop.kubectl("delete", "service/podinfo")
    report = check.wait_verdict("Drifted")
    done = leadsman.check("--all", "-n", check.namespace, "-o", "json")
    assert done.code == 1
    (told,) = json.loads(done.out)
    assert unconditional(told["status"]) == unconditional(report.status)


def test_a_check_by_hand_without_a_report_measures_at_the_present_revision(
    shop: Shop, leadsman: Leadsman
) -> None:
    manifest = json.loads(shop.kubectl("get", "driftcheck/shop", "-o", "json"))
    manifest["metadata"] = {"name": "unreported", "namespace": shop.check.namespace}
    manifest["spec"]["suspend"] = True
    new = shop.repository.commit({"README.md": "new"})
    done = leadsman.check("-f", "-", "-o", "json", stdin=json.dumps(manifest))
    assert done.code == 0, done.everything
    (told,) = json.loads(done.out)
    assert told["status"]["suspended"] is True
    assert told["status"]["commit"]["sha"] == new
    done = leadsman.check("-f", "-", stdin=json.dumps(manifest))
    assert "suspended: Git is followed no further" in done.out


def unconditional(status: dict[str, Any]) -> dict[str, Any]:
    """Leave out what only the operator needs, and when conditions turned, which differs."""
    told = {name: value for name, value in status.items() if name != "inventory"}
    told["conditions"] = [
        {name: value for name, value in condition.items() if name != "lastTransitionTime"}
        for condition in status["conditions"]
    ]
    return told
