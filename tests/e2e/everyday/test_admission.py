"""What admission makes of objects, and people beside it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from e2e.everyday.team import DEPLOYMENT, POD, SENT, deployment
from harness.jars import define, jar
from harness.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from e2e.everyday.team import Team

APPLIES = ["apply", "apply --server-side"]
TEXT = {"type": "string"}


def pod(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "web"}, "spec": POD | spec}


@pytest.fixture
def classes(team: Team) -> Iterator[str]:
    """A class of runtimes, and one of priorities that is the default; both of one name."""
    metadata = {"name": f"class-{team.namespace}"}
    runtime = {
        "apiVersion": "node.k8s.io/v1",
        "kind": "RuntimeClass",
        "metadata": metadata,
        "handler": "x",
        "overhead": {"podFixed": {"cpu": "1"}},
        "scheduling": {
            "nodeSelector": {"runtime": "x"},
            "tolerations": [{"key": "runtime", "operator": "Exists", "effect": "NoSchedule"}],
        },
    }
    priority = {
        "apiVersion": "scheduling.k8s.io/v1",
        "kind": "PriorityClass",
        "metadata": metadata,
        "globalDefault": True,
        "value": 5,
    }
    for each in (runtime, priority):
        team.kubectl("create", "-f", "-", stdin=json.dumps(each))
    yield metadata["name"]
    for kind in ("runtimeclass", "priorityclass"):
        team.kubectl("delete", kind, metadata["name"])


def test_a_pod_gets_what_its_classes_want(team: Team, classes: str) -> None:
    team.git(
        pod(
            runtimeClassName=classes,
            nodeSelector={"a": "b"},
            priorityClassName="",
            tolerations=[{"key": "mine", "operator": "Exists"}],
        )
    )
    name = "jsonpath={.spec.priorityClassName}/{.spec.overhead.cpu}"
    sent = ("apply", "-f", str(team.folder), "-o", name)
    until(lambda: team.kubectl(*sent, "--dry-run=server") == f"{classes}/1", "the classes")
    team.kubectl(*sent)
    assert team.told() == {}


@pytest.mark.parametrize("command", ["create", *APPLIES])
def test_a_pod_gets_requests_by_its_limits(team: Team, command: str) -> None:
    (container,) = POD["containers"]
    some = {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "100m"}}
    whole = pod(resources={"limits": {"cpu": "2"}, "requests": {"memory": "1Gi"}})
    whole["metadata"] = {"name": "whole"}
    job = {
        "apiVersion": "batch/v1",
        "kind": "Job",
        "metadata": {"name": "job"},
        "spec": {"template": {"spec": {**POD, "restartPolicy": "Never"}}},
    }
    team.git(pod(containers=[{**container, "resources": some}]), whole, job)
    team.kubectl(*command.split(), "-f", str(team.folder))
    assert team.told() == {}


@pytest.mark.parametrize("flags", [(), ("--server-side",)])
def test_a_field_that_the_api_server_drops(team: Team, flags: tuple[str, ...]) -> None:
    """A feature of it is off."""
    (container,) = POD["containers"]
    stopped = {**container, "lifecycle": {"stopSignal": "SIGUSR1"}}
    team.apply(deployment(os={"name": "linux"}, containers=[stopped]), flags=flags)
    assert team.told() == {}


def register(team: Team, name: str, how: str, resource: tuple[str, str], **spec: Any) -> None:
    """Have a policy, Mutating or Validating, see what is written in the namespace."""
    head = {"apiVersion": "admissionregistration.k8s.io/v1", "metadata": {"name": name}}
    group, plural = resource
    rule = {
        "apiGroups": [group],
        "apiVersions": ["v1"],
        "resources": [plural],
        "operations": ["CREATE", "UPDATE"],
    }
    space = {"matchLabels": {"kubernetes.io/metadata.name": team.namespace}}
    match = {"resourceRules": [rule], "namespaceSelector": space}
    spec |= {"failurePolicy": "Fail", "matchConstraints": match}
    bound: dict[str, Any] = {"policyName": name}
    if how == "Validating":
        bound["validationActions"] = ["Deny"]
    policy = {**head, "kind": f"{how}AdmissionPolicy", "spec": spec}
    binding = {**head, "kind": f"{how}AdmissionPolicyBinding", "spec": bound}
    for body in (policy, binding):
        team.plane.kubectl("apply", "-f", "-", stdin=json.dumps(body))


def mutate(team: Team, resource: tuple[str, str], expression: str) -> None:
    name = f"mutate-{resource[1]}-{team.namespace}"
    mutations = [{"patchType": "JSONPatch", "jsonPatch": {"expression": expression}}]
    register(team, name, "Mutating", resource, reinvocationPolicy="Never", mutations=mutations)


def send(team: Team, command: str, word: str) -> None:
    """Deliver the folder, once admission puts a word there."""
    sent = (*command.split(), "-f", str(team.folder), "-o", "yaml")
    until(lambda: word in team.kubectl(*sent, "--dry-run=server"), "the policy")
    assert word in team.kubectl(*sent)


@pytest.mark.parametrize("command", APPLIES)
def test_a_policy_sets_the_account(team: Team, command: str) -> None:
    place = "/spec/template/spec/serviceAccountName"
    add = f'[JSONPatch{{op: "add", path: "{place}", value: "platform"}}]'
    team.git(DEPLOYMENT)
    mutate(team, ("apps", "deployments"), add)
    send(team, command, "platform")
    assert team.told() == {}


@pytest.mark.parametrize("command", APPLIES)
def test_a_policy_adds_to_a_secret(team: Team, command: str) -> None:
    head = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"}}
    team.git({**head, "data": {"a": "eA=="}})
    mutate(team, ("", "secrets"), '[JSONPatch{op: "add", path: "/data/ca", value: "eQ=="}]')
    send(team, command, "ca: eQ==")
    assert team.told() == {}


def injects(*path: str, value: Any) -> Any:
    """Return a webhook's decision to add an element to a list that has it not."""

    def decide(request: dict[str, Any]) -> list[dict[str, Any]]:
        given = request["object"]
        for step in path:
            given = given[step]
        place = f"/{'/'.join(path)}/-"
        return [] if value in given else [{"op": "add", "path": place, "value": value}]

    return decide


