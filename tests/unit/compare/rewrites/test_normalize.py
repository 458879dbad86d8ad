"""What is not Git's to say does not count, and what the server rewrites means the same."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from unit.compare.samples import DELIVERED, changes, entry, owned, verdict

if TYPE_CHECKING:
    from leadsman.model.json import JsonObject

_LAST_APPLIED = "kubectl.kubernetes.io/last-applied-configuration"


def obj(api_version: str, kind: str, **parts: Any) -> JsonObject:
    metadata = {"name": "x", "namespace": "shop", **parts.pop("metadata", {})}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **parts}


def config_map(**parts: Any) -> JsonObject:
    return obj("v1", "ConfigMap", **parts)


def secret(**parts: Any) -> JsonObject:
    return obj("v1", "Secret", type="Opaque", **parts)


def test_identity_and_the_servers_metadata_are_not_compared() -> None:
    git = config_map(
        metadata={"uid": "old", "resourceVersion": "1", "creationTimestamp": None, "generation": 9},
        data={"a": "1"},
        status={"said": "in Git"},
    )
    live = config_map(
        metadata={
            "uid": "new",
            "resourceVersion": "2",
            "creationTimestamp": "2026-01-01T00:00:00Z",
            "selfLink": "/x",
            "generation": 1,
        },
        data={"a": "1"},
        status={"is": "live"},
    )
    assert verdict(git, owned(live, DELIVERED)) is None


def test_items_of_a_list_have_no_kind() -> None:
    git = config_map(data={"a": "1"})
    live = owned(git, DELIVERED)
    del live["apiVersion"], live["kind"]
    assert verdict(git, live) is None


def test_the_namespace_of_a_cluster_scoped_object() -> None:
    git = obj("rbac.authorization.k8s.io/v1", "ClusterRole", rules=[])
    live = owned(git, DELIVERED)
    del live["metadata"]["namespace"]
    assert verdict(git, live) is None


def test_the_last_applied_annotation_is_nobodys_drift() -> None:
    git = config_map(metadata={"annotations": {_LAST_APPLIED: "old", "a": "b"}})
    live = config_map(metadata={"annotations": {_LAST_APPLIED: "new", "a": "b"}})
    assert verdict(git, owned(live, DELIVERED)) is None
    assert verdict(live, owned(config_map(metadata={"annotations": {"a": "b"}}), DELIVERED)) is None


def test_neither_side_is_changed() -> None:
    git = secret(stringData={"a": "1"})
    live = owned(secret(data={"a": "MQ=="}, metadata={"annotations": {_LAST_APPLIED: "x"}}))
    before = deepcopy(live)
    assert verdict(git, live) is None
    assert live == before


@pytest.mark.parametrize(
    ("git", "live"),
    [
        ({"stringData": {"a": "hello"}}, {"data": {"a": "aGVsbG8="}}),
        ({"data": {"a": "b2xk"}, "stringData": {"a": "hello"}}, {"data": {"a": "aGVsbG8="}}),
        ({"data": {"a": "aGVs\nbG8"}}, {"data": {"a": "aGVsbG8="}}),
        ({"data": {"a": ""}}, {"data": {"a": None}}),
        ({"data": {"a": None}}, {"data": {"a": ""}}),
        ({"stringData": {"a": None}}, {"data": {"a": ""}}),
        ({"data": {"a": None}}, {}),
        ({"data": {"a": None, "b": "eA=="}}, {"data": {"b": "eA=="}}),
        ({"stringData": {"a": None}, "data": {"b": "eA=="}}, {"data": {"b": "eA=="}}),
        ({"stringData": {"a": "ü\n"}}, {"data": {"a": "w7wK"}}),
        ({"data": {}}, {}),
    ],
)
def test_the_same_secret(git: JsonObject, live: JsonObject) -> None:
    assert verdict(secret(**git), owned(secret(**live), DELIVERED)) is None


def test_a_secret_lost_a_key() -> None:
    git = secret(data={"a": "", "b": "YQ=="})
    live = owned(secret(data={"b": "YQ=="}), DELIVERED)
    assert [change[:2] for change in changes(git, live)] == [("remove", "/data/a")]


def test_an_aggregated_roles_rules_are_its_controllers() -> None:
    aggregation = {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}
    rule = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}
    group = "rbac.authorization.k8s.io/v1"
    git = obj(group, "ClusterRole", aggregationRule=aggregation, rules=[])
    live = obj(group, "ClusterRole", aggregationRule=aggregation, rules=[rule])
    assert verdict(git, owned(live)) is None
    plain = obj(group, "ClusterRole", rules=[])
    assert verdict(plain, owned(obj(group, "ClusterRole", rules=[rule]))) is not None


_HOOK = {"name": "a.b.c", "admissionReviewVersions": ["v1"], "sideEffects": "None"}


@pytest.mark.parametrize("placeholder", ["Cg==", "", "Cg"])
def test_a_placeholder_for_a_ca_bundle(placeholder: str) -> None:
    def webhooks(bundle: str) -> JsonObject:
        config = {"url": "https://x", "caBundle": bundle}
        return obj(
            "admissionregistration.k8s.io/v1",
            "ValidatingWebhookConfiguration",
            webhooks=[{**_HOOK, "clientConfig": config}],
        )

    def api_service(bundle: str) -> JsonObject:
        spec = {"group": "a", "version": "v1", "caBundle": bundle}
        return obj("apiregistration.k8s.io/v1", "APIService", spec=spec)

    def crd(bundle: str) -> JsonObject:
        webhook = {"clientConfig": {"caBundle": bundle}}
        spec = {"group": "a", "conversion": {"strategy": "Webhook", "webhook": webhook}}
        return obj("apiextensions.k8s.io/v1", "CustomResourceDefinition", spec=spec)

    for make in (webhooks, api_service, crd):
        git = make(placeholder)
        assert verdict(git, owned(make("Zm9v"), DELIVERED)) is None
        assert verdict(git, owned(git, DELIVERED)) is None
        assert verdict(make("YmFy"), owned(make("Zm9v"), DELIVERED)) is not None


def test_a_pods_usual_tolerations() -> None:
    usual = [
        {
            "key": f"node.kubernetes.io/{state}",
            "operator": "Exists",
            "effect": "NoExecute",
            "tolerationSeconds": 300,
        }
        for state in ("not-ready", "unreachable")
    ]
    own = {"key": "a", "operator": "Exists"}
    containers = [{"name": "a", "image": "a:1"}]
    git = obj("v1", "Pod", spec={"containers": containers, "tolerations": [own]})
    live = obj("v1", "Pod", spec={"containers": containers, "tolerations": [own, *usual]})
    assert verdict(git, owned(live, DELIVERED)) is None
    assert verdict(live, owned(live, DELIVERED)) is None
    assert verdict(live, owned(git, DELIVERED)) is not None


def test_a_jobs_labels_come_from_its_template() -> None:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": {"containers": []}}
    git = obj("batch/v1", "Job", spec={"template": template})
    live = obj("batch/v1", "Job", spec={"template": template}, metadata={"labels": {"a": "b"}})
    assert verdict(git, owned(live)) is None
    live["metadata"]["labels"]["c"] = "d"
    assert [change[1] for change in changes(git, live)] == ["/metadata/labels/c"]


def test_a_namespaces_own_name_as_label() -> None:
    git = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
    labels = {"kubernetes.io/metadata.name": "shop"}
    live: dict[str, Any] = {**git, "metadata": {"name": "shop", "labels": labels}}
    assert verdict(git, owned(live)) is None
    live["metadata"]["labels"]["kubernetes.io/metadata.name"] = "other"
    assert verdict(git, owned(live)) is not None


def test_limits_imply_defaults() -> None:
    def limit_range(*limits: JsonObject) -> JsonObject:
        return obj("v1", "LimitRange", spec={"limits": list(limits)})

    pod = {"type": "Pod", "max": {"cpu": "4"}}
    git = limit_range(
        {"type": "Container", "max": {"cpu": "2", "memory": "1Gi"}, "default": {"cpu": "1"}}, pod
    )
    full = {"cpu": "1", "memory": "1Gi"}
    limit = {"type": "Container", "max": {"cpu": "2", "memory": "1Gi"}}
    live = limit_range({**limit, "default": full, "defaultRequest": full}, pod)
    assert verdict(git, owned(live, DELIVERED)) is None
    changed = limit_range({**limit, "default": full, "defaultRequest": {**full, "cpu": "1m"}}, pod)
    path = "/spec/limits/0/defaultRequest/cpu"
    assert [change[1] for change in changes(git, owned(changed, DELIVERED))] == [path]


def test_an_autoscalers_behavior_is_completed() -> None:
    spec = {"maxReplicas": 3, "scaleTargetRef": {"kind": "Deployment", "name": "web"}}

    def autoscaler(**behavior: Any) -> JsonObject:
        full = {**spec, "behavior": behavior}
        return obj("autoscaling/v2", "HorizontalPodAutoscaler", spec=full)

    up: dict[str, Any] = {
        "stabilizationWindowSeconds": 30,
        "selectPolicy": "Max",
        "policies": [
            {"type": "Pods", "value": 4, "periodSeconds": 15},
            {"type": "Percent", "value": 100, "periodSeconds": 15},
        ],
    }
    down = {
        "selectPolicy": "Max",
        "policies": [{"type": "Percent", "value": 100, "periodSeconds": 15}],
    }
    git = autoscaler(scaleUp={"stabilizationWindowSeconds": 30, "policies": None})
    assert verdict(git, owned(autoscaler(scaleUp=up, scaleDown=down), DELIVERED)) is None
    fewer = autoscaler(scaleUp={**up, "policies": up["policies"][1:]}, scaleDown=down)
    edited = entry("kubectl-edit", {"f:spec": {"f:behavior": {"f:scaleUp": {"f:policies": {}}}}})
    assert [change[:2] for change in changes(git, owned(fewer, DELIVERED, edited))] == [
        ("add", "/spec/behavior/scaleUp/policies")
    ]


def test_what_an_autoscaler_of_v1_keeps_as_text() -> None:
    prefix = "autoscaling.alpha.kubernetes.io/"

    def autoscaler(**notes: Any) -> JsonObject:
        made = obj("autoscaling/v1", "HorizontalPodAutoscaler", spec={"maxReplicas": 3})
        texts = {f"{prefix}{name}": orjson.dumps(value).decode() for name, value in notes.items()}
        made["metadata"]["annotations"] = texts
        return made

    slow: dict[str, Any] = {"StabilizationWindowSeconds": 60}
    git = autoscaler(metrics=[{"type": "Resource"}], behavior={"ScaleDown": slow}, conditions=[1])
    usual = {"Type": "Percent", "Value": 100, "PeriodSeconds": 15}
    pods = {"Type": "Pods", "Value": 4, "PeriodSeconds": 15}
    down = {"SelectPolicy": "Max", "Policies": [usual], "Tolerance": None}
    up: dict[str, Any] = {
        "StabilizationWindowSeconds": 0,
        "SelectPolicy": "Max",
        "Policies": [pods, usual],
    }
    up["Tolerance"] = None
    behavior = {"ScaleUp": up, "ScaleDown": slow | down}
    live = autoscaler(metrics=[{"type": "Resource"}], behavior=behavior)
    text = live["metadata"]["annotations"][f"{prefix}metrics"]
    live["metadata"]["annotations"][f"{prefix}metrics"] = text.replace(":", " : ")
    assert verdict(git, owned(live, DELIVERED)) is None
    up["SelectPolicy"] = "Min"
    live = autoscaler(metrics=[{"type": "Pods"}], behavior=behavior)
    assert [change[1] for change in changes(git, owned(live, DELIVERED))] == [
        f"/metadata/annotations/{prefix.replace('/', '~1')}{name}"
        for name in ("behavior", "metrics")
    ]


def _toleration(name: str, **fields: Any) -> JsonObject:
    usual = {"operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300}
    return {"key": f"node.kubernetes.io/{name}", **usual, **fields}


_USUAL = [_toleration("not-ready"), _toleration("unreachable")]


@pytest.mark.parametrize(
    ("git", "live", "places"),
    [
        (None, _USUAL, []),
        (None, _USUAL[:1], []),
        ([_toleration("own")], [_toleration("own"), *_USUAL], []),
        ([_toleration("not-ready", tolerationSeconds=9)], [
            _toleration("not-ready", tolerationSeconds=9), _USUAL[1],
        ], []),
        # Who changes one of them owns all.
        (None, [_toleration("not-ready", tolerationSeconds=9), _USUAL[1]], ["/spec/tolerations"]),
        (None, [_USUAL[1], _USUAL[1]], ["/spec/tolerations"]),
        ([_toleration("own")], [_toleration("other"), *_USUAL], ["/spec/tolerations/0/key"]),
        ([_toleration("own")], [_toleration("own"), _toleration("new"), *_USUAL],
         ["/spec/tolerations/1"]),
    ],
)  # fmt: skip
def test_the_tolerations_that_every_pod_is_given(git: Any, live: Any, places: list[str]) -> None:
    edited = entry("kubectl-edit", {"f:spec": {"f:tolerations": {}}})
    wanted = obj("v1", "Pod", spec={} if git is None else {"tolerations": git})
    found = owned(obj("v1", "Pod", spec={"tolerations": live}), DELIVERED, edited)
    assert [change[1] for change in changes(wanted, found)] == places


def test_the_taints_of_a_nodes_condition() -> None:
    own = {"key": "dedicated", "value": "gpu", "effect": "NoSchedule"}
    cordoned = {"key": "node.kubernetes.io/unschedulable", "effect": "NoSchedule"}
    foreign = {"key": "example.com/broken", "effect": "NoSchedule"}
    git = obj("v1", "Node", spec={"taints": [own]})

    def places(*taints: JsonObject) -> list[str]:
        live = owned(obj("v1", "Node", spec={"taints": list(taints)}), DELIVERED)
        return [change[1] for change in changes(git, live)]

    assert places(own, cordoned) == []
    assert places(cordoned, own) == []
    assert places(own, foreign, cordoned) == ["/spec/taints/1"]
    git["spec"]["taints"].append({"key": "node.kubernetes.io/not-ready", "effect": "NoExecute"})
    assert places(own) == []
    assert places(own, cordoned) == []
    assert places() == ["/spec/taints/0"]


def test_the_label_that_every_namespace_has() -> None:
    own = {"kubernetes.io/metadata.name": "shop"}
    bare, labelled = (
        obj("v1", "Namespace", metadata={"name": "shop", "labels": labels}) for labels in ({}, own)
    )
    assert verdict(bare, owned(labelled, DELIVERED)) is None
    assert verdict(labelled, owned(labelled, DELIVERED)) is None
    wrong = obj("v1", "Namespace", metadata={"name": "shop", "labels": dict.fromkeys(own, "x")})
    assert verdict(wrong, owned(labelled, DELIVERED)) is not None


def test_endpoints_are_regrouped() -> None:
    a, b = {"ip": "10.0.0.1"}, {"ip": "10.0.0.2"}
    http, dns = {"port": 80, "name": "http"}, {"port": 53, "name": "dns", "protocol": "UDP"}
    git = obj("v1", "Endpoints", subsets=[{"addresses": [b, a], "ports": [http, dns]}])
    full = {**http, "protocol": "TCP"}
    live: dict[str, Any] = obj(
        "v1",
        "Endpoints",
        subsets=[{"addresses": [a, b], "ports": [dns]}, {"addresses": [a, b], "ports": [full]}],
    )
    assert verdict(git, owned(live, DELIVERED)) is None
    live["subsets"][0]["notReadyAddresses"] = live["subsets"][0].pop("addresses")
    assert verdict(git, owned(live, DELIVERED)) is not None


def test_a_daemon_sets_template_generation() -> None:
    note = {"deprecated.daemonset.template.generation": "7"}
    git = obj("apps/v1", "DaemonSet", spec={"selector": {}})
    live = obj("apps/v1", "DaemonSet", spec={"selector": {}}, metadata={"annotations": note})
    assert verdict(git, owned(live)) is None


@pytest.mark.parametrize(
    ("api_version", "kind", "parts"),
    [
        ("v1", "Secret", {"data": "x", "stringData": [1]}),
        ("v1", "Endpoints", {"subsets": [1, {"addresses": 2, "ports": "x"}]}),
        ("v1", "LimitRange", {"spec": {"limits": ["x", {"type": "Container", "max": 1}]}}),
        ("v1", "Pod", {"spec": {"tolerations": "x"}}),
        ("v1", "Namespace", {"metadata": {"labels": 1}}),
        ("batch/v1", "Job", {"spec": {"template": []}}),
        ("autoscaling/v2", "HorizontalPodAutoscaler", {"spec": {"behavior": {"scaleUp": 1}}}),
        ("rbac.authorization.k8s.io/v1", "ClusterRole", {"aggregationRule": "x", "rules": 1}),
        (
            "admissionregistration.k8s.io/v1",
            "ValidatingWebhookConfiguration",
            {"webhooks": ["x", {"clientConfig": 1}, {}]},
        ),
        ("apiextensions.k8s.io/v1", "CustomResourceDefinition", {"spec": {"conversion": 1}}),
        ("apiregistration.k8s.io/v1", "APIService", {"spec": None}),
    ],
)
def test_nonsense_is_compared_too(api_version: str, kind: str, parts: JsonObject) -> None:
    nonsense = obj(api_version, kind, **orjson.loads(orjson.dumps(parts)))
    sense = obj(api_version, kind)
    for git, live in ((nonsense, sense), (sense, nonsense)):
        found = verdict(git, owned(live))
        assert found is None or found.changes
