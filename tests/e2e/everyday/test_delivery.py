"""How objects are delivered, and what becomes of them on the way."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from e2e.everyday.team import CHART, ENV, PARTS, POD, SENT, deployment, parts, web
from harness.waiting import a_second_later

if TYPE_CHECKING:
    from e2e.everyday.team import Team


@pytest.mark.parametrize("flag", ["--server-side=true", "--server-side=false"])
def test_helm_rolls_back(team: Team, flag: str) -> None:
    for name, text in CHART.items():
        file = team.folder / name
        file.parent.mkdir(exist_ok=True)
        file.write_text(text)

    def helm(*arguments: str) -> None:
        team.plane.helm(*arguments, "-n", team.namespace, flag)

    helm("install", "web", str(team.folder))
    assert team.told() == {}
    helm("upgrade", "web", str(team.folder), "--set", "colour=blue,extra=true")
    assert team.told() == {"/data/colour": ("Live", "helm"), "/data/extra": ("LeftBehind", "helm")}
    helm("rollback", "web", "1")
    assert team.told() == {}
    helm("rollback", "web", "2")
    assert team.told() == {"/data/colour": ("Live", "helm"), "/data/extra": ("LeftBehind", "helm")}


@pytest.mark.parametrize("command", ["create", "apply", "apply --server-side"])
def test_strategies_of_the_api_server_change_what_is_sent(team: Team, command: str) -> None:
    selector = {"matchLabels": {"app": "web"}}
    term = {"topologyKey": "zone", "labelSelector": selector, "matchLabelKeys": ["version"]}
    spread = {**term, "maxSkew": 1, "whenUnsatisfiable": "DoNotSchedule"}
    (container,) = POD["containers"]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "web", "labels": {"version": "one"}},
        "spec": {
            "affinity": {"podAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [term]}},
            "containers": [{**container, "ports": [{"containerPort": 8080}]}],
            "hostNetwork": True,
            "terminationGracePeriodSeconds": -5,
            "topologySpreadConstraints": [spread],
        },
    }
    account = {
        "apiVersion": "v1",
        "kind": "ServiceAccount",
        "metadata": {"name": "web"},
        "secrets": [{"name": "key", "namespace": team.namespace, "kind": "Secret"}],
    }
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "web"},
        "spec": {
            "accessModes": ["ReadWriteOnce"],
            "resources": {"requests": {"storage": "1Gi"}},
            "dataSource": {"apiGroup": "example.com", "kind": "Disk", "name": "old"},
        },
    }
    (team.folder / "all.yaml").write_text(yaml.safe_dump_all([pod, account, claim]))
    team.kubectl(*command.split(), "-f", str(team.folder))
    assert team.told() == {}
    team.kubectl("label", "pod/web", "--overwrite", "version=two")
    team.kubectl("patch", "serviceaccount/web", "--type=merge", "-p", '{"secrets":[{"name":"b"}]}')
    assert set(team.told()) == {"/metadata/labels/version", "/secrets/0"}


@pytest.mark.parametrize("way", SENT)
def test_what_the_api_server_keeps_though_delivery_has_dropped_it(team: Team, way: str) -> None:
    def objects(strings: dict[str, str], **pod: str) -> tuple[dict[str, Any], ...]:
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"}}
        return deployment(**pod), {**secret, "stringData": strings}

    before = objects({"a": "b", "gone": "c"}, serviceAccountName="strong")
    team.apply(*before, flags=SENT[way])
    assert team.told() == {}
    a_second_later()
    team.apply(*objects({"a": "b"}), flags=SENT[way])
    name = "jsonpath={.spec.template.spec.serviceAccountName}"
    assert team.kubectl("get", "deployment/web", "-o", name) == "strong"
    who = "kubectl-client-side-apply" if way == "csa" else ""
    assert team.told() == {
        "/spec/template/spec/serviceAccountName": ("LeftBehind", who),
        "/data/gone": ("LeftBehind", who),
    }


def test_what_was_sent_without_a_note_of_it_is_left_behind(team: Team) -> None:
    create = ("create", "--field-manager=argocd-controller", "-f", "-")
    team.kubectl(*create, stdin=json.dumps(web("A", "B")))
    (team.folder / "all.yaml").write_text(json.dumps(web("A")))
    assert team.told() == {ENV.format(1): ("LeftBehind", "argocd-controller")}


@pytest.mark.parametrize("command", ["create", "apply", "apply --server-side"])
def test_null_in_a_secret_and_in_labels(team: Team, command: str) -> None:
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "metadata": {"name": "keys", "labels": {"empty": None}, "annotations": {"none": None}},
        "data": {"a": None, "b": "eA=="},
        "stringData": {"c": None, "d": "y"},
    }
    (team.folder / "all.yaml").write_text(json.dumps(secret))
    team.kubectl(*command.split(), "-f", str(team.folder))
    assert team.told() == {}
    team.kubectl("patch", "secret/keys", "--type=merge", "-p", '{"data":{"b":"eQ==","a":"eA=="}}')
    who = ("Live", "kubectl-patch")
    assert team.told() == {"/data/a": who, "/data/b": who}


@pytest.mark.parametrize("flags", [(), ("--server-side", "--force-conflicts")])
def test_a_person_applies_what_a_tool_delivers(team: Team, flags: tuple[str, ...]) -> None:
    """What is more in his file has never been in Git."""
    team.apply(web("A"), flags=SENT["flux"])
    team.kubectl("apply", *flags, "-f", "-", stdin=json.dumps(web("A", "B")))
    who = "kubectl" if flags else "kubectl-client-side-apply"
    assert team.told() == {ENV.format(1): ("Live", who)}


@pytest.mark.parametrize("way", SENT)
def test_what_git_drops_of_what_is_owned_as_a_whole_is_left_behind(team: Team, way: str) -> None:
    team.apply(*parts("pods", "services"), flags=SENT[way])
    assert team.told() == {}
    (team.folder / "all.yaml").write_text(yaml.safe_dump_all(parts("pods")))
    who = {"csa": "kubectl-client-side-apply", "server-side": "kubectl"}
    sender = who.get(way, "kustomize-controller")
    assert team.told() == dict.fromkeys(PARTS, ("LeftBehind", sender))
    # What somebody puts there beside is his.
    patch = [{"op": "add", "path": "/spec/selector/more", "value": "x"}]
    team.kubectl("patch", "service/parts", "--type=json", "-p", json.dumps(patch))
    assert team.told()["/spec/selector/more"] == ("Live", "kubectl-patch")


@pytest.mark.parametrize("flag", ["--server-side=true", "--server-side=false"])
def test_what_a_chart_drops_of_what_is_owned_as_a_whole_is_left_behind(
    team: Team, flag: str
) -> None:
    team.chart(*parts("pods", "services"))
    team.helm("install", flag)
    assert team.told() == {}
    team.chart(*parts("pods"))
    assert team.told() == dict.fromkeys(PARTS, ("LeftBehind", "helm"))
