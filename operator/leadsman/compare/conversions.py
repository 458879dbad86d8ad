"""What the API server makes of an object of a version that has gone, kind by kind.

Each function takes a whole object and returns a new one; the argument is not changed. What has not
the type that it ought to have is left as it is: the comparison shows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadsman.compare.access import mapping

if TYPE_CHECKING:
    from collections.abc import Callable

    from leadsman.model.json import Json, JsonObject

_RBAC = "rbac.authorization.k8s.io"
_ZONE, _HOSTNAME = "topology.kubernetes.io/zone", "kubernetes.io/hostname"
# A selector that was empty selected nothing in policy/v1beta1, and selects everything in v1.
_MATCHES_NOTHING: JsonObject = {
    "matchExpressions": [
        {"key": "pdb.kubernetes.io/deprecated-v1beta1-empty-selector-match", "operator": "Exists"}
    ]
}


def same(body: JsonObject) -> JsonObject:
    """Return the object: both versions have one schema."""
    return body


def deployment(body: JsonObject) -> JsonObject:
    """Drop the order to roll back, which was carried out once."""
    return _with_spec(body, lambda spec: _without(spec, "rollbackTo"))


def daemon_set(body: JsonObject) -> JsonObject:
    """Drop a counter that has become an annotation, which nobody compares."""
    return _with_spec(body, lambda spec: _without(spec, "templateGeneration"))


def ingress(body: JsonObject) -> JsonObject:
    """Write backends as v1 does, and the type of path that went without saying."""

    def spec(given: JsonObject) -> JsonObject:
        new = _renamed(given, "backend", "defaultBackend")
        if "backend" in given:
            new["defaultBackend"] = _backend(given["backend"])
        return _each(new, "rules", lambda rule: _in(rule, "http", _http))

    return _with_spec(body, spec)


def _http(http: JsonObject) -> JsonObject:
    return _each(http, "paths", _path)


def _path(path: JsonObject) -> JsonObject:
    new = dict(path)
    if "backend" in path:
        new["backend"] = _backend(path["backend"])
    if not path.get("pathType"):
        new["pathType"] = "ImplementationSpecific"
    return new


def _backend(backend: Json) -> Json:
    if not isinstance(backend, dict) or not {"serviceName", "servicePort"} & backend.keys():
        return backend
    port = backend.get("servicePort")
    service: JsonObject = {"name": backend.get("serviceName")}
    if port is not None:
        service["port"] = {"name" if isinstance(port, str) else "number": port}
    return {**_without(backend, "serviceName", "servicePort"), "service": service}


def disruption_budget(body: JsonObject) -> JsonObject:
    """Have a selector that was empty go on selecting nothing."""
    return _with_spec(
        body,
        lambda spec: {**spec, "selector": _MATCHES_NOTHING} if _selects_all(spec) else spec,
    )


def _selects_all(spec: JsonObject) -> bool:
    selector = spec.get("selector")
    return isinstance(selector, dict) and not any(selector.values())


def autoscaler_v1(body: JsonObject) -> JsonObject:
    """Write the one metric of autoscaling/v1 as one of many."""
    name = "targetCPUUtilizationPercentage"

    def spec(given: JsonObject) -> JsonObject:
        wanted = given.get(name)
        new = _without(given, name)
        if wanted is None:
            return new
        target = {"type": "Utilization", "averageUtilization": wanted}
        metric = {"type": "Resource", "resource": {"name": "cpu", "target": target}}
        return {**new, "metrics": [metric]}

    return _with_spec(body, spec)


def autoscaler_v2beta1(body: JsonObject) -> JsonObject:
    """Write metrics with what they measure and what is wanted of it apart."""
    return _with_spec(body, lambda spec: _each(spec, "metrics", _metric))


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
    described = _renamed(metric, "target", "describedObject")
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
    return {**_without(metric, "metricName", selector), "metric": identity}


def _targeted(metric: JsonObject, fields: tuple[tuple[str, str, str], ...]) -> JsonObject:
    """Gather what is wanted; where two fields say it, the last one names the type."""
    target: JsonObject = {}
    for name, kind, new in fields:
        # An object metric's targetValue is required, and 0 where an average is meant.
        if metric.get(name) in (None, "0", 0) and name == "targetValue":
            continue
        if metric.get(name) is not None:
            target |= {"type": kind, new: metric[name]}
    return {**_without(metric, *(name for name, _, _ in fields)), "target": target}


_METRICS: dict[str, Callable[[JsonObject], JsonObject]] = {
    "containerResource": _resource_metric,
    "external": _external_metric,
    "object": _object_metric,
    "pods": _pods_metric,
    "resource": _resource_metric,
}


def custom_resource_definition(body: JsonObject) -> JsonObject:
    """Give each version what stood once for all, and the webhook its place."""

    def spec(given: JsonObject) -> JsonObject:
        new = _without(
            given, "version", "validation", "subresources", "additionalPrinterColumns", "conversion"
        )
        shared = {
            name: given[old]
            for old, name in (
                ("validation", "schema"),
                ("subresources", "subresources"),
                ("additionalPrinterColumns", "additionalPrinterColumns"),
            )
            if given.get(old) is not None
        }
        if not given.get("versions") and given.get("version"):
            new["versions"] = [{"name": given["version"], "served": True, "storage": True}]
        new = _each(
            new,
            "versions",
            lambda version: _each({**version, **shared}, "additionalPrinterColumns", _column),
        )
        conversion = given.get("conversion")
        if conversion is not None:
            new["conversion"] = (
                _conversion(conversion) if isinstance(conversion, dict) else conversion
            )
        return new

    return _with_spec(body, spec)


def _column(column: JsonObject) -> JsonObject:
    return _renamed(column, "JSONPath", "jsonPath")


def _conversion(conversion: JsonObject) -> JsonObject:
    webhook = {
        name: conversion[old]
        for old, name in (
            ("webhookClientConfig", "clientConfig"),
            ("conversionReviewVersions", "conversionReviewVersions"),
        )
        if conversion.get(old) is not None
    }
    new = _without(conversion, "webhookClientConfig", "conversionReviewVersions")
    return {**new, "webhook": webhook} if webhook else new


def role_binding(body: JsonObject) -> JsonObject:
    """Name the groups of subjects, which v1alpha1 took from their apiVersion."""
    return _each(body, "subjects", _subject)


def _subject(subject: JsonObject) -> JsonObject:
    kind = subject.get("kind")
    group = {"ServiceAccount": "", "User": _RBAC, "Group": _RBAC}.get(
        str(kind), str(subject.get("apiVersion") or "").rpartition("/")[0]
    )
    new = {**_without(subject, "apiVersion"), "apiGroup": group}
    if kind == "User" and subject.get("name") == "*":
        new |= {"kind": "Group", "name": "system:authenticated"}
    return new


def endpoint_slice(body: JsonObject) -> JsonObject:
    """Take an endpoint's zone out of its topology, and its node where it is named twice."""
    return _each(body, "endpoints", _endpoint)


