"""The metrics of a target: their names, their labels, and that they go when it goes."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from harness.waiting import until

if TYPE_CHECKING:
    from e2e.drift.conftest import Shop

TARGET = {"target_kind", "target_namespace", "target_name"}
# Each with the labels that it has beside the target's.
SERIES = {
    "leadsman_target_objects": {"state"},
    "leadsman_target_info": {"revision", "url"},
    "leadsman_target_drift_started_timestamp_seconds": set(),
    "leadsman_target_failing": {"stage", "reason"},
    "leadsman_target_suspended_timestamp_seconds": set(),
    "leadsman_target_checked_timestamp_seconds": set(),
    "leadsman_target_interval_seconds": set(),
    "leadsman_object_drifted": {"object_kind", "object_namespace", "object_name", "state"},
}


def test_the_metrics_of_a_target(shop: Shop) -> None:
    check, operator, began = shop.check, shop.check.operator, time.time()
    detections = operator.value("leadsman_detection_latency_seconds_count")
    # Drifted, failing and suspended at once: all there is to be told of it.
    shop.kubectl("delete", "service/podinfo")
    check.wait_verdict("Drifted")
    until(
        lambda: operator.value("leadsman_detection_latency_seconds_count") > detections,
        "how long it took",
    )
    check.patch(path="nowhere")
    report = check.wait(lambda report: report.conditions["Ready"]["status"] == "False", "a failure")
    check.patch(suspend=True)
    check.wait(lambda report: report.status["suspended"], "suspended")

    found = {name: operator.series(name, **check.labels) for name in SERIES}
    for name, labels in SERIES.items():
        assert found[name], name
        for series in found[name]:
            assert {label for label, _ in series} == TARGET | labels

    def value(name: str, **labels: str) -> float:
        return operator.value(f"leadsman_{name}", **check.labels, **labels)

    assert value("target_objects", state="Missing") == 1
    assert value("target_objects", state="InSync") == 2
    assert value("target_objects") == report.status["summary"]["total"] == 3
    assert value("target_info", revision=report.status["revision"], url=report.status["url"]) == 1
    reason = report.conditions["Ready"]["reason"]
    assert value("target_failing", stage="render", reason=reason) == 1
    service = {"object_kind": "Service", "object_name": "podinfo", "state": "Missing"}
    assert value("object_drifted", object_namespace=check.namespace, **service) == 1
    for name in ("drift_started", "suspended"):
        assert began < value(f"target_{name}_timestamp_seconds") < time.time()

    check.delete()
    until(
        lambda: not any(operator.series(name, **check.labels) for name in SERIES),
        "the series to be gone",
    )


def test_every_metric_says_what_it_is_for(shop: Shop) -> None:
    text = shop.check.operator.metrics_text()
    names = {line.split()[2] for line in text.splitlines() if line.startswith("# TYPE")}
    assert len(names) > 20
    helps = dict(
        line.removeprefix("# HELP ").partition(" ")[::2]
        for line in text.splitlines()
        if line.startswith("# HELP")
    )
    assert {name for name in names if not helps[name]} == set()
    assert 'namespace="' not in text.replace('_namespace="', "")
