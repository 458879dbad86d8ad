"""Every place is found where the meaning differs, and no other."""

from __future__ import annotations

from typing import Any

import pytest

from leadsman.compare.kinds.nodes import UNKNOWN
from leadsman.compare.walk import differences
from leadsman.model.identity import Gvk
from unit.compare.samples import (
    DELIVERED,
    WIDGET,
    changes,
    deployment,
    owned,
    schema_of,
    served,
    verdict,
    widget,
)


def pod(**fields: Any) -> dict[str, Any]:
    return deployment(fields)


def in_sync(git: Any, live: Any) -> bool:
    return verdict(git, owned(live, DELIVERED)) is None


def found(git: Any, live: Any) -> list[tuple[str, str]]:
    return [change[:2] for change in changes(git, owned(live, DELIVERED))]


_POD = "/spec/template/spec"


@pytest.mark.parametrize(
    ("git", "live"),
    [
        # Null and empty against absent.
        ({"nodeSelector": None}, {}),
        ({"nodeSelector": {}}, {}),
        ({"tolerations": []}, {}),
        ({"tolerations": None}, {}),
        ({}, {"volumes": None}),
        # Zeros of plain fields.
        ({"hostNetwork": False, "hostname": "", "priorityClassName": ""}, {}),
        # What the API server writes.
        ({"schedulerName": ""}, {"schedulerName": "default-scheduler"}),
        ({"dnsPolicy": None}, {"dnsPolicy": "ClusterFirst"}),
        ({"volumes": [{"name": "a"}]}, {"volumes": [{"name": "a", "emptyDir": {}}]}),
        (
            {"volumes": [{"name": "a", "secret": {"secretName": "s"}}]},
            {"volumes": [{"name": "a", "secret": {"secretName": "s", "defaultMode": 420}}]},
        ),
        # A deprecated alias, either way.
        ({"serviceAccount": "a"}, {"serviceAccount": "a", "serviceAccountName": "a"}),
        ({"serviceAccountName": "a"}, {"serviceAccount": "a", "serviceAccountName": "a"}),
        # Fields that the API server does not know are pruned.
        ({"unheardOf": {"a": 1}}, {}),
    ],
)
def test_the_same_pod(git: Any, live: Any) -> None:
    assert in_sync(pod(**git), served(pod(**live)))


@pytest.mark.parametrize(
    ("git", "live", "place"),
    [
        # Zeros of pointers.
        ({"automountServiceAccountToken": False}, {}, ("remove", "/automountServiceAccountToken")),
        ({"hostUsers": False}, {"hostUsers": True}, ("replace", "/hostUsers")),
        # A plain field's zero is Git's word as long as it is not what is written by default.
        ({"hostNetwork": False}, {"hostNetwork": True}, ("replace", "/hostNetwork")),
        ({"hostname": ""}, {"hostname": "x"}, ("replace", "/hostname")),
        ({"schedulerName": ""}, {"schedulerName": "mine"}, ("replace", "/schedulerName")),
        ({"nodeName": "a"}, {}, ("remove", "/nodeName")),
        # A pointer to an empty struct has a meaning, and so has its absence.
        (
            {"volumes": [{"name": "a", "emptyDir": {}}]},
            {"volumes": [{"name": "a", "configMap": {"name": "x"}}]},
            ("remove", "/volumes/0/emptyDir"),
        ),
        ({"affinity": {"nodeAffinity": {}}}, {}, ("remove", "/affinity")),
        # Atomic: more than Git has is another meaning.
        (
            {"nodeSelector": {"a": "b"}},
            {"nodeSelector": {"a": "b", "c": "d"}},
            ("add", "/nodeSelector/c"),
        ),
        (
            {"tolerations": [{"key": "a"}]},
            {"tolerations": [{"key": "a", "operator": "Exists"}]},
            ("add", "/tolerations/0/operator"),
        ),
        ({"tolerations": [{"key": "a"}]}, {"tolerations": None}, ("remove", "/tolerations")),
    ],
)
def test_another_pod(git: Any, live: Any, place: tuple[str, str]) -> None:
    op, path = place
    assert (op, _POD + path) in found(pod(**git), served(pod(**live)))


def containers(*given: Any) -> dict[str, Any]:
    return pod(containers=list(given))


_C = f"{_POD}/containers/0"


