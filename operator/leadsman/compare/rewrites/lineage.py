"""Which versions of a kind say the same, and how one is turned into another.

Only what is known for certain is in here. Old versions are turned into new ones, never back; where
two have one schema, either may stand for the other.

Source: ``zz_generated.conversion.go`` and ``conversion.go`` below Kubernetes' ``pkg/apis`` and in
apiextensions-apiserver, the deprecated API migration guide, and for autoscaling/v2beta1 the same of
Kubernetes 1.24.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leadsman.compare.rewrites import autoscaling, conversions
from leadsman.model.identity import Gvk

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from leadsman.model.json import JsonObject

    Conversion = Callable[[JsonObject], JsonObject]

# A kind, its group, and versions that have one schema, which may be of another group; of a version
# that is left out nothing is known.
_SAME: Final = """
MutatingAdmissionPolicy           admissionregistration.k8s.io  v1alpha1 v1beta1 v1
MutatingAdmissionPolicyBinding    admissionregistration.k8s.io  v1alpha1 v1beta1 v1
MutatingWebhookConfiguration      admissionregistration.k8s.io  v1beta1 v1
ValidatingAdmissionPolicy         admissionregistration.k8s.io  v1alpha1 v1beta1 v1
ValidatingAdmissionPolicyBinding  admissionregistration.k8s.io  v1alpha1 v1beta1 v1
ValidatingWebhookConfiguration    admissionregistration.k8s.io  v1beta1 v1
APIService                        apiregistration.k8s.io        v1beta1 v1
ControllerRevision                apps                          v1beta1 v1beta2 v1
DaemonSet                         apps                          v1beta2 v1
Deployment                        apps                          v1beta2 v1
ReplicaSet                        apps                          extensions/v1beta1 v1beta2 v1
StatefulSet                       apps                          v1beta1 v1beta2 v1
DeploymentConfig                  apps.openshift.io             /v1 v1
HorizontalPodAutoscaler           autoscaling                   v2beta2 v2
CronJob                           batch                         v1beta1 v2alpha1 v1
BuildConfig                       build.openshift.io            /v1 v1
CertificateSigningRequest         certificates.k8s.io           v1beta1 v1
ClusterTrustBundle                certificates.k8s.io           v1alpha1 v1beta1 v1
Lease                             coordination.k8s.io           v1beta1 v1
Event                             events.k8s.io                 v1beta1 v1
FlowSchema                        flowcontrol.apiserver.k8s.io  v1alpha1 v1beta1 v1beta2 v1beta3 v1
PriorityLevelConfiguration        flowcontrol.apiserver.k8s.io  v1beta3 v1
PriorityLevelConfiguration        flowcontrol.apiserver.k8s.io  v1alpha1 v1beta1 v1beta2
ImageStream                       image.openshift.io            /v1 v1
IPAddress                         networking.k8s.io             v1beta1 v1
Ingress                           networking.k8s.io             extensions/v1beta1 v1beta1
IngressClass                      networking.k8s.io             v1beta1 v1
NetworkPolicy                     networking.k8s.io             extensions/v1beta1 v1
ServiceCIDR                       networking.k8s.io             v1beta1 v1
RuntimeClass                      node.k8s.io                   v1beta1 v1
PodSecurityPolicy                 policy                        extensions/v1beta1 v1beta1
ClusterRole                       rbac.authorization.k8s.io     v1alpha1 v1beta1 v1
ClusterRoleBinding                rbac.authorization.k8s.io     v1beta1 v1
Role                              rbac.authorization.k8s.io     v1alpha1 v1beta1 v1
RoleBinding                       rbac.authorization.k8s.io     v1beta1 v1
DeviceClass                       resource.k8s.io               v1beta2 v1
ResourceClaim                     resource.k8s.io               v1beta2 v1
ResourceClaimTemplate             resource.k8s.io               v1beta2 v1
ResourceSlice                     resource.k8s.io               v1beta2 v1
Route                             route.openshift.io            /v1 v1
PriorityClass                     scheduling.k8s.io             v1alpha1 v1beta1 v1
SecurityContextConstraints        security.openshift.io         /v1 v1
CSIDriver                         storage.k8s.io                v1beta1 v1
CSINode                           storage.k8s.io                v1beta1 v1
CSIStorageCapacity                storage.k8s.io                v1alpha1 v1beta1 v1
StorageClass                      storage.k8s.io                v1beta1 v1
VolumeAttachment                  storage.k8s.io                v1alpha1 v1beta1 v1
VolumeAttributesClass             storage.k8s.io                v1alpha1 v1beta1 v1
Template                          template.openshift.io         /v1 v1
"""

# What one version becomes in another: kind, from, to, how.
_CHANGED: Final[tuple[tuple[str, str, str, Conversion], ...]] = (
    ("DaemonSet", "extensions/v1beta1", "apps/v1", conversions.daemon_set),
    ("Deployment", "extensions/v1beta1", "apps/v1", conversions.deployment),
    ("Deployment", "apps/v1beta1", "apps/v1", conversions.deployment),
    ("Ingress", "networking.k8s.io/v1beta1", "networking.k8s.io/v1", conversions.ingress),
    ("HorizontalPodAutoscaler", "autoscaling/v1", "autoscaling/v2", autoscaling.from_v1),
    (
        "HorizontalPodAutoscaler",
        "autoscaling/v2beta1",
        "autoscaling/v2",
        autoscaling.from_v2beta1,
    ),
    ("PodDisruptionBudget", "policy/v1beta1", "policy/v1", conversions.disruption_budget),
    (
        "CustomResourceDefinition",
        "apiextensions.k8s.io/v1beta1",
        "apiextensions.k8s.io/v1",
        conversions.custom_resource_definition,
    ),
    *(
        (
            kind,
            "rbac.authorization.k8s.io/v1alpha1",
            "rbac.authorization.k8s.io/v1",
            conversions.role_binding,
        )
        for kind in ("ClusterRoleBinding", "RoleBinding")
    ),
    (
        "EndpointSlice",
        "discovery.k8s.io/v1beta1",
        "discovery.k8s.io/v1",
        conversions.endpoint_slice,
    ),
    ("RuntimeClass", "node.k8s.io/v1alpha1", "node.k8s.io/v1", conversions.runtime_class),
    (
        "PriorityLevelConfiguration",
        "flowcontrol.apiserver.k8s.io/v1beta2",
        "flowcontrol.apiserver.k8s.io/v1",
        conversions.priority_level,
    ),
    ("Event", "events.k8s.io/v1", "v1", conversions.event),
)


def _edges() -> Iterator[tuple[Gvk, Gvk, Conversion]]:
    for kind, group, *versions in filter(None, map(str.split, _SAME.splitlines())):
        gvks = [
            Gvk.parse(version, kind) if "/" in version else Gvk(group, version, kind)
            for version in versions
        ]
        for one in gvks:
            for other in gvks:
                if one != other:
                    yield one, other, conversions.same
    for kind, source, result, how in _CHANGED:
        yield Gvk.parse(source, kind), Gvk.parse(result, kind), how


def _table() -> Mapping[Gvk, Mapping[Gvk, tuple[Conversion, ...]]]:
    """Return from each kind and version all that it can become, by as few steps as need be."""
    edges: dict[Gvk, dict[Gvk, Conversion]] = {}
    for source, result, how in _edges():
        edges.setdefault(source, {})[result] = how
    table: dict[Gvk, dict[Gvk, tuple[Conversion, ...]]] = {}
    for source in edges:
        reached: dict[Gvk, tuple[Conversion, ...]] = {source: ()}
        todo = [source]
        for gvk in todo:
            for result, how in edges.get(gvk, {}).items():
                if result not in reached:
                    reached[result] = (*reached[gvk], how)
                    todo.append(result)
        del reached[source]
        table[source] = reached
    return table


_CONVERSIONS: Final = _table()


def is_convertible(source: Gvk, result: Gvk) -> bool:
    """Tell whether it is known what an object of one version is in another."""
    return result in _CONVERSIONS.get(source, {})


def converted(body: JsonObject, source: Gvk, result: Gvk) -> JsonObject:
    """Return an object as the API server has it in another version; ``body`` is not changed.

    Raises KeyError where that is not known.
    """
    for how in _CONVERSIONS[source][result]:
        body = how(body)
    return relabelled(body, result)


def relabelled(body: JsonObject, result: Gvk) -> JsonObject:
    """Return an object with another version's name, as for a kind with one schema for all."""
    return {**body, "apiVersion": result.api_version}
