"""What goes on in a cluster every day, and that both modes say the same of it."""

from __future__ import annotations

import json
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import partial
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from controlplane.plane import ControlPlane
from harness.operator import NAMESPACE, SERVICE_ACCOUNT, install
from harness.waiting import until
from leadsman.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from controlplane.toolchain import Tools

POD = {"containers": [{"name": "web", "image": "web:1"}]}
DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web"},
    "spec": {
        "replicas": 1,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": POD},
    },
}
CHART = {
    "Chart.yaml": "{apiVersion: v2, name: web, version: 0.1.0}",
    "values.yaml": "{colour: red, extra: false}",
    "templates/all.yaml": """\
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data:
  colour: {{ .Values.colour }}
  {{- if .Values.extra }}
  extra: "yes"
  {{- end }}
""",
}
# By path: why, and who.
Told = dict[str, tuple[str, str]]


@pytest.fixture(scope="module")
def control_plane(tools: Tools) -> Iterator[ControlPlane]:
    """A cluster whose autoscaler looks each second, with the permissions of both modes."""
    flags = ["--horizontal-pod-autoscaler-sync-period=1s"]
    with ControlPlane(tools, controller_manager_flags=flags) as plane:
        install(plane, "dry-run")
        yield plane


@dataclass(frozen=True, slots=True)
class Team:
    """A folder of manifests or with a chart, which is delivered to a namespace and checked."""

    plane: ControlPlane
    kubeconfig: Path
    namespace: str
    folder: Path
    cache: Path

    def kubectl(self, *arguments: str, stdin: str = "") -> str:
        return self.plane.kubectl(*arguments, "-n", self.namespace, stdin=stdin).stdout.strip()

    def apply(self, *objects: dict[str, Any], flags: tuple[str, ...] = ()) -> None:
        """Put objects into the folder, and deliver them."""
        text = yaml.safe_dump_all(objects)
        (self.folder / "all.yaml").write_text(text)
        self.kubectl("apply", *flags, "-f", "-", stdin=text)

    def told(self) -> Told:
        """Return what is said of all objects; the modes have to agree, and nothing is open."""
        read_only, dry_run = self.read_only(), self._told("DryRun")
        assert read_only == dry_run
        return read_only

    def read_only(self) -> Told:
        """Return what is said where the API server is not asked."""
        return self._told("ReadOnly")

    def _told(self, mode: str) -> Told:
        where = ("--target-namespace", self.namespace, "--kubeconfig", str(self.kubeconfig))
        kept = ("--cache-dir", str(self.cache))
        out = StringIO()
        # In this process: a new one would take longer to start than to check.
        with redirect_stdout(out):
            main(["check", str(self.folder), *where, *kept, "--mode", mode, "-o", "json"])
        status = json.loads(out.getvalue())[0]["status"]
        objects = status.get("objects", ())
        assert {item["state"] for item in objects} <= {"Modified", "Added"}, status
        assert (status["verdict"] == "InSync") is not bool(objects), status
        return {
            change["path"]: (change["cause"], change.get("manager", ""))
            for item in objects
            for change in item["changes"]
        }


@pytest.fixture
def team(
    control_plane: ControlPlane,
    namespace: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Team:
    """A team whose checks have the permissions of the operator in both modes."""
    monkeypatch.setenv("PATH", control_plane.tools.search_path())
    kubeconfig = control_plane.service_account_kubeconfig(NAMESPACE, SERVICE_ACCOUNT)
    folder = tmp_path / "git"
    folder.mkdir()
    return Team(control_plane, kubeconfig, namespace, folder, tmp_path / "cache")


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


def definition(group: str, spec: dict[str, Any]) -> dict[str, Any]:
    """Return the definition of jars, with the properties of their spec."""
    schema = {
        "type": "object",
        "properties": {"spec": {"type": "object", "properties": spec}},
    }
    version = {"name": "v1", "served": True, "storage": True}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"jars.{group}"},
        "spec": {
            "group": group,
            "names": {"kind": "Jar", "plural": "jars"},
            "scope": "Namespaced",
            "versions": [{**version, "schema": {"openAPIV3Schema": schema}}],
        },
    }


def jar(group: str, spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": f"{group}/v1",
        "kind": "Jar",
        "metadata": {"name": "one"},
        "spec": spec,
    }


def define(team: Team, group: str, spec: dict[str, Any]) -> None:
    """Have jars served, and described as they are defined."""

    def published() -> set[str]:
        if f"apis/{group}/v1" not in team.plane.api.get("/openapi/v3")["paths"]:
            return set()
        schemas = team.plane.api.get(f"/openapi/v3/apis/{group}/v1")["components"]["schemas"]
        (found,) = [schema for name, schema in schemas.items() if name.endswith(".Jar")]
        return set(found["properties"]["spec"]["properties"])

    team.kubectl("apply", "-f", "-", stdin=json.dumps(definition(group, spec)))
    team.kubectl("wait", "--for=condition=Established", f"crd/jars.{group}")
    until(lambda: published() == set(spec), "the schema is published")


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


SENT: dict[str, tuple[str, ...]] = {
    "csa": (),
    "server-side": ("--server-side",),
    "flux": ("--server-side", "--field-manager=kustomize-controller"),
}