def _endpoint(endpoint: JsonObject) -> JsonObject:
    given = endpoint.get("topology")
    if not isinstance(given, dict):
        return endpoint
    topology = dict(given)
    new = _without(endpoint, "topology")
    zone = topology.pop(_ZONE, None)
    if zone is not None:
        new["zone"] = zone
    if topology.get(_HOSTNAME) is not None and topology[_HOSTNAME] == endpoint.get("nodeName"):
        del topology[_HOSTNAME]
    return {**new, "deprecatedTopology": topology} if topology else new


def runtime_class(body: JsonObject) -> JsonObject:
    """Lift what v1alpha1 had below ``spec``."""
    spec = mapping(body.get("spec"))
    return {**_without(body, "spec"), **_renamed(spec, "runtimeHandler", "handler")}


def priority_level(body: JsonObject) -> JsonObject:
    """Rename the shares of a level that is limited."""
    old, new = "assuredConcurrencyShares", "nominalConcurrencyShares"
    return _with_spec(
        body, lambda spec: _in(spec, "limited", lambda limited: _renamed(limited, old, new))
    )


def event(body: JsonObject) -> JsonObject:
    """Write an Event of events.k8s.io as the core group has it."""
    new = body
    for name, old in (
        ("regarding", "involvedObject"),
        ("note", "message"),
        ("deprecatedSource", "source"),
        ("deprecatedFirstTimestamp", "firstTimestamp"),
        ("deprecatedLastTimestamp", "lastTimestamp"),
        ("deprecatedCount", "count"),
        ("reportingController", "reportingComponent"),
    ):
        new = _renamed(new, name, old)
    return new


def _with_spec(body: JsonObject, change: Callable[[JsonObject], JsonObject]) -> JsonObject:
    return _in(body, "spec", change)


def _in(owner: JsonObject, name: str, change: Callable[[JsonObject], JsonObject]) -> JsonObject:
    value = owner.get(name)
    return {**owner, name: change(value)} if isinstance(value, dict) else owner


def _each(owner: JsonObject, name: str, change: Callable[[JsonObject], JsonObject]) -> JsonObject:
    items = owner.get(name)
    if not isinstance(items, list):
        return owner
    return {**owner, name: [change(item) if isinstance(item, dict) else item for item in items]}


def _without(owner: JsonObject, *names: str) -> JsonObject:
    return {name: value for name, value in owner.items() if name not in names}


def _renamed(owner: JsonObject, old: str, new: str) -> JsonObject:
    return {new if name == old else name: value for name, value in owner.items()}
