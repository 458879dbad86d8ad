"""What is known of the built-in API beyond its OpenAPI: the tables, as one value to pass around."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, Any, TypeAlias

from leadsman.compare.access import mapping
from leadsman.compare.kinds.gotypes import kept_fields, nearest_minor, timed_fields, written_fields
from leadsman.model.finding import ABSENT

if TYPE_CHECKING:
    from leadsman.model.json import Json, JsonObject

# The value that the API server gives a field: from the object that the field is in, as Git has it
# and as it is live.
Derive: TypeAlias = Callable[["JsonObject", "JsonObject"], "Json"]


@dataclass(frozen=True, slots=True)
class GoTypes:
    """Facts of one Kubernetes version's Go types, by the type's name in OpenAPI and the field's.

    ``kept`` are the fields that keep a zero or empty value, ``defaults`` what the API server writes
    into a field, ``derived`` the same where it depends on the field's siblings, ``assigned`` the
    fields that it gives a value of its own choice.
    """

    kept: Mapping[str, frozenset[str]]
    defaults: Mapping[str, JsonObject]
    derived: Mapping[str, Mapping[str, Derive]]
    assigned: Mapping[str, frozenset[str]]


# Source: github.com/distribution/reference. What does not match has no tag.
_IMAGE = re.compile(
    r"(?:[A-Za-z0-9.-]+(?::\d+)?/)?[a-z0-9._/-]+(?::(?P<tag>[\w.-]+))?(?P<digest>@.+)?", re.ASCII
)


def _pull_policy(desired: JsonObject, live: JsonObject) -> Json:
    """``Always`` for the tag latest, which is also what no tag and no digest means."""
    container = desired or live
    image = container.get("image") or container.get("reference")
    match = _IMAGE.fullmatch(image) if isinstance(image, str) else None
    if match is None:
        return "IfNotPresent"
    tag = match["tag"] or ("" if match["digest"] else "latest")
    return "Always" if tag == "latest" else "IfNotPresent"


def _same_as(field: str, default: Json = ABSENT) -> Derive:
    """Follow another field that Git specifies: one of a pair that is kept equal."""
    return lambda desired, _: desired.get(field) or default


def _alias_of(field: str) -> Derive:
    """Repeat a live field under a deprecated name."""
    return lambda _, live: live.get(field) or ABSENT


def _always(value: Json) -> Derive:
    return lambda *_: value


def _cluster_ips(service: JsonObject, _: JsonObject) -> Json:
    address = service.get("clusterIP")
    return [address] if address else ABSENT


def _cluster_ip(service: JsonObject, _: JsonObject) -> Json:
    addresses = service.get("clusterIPs")
    return addresses[0] if isinstance(addresses, list) and addresses else ABSENT


def _affinity_config(service: JsonObject, _: JsonObject) -> Json:
    sticky = service.get("sessionAffinity") == "ClientIP"
    return {"clientIP": {"timeoutSeconds": 10800}} if sticky else ABSENT


def _policy_types(policy: JsonObject, _: JsonObject) -> Json:
    return ["Ingress", "Egress"] if policy.get("egress") else ["Ingress"]


def _subject_group(subject: JsonObject, _: JsonObject) -> Json:
    return "" if subject.get("kind") == "ServiceAccount" else "rbac.authorization.k8s.io"


def _empty_dir(volume: JsonObject, _: JsonObject) -> Json:
    return {} if volume.keys() <= {"name", "emptyDir"} else ABSENT


def _completions(job: JsonObject, _: JsonObject) -> Json:
    return 1 if job.get("parallelism", 1) == 1 else ABSENT


def _replacement_policy(job: JsonObject, _: JsonObject) -> Json:
    return "Failed" if job.get("podFailurePolicy") else "TerminatingOrFailed"


def _template_labels(controller: JsonObject, _: JsonObject) -> Json:
    metadata = mapping(mapping(controller.get("template")).get("metadata"))
    return metadata.get("labels") or ABSENT


def _list_kind(names: JsonObject, _: JsonObject) -> Json:
    return f"{names.get('kind', '')}List"


def _singular(names: JsonObject, _: JsonObject) -> Json:
    return str(names.get("kind", "")).lower()


def _backoff_limit(job: JsonObject, _: JsonObject) -> Json:
    return 6 if job.get("backoffLimitPerIndex") is None else 2**31 - 1


def _pod_cidr(node: JsonObject, _: JsonObject) -> Json:
    ranges = node.get("podCIDRs")
    return ranges[0] if isinstance(ranges, list) and ranges else ABSENT


def _pod_cidrs(node: JsonObject, _: JsonObject) -> Json:
    return [node["podCIDR"]] if node.get("podCIDR") else ABSENT


# Rules for what follows a field's siblings, with where Kubernetes has them: a defaulting function
# or conversion (pkg/apis/<group>/<version>), or the storage of the kind (pkg/registry).
_DERIVED: dict[str, dict[str, Derive]] = {
    # defaults.go
    "batch.v1.JobSpec": {
        "backoffLimit": _backoff_limit,
        "completions": _completions,
        "podReplacementPolicy": _replacement_policy,
    },
    # defaults.go: by the image's tag
    "core.v1.Container": {"imagePullPolicy": _pull_policy},
    "core.v1.EphemeralContainer": {"imagePullPolicy": _pull_policy},
    "core.v1.ImageVolumeSource": {"pullPolicy": _pull_policy},
    # conversion.go: the first of one is the other
    "core.v1.NodeSpec": {"podCIDR": _pod_cidr, "podCIDRs": _pod_cidrs},
    # registry/core/persistentvolumeclaim/strategy.go: kept equal
    "core.v1.PersistentVolumeClaimSpec": {
        "dataSource": _same_as("dataSourceRef"),
        "dataSourceRef": _same_as("dataSource"),
    },
    # conversion.go: a deprecated alias; the name is that of the ServiceAccount admission plugin
    "core.v1.PodSpec": {
        "serviceAccount": _alias_of("serviceAccountName"),
        "serviceAccountName": _same_as("serviceAccount", "default"),
    },
    # defaults.go
    "core.v1.ReplicationControllerSpec": {"selector": _template_labels},
    "core.v1.ServicePort": {"targetPort": _same_as("port")},
    # defaults.go; the addresses: registry/core/service/storage
    "core.v1.ServiceSpec": {
        "allocateLoadBalancerNodePorts": _always(value=True),
        "clusterIP": _cluster_ip,
        "clusterIPs": _cluster_ips,
        "externalTrafficPolicy": _always("Cluster"),
        "sessionAffinityConfig": _affinity_config,
    },
    # defaults.go: where there is no other source
    "core.v1.Volume": {"emptyDir": _empty_dir},
    # defaults.go
    "networking.v1.NetworkPolicySpec": {"policyTypes": _policy_types},
    # defaults.go: by the kind
    "rbac.v1.Subject": {"apiGroup": _subject_group},
    # defaults.go
    "io.k8s.apiextensions-apiserver.pkg.apis.apiextensions.v1.CustomResourceDefinitionNames": {
        "listKind": _list_kind,
        "singular": _singular,
    },
}

# Fields that are filled in with what no rule can tell, with who does it.
_ASSIGNED = {
    # registry/batch/job: by the object's uid
    "batch.v1.JobSpec": "selector",
    # registry/certificates: who asks
    "certificates.v1.CertificateSigningRequestSpec": "username uid groups extra",
    # registry/core/namespace
    "core.v1.NamespaceSpec": "finalizers",
    # the controller that binds it; the admission plugin DefaultStorageClass
    "core.v1.PersistentVolumeClaimSpec": "volumeName storageClassName",
    "core.v1.PersistentVolumeSpec": "claimRef",
    # the scheduler; the admission plugins Priority, DefaultTolerationSeconds, RuntimeClass
    "core.v1.PodSpec": "nodeName priority priorityClassName preemptionPolicy tolerations",
    # the token controller of older clusters
    "core.v1.ServiceAccount": "secrets",
    # registry/core/service: from the ranges of the cluster
    "core.v1.ServicePort": "nodePort",
    "core.v1.ServiceSpec": "clusterIP clusterIPs healthCheckNodePort ipFamilies ipFamilyPolicy",
}
# Written at times only, where leaving it out at others is another meaning: no default.
_AT_TIMES = {("io.k8s.api.autoscaling.v2.HPAScalingRules", "stabilizationWindowSeconds")}


def go_types(kube_version: str = "") -> GoTypes:
    """Return the facts of a Kubernetes version, or of the nearest one that is known.

    ``kube_version`` is as the API server says it, ``v1.37.2``; empty is the newest one.
    """
    return _go_types(nearest_minor(kube_version))


@lru_cache(maxsize=2)
def _go_types(minor: str) -> GoTypes:
    return GoTypes(kept=kept_fields(minor), **_written())


@cache
def _written() -> dict[str, Any]:
    """Put together what is known of one version and taken for all."""
    derived = {_full(name): rules for name, rules in _DERIVED.items()}
    assigned = {_full(name): frozenset(text.split()) for name, text in _ASSIGNED.items()}
    for name, fields in timed_fields().items():
        assigned[name] = assigned.get(name, frozenset()) | fields
    defaults = {
        name: {
            field: value
            for field, value in fields.items()
            if field not in derived.get(name, ()) and (name, field) not in _AT_TIMES
        }
        for name, fields in written_fields().items()
    }
    return {
        "defaults": MappingProxyType(defaults),
        "derived": MappingProxyType(derived),
        "assigned": MappingProxyType(assigned),
    }


def _full(name: str) -> str:
    return name if name.startswith("io.k8s.") else f"io.k8s.api.{name}"
