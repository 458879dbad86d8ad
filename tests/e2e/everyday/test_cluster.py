"""What the cluster does of itself, and people to it."""

from __future__ import annotations

import json
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import pytest

from e2e.everyday.team import DEPLOYMENT, SENT
from harness.waiting import until

if TYPE_CHECKING:
    from e2e.everyday.team import Team


def autoscale(team: Team) -> None:
    """Have an autoscaler see to the replicas, and wait until it has."""
    team.kubectl("autoscale", "deployment/web", "--min=3", "--max=5")
    found = "jsonpath={.spec.replicas}"
    until(lambda: team.kubectl("get", "deployment/web", "-o", found) == "3", "it has scaled")


@pytest.mark.parametrize("flags", [(), ("--server-side",)])
def test_an_autoscaler_scales_and_a_person_does(team: Team, flags: tuple[str, ...]) -> None:
    team.apply(DEPLOYMENT, flags=flags)
    autoscale(team)
    assert team.told() == {}
    team.kubectl("delete", "hpa/web")
    team.kubectl("scale", "deployment/web", "--replicas=2")
    assert team.told() == {"/spec/replicas": ("Live", "kubectl")}


OPEN = {**DEPLOYMENT, "spec": {**DEPLOYMENT["spec"]}}
del OPEN["spec"]["replicas"]


@pytest.mark.parametrize("way", SENT)
def test_a_person_scales_what_git_leaves_open(team: Team, way: str) -> None:
    """Where nobody owns the replicas, the API server does not note who scales."""
    team.apply(OPEN, flags=SENT[way])
    for replicas in (4, 0, 2):
        team.kubectl("scale", "deployment/web", f"--replicas={replicas}")
        assert list(team.told()) == ["/spec/replicas"], replicas
    team.kubectl("scale", "deployment/web", "--replicas=1")
    assert team.told() == {}


@pytest.mark.parametrize("way", SENT)
@pytest.mark.parametrize("git", [OPEN, DEPLOYMENT])
def test_an_autoscaler_scales_after_all_was_off(team: Team, way: str, git: dict[str, Any]) -> None:
    """Who scales to 0 takes the replicas from whoever owned them."""
    team.apply(git, flags=SENT[way])
    for replicas in (0, 2):
        team.kubectl("scale", "deployment/web", f"--replicas={replicas}")
    autoscale(team)
    assert team.told() == {}
    team.kubectl("delete", "hpa/web")
    team.kubectl("scale", "deployment/web", "--replicas=5")
    assert list(team.told()) == ["/spec/replicas"]


def test_who_may_not_list_autoscalers_does_not_know_who_scales(team: Team) -> None:
    team.apply(OPEN, flags=("--server-side",))
    team.kubectl("scale", "deployment/web", "--replicas=2")
    team.kubectl("create", "role", "reader", "--verb=get,list", "--resource=deployments.apps")
    team.kubectl(
        "create",
        "rolebinding",
        "reader",
        "--role=reader",
        f"--serviceaccount={team.namespace}:default",
    )
    account = team.plane.service_account_kubeconfig(team.namespace, "default")
    assert replace(team, kubeconfig=account).read_only() == {}
    assert list(team.read_only()) == ["/spec/replicas"]


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


def role(team: Team, name: str, **rest: Any) -> dict[str, Any]:
    metadata = {"name": f"{team.namespace}-{name}", "labels": rest.pop("labels", {})}
    kind = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole"}
    return {**kind, "metadata": metadata, "rules": [], **rest}


def rules(resource: str) -> list[dict[str, Any]]:
    return [{"apiGroups": [""], "resources": [resource], "verbs": ["get"]}]


def test_roles_are_aggregated(team: Team) -> None:
    label = f"to-{team.namespace}"
    selector = {"clusterRoleSelectors": [{"matchLabels": {label: "yes"}}]}
    whole = role(team, "whole", aggregationRule=selector)
    part = role(team, "part", labels={label: "yes"}, rules=rules("pods"))
    # Who gives a role has to have what it gives.
    team.apply(whole, part)
    name = f"clusterrole/{whole['metadata']['name']}"
    until(lambda: "pods" in team.kubectl("get", name, "-o", "yaml"), "its rules")
    assert team.told() == {}
    (more,) = rules("secrets")
    patch = [{"op": "add", "path": "/rules/-", "value": more}]
    team.patch(f"clusterrole/{part['metadata']['name']}", patch)
    assert team.told() == {"/rules/1": ("Live", "kubectl-patch")}


def test_a_role_was_aggregated_for_a_moment(team: Team) -> None:
    label = f"to-{team.namespace}"
    other = role(team, "other", labels={label: "yes"}, rules=rules("secrets"))
    team.kubectl("create", "-f", "-", stdin=json.dumps(other))
    few = role(team, "few", rules=rules("pods"))
    team.apply(few)
    assert team.told() == {}
    name = f"clusterrole/{few['metadata']['name']}"
    selector = {"clusterRoleSelectors": [{"matchLabels": {label: "yes"}}]}
    team.patch(name, {"aggregationRule": selector})
    until(lambda: "secrets" in team.kubectl("get", name, "-o", "yaml"), "its rules")
    theirs = ("Live", "clusterrole-aggregation-controller")
    told = {"/rules/0/resources/0": theirs}
    assert team.told() == told | {"/aggregationRule": ("Live", "kubectl-patch")}
    team.patch(name, {"aggregationRule": None})
    assert team.told() == told


