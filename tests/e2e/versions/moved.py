"""Objects in versions that Kubernetes has stopped to serve, as charts of that time have them."""

from __future__ import annotations

from dataclasses import dataclass

import yaml


@dataclass(frozen=True, slots=True)
class Moved:
    """A manifest, where an older API server stored its object, and how it is read now.

    ``key`` is the folder in etcd, "" for a version that no API server of today decodes: it is
    created as ``now`` has it. ``change`` is a merge patch to the object as it is served, and
    ``path`` the place at which the change is to be found.
    """

    manifest: str
    key: str
    served: str
    change: str
    path: str
    now: str = ""

    @property
    def body(self) -> dict[str, object]:
        body: dict[str, object] = yaml.safe_load(self.manifest)
        return body

    @property
    def name(self) -> str:
        return f"{self.body['apiVersion']} {self.kind}"

    @property
    def kind(self) -> str:
        return str(self.body["kind"])

    @property
    def object(self) -> str:
        metadata = self.body["metadata"]
        assert isinstance(metadata, dict)
        return str(metadata["name"])


_POD = """
    metadata: {labels: {app: %s}}
    spec:
      containers:
      - {name: web, image: "web:1", resources: {limits: {cpu: 1000m}}}
"""
_BUDGET = """
apiVersion: policy/v1beta1
kind: PodDisruptionBudget
metadata: {name: %s}
spec: {minAvailable: 1, selector: %s}
"""
_ROLE_RULES = "rules: [{apiGroups: [''], resources: [pods], verbs: [get]}]"

