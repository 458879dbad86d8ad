"""Take away what is not Git's to say, and write down what the API server would have made of it."""

from __future__ import annotations

from base64 import b64encode
from itertools import zip_longest
from typing import TYPE_CHECKING

import orjson

from leadsman.compare.access import mapping, objects
from leadsman.compare.rewrites.placeholders import (
    in_api_service,
    in_custom_resource_definition,
    in_webhooks,
)
from leadsman.compare.rewrites.scaling import in_autoscaler
from leadsman.compare.rewrites.strategies import in_claim, in_pod, in_service_account

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from leadsman.model.identity import Gvk
    from leadsman.model.json import Json, JsonObject

LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"
# Written by client and server with every change, in the name of whoever made it.
_NOT_COMPARED_ANNOTATIONS = (LAST_APPLIED, "deprecated.daemonset.template.generation")

# What identifies the object, and what its controllers report, is not compared.
_NOT_COMPARED = ("apiVersion", "kind", "status")
# The rest of metadata is the server's, or identifies the object.
_METADATA = ("labels", "annotations", "finalizers", "ownerReferences")

# Admission gives them to every Pod. Source: plugin/pkg/admission/defaulttolerationseconds.
_POD_TOLERATIONS = ("node.kubernetes.io/not-ready", "node.kubernetes.io/unreachable")
_POD_TOLERATION_SECONDS = 300

# The node controllers put them on and take them off as a Node's condition and spec.unschedulable
# say. Source: k8s.io/api/core/v1/well_known_taints.go, pkg/controller/nodelifecycle.
_NODE_TAINTS = frozenset(
    f"node.kubernetes.io/{condition}"
    for condition in (
        "not-ready",
        "unreachable",
        "unschedulable",
        "memory-pressure",
        "disk-pressure",
        "pid-pressure",
        "network-unavailable",
    )
) | {"node.cloudprovider.kubernetes.io/uninitialized", "node.cloudprovider.kubernetes.io/shutdown"}


def normalize(desired: JsonObject, live: JsonObject, gvk: Gvk) -> tuple[JsonObject, JsonObject]:
    """Return both sides reduced to what is compared; the arguments are not changed."""
    wanted, found = _comparable(desired), _comparable(live)
    special = _BY_KIND.get((gvk.group, gvk.kind))
    if special is not None and wanted != found:
        special(wanted, found, live)
    return wanted, found


def _comparable(document: JsonObject) -> JsonObject:
    """Copy a document as far as it is changed here: two levels of it."""
    copy = {key: value for key, value in document.items() if key not in _NOT_COMPARED}
    given = mapping(copy.get("metadata"))
    metadata = {key: given[key] for key in _METADATA if key in given}
    annotations = metadata.get("annotations")
    if isinstance(annotations, dict):
        metadata["annotations"] = {
            key: value for key, value in annotations.items() if key not in _NOT_COMPARED_ANNOTATIONS
        }
    copy["metadata"] = metadata
    return copy


def _secret(desired: JsonObject, live: JsonObject, _: JsonObject) -> None:
    """Merge ``stringData`` into ``data``; an empty value may be written as null.

    What is null in Git is stored as empty, or not at all by a client that patches.
    """
    for document in (desired, live):
        data = dict(mapping(document.get("data")))
        for key, text in mapping(document.pop("stringData", None)).items():
            data[key] = None if text is None else b64encode(str(text).encode()).decode()
        if data:
            is_live = document is live
            document["data"] = {
                key: "" if text is None and is_live else text for key, text in data.items()
            }


def _cluster_role(desired: JsonObject, live: JsonObject, _: JsonObject) -> None:
    """Leave the rules of an aggregated role to the controller that writes them."""
    rule = mapping(desired.get("aggregationRule"))
    if rule.get("clusterRoleSelectors"):
        desired.pop("rules", None)
        live.pop("rules", None)


def _pod(desired: JsonObject, live: JsonObject, _: JsonObject) -> None:
    in_pod(desired, live)
    _leave_usual(desired, live, "tolerations", _is_usual_toleration)


def _node(desired: JsonObject, live: JsonObject, _: JsonObject) -> None:
    spec = mapping(desired.get("spec"))
    wanted, found = spec.get("taints"), objects(mapping(live.get("spec")).get("taints"))
    if isinstance(wanted, list):
        # One that the condition does not call for is taken off again.
        kept = [item for item in wanted if item in found or not _is_condition_taint(item)]
        desired["spec"] = {**spec, "taints": kept}
    _leave_usual(desired, live, "taints", _is_condition_taint)


def _leave_usual(
    desired: JsonObject, live: JsonObject, field: str, is_usual: Callable[[Json], bool]
) -> None:
    """Leave out the elements of a list of the spec that the API server or a controller puts in.

    Where the rest is not what Git has, only the last ones: a change is told of by its index.
    """
    spec = mapping(live.get("spec"))
    found = spec.get(field)
    if not isinstance(found, list):
        return
    given = objects(mapping(desired.get("spec")).get(field))
    rest = [
        item
        for index, item in enumerate(found)
        # One that is there twice was not put in by who puts it in once.
        if item in given or not is_usual(item) or item in found[:index]
    ]
    if rest != given:
        rest = list(found)
        while given and rest and rest[-1] not in given and is_usual(rest[-1]):
            rest.pop()
    live["spec"] = {**spec, field: rest}