@pytest.mark.parametrize(
    ("git", "live"),
    [
        ({"resources": {"limits": {"cpu": 1}}}, {"resources": {"limits": {"cpu": "1"}}}),
        ({"resources": {"limits": {"cpu": "1000m"}}}, {"resources": {"limits": {"cpu": "1"}}}),
        ({"resources": {"limits": {"cpu": 0.0001}}}, {"resources": {"limits": {"cpu": "1m"}}}),
        (
            {"resources": {"limits": {"memory": "1024Mi"}}},
            {"resources": {"limits": {"memory": "1Gi"}}},
        ),
        ({"resources": None}, {"resources": {}}),
        ({"resources": {"limits": {}}}, {"resources": {}}),
        ({"stdin": False, "args": [], "env": None}, {}),
        ({"ports": [{"containerPort": 80}]}, {"ports": [{"containerPort": 80, "protocol": "TCP"}]}),
        (
            {"ports": [{"containerPort": 53, "protocol": "UDP"}, {"containerPort": 53}]},
            {
                "ports": [
                    {"containerPort": 53, "protocol": "TCP"},
                    {"containerPort": 53, "protocol": "UDP"},
                ]
            },
        ),
        (
            {"env": [{"name": "A", "value": ""}, {"name": "B", "value": "1"}]},
            {"env": [{"name": "B", "value": "1"}, {"name": "A"}]},
        ),
        # Two of one name: the last one wins.
        (
            {"env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}]},
            {"env": [{"name": "A", "value": "2"}]},
        ),
        (
            {"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "p"}}}]},
            {
                "env": [
                    {"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "p", "apiVersion": "v1"}}}
                ]
            },
        ),
        (
            {"env": [{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "r"}}}]},
            {
                "env": [
                    {
                        "name": "A",
                        "valueFrom": {"resourceFieldRef": {"resource": "r", "divisor": "0"}},
                    }
                ]
            },
        ),
        (
            {"livenessProbe": {"httpGet": {"port": 80, "path": ""}, "timeoutSeconds": 0}},
            {
                "livenessProbe": {
                    "httpGet": {"port": 80, "path": "/", "scheme": "HTTP"},
                    "timeoutSeconds": 1,
                    "periodSeconds": 10,
                    "successThreshold": 1,
                    "failureThreshold": 3,
                }
            },
        ),
        ({"image": "a"}, {"image": "a", "imagePullPolicy": "Always"}),
        ({"image": "a:latest"}, {"image": "a:latest", "imagePullPolicy": "Always"}),
        ({"image": "h:5000/a"}, {"image": "h:5000/a", "imagePullPolicy": "Always"}),
        ({"image": "a@sha256:0"}, {"image": "a@sha256:0", "imagePullPolicy": "IfNotPresent"}),
        ({"image": "<none>"}, {"image": "<none>", "imagePullPolicy": "IfNotPresent"}),
    ],
)
def test_the_same_container(git: Any, live: Any) -> None:
    base = {"name": "web", "image": "nginx:1.25"}
    assert in_sync(containers({**base, **git}), served(containers({**base, **live})))


@pytest.mark.parametrize(
    ("git", "live", "place"),
    [
        ({"args": ["a", "b"]}, {"args": ["b", "a"]}, ("replace", "/args/0")),
        ({"args": ["a", "b"]}, {"args": ["b"]}, ("remove", "/args/0")),
        ({"args": ["a", "b"]}, {"args": ["a", "x", "b"]}, ("add", "/args/1")),
        ({"stdin": True}, {}, ("remove", "/stdin")),
        ({"resources": {"limits": {"cpu": "0"}}}, {}, ("remove", "/resources/limits/cpu")),
        (
            {"resources": {"limits": {"cpu": "1"}}},
            {"resources": {"limits": {"cpu": "1001m"}}},
            ("replace", "/resources/limits/cpu"),
        ),
        (
            {"env": [{"name": "A", "value": "1"}]},
            {"env": [{"name": "B"}, {"name": "A", "value": "2"}]},
            ("replace", "/env/1/value"),
        ),
        ({"env": [{"name": "A"}]}, {"env": [{"name": "B"}]}, ("remove", "/env/0")),
        # The last one of a collection, with which the API server leaves out the collection.
        ({"env": [{"name": "A"}]}, {}, ("remove", "/env/0")),
        ({"securityContext": {}}, {}, ("remove", "/securityContext")),
        (
            {"ports": [{"containerPort": 80}]},
            {"ports": [{"containerPort": 80, "protocol": "UDP"}]},
            ("remove", "/ports/0"),
        ),
    ],
)
def test_another_container(git: Any, live: Any, place: tuple[str, str]) -> None:
    base = {"name": "web", "image": "nginx:1.25"}
    op, path = place
    assert (op, _C + path) in found(
        containers({**base, **git}), served(containers({**base, **live}))
    )


@pytest.mark.parametrize(
    ("git", "live"),
    [
        ({"memory": "1000m"}, {"memory": "1"}),
        ({"memory": 1}, {"memory": "1"}),
        ({"timeout": "60m"}, {"timeout": "1h0m0s"}),
        ({"retry": "60s"}, {"retry": "1m"}),
        ({"at": "2026-01-01T01:00:00+01:00"}, {"at": "2026-01-01T00:00:00Z"}),
        ({"blob": "aGk="}, {"blob": "aGk"}),
        ({"size": 1}, {"size": 1.0}),
        # Null is dropped, or kept where the schema allows it.
        ({"size": None}, {"size": 3}),
        ({"note": None}, {"note": None}),
        # Defaults that are only live.
        ({}, {"size": 3}),
        ({}, {"limits": {"cpu": "1", "burst": False}}),
        ({"rules": [{"name": "a"}]}, {"rules": [{"name": "a", "weight": 1}]}),
        # Pruned.
        ({"gone": 1, "self": {"gone": [1]}}, {"self": {}}),
        # Sets and maps.
        ({"tags": ["a", "b"]}, {"tags": ["b", "a"]}),
        (
            {"parts": [{"name": "a"}, {"name": "b"}]},
            {"parts": [{"name": "b"}, {"name": "a"}]},
        ),
    ],
)
def test_the_same_custom_resource(git: Any, live: Any) -> None:
    assert in_sync(widget(git), widget(live))


@pytest.mark.parametrize(
    ("git", "live", "op", "path"),
    [
        # Custom resources keep their zeros and what is empty.
        ({"enabled": False}, {}, "remove", "/enabled"),
        ({"size": 0}, {"size": 3}, "replace", "/size"),
        ({"self": {}}, {}, "remove", "/self"),
        ({"values": {"a": []}}, {"values": {}}, "remove", "/values/a"),
        ({"note": None}, {"note": "x"}, "replace", "/note"),
        ({"port": 80}, {"port": "80"}, "replace", "/port"),
        # A null that may be stored, and was taken away.
        ({"note": None}, {}, "remove", "/note"),
        ({"values": {"a": None}}, {"values": {}}, "remove", "/values/a"),
        ({"values": {"a": None}}, {"values": {"a": 1}}, "replace", "/values/a"),
        ({"values": {"a": True}}, {"values": {"a": 1}}, "replace", "/values/a"),
        ({"values": {"a": "1"}}, {"values": {"a": 1}}, "replace", "/values/a"),
        ({"values": {"a": {}}}, {"values": {"a": []}}, "replace", "/values/a"),
        ({"values": {"a": [1, 2]}}, {"values": {"a": [2, 1]}}, "replace", "/values/a/0"),
        ({"values": {"a": [[True]]}}, {"values": {"a": [[1]]}}, "replace", "/values/a/0/0"),
        ({"rules": [{"name": "a"}]}, {"rules": []}, "remove", "/rules/0"),
        ({"rules": []}, {"rules": [{"name": "a"}]}, "add", "/rules/0"),
        (
            {"rules": [{"name": "a"}]},
            {"rules": [{"name": "a", "weight": 2}]},
            "add",
            "/rules/0/weight",
        ),
        ({"tags": ["a"]}, {"tags": ["b"]}, "remove", "/tags/0"),
        ({"self": {"gone": 1}}, {"self": {"gone": 2}}, "replace", "/self/gone"),
        ({"memory": "1Gi"}, {"memory": "1G"}, "replace", "/memory"),
        ({"timeout": "1m"}, {"timeout": "1s"}, "replace", "/timeout"),
    ],
)
def test_another_custom_resource(git: Any, live: Any, op: str, path: str) -> None:
    assert (op, f"/spec{path}") in found(widget(git), widget(live))


def test_a_network_policy_peer_may_be_empty() -> None:
    def policy(*peers: Any, **spec: Any) -> dict[str, Any]:
        return {
            "apiVersion": "networking.k8s.io/v1",
            "kind": "NetworkPolicy",
            "metadata": {"name": "x", "namespace": "shop"},
            "spec": {"podSelector": {}, "ingress": [{"from": list(peers)}], **spec},
        }

    here: dict[str, Any] = {"podSelector": {}}
    everywhere = {"namespaceSelector": {}, **here}
    types = {"policyTypes": ["Ingress"]}
    assert in_sync(policy(here), policy(here, **types))
    path = "/spec/ingress/0/from/0/namespaceSelector"
    assert found(policy(everywhere), policy(here, **types)) == [("remove", path)]
    assert found(policy(here), policy(everywhere, **types)) == [("add", path)]
    selected = policy(here, podSelector={"matchLabels": {"a": "b"}}, **types)
    assert found(policy(here), selected) == [("add", "/spec/podSelector/matchLabels")]
    assert found(policy(here), policy(here, policyTypes=["Egress"])) == []


def test_subjects_have_a_usual_group() -> None:
    def binding(*subjects: Any) -> dict[str, Any]:
        return {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "x", "namespace": "shop"},
            "roleRef": {"kind": "Role", "name": "r", "apiGroup": "rbac.authorization.k8s.io"},
            "subjects": list(subjects),
        }

    user = {"kind": "User", "name": "a"}
    group = {"apiGroup": "rbac.authorization.k8s.io"}
    assert in_sync(binding(user), binding({**user, **group}))
    assert found(binding(user), binding({**user, "apiGroup": "x"})) == [
        ("add", "/subjects/0/apiGroup")
    ]
    account = {"kind": "ServiceAccount", "name": "a", "namespace": "b"}
    assert found(binding(account), binding({**account, **group})) != []