CASES = (
    *(
        Moved(
            f"""
apiVersion: {version}
kind: Deployment
metadata: {{name: web-{version.replace("/", "-")}}}
spec:
  replicas: 2
  {selector}
  template: {_POD % "web"}
""",
            "deployments",
            "apps/v1 deployments",
            "{spec: {replicas: 3}}",
            "/spec/replicas",
        )
        for version, selector in (
            ("extensions/v1beta1", "rollbackTo: {revision: 0}"),
            ("apps/v1beta1", ""),
            ("apps/v1beta2", "selector: {matchLabels: {app: web}}"),
        )
    ),
    *(
        Moved(
            f"""
apiVersion: {version}
kind: DaemonSet
metadata: {{name: agent-{version.replace("/", "-")}}}
spec:
  {selector}
  template: {_POD % "agent"}
""",
            "daemonsets",
            "apps/v1 daemonsets",
            "{spec: {template: {spec: {hostNetwork: true}}}}",
            "/spec/template/spec/hostNetwork",
        )
        for version, selector in (
            ("extensions/v1beta1", "templateGeneration: 1"),
            ("apps/v1beta2", "selector: {matchLabels: {app: agent}}"),
        )
    ),
    *(
        Moved(
            f"""
apiVersion: {version}
kind: ReplicaSet
metadata: {{name: set-{version.replace("/", "-")}}}
spec:
  {selector}
  template: {_POD % "set"}
""",
            "replicasets",
            "apps/v1 replicasets",
            "{spec: {minReadySeconds: 3}}",
            "/spec/minReadySeconds",
        )
        for version, selector in (
            ("extensions/v1beta1", ""),
            ("apps/v1beta2", "selector: {matchLabels: {app: set}}"),
        )
    ),
    *(
        Moved(
            f"""
apiVersion: {version}
kind: StatefulSet
metadata: {{name: db-{version.replace("/", "-")}}}
spec:
  serviceName: db
  {selector}
  template: {_POD % "db"}
  volumeClaimTemplates:
  - metadata: {{name: data}}
    spec: {{accessModes: [ReadWriteOnce], resources: {{requests: {{storage: 1024Mi}}}}}}
""",
            "statefulsets",
            "apps/v1 statefulsets",
            "{spec: {template: {metadata: {labels: {app: db, tier: db}}}}}",
            "/spec/template/metadata/labels/tier",
        )
        for version, selector in (
            ("apps/v1beta1", ""),
            ("apps/v1beta2", "selector: {matchLabels: {app: db}}"),
        )
    ),
    *(
        Moved(
            f"""
apiVersion: {version}
kind: Ingress
metadata: {{name: web-{version.replace("/", "-")}}}
spec:
  backend: {{serviceName: fallback, servicePort: 80}}
  rules:
  - host: web.example
    http:
      paths:
      - {{path: /, backend: {{serviceName: web, servicePort: http}}}}
      - {{path: /api, pathType: Prefix, backend: {{serviceName: api, servicePort: 8080}}}}
      - {{path: /files, backend: {{resource: {{apiGroup: x.example, kind: Bucket, name: b}}}}}}
""",
            "ingress",
            "networking.k8s.io/v1 ingresses",
            "{spec: {defaultBackend: {service: {port: {number: 81}}}}}",
            "/spec/defaultBackend/service/port/number",
        )
        for version in ("extensions/v1beta1", "networking.k8s.io/v1beta1")
    ),
    Moved(
        """
apiVersion: extensions/v1beta1
kind: NetworkPolicy
metadata: {name: web}
spec:
  podSelector: {}
  ingress: [{from: [{podSelector: {matchLabels: {app: web}}}], ports: [{port: 80}]}]
""",
        "networkpolicies",
        "networking.k8s.io/v1 networkpolicies",
        "{spec: {podSelector: {matchLabels: {app: other}}}}",
        "/spec/podSelector/matchLabels",
    ),
    Moved(
        """
apiVersion: networking.k8s.io/v1beta1
kind: IngressClass
metadata: {name: nginx-old}
spec: {controller: example.com/nginx}
""",
        "ingressclasses",
        "networking.k8s.io/v1 ingressclasses",
        "{metadata: {labels: {a: b}}}",
        "/metadata/labels/a",
    ),
    Moved(
        """
apiVersion: batch/v1beta1
kind: CronJob
metadata: {name: nightly}
spec:
  schedule: "0 3 * * *"
  jobTemplate:
    spec:
      template:
        metadata: {labels: {app: web}}
        spec: {restartPolicy: Never, containers: [{name: web, image: "web:1"}]}
""",
        "cronjobs",
        "batch/v1 cronjobs",
        "{spec: {schedule: '0 4 * * *'}}",
        "/spec/schedule",
    ),
    *(
        Moved(
            _BUDGET % (name, selector),
            "poddisruptionbudgets",
            "policy/v1 poddisruptionbudgets",
            "{spec: {minAvailable: 2}}",
            "/spec/minAvailable",
        )
        for name, selector in (("some", "{matchLabels: {app: web}}"), ("none", "{}"))
    ),
    Moved(
        _BUDGET % ("all", "{}"),
        "poddisruptionbudgets",
        "policy/v1 poddisruptionbudgets",
        "{spec: {selector: {matchExpressions: null}}}",
        "/spec/selector/matchExpressions",
    ),
    *(
        Moved(
            f"""
apiVersion: rbac.authorization.k8s.io/{version}
kind: {kind}
metadata: {{name: reader-{kind.lower()}-{version}}}
{_ROLE_RULES}
""",
            f"{kind.lower()}s",
            f"rbac.authorization.k8s.io/v1 {kind.lower()}s",
            "{rules: [{apiGroups: [''], resources: [pods], verbs: [list]}]}",
            "/rules/0/verbs/0",
        )
        for version in ("v1alpha1", "v1beta1")
        for kind in ("Role", "ClusterRole")
    ),
    *(
        Moved(
            f"""
apiVersion: rbac.authorization.k8s.io/{version}
kind: {kind}
metadata: {{name: readers-{kind.lower()}-{version}}}
roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}}
subjects: {subjects}
""",
            f"{kind.lower()}s",
            f"rbac.authorization.k8s.io/v1 {kind.lower()}s",
            "{subjects: [{kind: User, name: eve, apiGroup: rbac.authorization.k8s.io}]}",
            "/subjects/0/name",
        )
        for version, subjects in (
            (
                "v1alpha1",
                """
- {kind: User, name: '*'}
- {kind: Group, name: ops, apiVersion: rbac.authorization.k8s.io/v1alpha1}
- {kind: ServiceAccount, apiVersion: v1, name: web, namespace: shop}
""",
            ),
            (
                "v1beta1",
                "[{kind: User, name: ada}, {kind: ServiceAccount, name: w, namespace: n1}]",
            ),
        )
        for kind in ("RoleBinding", "ClusterRoleBinding")
    ),
    *(
        Moved(
            f"""
apiVersion: admissionregistration.k8s.io/v1beta1
kind: {kind}WebhookConfiguration
metadata: {{name: hooks-{kind.lower()}}}
webhooks:
- name: one.hooks.example
  clientConfig: {{service: {{name: hooks, namespace: shop}}, caBundle: ""}}
  rules: [{{apiGroups: [x.example], apiVersions: [v1], operations: [CREATE], resources: [gears]}}]
- name: two.hooks.example
  failurePolicy: Fail
  timeoutSeconds: 5
  clientConfig: {{service: {{name: hooks, namespace: shop}}}}
  rules: [{{apiGroups: [x.example], apiVersions: [v1], operations: [CREATE], resources: [wheels]}}]
""",
            f"{kind.lower()}webhookconfigurations",
            f"admissionregistration.k8s.io/v1 {kind.lower()}webhookconfigurations",
            "{metadata: {annotations: {a: b}}}",
            "/metadata/annotations/a",
        )
        for kind in ("Mutating", "Validating")
    ),
    Moved(
        """
apiVersion: apiextensions.k8s.io/v1beta1
kind: CustomResourceDefinition
metadata: {name: gadgets.old.example}
spec:
  group: old.example
  version: v1
  names: {kind: Gadget, plural: gadgets}
  scope: Namespaced
  preserveUnknownFields: false
  subresources: {status: {}}
  additionalPrinterColumns: [{name: Size, type: integer, JSONPath: .spec.size}]
  validation:
    openAPIV3Schema: {type: object, properties: {spec: {type: object}}}
  conversion:
    strategy: Webhook
    webhookClientConfig: {service: {name: hooks, namespace: shop}, caBundle: Cg==}
""",
        "apiextensions.k8s.io/customresourcedefinitions",
        "apiextensions.k8s.io/v1 customresourcedefinitions",
        "{spec: {names: {shortNames: [gd]}}}",
        "/spec/names/shortNames",
    ),
    Moved(
        """
apiVersion: apiextensions.k8s.io/v1beta1
kind: CustomResourceDefinition
metadata: {name: tools.old.example}
spec:
  group: old.example
  names: {kind: Tool, plural: tools}
  scope: Cluster
  versions:
  - {name: v2, served: true, storage: true, subresources: {scale: {specReplicasPath: .spec.replicas,
      statusReplicasPath: .status.replicas}}}
  - {name: v1, served: false, storage: false}
""",
        "apiextensions.k8s.io/customresourcedefinitions",
        "apiextensions.k8s.io/v1 customresourcedefinitions",
        "{metadata: {labels: {a: b}}}",
        "/metadata/labels/a",
    ),
    Moved(
        """
apiVersion: storage.k8s.io/v1beta1
kind: StorageClass
metadata: {name: fast}
provisioner: disk.example
parameters: {kind: ssd}
""",
        "storageclasses",
        "storage.k8s.io/v1 storageclasses",
        "{allowVolumeExpansion: true}",
        "/allowVolumeExpansion",
    ),
    Moved(
        """
apiVersion: storage.k8s.io/v1beta1
kind: CSIDriver
metadata: {name: disk.example}
spec: {attachRequired: false}
""",
        "csidrivers",
        "storage.k8s.io/v1 csidrivers",
        "{spec: {requiresRepublish: true}}",
        "/spec/requiresRepublish",
    ),
    *(
        Moved(
            f"""
apiVersion: scheduling.k8s.io/{version}
kind: PriorityClass
metadata: {{name: high-{version}}}
value: 1000
""",
            "priorityclasses",
            "scheduling.k8s.io/v1 priorityclasses",
            "{description: much}",
            "/description",
        )
        for version in ("v1beta1",)
    ),
    Moved(
        """
apiVersion: coordination.k8s.io/v1beta1
kind: Lease
metadata: {name: leader}
spec: {leaseDurationSeconds: 15}
""",
        "leases",
        "coordination.k8s.io/v1 leases",
        "{spec: {leaseDurationSeconds: 16}}",
        "/spec/leaseDurationSeconds",
    ),
    Moved(
        """
apiVersion: node.k8s.io/v1beta1
kind: RuntimeClass
metadata: {name: gvisor}
handler: runsc
""",
        "runtimeclasses",
        "node.k8s.io/v1 runtimeclasses",
        "{scheduling: {nodeSelector: {a: b}}}",
        "/scheduling",
    ),
    Moved(
        """
apiVersion: node.k8s.io/v1alpha1
kind: RuntimeClass
metadata: {name: kata}
spec: {runtimeHandler: kata, overhead: {podFixed: {cpu: 0.25}}}
""",
        "runtimeclasses",
        "node.k8s.io/v1 runtimeclasses",
        "{metadata: {labels: {a: b}}}",
        "/metadata/labels/a",
    ),
    Moved(
        """
apiVersion: discovery.k8s.io/v1beta1
kind: EndpointSlice
metadata: {name: web-1}
addressType: IPv4
ports: [{name: http, port: 80, protocol: TCP}]
endpoints:
- addresses: [10.0.0.1]
  nodeName: one
  topology: {kubernetes.io/hostname: one, topology.kubernetes.io/zone: a}
- addresses: [10.0.0.2]
  topology: {kubernetes.io/hostname: two, rack: r1}
""",
        "endpointslices",
        "discovery.k8s.io/v1 endpointslices",
        "{ports: [{name: http, port: 81, protocol: TCP}]}",
        "/ports/0/port",
    ),
    *(
        Moved(
            f"""
apiVersion: flowcontrol.apiserver.k8s.io/{version}
kind: PriorityLevelConfiguration
metadata: {{name: slow-{version}}}
spec: {{type: Limited, limited: {{{shares}: 7, limitResponse: {{type: Reject}}}}}}
""",
            "prioritylevelconfigurations",
            "flowcontrol.apiserver.k8s.io/v1 prioritylevelconfigurations",
            "{spec: {limited: {nominalConcurrencyShares: 9}}}",
            "/spec/limited/nominalConcurrencyShares",
        )
        for version, shares in (
            ("v1beta1", "assuredConcurrencyShares"),
            ("v1beta2", "assuredConcurrencyShares"),
            ("v1beta3", "nominalConcurrencyShares"),
        )
    ),
    *(
        Moved(
            f"""
apiVersion: flowcontrol.apiserver.k8s.io/{version}
kind: FlowSchema
metadata: {{name: slow-{version}}}
spec: {{priorityLevelConfiguration: {{name: exempt}}, matchingPrecedence: 900}}
""",
            "flowschemas",
            "flowcontrol.apiserver.k8s.io/v1 flowschemas",
            "{spec: {matchingPrecedence: 901}}",
            "/spec/matchingPrecedence",
        )
        for version in ("v1beta1", "v1beta2", "v1beta3")
    ),
    Moved(
        """
apiVersion: events.k8s.io/v1beta1
kind: Event
metadata: {name: started}
regarding: {kind: Pod, name: web, namespace: default}
note: started
reason: Started
type: Normal
action: Start
eventTime: "2024-01-01T00:00:00.000000Z"
reportingController: example.com/web
reportingInstance: web-1
""",
        "events",
        "events.k8s.io/v1 events",
        "{metadata: {labels: {a: b}}}",
        "/metadata/labels/a",
    ),
    *(
        Moved(
            f"""
apiVersion: autoscaling/{version}
kind: HorizontalPodAutoscaler
metadata: {{name: web-{version}}}
spec:
  scaleTargetRef: {{apiVersion: apps/v1, kind: Deployment, name: nothing}}
  maxReplicas: 4
  metrics: {old}
""",
            "",
            "autoscaling/v2 horizontalpodautoscalers",
            "{spec: {maxReplicas: 5}}",
            "/spec/maxReplicas",
            """
- {type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}
- {type: Resource, resource: {name: memory, target: {type: AverageValue, averageValue: 1Gi}}}
- type: Pods
  pods:
    metric: {name: hits, selector: {matchLabels: {a: b}}}
    target: {type: AverageValue, averageValue: "10"}
- type: Object
  object:
    describedObject: {apiVersion: v1, kind: Service, name: web}
    metric: {name: latency}
    target: {type: Value, value: 100m}
- type: External
  external:
    metric: {name: queue, selector: {matchLabels: {q: jobs}}}
    target: {type: AverageValue, averageValue: "30"}
""",
        )
        for version, old in (
            (
                "v2beta1",
                """
  - {type: Resource, resource: {name: cpu, targetAverageUtilization: 80}}
  - {type: Resource, resource: {name: memory, targetAverageValue: 1024Mi}}
  - type: Pods
    pods: {metricName: hits, selector: {matchLabels: {a: b}}, targetAverageValue: 10}
  - type: Object
    object:
      target: {apiVersion: v1, kind: Service, name: web}
      metricName: latency
      targetValue: 100m
  - type: External
    external:
      metricName: queue
      metricSelector: {matchLabels: {q: jobs}}
      targetAverageValue: 30
""",
            ),
            (
                "v2beta2",
                """
  - {type: Resource, resource: {name: cpu, target: {type: Utilization, averageUtilization: 80}}}
  - {type: Resource, resource: {name: memory, target: {type: AverageValue, averageValue: 1Gi}}}
  - type: Pods
    pods:
      metric: {name: hits, selector: {matchLabels: {a: b}}}
      target: {type: AverageValue, averageValue: 10}
  - type: Object
    object:
      describedObject: {apiVersion: v1, kind: Service, name: web}
      metric: {name: latency}
      target: {type: Value, value: 100m}
  - type: External
    external:
      metric: {name: queue, selector: {matchLabels: {q: jobs}}}
      target: {type: AverageValue, averageValue: 30}
""",
            ),
        )
    ),
)
