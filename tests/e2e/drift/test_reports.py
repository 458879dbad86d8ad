"""The report as a Kubernetes object: waited for, listed, written when needed, collected."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.waiting import until

if TYPE_CHECKING:
    from e2e.drift.conftest import Shop


def test_kubectl_can_wait_for_it(shop: Shop) -> None:
    wait = ("wait", "driftreport/shop", "--timeout=10s")
    assert "condition met" in shop.kubectl(*wait, "--for=condition=InSync")
    assert "condition met" in shop.kubectl(*wait, "--for=condition=Ready")
    shop.kubectl("scale", "deployment/podinfo", "--replicas=4")
    assert "condition met" in shop.kubectl(*wait, "--for=condition=InSync=False")


def test_kubectl_lists_it(shop: Shop) -> None:
    shop.kubectl("delete", "service/podinfo")
    shop.check.wait_verdict("Drifted")
    headline, row = shop.kubectl("get", "driftreports").splitlines()
    assert headline.split() == [
        *("NAME", "VERDICT", "DRIFTED", "MISSING", "SUSPENDED", "REVISION", "SINCE", "AGE")
    ]
    revision = f"main@sha1:{shop.repository.head()}"
    assert row.split()[:6] == ["shop", "Drifted", "1", "1", "False", revision]
    assert re.fullmatch(r"\d+s", row.split()[6])
    wide = shop.kubectl("get", "dr", "-o", "wide").splitlines()[0]
    assert {"REASON", "OBJECTS", "AUTHOR", "URL", "MESSAGE"} <= set(wide.split())


def test_it_is_collected_with_its_driftcheck(shop: Shop) -> None:
    shop.check.delete()
    until(lambda: not shop.check.report().body, "the report to be collected")


def test_it_comes_back_when_somebody_deletes_it(shop: Shop) -> None:
    shop.kubectl("scale", "deployment/podinfo", "--replicas=4")
    before = shop.check.wait_verdict("Drifted")
    shop.check.delete_report()
    after = shop.check.wait(
        lambda report: report.verdict and report.uid != before.uid, "another report"
    )
    assert after.states == before.states
    assert after.status["driftSince"] == before.status["driftSince"]
    assert len(shop.check.events("DriftDetected")) == 1
    assert "series" not in shop.check.events("DriftDetected")[0]