def test_labels_keep_what_is_empty() -> None:
    git, live = deployment(), served(deployment())
    git["metadata"]["labels"]["empty"] = ""
    assert found(git, live) == [("remove", "/metadata/labels/empty")]


def test_claims_in_a_stateful_set() -> None:
    def stateful_set(claim: Any) -> dict[str, Any]:
        spec = {"selector": {}, "template": {}, "volumeClaimTemplates": [claim]}
        metadata = {"name": "x", "namespace": "shop"}
        return {"apiVersion": "apps/v1", "kind": "StatefulSet", "metadata": metadata, "spec": spec}

    spec = {"accessModes": ["ReadWriteOnce"]}
    git = stateful_set({"metadata": {"name": "d"}, "spec": spec})
    live = stateful_set(
        {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "d", "creationTimestamp": None},
            "spec": {**spec, "volumeMode": "Filesystem"},
            "status": {"phase": "Pending"},
        }
    )
    assert in_sync(git, live)


def test_a_definitions_own_schema() -> None:
    def crd(schema: Any) -> dict[str, Any]:
        versions = [{"name": "v1", "served": True, "storage": True, "schema": schema}]
        names = {"kind": "Thing", "plural": "things"}
        spec = {"group": "a.b", "names": names, "scope": "Namespaced", "versions": versions}
        metadata = {"name": "things.a.b"}
        kind = "CustomResourceDefinition"
        version = "apiextensions.k8s.io/v1"
        return {"apiVersion": version, "kind": kind, "metadata": metadata, "spec": spec}

    def props(**fields: Any) -> Any:
        return {"openAPIV3Schema": {"type": "object", "properties": {"a": fields}}}

    git = crd(props(type="array", items={"type": "string", "description": "", "nullable": False}))
    live = crd(props(type="array", items={"type": "string"}))
    live["spec"]["names"] |= {"listKind": "ThingList", "singular": "thing"}
    live["spec"]["conversion"] = {"strategy": "None"}
    assert in_sync(git, live)
    place = "/spec/versions/0/schema/openAPIV3Schema/properties/a"
    default = crd(props(type="boolean", default=False))
    assert found(default, crd(props(type="boolean"))) == [("remove", f"{place}/default")]
    minimum = crd(props(type="integer", minimum=0))
    assert found(minimum, crd(props(type="integer"))) == [("remove", f"{place}/minimum")]


