"""What the API server makes of a HorizontalPodAutoscaler of a version that has gone.

Each public function is a conversion like those of ``conversions``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadsman.compare.rewrites.edits import each, in_spec, renamed, without

if TYPE_CHECKING:
    from collections.abc import Callable

    from leadsman.model.json import JsonObject


def from_v1(body: JsonObject) -> JsonObject:
    """Write the one metric of autoscaling/v1 as one of many."""
    name = "targetCPUUtilizationPercentage"

    def spec(given: JsonObject) -> JsonObject:
        wanted = given.get(name)
        new = without(given, name)
        if wanted is None:
            return new
        target = {"type": "Utilization", "averageUtilization": wanted}
        metric = {"type": "Resource", "resource": {"name": "cpu", "target": target}}
        return {**new, "metrics": [metric]}

    return in_spec(body, spec)


def from_v2beta1(body: JsonObject) -> JsonObject:
    """Write metrics with what they measure and what is wanted of it apart."""
    return in_spec(body, lambda spec: each(spec, "metrics", _metric))


def _metric(metric: JsonObject) -> JsonObject:
    return {
        name: _METRICS[name](item) if name in _METRICS and isinstance(item, dict) else item
        for name, item in metric.items()
    }


def _resource_metric(metric: JsonObject) -> JsonObject:
    fields = (
        ("targetAverageUtilization", "Utilization", "averageUtilization"),
        ("targetAverageValue", "AverageValue", "averageValue"),
    )
    return _targeted(metric, fields)


def _pods_metric(metric: JsonObject) -> JsonObject:
    fields = (("targetAverageValue", "AverageValue", "averageValue"),)
    return _targeted(_identified(metric, "selector"), fields)


def _object_metric(metric: JsonObject) -> JsonObject:
    described = renamed(metric, "target", "describedObject")
    fields = (("targetValue", "Value", "value"), ("averageValue", "AverageValue", "averageValue"))
    return _targeted(_identified(described, "selector"), fields)


def _external_metric(metric: JsonObject) -> JsonObject:
    fields = (
        ("targetValue", "Value", "value"),
        ("targetAverageValue", "AverageValue", "averageValue"),
    )
    return _targeted(_identified(metric, "metricSelector"), fields)


def _identified(metric: JsonObject, selector: str) -> JsonObject:
    identity: JsonObject = {"name": metric.get("metricName")}
    if metric.get(selector) is not None:
        identity["selector"] = metric[selector]
    return {**without(metric, "metricName", selector), "metric": identity}


def _targeted(metric: JsonObject, fields: tuple[tuple[str, str, str], ...]) -> JsonObject:
    """Gather what is wanted; where two fields say it, the last one names the type."""
    target: JsonObject = {}
    for name, kind, new in fields:
        # An object metric's targetValue is required, and 0 where an average is meant.
        if metric.get(name) in (None, "0", 0) and name == "targetValue":
            continue
        if metric.get(name) is not None:
            target |= {"type": kind, new: metric[name]}
    return {**without(metric, *(name for name, _, _ in fields)), "target": target}


_METRICS: dict[str, Callable[[JsonObject], JsonObject]] = {
    "containerResource": _resource_metric,
    "external": _external_metric,
    "object": _object_metric,
    "pods": _pods_metric,
    "resource": _resource_metric,
}