def test_a_person_changes_an_element_beside_one_that_a_webhook_adds(team: Team) -> None:
    path = ("spec", "template", "spec", "tolerations")
    tolerations = [{"key": key, "operator": "Exists"} for key in ("a", "b", "added")]
    body = deployment(tolerations=tolerations[:2])
    team.git(body)
    with team.webhook("deployments", injects(*path, value=tolerations[2])):
        team.apply(body)
        assert team.told() == {}
        place = f"/{'/'.join(path)}/0/key"
        team.patch("deployment/web", [{"op": "replace", "path": place, "value": "evil"}])
        # Where the API server is not asked, the whole list is the person's by now.
        told = team.dry_run()
    assert told == {place: ("Live", "kubectl-patch")}


def test_a_person_changes_an_element_beside_one_that_a_webhook_adds_to_a_jar(team: Team) -> None:
    group = f"{team.namespace}.example"
    define(team.plane, group, v1={"hosts": {"type": "array", "items": TEXT}})
    body = jar(group, {"hosts": ["a", "b"]})
    team.git(body)
    with team.webhook("jars", injects("spec", "hosts", value="added"), group):
        team.apply(body)
        assert team.told() == {}
        change = [{"op": "replace", "path": "/spec/hosts/0", "value": "evil"}]
        team.patch(f"jars.{group}/one", change)
        told = team.dry_run()
    assert told == {"/spec/hosts/0": ("Live", "kubectl-patch")}


@pytest.mark.parametrize("way", ["csa", "server-side"])
def test_a_webhook_stamps_jars_that_an_old_version_is_served_of(team: Team, way: str) -> None:
    group = f"{team.namespace}.example"
    interval = {"interval": TEXT}
    define(team.plane, group, v1beta1=interval, v1=interval | {"name": TEXT})

    def decide(_request: dict[str, Any]) -> list[dict[str, Any]]:
        return [
            {"op": "add", "path": "/metadata/labels", "value": {"stamped": "yes"}},
            {"op": "replace", "path": "/spec/name", "value": "stamped"},
        ]

    body = jar(group, {"interval": "1m", "name": "a"})
    team.git(body)
    with team.webhook("jars", decide, group):
        team.apply(body, flags=SENT[way])
        read_only, dry_run = team.read_only(), team.dry_run()
    assert dry_run == {}
    # Of what was applied server-side there is no document.
    assert read_only == ({} if way == "csa" else {"/spec/name": ("Live", "kubectl")})


def test_the_policy_that_refuses_is_named_however_much_it_says(team: Team) -> None:
    name = f"all-configmaps-have-an-owner-and-a-cost-centre-and-a-data-class-{team.namespace}"
    text = "please read our handbook " * 16
    validations = [{"expression": "false", "message": text}]
    long = "the-settings-of-the-shop-of-the-team-of-the-division-of-the-company"
    team.git({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": long}, "data": {}})
    register(team, name, "Validating", ("", "configmaps"), validations=validations)
    assert name in until(team.refusal, "the policy to refuse it")


@pytest.mark.parametrize("way", SENT)
def test_git_has_a_quantity_that_is_none(team: Team, way: str) -> None:
    """Whoever delivers it is refused; what has drifted is told all the same."""
    limits = {"limits": {"memory": "512MB"}}
    wrong = deployment(containers=[{**POD["containers"][0], "resources": limits}])
    team.git(wrong)
    assert "quantities must match" in team.refusal()
    team.apply(DEPLOYMENT, flags=SENT[way])
    team.kubectl("scale", "deployment/web", "--replicas=0")
    team.git(wrong)
    assert "quantities must match" in team.refusal()
    assert "/spec/replicas" in team.read_only()