def test_tokens_claims_and_ports_are_given_by_controllers(team: Team) -> None:
    token = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "token", "annotations": {"kubernetes.io/service-account.name": "web"}},
        "type": "kubernetes.io/service-account-token",
    }
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "web"}}
    storage = {"storageClassName": team.namespace}
    disk, wanted = volume(team, **storage), claim(**storage)
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "web"},
        "spec": {"type": "LoadBalancer", "selector": {"app": "web"}, "ports": [{"port": 80}]},
    }
    team.apply(account, token, disk, wanted, service)
    name = "jsonpath={.spec.volumeName}{.spec.claimRef.name}{.data.namespace}"
    for each in ("secret/token", "pvc/claim", f"pv/{disk['metadata']['name']}"):
        get = ("get", each, "-o", name)
        until(partial(team.kubectl, *get), f"{each} is filled in")
    assert team.told() == {}


def claim(**spec: Any) -> dict[str, Any]:
    needs = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    head = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "claim"}}
    return {**head, "spec": needs | spec}


def volume(team: Team, **spec: Any) -> dict[str, Any]:
    has = {
        "accessModes": ["ReadWriteOnce"],
        "capacity": {"storage": "1Gi"},
        "hostPath": {"path": "/nowhere"},
    }
    head = {"apiVersion": "v1", "kind": "PersistentVolume"}
    return {**head, "metadata": {"name": f"volume-{team.namespace}"}, "spec": has | spec}


def wait_until_bound(team: Team) -> None:
    phase = ("get", "pvc/claim", "-o", "jsonpath={.status.phase}")
    until(lambda: team.kubectl(*phase) == "Bound", "the claim to be bound")


def test_a_volume_and_a_claim_that_name_each_other(team: Team) -> None:
    named = volume(team, claimRef={"namespace": team.namespace, "name": "claim"})
    team.apply(named, claim(storageClassName="", volumeName=named["metadata"]["name"]))
    wait_until_bound(team)
    assert team.told() == {}


def test_a_person_gives_a_volume_to_a_claim(team: Team) -> None:
    team.apply(volume(team, storageClassName=team.namespace))
    assert team.told() == {}
    name = f"pv/volume-{team.namespace}"
    given = {"spec": {"claimRef": {"namespace": team.namespace, "name": "claim"}}}
    team.patch(name, given)
    told = {"/spec/claimRef": ("Live", "kubectl-patch")}
    assert team.told() == told
    wanted = claim(storageClassName=team.namespace)
    team.kubectl("create", "-f", "-", stdin=json.dumps(wanted))
    wait_until_bound(team)
    assert team.told() == told


@pytest.mark.parametrize("flags", [(), ("--server-side",)])
def test_a_person_changes_an_autoscaler_in_a_newer_version(
    team: Team, flags: tuple[str, ...]
) -> None:
    autoscaler = {
        "apiVersion": "autoscaling/v1",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "web"},
        "spec": {
            "minReplicas": 2,
            "maxReplicas": 5,
            "targetCPUUtilizationPercentage": 70,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
        },
    }
    team.apply(autoscaler, flags=flags)
    assert team.told() == {}
    target = {"type": "Utilization", "averageUtilization": 20}
    metrics = [
        {"type": "Resource", "resource": {"name": name, "target": target}}
        for name in ("memory", "cpu")
    ]
    team.patch("hpa.v2.autoscaling/web", {"spec": {"metrics": metrics}})
    assert team.told().keys() == {
        "/spec/targetCPUUtilizationPercentage",
        "/metadata/annotations/autoscaling.alpha.kubernetes.io~1metrics",
    }


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


# As kubectl wrote them into files when v1 was all there was.
NOTES = {
    "conditions": [{"type": "AbleToScale", "status": "True", "reason": "Said", "message": "ok"}],
    "metrics": [
        {"type": "Resource", "resource": {"name": "memory", "targetAverageUtilization": 80}}
    ],
    "behavior": {
        "ScaleDown": {
            "StabilizationWindowSeconds": 60,
            "SelectPolicy": "Max",
            "Policies": [{"Type": "Percent", "Value": 10, "PeriodSeconds": 60}],
        }
    },
}


@pytest.mark.parametrize("way", SENT)
def test_an_autoscaler_keeps_as_text_what_its_version_has_no_fields_for(
    team: Team, way: str
) -> None:
    prefix = "autoscaling.alpha.kubernetes.io/"
    autoscaler = {
        "apiVersion": "autoscaling/v1",
        "kind": "HorizontalPodAutoscaler",
        "metadata": {
            "name": "web",
            "annotations": {f"{prefix}{name}": json.dumps(note) for name, note in NOTES.items()},
        },
        "spec": {
            "maxReplicas": 5,
            "targetCPUUtilizationPercentage": 70,
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"},
        },
    }
    team.apply(autoscaler, flags=SENT[way])
    assert team.told() == {}
    autoscaler["spec"]["maxReplicas"] = 6  # type: ignore[index]
    team.apply(autoscaler, flags=SENT[way])
    assert team.told() == {}
    patch = '{"spec":{"behavior":{"scaleDown":{"stabilizationWindowSeconds":90}}}}'
    team.kubectl("patch", "hpa.v2.autoscaling/web", "--type=merge", "-p", patch)
    assert list(team.told()) == [f"/metadata/annotations/{prefix.replace('/', '~1')}behavior"]