@pytest.mark.parametrize("way", SENT)
def test_what_the_api_server_keeps_though_delivery_has_dropped_it(team: Team, way: str) -> None:
    def objects(strings: dict[str, str], **pod: str) -> tuple[dict[str, Any], ...]:
        template = {"metadata": {"labels": {"app": "web"}}, "spec": {**POD, **pod}}
        secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "keys"}}
        web = {**DEPLOYMENT, "spec": {**DEPLOYMENT["spec"], "template": template}}  # type: ignore[dict-item]
        return web, {**secret, "stringData": strings}

    before = objects({"a": "b", "gone": "c"}, serviceAccountName="strong")
    team.apply(*before, flags=SENT[way])
    assert team.told() == {}
    team.apply(*objects({"a": "b"}), flags=SENT[way])
    name = "jsonpath={.spec.template.spec.serviceAccountName}"
    assert team.kubectl("get", "deployment/web", "-o", name) == "strong"
    who = "kubectl-client-side-apply" if way == "csa" else ""
    assert team.told() == {
        "/spec/template/spec/serviceAccountName": ("LeftBehind", who),
        "/data/gone": ("LeftBehind", who),
    }


def test_what_was_sent_without_a_note_of_it_is_left_behind(team: Team) -> None:
    (container,) = POD["containers"]

    def web(*names: str) -> dict[str, Any]:
        env = [{"name": name, "value": "x"} for name in names]
        template = {
            "metadata": {"labels": {"app": "web"}},
            "spec": {"containers": [{**container, "env": env}]},
        }
        return {**DEPLOYMENT, "spec": {**DEPLOYMENT["spec"], "template": template}}  # type: ignore[dict-item]

    create = ("create", "--field-manager=argocd-controller", "-f", "-")
    team.kubectl(*create, stdin=json.dumps(web("A", "B")))
    (team.folder / "all.yaml").write_text(json.dumps(web("A")))
    path = "/spec/template/spec/containers/0/env/1"
    assert team.told() == {path: ("LeftBehind", "argocd-controller")}


def test_a_definition_gets_a_default_and_a_field_while_objects_live(team: Team) -> None:
    group = f"{team.namespace}.example"
    size, lid = {"size": {"type": "integer"}}, {"lid": {"type": "string"}}
    colour = {"colour": {"type": "string", "default": "red"}}
    define(team, group, size)
    # What the schema does not know is not stored.
    team.apply(jar(group, {"size": 1, "lid": "tin"}), flags=("--validate=false",))
    assert team.told() == {}
    define(team, group, size | colour)
    assert team.told() == {}
    # Now it would be stored, and is not there.
    define(team, group, size | colour | lid)
    told = {"/spec/lid": ("Live", "")}
    assert team.told() == told
    team.kubectl("patch", f"jars.{group}/one", "--type=merge", "-p", '{"spec":{"colour":"blue"}}')
    assert team.told() == told | {"/spec/colour": ("Live", "kubectl-patch")}


@pytest.mark.parametrize("way", SENT)
def test_a_definition_gives_a_field_another_type_while_objects_live(team: Team, way: str) -> None:
    """The API server lets them live on, and notes from then on no more who writes to them."""
    group = f"{team.namespace}.example"
    usual = {"colour": {"type": "string"}, "size": {"type": "integer"}}
    define(team, group, usual | {"mode": {"type": "string"}})
    team.apply(jar(group, {"colour": "red", "mode": "fast"}), flags=SENT[way])
    assert team.told() == {}
    define(team, group, usual | {"mode": {"type": "integer"}})
    patch = [
        {"op": "remove", "path": "/spec/colour"},
        {"op": "add", "path": "/spec/size", "value": 5},
    ]
    team.kubectl("patch", f"jars.{group}/one", "--type=json", "-p", json.dumps(patch))
    # Git's own mode is refused by now, so that DryRun says Rejected.
    told = team.read_only()
    assert told == {"/spec/colour": ("Live", ""), "/spec/size": ("Live", "")}


NULLS = {
    "open": {"type": "string", "nullable": True},
    "given": {"type": "string", "nullable": True, "default": "red"},
    "never": {"type": "string", "default": "red"},
}


@pytest.mark.parametrize(
    ("command", "former"),
    [
        ("create", None),
        ("apply", None),
        ("apply", "x"),
        ("apply --server-side", None),
        ("apply --server-side", "x"),
    ],
)
def test_null_in_git(team: Team, command: str, former: str | None) -> None:
    group = f"{team.namespace}.example"
    define(team, group, NULLS)
    if former is not None:
        before = jar(group, dict.fromkeys(NULLS, former))
        team.kubectl(*command.split(), "-f", "-", stdin=json.dumps(before))
    (team.folder / "all.yaml").write_text(json.dumps(jar(group, dict.fromkeys(NULLS))))
    team.kubectl(*command.split(), "-f", str(team.folder))
    assert team.told() == {}
    # To kubectl apply, null is the word to remove a field, after which the default is right.
    for given, is_drift in (("blue", True), ("red", command != "apply")):
        patch = {"spec": {"open": "x", "given": given}}
        team.kubectl("patch", f"jars.{group}/one", "--type=merge", "-p", json.dumps(patch))
        told = {"/spec/open": ("Live", "kubectl-patch")}
        if is_drift:
            told["/spec/given"] = ("Live", "kubectl-patch")
        assert team.told() == told, given


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


def test_an_object_of_one_and_a_half_megabytes(team: Team) -> None:
    group = f"{team.namespace}.example"
    define(team, group, {"lines": {"type": "array", "items": {"type": "string"}}})
    large = jar(group, {"lines": [f"line {number}" for number in range(115_200)]})
    assert len(json.dumps(large, separators=(",", ":"))) > 1_500_000
    team.apply(large, flags=("--server-side",))
    assert team.told() == {}
    place = "/spec/lines/115199"
    patch = [{"op": "replace", "path": place, "value": "other"}]
    team.kubectl("patch", f"jars.{group}/one", "--type=json", "-p", json.dumps(patch))
    assert team.told() == {place: ("Live", "kubectl-patch")}
