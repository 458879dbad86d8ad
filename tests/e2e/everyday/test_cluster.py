"""What the cluster does of itself, and people to it."""

from __future__ import annotations

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from e2e.everyday.team import DEPLOYMENT
from harness.waiting import until

if TYPE_CHECKING:
    from e2e.everyday.team import Team


@pytest.mark.parametrize("flags", [(), ("--server-side",)])
def test_an_autoscaler_scales_and_a_person_does(team: Team, flags: tuple[str, ...]) -> None:
    team.apply(DEPLOYMENT, flags=flags)
    team.kubectl("autoscale", "deployment/web", "--min=3", "--max=5")
    replicas = "jsonpath={.spec.replicas}"
    until(lambda: team.kubectl("get", "deployment/web", "-o", replicas) == "3", "it has scaled")
    assert team.told() == {}
    team.kubectl("delete", "hpa/web")
    team.kubectl("scale", "deployment/web", "--replicas=2")
    assert team.told() == {"/spec/replicas": ("Live", "kubectl")}


def test_a_restart_and_a_pause_are_a_persons(team: Team) -> None:
    team.apply(DEPLOYMENT)
    team.kubectl("rollout", "restart", "deployment/web")
    team.kubectl("rollout", "pause", "deployment/web")
    restarted = "/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt"
    told = team.told()
    assert told == {
        restarted: ("Live", "kubectl-rollout"),
        "/spec/paused": ("Live", "kubectl-rollout"),
    }


def test_a_node_is_cordoned_and_tainted(team: Team) -> None:
    node = {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": f"node-{team.namespace}", "labels": {"rack": "one"}},
        "spec": {"taints": [{"key": "for", "value": "ci", "effect": "NoSchedule"}]},
    }
    name = node["metadata"]["name"]  # type: ignore[index]
    team.apply(node)
    assert team.told() == {}
    team.kubectl("cordon", name)
    assert team.told() == {"/spec/unschedulable": ("Live", "kubectl")}
    team.kubectl("uncordon", name)
    assert team.told() == {}
    team.kubectl("taint", "node", name, "night=yes:NoExecute")
    assert list(team.told().values()) == [("Live", "kubectl-taint")]


def test_a_namespace_is_labelled(team: Team) -> None:
    name = f"{team.namespace}-more"
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
    team.apply(space)
    assert team.told() == {}
    team.kubectl("label", "namespace", name, "pod-security.kubernetes.io/enforce=privileged")
    label = "/metadata/labels/pod-security.kubernetes.io~1enforce"
    assert team.told() == {label: ("Live", "kubectl-label")}
    team.kubectl("delete", "namespace", name, "--wait=false")


def test_roles_are_aggregated(team: Team) -> None:
    label = f"to-{team.namespace}"

    def role(name: str, **rest: Any) -> dict[str, Any]:
        metadata = {"name": f"{team.namespace}-{name}", "labels": rest.pop("labels", {})}
        kind = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole"}
        return {**kind, "metadata": metadata, "rules": [], **rest}

    rules = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
    whole = role(
        "whole", aggregationRule={"clusterRoleSelectors": [{"matchLabels": {label: "yes"}}]}
    )
    part = role("part", labels={label: "yes"}, rules=rules)
    # Who gives a role has to have what it gives.
    team.apply(whole, part)
    name = whole["metadata"]["name"]
    until(lambda: "pods" in team.kubectl("get", f"clusterrole/{name}", "-o", "yaml"), "its rules")
    assert team.told() == {}
    more = [{"op": "add", "path": "/rules/-", "value": {**rules[0], "resources": ["secrets"]}}]
    team.kubectl(
        "patch", f"clusterrole/{part['metadata']['name']}", "--type=json", "-p", json.dumps(more)
    )
    assert team.told() == {"/rules/1": ("Live", "kubectl-patch")}


def test_tokens_claims_and_ports_are_given_by_controllers(team: Team) -> None:
    token = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "token", "annotations": {"kubernetes.io/service-account.name": "web"}},
        "type": "kubernetes.io/service-account-token",
    }
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "web"}}
    volume = {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": f"volume-{team.namespace}"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "capacity": {"storage": "1Gi"},
            "hostPath": {"path": "/nowhere"},
            "storageClassName": team.namespace,
        },
    }
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "claim"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
            "storageClassName": team.namespace,
        },
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": {"type": "LoadBalancer", "selector": {"app": "web"}, "ports": [{"port": 80}]},
    }
    team.apply(account, token, volume, claim, service)
    name = "jsonpath={.spec.volumeName}{.spec.claimRef.name}{.data.namespace}"
    for each in ("secret/token", "pvc/claim", f"pv/{volume['metadata']['name']}"):  # type: ignore[index]
        get = ("get", each, "-o", name)
        until(partial(team.kubectl, *get), f"{each} is filled in")
    assert team.told() == {}


@pytest.mark.parametrize("command", ["create", "apply", "apply --server-side"])
def test_an_ingress_gets_the_class_that_is_the_default(team: Team, command: str) -> None:
    name = f"class-{team.namespace}"
    default = {"ingressclass.kubernetes.io/is-default-class": "true"}
    ingress_class = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "IngressClass",
        "metadata": {"name": name, "annotations": default},
        "spec": {"controller": "example.com/none"},
    }
    backend = {"service": {"name": "web", "port": {"number": 80}}}
    ingress = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": "web"},
        "spec": {"ingressClassName": None, "defaultBackend": backend},
    }
    team.kubectl("create", "-f", "-", stdin=json.dumps(ingress_class))
    (team.folder / "all.yaml").write_text(json.dumps(ingress))
    team.kubectl(*command.split(), "-f", str(team.folder))
    assert team.kubectl("get", "ingress/web", "-o", "jsonpath={.spec.ingressClassName}") == name
    assert team.told() == {}
    patch = json.dumps({"spec": {"ingressClassName": "other"}})
    team.kubectl("patch", "ingress/web", "--type=merge", "-p", patch)
    assert team.told() == {"/spec/ingressClassName": ("Live", "kubectl-patch")}
    team.kubectl("delete", "ingressclass", name)
