"""Scalar fields of the built-in API's Go types that are pointers.

The API server writes a pointer's zero value (``automountServiceAccountToken: false``) and leaves
out the zero of a plain field (``hostNetwork: false``): with a pointer absence is another meaning,
without one it is the same. OpenAPI does not tell them apart, except for structs, where a plain one
has ``default: {}``. Source: reflection over the Go types of Kubernetes v1.37 (``k8s.io/api``,
``apiextensions-apiserver``, ``kube-aggregator``); the version is left out of the types' names, so
that a beta version finds its successor's.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

_POINTERS = {
    "admissionregistration.MatchResources": "matchPolicy",
    "admissionregistration.MutatingAdmissionPolicySpec": "failurePolicy",
    "admissionregistration.MutatingWebhook": (
        "failurePolicy matchPolicy reinvocationPolicy sideEffects timeoutSeconds"
    ),
    "admissionregistration.NamedRuleWithOperations": "scope",
    "admissionregistration.ParamRef": "parameterNotFoundAction",
    "admissionregistration.RuleWithOperations": "scope",
    "admissionregistration.ServiceReference": "path port",
    "admissionregistration.ValidatingAdmissionPolicySpec": "failurePolicy",
    "admissionregistration.ValidatingWebhook": (
        "failurePolicy matchPolicy sideEffects timeoutSeconds"
    ),
    "admissionregistration.Validation": "reason",
    "admissionregistration.WebhookClientConfig": "url",
    "apiextensions.CustomResourceDefinitionVersion": "deprecationWarning",
    "apiextensions.CustomResourceSubresourceScale": "labelSelectorPath",
    "apiextensions.JSONSchemaProps": (
        "$ref additionalItems additionalProperties default example items maxItems maxLength "
        "maxProperties maximum minItems minLength minProperties minimum multipleOf "
        "x-kubernetes-list-type x-kubernetes-map-type x-kubernetes-preserve-unknown-fields"
    ),
    "apiextensions.ServiceReference": "path port",
    "apiextensions.ValidationRule": "optionalOldSelf reason",
    "apiextensions.WebhookClientConfig": "url",
    "apiregistration.ServiceReference": "port",
    "apps.DaemonSetSpec": "revisionHistoryLimit",
    "apps.DeploymentSpec": "progressDeadlineSeconds replicas revisionHistoryLimit",
    "apps.ReplicaSetSpec": "replicas",
    "apps.RollingUpdateDaemonSet": "maxSurge maxUnavailable",
    "apps.RollingUpdateDeployment": "maxSurge maxUnavailable",
    "apps.RollingUpdateStatefulSetStrategy": "maxUnavailable partition",
    "apps.StatefulSetSpec": "replicas revisionHistoryLimit",
    "autoscaling.HPAScalingRules": "selectPolicy stabilizationWindowSeconds tolerance",
    "autoscaling.HorizontalPodAutoscalerSpec": "minReplicas targetCPUUtilizationPercentage",
    "autoscaling.MetricTarget": "averageUtilization averageValue value",
    "batch.CronJobSpec": (
        "failedJobsHistoryLimit startingDeadlineSeconds successfulJobsHistoryLimit suspend timeZone"
    ),
    "batch.JobSpec": (
        "activeDeadlineSeconds backoffLimit backoffLimitPerIndex completionMode completions "
        "managedBy manualSelector maxFailedIndexes parallelism podReplacementPolicy suspend "
        "ttlSecondsAfterFinished"
    ),
    "batch.PodFailurePolicyOnExitCodesRequirement": "containerName",
    "batch.SuccessPolicyRule": "succeededCount succeededIndexes",
    "certificates.CertificateSigningRequestSpec": "expirationSeconds",
    "certificates.PodCertificateRequestSpec": "maxExpirationSeconds",
    "coordination.LeaseSpec": (
        "acquireTime holderIdentity leaseDurationSeconds leaseTransitions preferredHolder "
        "renewTime strategy"
    ),
    "core.AppArmorProfile": "localhostProfile",
    "core.AzureDiskVolumeSource": "cachingMode fsType kind readOnly",
    "core.AzureFilePersistentVolumeSource": "secretNamespace",
    "core.CSIVolumeSource": "fsType readOnly",
    "core.ClientIPConfig": "timeoutSeconds",
    "core.ClusterTrustBundleProjection": "name optional signerName user",
    "core.ConfigMap": "immutable",
    "core.ConfigMapEnvSource": "optional",
    "core.ConfigMapKeySelector": "optional",
    "core.ConfigMapProjection": "optional",
    "core.ConfigMapVolumeSource": "defaultMode defaultUser optional",
    "core.Container": "restartPolicy",
    "core.DownwardAPIVolumeFile": "mode user",
    "core.DownwardAPIVolumeSource": "defaultMode defaultUser",
    "core.EmptyDirVolumeSource": "mode sizeLimit",
    "core.EndpointAddress": "nodeName",
    "core.EndpointPort": "appProtocol",
    "core.EphemeralContainer": "restartPolicy",
    "core.EvictionResponder": "priority",
    "core.FCVolumeSource": "lun",
    "core.FileKeySelector": "optional",
    "core.GRPCAction": "mode service",
    "core.GlusterfsPersistentVolumeSource": "endpointsNamespace",
    "core.HTTPGetAction": "protocol",
    "core.HostPathVolumeSource": "type",
    "core.ISCSIPersistentVolumeSource": "initiatorName",
    "core.ISCSIVolumeSource": "initiatorName",
    "core.KeyToPath": "mode user",
    "core.Lifecycle": "stopSignal",
    "core.LocalVolumeSource": "fsType",
    "core.NodeAllocatableMappedResources": "quantity",
    "core.NodeAllocatableOverheadResources": "perContainer perPod",
    "core.NodeFeatures": "supplementalGroupsPolicy",
    "core.NodeRuntimeHandlerFeatures": "recursiveReadOnlyMounts userNamespaces",
    "core.PersistentVolumeClaimSpec": "storageClassName volumeAttributesClassName volumeMode",
    "core.PersistentVolumeSpec": "volumeAttributesClassName volumeMode",
    "core.PodCertificateProjection": "maxExpirationSeconds user",
    "core.PodDNSConfigOption": "value",
    "core.PodResourceClaim": "resourceClaimName resourceClaimTemplateName",
    "core.PodSchedulingGroup": "podGroupName",
    "core.PodSecurityContext": (
        "fsGroup fsGroupChangePolicy runAsGroup runAsNonRoot runAsUser seLinuxChangePolicy "
        "supplementalGroupsPolicy"
    ),
    "core.PodSpec": (
        "activeDeadlineSeconds automountServiceAccountToken enableServiceLinks hostUsers "
        "hostnameOverride preemptionPolicy priority runtimeClassName setHostnameAsFQDN "
        "shareProcessNamespace terminationGracePeriodSeconds"
    ),
    "core.Probe": "terminationGracePeriodSeconds",
    "core.ProjectedVolumeSource": "defaultMode defaultUser",
    "core.ReplicationControllerSpec": "replicas",
    "core.SeccompProfile": "localhostProfile",
    "core.Secret": "immutable",
    "core.SecretEnvSource": "optional",
    "core.SecretKeySelector": "optional",
    "core.SecretProjection": "optional",
    "core.SecretVolumeSource": "defaultMode defaultUser optional",
    "core.SecurityContext": (
        "allowPrivilegeEscalation privileged procMount readOnlyRootFilesystem runAsGroup "
        "runAsNonRoot runAsUser"
    ),
    "core.ServiceAccount": "automountServiceAccountToken",
    "core.ServiceAccountTokenProjection": "expirationSeconds user",
    "core.ServicePort": "appProtocol",
    "core.ServiceSpec": (
        "allocateLoadBalancerNodePorts internalTrafficPolicy ipFamilyPolicy loadBalancerClass "
        "trafficDistribution"
    ),
    "core.Taint": "timeAdded",
    "core.Toleration": "tolerationSeconds",
    "core.TopologySpreadConstraint": "minDomains nodeAffinityPolicy nodeTaintsPolicy",
    "core.TypedLocalObjectReference": "apiGroup",
    "core.TypedObjectReference": "apiGroup namespace",
    "core.VolumeMount": "mountPropagation recursiveReadOnly",
    "discovery.Endpoint": "hostname nodeName zone",
    "discovery.EndpointConditions": "ready serving terminating",
    "discovery.EndpointPort": "appProtocol name port protocol",
    "flowcontrol.ExemptPriorityLevelConfiguration": "lendablePercent nominalConcurrencyShares",
    "flowcontrol.LimitedPriorityLevelConfiguration": (
        "borrowingLimitPercent lendablePercent nominalConcurrencyShares"
    ),
    "meta.ObjectMeta": "deletionGracePeriodSeconds deletionTimestamp",
    "meta.OwnerReference": "blockOwnerDeletion controller",
    "networking.HTTPIngressPath": "pathType",
    "networking.IngressClassParametersReference": "apiGroup namespace scope",
    "networking.IngressSpec": "ingressClassName",
    "networking.NetworkPolicyPort": "endPort port protocol",
    "policy.PodDisruptionBudgetSpec": "maxUnavailable minAvailable unhealthyPodEvictionPolicy",
    "resource.AllocationResult": "allocationTimestamp",
    "resource.CapacityRequestPolicy": "default",
    "resource.CapacityRequestPolicyRange": "max min step",
    "resource.Device": "allNodes allowMultipleAllocations bindsToNode nodeName",
    "resource.DeviceAttribute": "bool int string version",
    "resource.DeviceClassSpec": "extendedResourceName",
    "resource.DeviceConstraint": "distinctAttribute matchAttribute",
    "resource.DeviceRequestAllocationResult": "adminAccess shareID",
    "resource.DeviceTaint": "timeAdded",
    "resource.DeviceTaintSelector": "device driver pool",
    "resource.DeviceToleration": "tolerationSeconds",
    "resource.NodeAllocatableMapping": "capacityKey capacityMultiplier deviceMultiplier",
    "resource.NodeAllocatableOverhead": "perContainer perPod",
    "resource.ResourceSliceSpec": "allNodes nodeName partitionTypeAttribute perDeviceNodeSelection",
    "scheduling.PriorityClass": "preemptionPolicy",
    "storage.CSIDriverSpec": (
        "attachRequired fsGroupPolicy nodeAllocatableUpdatePeriodSeconds podInfoOnMount "
        "preventPodSchedulingIfMissing requiresRepublish seLinuxMount "
        "serviceAccountTokenInSecrets storageCapacity"
    ),
    "storage.CSIStorageCapacity": "capacity maximumVolumeSize",
    "storage.StorageClass": "allowVolumeExpansion reclaimPolicy volumeBindingMode",
    "storage.VolumeAttachmentSource": "persistentVolumeName",
    "storage.VolumeNodeResources": "count",
}

POINTERS: Mapping[str, frozenset[str]] = MappingProxyType(
    {name: frozenset(fields.split()) for name, fields in _POINTERS.items()}
)
