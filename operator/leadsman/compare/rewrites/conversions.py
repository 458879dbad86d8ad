"""What the API server makes of an object of a version that has gone, kind by kind.

HorizontalPodAutoscalers, whose metrics were rebuilt, are in ``autoscaling``.

Each function takes a whole object and returns a new one; the argument is not changed. What has not
the type that it ought to have is left as it is: the comparison shows it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadsman.compare.access import mapping
from leadsman.compare.rewrites.edits import each, in_spec, renamed, within, without

if TYPE_CHECKING:
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
    return in_spec(body, lambda spec: without(spec, "rollbackTo"))


def daemon_set(body: JsonObject) -> JsonObject:
    """Drop a counter that has become an annotation, which nobody compares."""
    return in_spec(body, lambda spec: without(spec, "templateGeneration"))


def ingress(body: JsonObject) -> JsonObject:
    """Write backends as v1 does, and the type of path that went without saying."""

    def spec(given: JsonObject) -> JsonObject:
        new = renamed(given, "backend", "defaultBackend")
        if "backend" in given:
            new["defaultBackend"] = _backend(given["backend"])
        return each(new, "rules", lambda rule: within(rule, "http", _http))

    return in_spec(body, spec)


def _http(http: JsonObject) -> JsonObject:
    return each(http, "paths", _path)


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
    return {**without(backend, "serviceName", "servicePort"), "service": service}


def disruption_budget(body: JsonObject) -> JsonObject:
    """Have a selector that was empty go on selecting nothing."""
    return in_spec(
        body,
        lambda spec: {**spec, "selector": _MATCHES_NOTHING} if _selects_all(spec) else spec,
    )


def _selects_all(spec: JsonObject) -> bool:
    selector = spec.get("selector")
    return isinstance(selector, dict) and not any(selector.values())


def custom_resource_definition(body: JsonObject) -> JsonObject:
    """Give each version what stood once for all, and the webhook its place."""

    def spec(given: JsonObject) -> JsonObject:
        new = without(
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
        new = each(
            new,
            "versions",
            lambda version: each({**version, **shared}, "additionalPrinterColumns", _column),
        )
        conversion = given.get("conversion")
        if conversion is not None:
            new["conversion"] = (
                _conversion(conversion) if isinstance(conversion, dict) else conversion
            )
        return new

    return in_spec(body, spec)


def _column(column: JsonObject) -> JsonObject:
    return renamed(column, "JSONPath", "jsonPath")


def _conversion(conversion: JsonObject) -> JsonObject:
    webhook = {
        name: conversion[old]
        for old, name in (
            ("webhookClientConfig", "clientConfig"),
            ("conversionReviewVersions", "conversionReviewVersions"),
        )
        if conversion.get(old) is not None
    }
    new = without(conversion, "webhookClientConfig", "conversionReviewVersions")
    return {**new, "webhook": webhook} if webhook else new


def role_binding(body: JsonObject) -> JsonObject:
    """Name the groups of subjects, which v1alpha1 took from their apiVersion."""
    return each(body, "subjects", _subject)


def _subject(subject: JsonObject) -> JsonObject:
    kind = subject.get("kind")
    group = {"ServiceAccount": "", "User": _RBAC, "Group": _RBAC}.get(
        str(kind), str(subject.get("apiVersion") or "").rpartition("/")[0]
    )
    new = {**without(subject, "apiVersion"), "apiGroup": group}
    if kind == "User" and subject.get("name") == "*":
        new |= {"kind": "Group", "name": "system:authenticated"}
    return new


def endpoint_slice(body: JsonObject) -> JsonObject:
    """Take an endpoint's zone out of its topology, and its node where it is named twice."""
    return each(body, "endpoints", _endpoint)


def _endpoint(endpoint: JsonObject) -> JsonObject:
    given = endpoint.get("topology")
    if not isinstance(given, dict):
        return endpoint
    topology = dict(given)
    new = without(endpoint, "topology")
    zone = topology.pop(_ZONE, None)
    if zone is not None:
        new["zone"] = zone
    if topology.get(_HOSTNAME) is not None and topology[_HOSTNAME] == endpoint.get("nodeName"):
        del topology[_HOSTNAME]
    return {**new, "deprecatedTopology": topology} if topology else new


def runtime_class(body: JsonObject) -> JsonObject:
    """Lift what v1alpha1 had below ``spec``."""
    spec = mapping(body.get("spec"))
    return {**without(body, "spec"), **renamed(spec, "runtimeHandler", "handler")}


def priority_level(body: JsonObject) -> JsonObject:
    """Rename the shares of a level that is limited."""
    old, new = "assuredConcurrencyShares", "nominalConcurrencyShares"
    return in_spec(
        body, lambda spec: within(spec, "limited", lambda limited: renamed(limited, old, new))
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
        new = renamed(new, name, old)
    return new
