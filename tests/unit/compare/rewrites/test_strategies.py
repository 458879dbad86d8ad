"""What the API server's strategies make of an object is what Git says."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from leadsman.model.finding import ABSENT
from unit.compare.samples import changes, entry, owned, verdict

TERM: dict[str, Any] = {
    "topologyKey": "zone",
    "labelSelector": {"matchLabels": {"app": "web"}},
    "matchLabelKeys": ["version"],
    "mismatchLabelKeys": ["tenant"],
}
LOOKED_UP: list[dict[str, Any]] = [
    {"key": "version", "operator": "In", "values": ["one"]},
    {"key": "tenant", "operator": "NotIn", "values": ["b"]},
]
SENDER = entry("kubectl", {"f:spec": {"f:containers": {}}}, "Apply")


def pod(**spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "namespace": "shop", "labels": {"version": "one"}},
        "spec": {"containers": [{"name": "web", "image": "web:1"}], **spec},
    }


def looked_up(term: dict[str, Any], *more: dict[str, Any]) -> dict[str, Any]:
    return {**term, "labelSelector": {**term["labelSelector"], "matchExpressions": list(more)}}


def affinity(term: dict[str, Any]) -> dict[str, Any]:
    preferred = {"weight": 1, "podAffinityTerm": term}
    return {
        "podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]},
        "podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [preferred]},
    }


def test_labels_that_a_pod_is_matched_by_are_looked_up() -> None:
    git = pod(affinity=affinity(TERM))
    assert verdict(git, owned(pod(affinity=affinity(looked_up(TERM, *LOOKED_UP))), SENDER)) is None
    other = {"key": "region", "operator": "In", "values": ["one"]}
    told = changes(git, owned(pod(affinity=affinity(looked_up(TERM, *LOOKED_UP, other))), SENDER))
    assert len(told) == 2


def test_constraints_of_a_pods_spread_too() -> None:
    constraint = {
        "maxSkew": 1,
        "topologyKey": "zone",
        "whenUnsatisfiable": "DoNotSchedule",
        "labelSelector": {"matchLabels": {"app": "web"}},
        "matchLabelKeys": ["version"],
    }
    git = pod(topologySpreadConstraints=[constraint])
    live = pod(topologySpreadConstraints=[looked_up(constraint, LOOKED_UP[0])])
    assert verdict(git, owned(live, SENDER)) is None
    wrong = pod(topologySpreadConstraints=[looked_up(constraint, LOOKED_UP[1])])
    assert changes(git, owned(wrong, SENDER))


def test_a_negative_grace_period_is_a_second() -> None:
    git = pod(terminationGracePeriodSeconds=-5)
    assert verdict(git, owned(pod(terminationGracePeriodSeconds=1), SENDER)) is None
    assert changes(git, owned(pod(terminationGracePeriodSeconds=2), SENDER))


def test_a_port_on_the_hosts_network_is_the_hosts() -> None:
    def on_host(**port: int) -> dict[str, Any]:
        web = {"name": "web", "image": "web:1", "ports": [{"containerPort": 80, **port}]}
        return pod(hostNetwork=True) | {"spec": {"hostNetwork": True, "containers": [web]}}

    port: Any = {'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:hostPort": {}}}
    container = {'k:{"name":"web"}': {"f:ports": port}}
    creator = entry("kubectl-create", {"f:spec": {"f:containers": container}})
    assert verdict(on_host(), owned(on_host(hostPort=80), creator)) is None
    assert changes(on_host(), owned(on_host(hostPort=81), creator))


def test_what_a_pod_is_limited_to_alone_it_requests() -> None:
    def limited(**requests: str) -> dict[str, Any]:
        resources = {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": requests}
        return pod(containers=[{"name": "web", "image": "web:1", "resources": resources}])

    requests: Any = {"f:resources": {"f:requests": {".": {}, "f:memory": {}}}}
    container = {'k:{"name":"web"}': requests}
    creator = entry("kubectl-create", {"f:spec": {"f:containers": container}})
    git = limited(cpu="100m")
    assert verdict(git, owned(limited(cpu="100m", memory="1Gi"), creator)) is None
    path = "/spec/containers/0/resources/requests/memory"
    told = changes(git, owned(limited(cpu="100m", memory="2Gi"), creator))
    assert told == [("replace", path, "1Gi", "2Gi")]


def test_templates_request_what_they_say() -> None:
    def template(**resources: Any) -> dict[str, Any]:
        container = {"name": "web", "image": "web:1", "resources": resources}
        return {
            "apiVersion": "v1",
            "kind": "ReplicationController",
            "metadata": {"name": "web", "namespace": "shop"},
            "spec": {"template": {"spec": {"containers": [container]}}},
        }

    limits = {"cpu": "1"}
    told = changes(template(limits=limits), template(limits=limits, requests=limits))
    path = "/spec/template/spec/containers/0/resources/requests/cpu"
    assert told == [("add", path, ABSENT, "1")]


def test_what_containers_share_is_their_sum_or_its_limit() -> None:
    def shared(**resources: Any) -> dict[str, Any]:
        own = {"requests": {"memory": "1Gi"}, "limits": {"hugepages-2Mi": "2Mi"}}
        container = {"name": "web", "image": "web:1", "resources": own}
        return pod(containers=[container], resources=resources)

    def live(**requests: str) -> dict[str, Any]:
        limits = {"cpu": "2", "memory": "2Gi", "hugepages-2Mi": "2Mi"}
        found = shared(limits=limits, requests=requests | {"hugepages-2Mi": "2Mi"})
        own = found["spec"]["containers"][0]["resources"]
        own["requests"] = own["requests"] | own["limits"]
        fields: Any = {name: {".": {}} for name in ("f:limits", "f:requests")}
        for name in limits:
            for field in fields.values():
                field[f"f:{name}"] = {}
        return owned(found, entry("kubectl-create", {"f:spec": {"f:resources": fields}}))

    git = shared(limits={"cpu": "2", "memory": "2Gi"})
    assert verdict(git, live(cpu="2", memory="1Gi")) is None
    path = "/spec/resources/requests/cpu"
    assert changes(git, live(cpu="1", memory="1Gi")) == [("replace", path, "2", "1")]


def test_a_reference_to_a_secret_is_a_name() -> None:
    def account(*secrets: dict[str, Any]) -> dict[str, Any]:
        return {
            "apiVersion": "v1",
            "kind": "ServiceAccount",
            "metadata": {"name": "web", "namespace": "shop"},
            "secrets": list(secrets),
        }

    git = account({"name": "key", "namespace": "shop", "kind": "Secret"})
    before = deepcopy(git)
    sender = entry("kubectl", {"f:metadata": {"f:labels": {}}}, "Apply")
    assert verdict(git, owned(account({"name": "key"}), sender)) is None
    assert git == before
    assert changes(git, owned(account({"name": "other"}), sender))


@pytest.mark.parametrize(
    ("source", "is_kept"),
    [
        ({"apiGroup": "example.com", "kind": "Disk", "name": "a"}, False),
        ({"kind": "PersistentVolumeClaim", "name": "a"}, True),
        ({"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "a"}, True),
    ],
)
def test_a_source_of_data_that_nobody_knows_is_dropped(
    source: dict[str, Any], *, is_kept: bool
) -> None:
    def claim(**spec: Any) -> dict[str, Any]:
        return {
            "apiVersion": "v1",
            "kind": "PersistentVolumeClaim",
            "metadata": {"name": "web", "namespace": "shop"},
            "spec": {"accessModes": ["ReadWriteOnce"], **spec},
        }

    sender = entry("kubectl", {"f:spec": {"f:accessModes": {}, "f:dataSource": {}}}, "Apply")
    assert bool(changes(claim(dataSource=source), owned(claim(), sender))) is is_kept
    assert verdict(claim(dataSource=source), owned(claim(dataSource=source), sender)) is None
