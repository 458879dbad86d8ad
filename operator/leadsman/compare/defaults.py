"""What the API server itself writes into objects of the built-in API.

OpenAPI says next to nothing of it. A live field that Git does not specify means nothing if it has
the value that the API server would give it, whoever sent it. Source: the defaulting functions of
Kubernetes v1.37 (``pkg/apis/*/v*/defaults.go``), run over every kind; those that look at a field's
siblings are in ``builtin``. Names are ``group.Type``, without the version.
"""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

    from leadsman.model.json import JsonObject

_DEFAULTS: dict[str, JsonObject] = {
    "admissionregistration.MatchResources": {
        "matchPolicy": "Equivalent",
        "namespaceSelector": {},
        "objectSelector": {},
    },
    "admissionregistration.MutatingAdmissionPolicySpec": {"failurePolicy": "Fail"},
    "admissionregistration.MutatingWebhook": {
        "failurePolicy": "Fail",
        "matchPolicy": "Equivalent",
        "namespaceSelector": {},
        "objectSelector": {},
        "reinvocationPolicy": "Never",
        "timeoutSeconds": 10,
    },
    "admissionregistration.NamedRuleWithOperations": {"scope": "*"},
    "admissionregistration.RuleWithOperations": {"scope": "*"},
    "admissionregistration.ServiceReference": {"port": 443},
    "admissionregistration.ValidatingAdmissionPolicySpec": {"failurePolicy": "Fail"},
    "admissionregistration.ValidatingWebhook": {
        "failurePolicy": "Fail",
        "matchPolicy": "Equivalent",
        "namespaceSelector": {},
        "objectSelector": {},
        "timeoutSeconds": 10,
    },
    "apiextensions.CustomResourceDefinitionSpec": {"conversion": {"strategy": "None"}},
    "apiextensions.ServiceReference": {"port": 443},
    "apiregistration.ServiceReference": {"port": 443},
    "apps.DaemonSetSpec": {"revisionHistoryLimit": 10},
    "apps.DaemonSetUpdateStrategy": {
        "rollingUpdate": {"maxUnavailable": 1, "maxSurge": 0},
        "type": "RollingUpdate",
    },
    "apps.DeploymentSpec": {
        "progressDeadlineSeconds": 600,
        "replicas": 1,
        "revisionHistoryLimit": 10,
    },
    "apps.DeploymentStrategy": {
        "rollingUpdate": {"maxUnavailable": "25%", "maxSurge": "25%"},
        "type": "RollingUpdate",
    },
    "apps.ReplicaSetSpec": {"replicas": 1},
    "apps.RollingUpdateDaemonSet": {"maxSurge": 0, "maxUnavailable": 1},
    "apps.RollingUpdateDeployment": {"maxSurge": "25%", "maxUnavailable": "25%"},
    "apps.RollingUpdateStatefulSetStrategy": {"maxUnavailable": 1, "partition": 0},
    "apps.StatefulSetPersistentVolumeClaimRetentionPolicy": {
        "whenDeleted": "Retain",
        "whenScaled": "Retain",
    },
    "apps.StatefulSetSpec": {
        "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
        "podManagementPolicy": "OrderedReady",
        "replicas": 1,
        "revisionHistoryLimit": 10,
    },
    "apps.StatefulSetUpdateStrategy": {
        "rollingUpdate": {"partition": 0, "maxUnavailable": 1},
        "type": "RollingUpdate",
    },
    "autoscaling.HorizontalPodAutoscalerSpec": {
        "metrics": [
            {
                "type": "Resource",
                "resource": {
                    "name": "cpu",
                    "target": {"type": "Utilization", "averageUtilization": 80},
                },
            }
        ],
        "minReplicas": 1,
        "targetCPUUtilizationPercentage": 80,
    },
    "batch.CronJobSpec": {
        "concurrencyPolicy": "Allow",
        "failedJobsHistoryLimit": 1,
        "successfulJobsHistoryLimit": 3,
        "suspend": False,
    },
    "batch.JobSpec": {
        "backoffLimit": 6,
        "completionMode": "NonIndexed",
        "manualSelector": False,
        "parallelism": 1,
        "suspend": False,
    },
    "batch.PodFailurePolicyOnPodConditionsPattern": {"status": "True"},
    "certificates.PodCertificateRequestSpec": {"maxExpirationSeconds": 86400},
    "core.AzureDiskVolumeSource": {
        "cachingMode": "ReadWrite",
        "fsType": "ext4",
        "kind": "Shared",
        "readOnly": False,
    },
    "core.ConfigMapVolumeSource": {"defaultMode": 420},
    "core.Container": {
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
    },
    "core.ContainerPort": {"protocol": "TCP"},
    "core.DownwardAPIVolumeSource": {"defaultMode": 420},
    "core.EndpointPort": {"protocol": "TCP"},
    "core.EphemeralContainer": {
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
    },
    "core.FileKeySelector": {"optional": False},
    "core.GRPCAction": {"service": ""},
    "core.HTTPGetAction": {"path": "/", "scheme": "HTTP"},
    "core.HostPathVolumeSource": {"type": ""},
    "core.ISCSIPersistentVolumeSource": {"iscsiInterface": "default"},
    "core.ISCSIVolumeSource": {"iscsiInterface": "default"},
    "core.ObjectFieldSelector": {"apiVersion": "v1"},
    # A claim inside a StatefulSet is written with its own kind and version.
    "core.PersistentVolumeClaim": {"apiVersion": "v1", "kind": "PersistentVolumeClaim"},
    "core.PersistentVolumeClaimSpec": {"volumeMode": "Filesystem"},
    "core.PersistentVolumeClaimStatus": {"phase": "Pending"},
    "core.PersistentVolumeSpec": {
        "persistentVolumeReclaimPolicy": "Retain",
        "volumeMode": "Filesystem",
    },
    "core.PodSpec": {
        "dnsPolicy": "ClusterFirst",
        "enableServiceLinks": True,
        "restartPolicy": "Always",
        "schedulerName": "default-scheduler",
        "securityContext": {},
        "terminationGracePeriodSeconds": 30,
    },
    "core.Probe": {
        "failureThreshold": 3,
        "periodSeconds": 10,
        "successThreshold": 1,
        "timeoutSeconds": 1,
    },
    "core.ProjectedVolumeSource": {"defaultMode": 420},
    "core.RBDPersistentVolumeSource": {
        "keyring": "/etc/ceph/keyring",
        "pool": "rbd",
        "user": "admin",
    },
    "core.RBDVolumeSource": {"keyring": "/etc/ceph/keyring", "pool": "rbd", "user": "admin"},
    "core.ReplicationControllerSpec": {"replicas": 1},
    "core.ScaleIOPersistentVolumeSource": {"fsType": "xfs", "storageMode": "ThinProvisioned"},
    "core.ScaleIOVolumeSource": {"fsType": "xfs", "storageMode": "ThinProvisioned"},
    "core.Secret": {"type": "Opaque"},
    "core.SecretVolumeSource": {"defaultMode": 420},
    "core.ServiceAccountTokenProjection": {"expirationSeconds": 3600},
    "core.ServicePort": {"protocol": "TCP"},
    "core.ServiceSpec": {
        "internalTrafficPolicy": "Cluster",
        "sessionAffinity": "None",
        "type": "ClusterIP",
    },
    "discovery.EndpointPort": {"name": "", "protocol": "TCP"},
    "flowcontrol.ExemptPriorityLevelConfiguration": {
        "lendablePercent": 0,
        "nominalConcurrencyShares": 0,
    },
    "flowcontrol.FlowSchemaSpec": {"matchingPrecedence": 1000},
    "flowcontrol.LimitedPriorityLevelConfiguration": {
        "lendablePercent": 0,
        "nominalConcurrencyShares": 30,
    },
    "flowcontrol.QueuingConfiguration": {"handSize": 8, "queueLengthLimit": 50, "queues": 64},
    "networking.IngressClassParametersReference": {"scope": "Cluster"},
    "networking.NetworkPolicyPort": {"protocol": "TCP"},
    "rbac.RoleRef": {"apiGroup": "rbac.authorization.k8s.io"},
    "resource.DeviceSubRequest": {"allocationMode": "ExactCount", "count": 1},
    "resource.DeviceToleration": {"operator": "Equal"},
    "resource.ExactDeviceRequest": {"allocationMode": "ExactCount", "count": 1},
    "scheduling.PriorityClass": {"preemptionPolicy": "PreemptLowerPriority"},
    "storage.CSIDriverSpec": {
        "attachRequired": True,
        "fsGroupPolicy": "ReadWriteOnceWithFSType",
        "podInfoOnMount": False,
        "preventPodSchedulingIfMissing": False,
        "requiresRepublish": False,
        "seLinuxMount": False,
        "storageCapacity": False,
        "volumeLifecycleModes": ["Persistent"],
    },
    "storage.StorageClass": {"reclaimPolicy": "Delete", "volumeBindingMode": "Immediate"},
}

DEFAULTS: Mapping[str, JsonObject] = MappingProxyType(_DEFAULTS)