def _is_usual_toleration(toleration: Json) -> bool:
    return isinstance(toleration, dict) and (
        toleration.get("key") in _POD_TOLERATIONS
        and toleration.get("operator") == "Exists"
        and toleration.get("effect") == "NoExecute"
        and toleration.get("tolerationSeconds") == _POD_TOLERATION_SECONDS
    )


def _is_condition_taint(taint: Json) -> bool:
    return isinstance(taint, dict) and taint.get("key") in _NODE_TAINTS and not taint.get("value")


def _labels_from_template(desired: JsonObject, live: JsonObject, _: JsonObject) -> None:
    """Take the template's labels for the object's where Git gives it none."""
    metadata = mapping(desired.get("metadata"))
    template = mapping(mapping(desired.get("spec")).get("template"))
    labels = mapping(mapping(template.get("metadata")).get("labels"))
    found = mapping(mapping(live.get("metadata")).get("labels"))
    if not metadata.get("labels"):
        rest = {key: value for key, value in found.items() if labels.get(key) != value}
        live["metadata"] = {**mapping(live.get("metadata")), "labels": rest}


def _namespace(desired: JsonObject, live: JsonObject, whole: JsonObject) -> None:
    """Leave out the label with the namespace's own name, which every namespace has."""
    name = mapping(whole.get("metadata")).get("name")
    for document in (desired, live):
        metadata = mapping(document.get("metadata"))
        labels = mapping(metadata.get("labels"))
        if labels.get("kubernetes.io/metadata.name") == name:
            rest = {k: v for k, v in labels.items() if k != "kubernetes.io/metadata.name"}
            document["metadata"] = {**metadata, "labels": rest}


def _limit_range(desired: JsonObject, live: JsonObject, _: JsonObject) -> None:
    """Derive a container's defaults from its limits, as the API server does."""
    spec, limits = mapping(desired.get("spec")), mapping(desired.get("spec")).get("limits")
    found = mapping(live.get("spec")).get("limits")
    if isinstance(limits, list) and isinstance(found, list):
        pairs = zip_longest(limits, found[: len(limits)])
        desired["spec"] = {**spec, "limits": [_limit(*pair) for pair in pairs]}


def _limit(item: Json, live: Json) -> Json:
    if not isinstance(item, dict) or item.get("type") != "Container":
        return item
    default = {**mapping(item.get("max")), **mapping(item.get("default"))}
    requests = {**mapping(item.get("min")), **default, **mapping(item.get("defaultRequest"))}
    full = {"default": default, "defaultRequest": requests}
    return {**item, **_there(full, mapping(live))}


def _there(values: JsonObject, live: JsonObject) -> JsonObject:
    """Return those fields that live has, as whatever the API server writes is there."""
    return {name: value for name, value in values.items() if live.get(name) is not None}


def _endpoints(desired: JsonObject, live: JsonObject, _: JsonObject) -> None:
    """Take the API server's regrouped subsets for Git's where they say the same."""
    wanted, found = desired.get("subsets"), live.get("subsets")
    if wanted != found and _endpoint_set(wanted) == _endpoint_set(found):
        live["subsets"] = wanted


def _endpoint_set(subsets: Json) -> set[tuple[bool, bytes, bytes]]:
    """Return every address with every port, the way a proxy sees them."""
    return {
        (ready, orjson.dumps(address, option=orjson.OPT_SORT_KEYS), port)
        for subset in objects(subsets)
        for ready, name in ((True, "addresses"), (False, "notReadyAddresses"))
        for address in objects(subset.get(name))
        for port in _ports(subset.get("ports"))
    }


def _ports(ports: Json) -> Iterable[bytes]:
    for port in objects(ports) or [{}]:
        yield orjson.dumps({"protocol": "TCP", **port}, option=orjson.OPT_SORT_KEYS)


_RBAC = "rbac.authorization.k8s.io"
_ADMISSION = "admissionregistration.k8s.io"
_BY_KIND: Mapping[tuple[str, str], Callable[[JsonObject, JsonObject, JsonObject], None]] = {
    ("", "Endpoints"): _endpoints,
    ("", "LimitRange"): _limit_range,
    ("", "Namespace"): _namespace,
    ("", "Node"): _node,
    ("", "PersistentVolumeClaim"): lambda desired, live, _: in_claim(desired, live),
    ("", "Pod"): _pod,
    ("", "ReplicationController"): _labels_from_template,
    ("", "Secret"): _secret,
    ("", "ServiceAccount"): lambda desired, live, _: in_service_account(desired, live),
    ("autoscaling", "HorizontalPodAutoscaler"): lambda desired, live, _: in_autoscaler(
        desired, live
    ),
    ("batch", "Job"): _labels_from_template,
    (_RBAC, "ClusterRole"): _cluster_role,
    (_ADMISSION, "MutatingWebhookConfiguration"): in_webhooks,
    (_ADMISSION, "ValidatingWebhookConfiguration"): in_webhooks,
    ("apiextensions.k8s.io", "CustomResourceDefinition"): in_custom_resource_definition,
    ("apiregistration.k8s.io", "APIService"): in_api_service,
}