def test_without_a_schema() -> None:
    def same(git: Any, live: Any) -> bool:
        return not differences(git, live, UNKNOWN)

    assert same({"a": 1, "b": None, "c": {}, "d": []}, {"a": 1.0})
    assert same({"a": {"b": {"c": None}}}, {"a": None})
    assert same({}, {"a": {}, "b": None})
    # Zero may have a meaning, so that it counts.
    assert not same({"a": False}, {})
    assert not same({"a": ""}, {})
    assert not same({"a": [1, 2]}, {"a": [2, 1]})
    assert not same({"a": True}, {"a": 1})
    one, other = {"name": "a", "x": 1}, {"name": "b"}
    assert same({"containers": [one, other]}, {"containers": [other, one]})
    assert not same({"list": [one, other]}, {"list": [other, one]})
    assert not same({"containers": [one, one]}, {"containers": [one]})


def test_a_value_of_another_kind() -> None:
    schema = schema_of(Gvk("", "v1", "ConfigMap"))
    assert schema is not None
    places = {
        (difference.op, difference.steps)
        for difference in differences(
            {"data": {"a": "1", "b": "2"}}, {"data": {"a": {}, "b": [1]}}, schema.root
        )
    }
    assert places == {("replace", ("data", "a")), ("replace", ("data", "b"))}


def test_depth_is_no_limit() -> None:
    def nested(depth: int, leaf: Any) -> Any:
        value = leaf
        for _ in range(depth):
            value = {"a": [value]}
        return value

    schema = schema_of(WIDGET)
    assert schema is not None
    git, live = ({"spec": {"values": nested(400, leaf)}} for leaf in (1, 2))
    (difference,) = differences(git, live, schema.root)
    assert (difference.desired, difference.live) == (1, 2)
    assert len(difference.steps) == 2 + 2 * 400
