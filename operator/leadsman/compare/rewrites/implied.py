"""Defaults of versions that have gone, where they differ from those of the version that is served.

An object that was made in such a version has them written into it. Git does not say them, so
another value is no difference, but they are no addition either.

Source: ``defaults.go`` below ``extensions/v1beta1``, ``apps/v1beta1`` and
``admissionregistration/v1beta1`` in Kubernetes' ``pkg/apis``, and ``apiextensions/v1beta1``'s.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leadsman.compare.access import mapping, objects

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from leadsman.model.identity import Gvk
    from leadsman.model.json import Json, JsonObject

# The greatest int32, which stood for "no limit".
_NO_LIMIT: Final = 2**31 - 1
_OLD_APPS: Final = frozenset({"extensions/v1beta1", "apps/v1beta1"})

_WEBHOOK: Final[JsonObject] = {
    "admissionReviewVersions": ["v1beta1"],
    "failurePolicy": "Ignore",
    "matchPolicy": "Exact",
    "sideEffects": "Unknown",
    "timeoutSeconds": 30,
}
_DEFINITION: Final[JsonObject] = {
    "spec": {
        "preserveUnknownFields": True,
        "conversion": {"webhook": {"conversionReviewVersions": ["v1beta1"]}},
    }
}
_ON_DELETE: Final[JsonObject] = {"spec": {"updateStrategy": {"type": "OnDelete"}}}
_DEFAULTS: Final[Mapping[tuple[str, str], JsonObject]] = {
    ("extensions/v1beta1", "DaemonSet"): _ON_DELETE,
    ("extensions/v1beta1", "Deployment"): {
        "spec": {
            "progressDeadlineSeconds": _NO_LIMIT,
            "revisionHistoryLimit": _NO_LIMIT,
            "strategy": {"rollingUpdate": {"maxSurge": 1, "maxUnavailable": 1}},
        }
    },
    ("apps/v1beta1", "Deployment"): {"spec": {"revisionHistoryLimit": 2}},
    ("apps/v1beta1", "StatefulSet"): _ON_DELETE,
    ("apiextensions.k8s.io/v1beta1", "CustomResourceDefinition"): _DEFINITION,
}


def with_implied(wanted: JsonObject, live: JsonObject, written: Gvk) -> JsonObject:
    """Return what Git has with those of its version's defaults that live; nothing is changed."""
    given = _DEFAULTS.get((written.api_version, written.kind))
    if given is not None:
        wanted = _completed(wanted, live, given)
    if written.api_version in _OLD_APPS:
        wanted = _from_template(wanted, live)
    special = _SPECIAL.get((written.api_version, written.kind))
    return wanted if special is None else special(wanted, live)


def _completed(wanted: JsonObject, live: JsonObject, given: JsonObject) -> JsonObject:
    new = dict(wanted)
    for name, default in given.items():
        value, found = wanted.get(name), live.get(name)
        if isinstance(default, dict):
            if isinstance(found, dict) and isinstance(value, dict | None):
                inner = _completed(value or {}, found, default)
                if inner:
                    new[name] = inner
        elif value is None and found == default:
            new[name] = default
    return new


def _from_template(wanted: JsonObject, live: JsonObject) -> JsonObject:
    """Take the template's labels for the selector and for the object's own labels."""
    spec = mapping(wanted.get("spec"))
    template = mapping(mapping(spec.get("template")).get("metadata"))
    labels = template.get("labels")
    if not isinstance(labels, dict):
        return wanted
    given: JsonObject = {}
    if spec.get("selector") is None:
        given["spec"] = {"selector": {"matchLabels": labels}}
    if not mapping(wanted.get("metadata")).get("labels"):
        given["metadata"] = {"labels": labels}
    return _completed(wanted, live, given)


def _webhooks(wanted: JsonObject, live: JsonObject) -> JsonObject:
    found = {str(hook.get("name")): hook for hook in objects(live.get("webhooks"))}
    hooks = wanted.get("webhooks")
    if not isinstance(hooks, list):
        return wanted

    def completed(hook: Json) -> Json:
        if not isinstance(hook, dict):
            return hook
        return _completed(hook, found.get(str(hook.get("name")), {}), _WEBHOOK)

    return {**wanted, "webhooks": [completed(hook) for hook in hooks]}


_SPECIAL: Final[Mapping[tuple[str, str], Callable[[JsonObject, JsonObject], JsonObject]]] = {
    ("admissionregistration.k8s.io/v1beta1", kind): _webhooks
    for kind in ("MutatingWebhookConfiguration", "ValidatingWebhookConfiguration")
}
