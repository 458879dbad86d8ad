"""What is known of the built-in API beyond its OpenAPI: the tables, as one value to pass around."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING, TypeAlias

from leadsman.compare.access import mapping
from leadsman.compare.defaults import DEFAULTS
from leadsman.compare.gotypes import kept_fields, nearest_minor
from leadsman.model.finding import ABSENT

if TYPE_CHECKING:
    from leadsman.model.json import Json, JsonObject

# The value that the API server gives a field: from the object that the field is in, as Git has it
# and as it is live.
Derive: TypeAlias = Callable[["JsonObject", "JsonObject"], "Json"]


@dataclass(frozen=True, slots=True)
class GoTypes:
    """Facts of one Kubernetes version's Go types, by type and JSON name.

    ``kept`` are the fields that keep a zero or empty value, by the type's name in OpenAPI;
    ``defaults`` what the API server writes into a field, ``derived`` the same where it depends on
    the field's siblings, ``assigned`` the fields that it gives a value of its own choice.
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


_DERIVED: dict[str, dict[str, Derive]] = {
    "apiextensions.CustomResourceDefinitionNames": {"listKind": _list_kind, "singular": _singular},
    "batch.JobSpec": {"completions": _completions, "podReplacementPolicy": _replacement_policy},
    "core.Container": {"imagePullPolicy": _pull_policy},
    "core.EphemeralContainer": {"imagePullPolicy": _pull_policy},
    "core.ImageVolumeSource": {"pullPolicy": _pull_policy},
    "core.PersistentVolumeClaimSpec": {
        "dataSource": _same_as("dataSourceRef"),
        "dataSourceRef": _same_as("dataSource"),
    },
    "core.PodSpec": {
        "serviceAccount": _alias_of("serviceAccountName"),
        "serviceAccountName": _same_as("serviceAccount", "default"),
    },
    "core.ReplicationControllerSpec": {"selector": _template_labels},
    "core.ResourceRequirements": {"requests": _same_as("limits")},
    "core.ServicePort": {"targetPort": _same_as("port")},
    "core.ServiceSpec": {
        "allocateLoadBalancerNodePorts": _always(value=True),
        "clusterIP": _cluster_ip,
        "clusterIPs": _cluster_ips,
        "externalTrafficPolicy": _always("Cluster"),
        "sessionAffinityConfig": _affinity_config,
    },
    "core.Volume": {"emptyDir": _empty_dir},
    "networking.NetworkPolicySpec": {"policyTypes": _policy_types},
    "rbac.Subject": {"apiGroup": _subject_group},
}

_ASSIGNED = {
    "batch.JobSpec": "selector",
    "certificates.CertificateSigningRequestSpec": "username uid groups extra",
    "core.NamespaceSpec": "finalizers",
    "core.PersistentVolumeClaimSpec": "volumeName storageClassName",
    "core.PersistentVolumeSpec": "claimRef",
    "core.PodSpec": "nodeName priority preemptionPolicy tolerations",
    "core.ServiceAccount": "secrets",
    "core.ServicePort": "nodePort",
    "core.ServiceSpec": "clusterIP clusterIPs healthCheckNodePort ipFamilies ipFamilyPolicy",
}

_ASSIGNED_FIELDS = MappingProxyType(
    {name: frozenset(text.split()) for name, text in _ASSIGNED.items()}
)


def go_types(kube_version: str = "") -> GoTypes:
    """Return the facts of a Kubernetes version, or of the nearest one that is known.

    ``kube_version`` is as the API server says it, ``v1.37.2``; empty is the newest one.
    """
    return _go_types(nearest_minor(kube_version))


@lru_cache(maxsize=2)
def _go_types(minor: str) -> GoTypes:
    return GoTypes(
        kept=kept_fields(minor),
        defaults=DEFAULTS,
        derived=MappingProxyType(_DERIVED),
        assigned=_ASSIGNED_FIELDS,
    )
