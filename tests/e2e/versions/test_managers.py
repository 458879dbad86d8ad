"""Who is told to have changed a field, after real kubectl and Helm have changed it."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from controlplane.plane import ControlPlane
    from e2e.drift.command import Leadsman

WEB = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, labels: {app: web, tier: front}, annotations: {team: shop}}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      dnsPolicy: Default
      hostNetwork: true
      containers:
      - name: web
        image: web:1
        args: [serve, --verbose]
        env: [{name: MODE, value: fast}, {name: "A.b-c", value: x}]
        ports: [{containerPort: 80}, {containerPort: 80, protocol: UDP}]
        resources: {limits: {cpu: 100m}}
"""


@dataclass(frozen=True, slots=True)
class Case:
    """A command, and what is told of it: by path, the operation, manager and how it wrote.

    ``{file}`` stands for a file with ``manifest``. A path with no manager names nobody.
    """

    name: str
    command: tuple[str, ...]
    told: tuple[tuple[str, tuple[str, str, str, str]], ...]
    manifest: str = ""
    editor: str = ""

    def named(self, text: str) -> str:
        """Have a text be about this case's own object."""
        return re.sub(
            r"(?<=name: )web\b(?=[,}])|(?<=deployment/)web", f"web-{self.name}", text, count=1
        )


REPLICAS = '{"spec": {"replicas": 4}}'
CONTAINER = "/spec/template/spec/containers/0"
DEPLOYMENT = "deployment/web"


def patch(body: Any, kind: str = "strategic", *more: str) -> tuple[str, ...]:
    return ("patch", DEPLOYMENT, f"--type={kind}", "-p", json.dumps(body), *more)


def json_patch(op: str, path: str, value: Any = None) -> tuple[str, ...]:
    return patch([{"op": op, "path": path, **({} if op == "remove" else {"value": value})}], "json")


CASES = (
    Case(
        "edit",
        ("edit", DEPLOYMENT),
        (
            (f"{CONTAINER}/image", ("replace", "kubectl-edit", "Update", "")),
            (f"{CONTAINER}/args/1", ("replace", "kubectl-edit", "Update", "")),
        ),
        editor="sed -i -e s/web:1/web:2/ -e s/--verbose/--quiet/",
    ),
    Case(
        "patch",
        patch({"spec": {"paused": True, "replicas": 3}}),
        (
            ("/spec/replicas", ("replace", "kubectl-patch", "Update", "")),
            ("/spec/paused", ("add", "kubectl-patch", "Update", "")),
        ),
    ),
    Case(
        "patch-scale",
        (
            "patch",
            DEPLOYMENT,
            "--subresource=scale",
            "--type=merge",
            "-p",
            '{"spec":{"replicas":4}}',
        ),
        (("/spec/replicas", ("replace", "kubectl-patch", "Update", "scale")),),
    ),
    Case(
        "scale",
        ("scale", DEPLOYMENT, "--replicas=5"),
        (("/spec/replicas", ("replace", "kubectl", "Update", "scale")),),
    ),
    Case(
        "set-image",
        ("set", "image", DEPLOYMENT, "web=web:3"),
        ((f"{CONTAINER}/image", ("replace", "kubectl-set", "Update", "")),),
    ),
    Case(
        "set-env",
        ("set", "env", DEPLOYMENT, "A.b-c=y", "NEW=1", "MODE-"),
        (
            (f"{CONTAINER}/env/0", ("remove", "", "", "")),
            (f"{CONTAINER}/env/0/value", ("replace", "kubectl-set", "Update", "")),
            (f"{CONTAINER}/env/1", ("add", "kubectl-set", "Update", "")),
        ),
    ),
    Case(
        "set-resources",
        ("set", "resources", DEPLOYMENT, "--limits=cpu=200m,memory=1Gi"),
        (
            (f"{CONTAINER}/resources/limits/cpu", ("replace", "kubectl-set", "Update", "")),
            (f"{CONTAINER}/resources/limits/memory", ("add", "kubectl-set", "Update", "")),
        ),
    ),
    Case(
        "label",
        ("label", DEPLOYMENT, "tier=back", "x.y/z=w", "--overwrite"),
        (
            ("/metadata/labels/tier", ("replace", "kubectl-label", "Update", "")),
            ("/metadata/labels/x.y~1z", ("add", "kubectl-label", "Update", "")),
        ),
    ),
    Case(
        "unlabel",
        ("label", DEPLOYMENT, "tier-"),
        (("/metadata/labels/tier", ("remove", "", "", "")),),
    ),
    Case(
        "annotate",
        ("annotate", DEPLOYMENT, "team=ops", "note=é e\u0301 <b>\u2028", "--overwrite"),
        (
            ("/metadata/annotations/team", ("replace", "kubectl-annotate", "Update", "")),
            ("/metadata/annotations/note", ("add", "kubectl-annotate", "Update", "")),
        ),
    ),
    Case(
        "rollout-restart",
        ("rollout", "restart", DEPLOYMENT),
        (
            (
                "/spec/template/metadata/annotations/kubectl.kubernetes.io~1restartedAt",
                ("add", "kubectl-rollout", "Update", ""),
            ),
        ),
    ),
    Case(
        "rollout-pause",
        ("rollout", "pause", DEPLOYMENT),
        (("/spec/paused", ("add", "kubectl-rollout", "Update", "")),),
    ),
    Case(
        "replace",
        ("replace", "-f", "{file}"),
        (
            ("/spec/replicas", ("replace", "kubectl-replace", "Update", "")),
            ("/metadata/labels/tier", ("remove", "", "", "")),
            (f"{CONTAINER}/ports/1", ("remove", "", "", "")),
            (f"{CONTAINER}/ports/1", ("add", "kubectl-replace", "Update", "")),
        ),
        manifest=WEB.replace("replicas: 2", "replicas: 7")
        .replace(", tier: front", "")
        .replace("{containerPort: 80, protocol: UDP}", "{containerPort: 81, protocol: UDP}"),
    ),
    Case(
        "another-file",
        ("apply", "-f", "{file}"),
        (("/spec/replicas", ("replace", "kubectl-client-side-apply", "Update", "")),),
        manifest=WEB.replace("replicas: 2", "replicas: 8"),
    ),
    Case(
        "another-file-server-side",
        ("apply", "--server-side", "--force-conflicts", "--field-manager=eve", "-f", "{file}"),
        (
            ("/spec/replicas", ("replace", "eve", "Apply", "")),
            ("/spec/minReadySeconds", ("add", "eve", "Apply", "")),
        ),
        manifest=(
            "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, "
            "spec: {replicas: 9, minReadySeconds: 3}}"
        ),
    ),
    Case(
        "a-list-that-is-owned-as-a-whole",
        json_patch("remove", f"{CONTAINER}/args/1"),
        ((f"{CONTAINER}/args/1", ("remove", "kubectl-patch", "Update", "")),),
    ),
    Case(
        "one-protocol-of-a-port",
        json_patch("replace", f"{CONTAINER}/ports/1/name", "dns"),
        ((f"{CONTAINER}/ports/1/name", ("add", "kubectl-patch", "Update", "")),),
    ),
    Case(
        "a-whole-container",
        json_patch("add", "/spec/template/spec/containers/-", {"name": "sidecar", "image": "s:1"}),
        (("/spec/template/spec/containers/1", ("add", "kubectl-patch", "Update", "")),),
    ),
    Case(
        "a-variable-twice",
        patch(
            [
                {
                    "op": "add",
                    "path": f"{CONTAINER}/env/-",
                    "value": {"name": "MODE", "value": "slow"},
                }
            ],
            "json",
        ),
        (
            (f"{CONTAINER}/env/0", ("add", "kubectl-patch", "Update", "")),
            (f"{CONTAINER}/env/2/value", ("replace", "kubectl-patch", "Update", "")),
        ),
    ),
    Case(
        "a-default-in-another-manifest",
        ("apply", "--server-side", "--force-conflicts", "--field-manager=eve", "-f", "{file}"),
        (("/spec/template/spec/dnsPolicy", ("replace", "eve", "Apply", "")),),
        manifest=(
            "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, "
            "spec: {template: {spec: {dnsPolicy: ClusterFirst}}}}"
        ),
    ),
    Case(
        "a-zero-that-is-not-stored",
        ("apply", "--server-side", "--force-conflicts", "--field-manager=eve", "-f", "{file}"),
        (("/spec/template/spec/hostNetwork", ("remove", "eve", "Apply", "")),),
        manifest=(
            "{apiVersion: apps/v1, kind: Deployment, metadata: {name: web}, "
            "spec: {template: {spec: {hostNetwork: false}}}}"
        ),
    ),
)


@pytest.fixture(scope="module", params=[("apply",), ("apply", "--server-side")], ids=" ".join)
def changes(
    request: pytest.FixtureRequest,
    control_plane: ControlPlane,
    leadsman: Leadsman,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, list[dict[str, Any]]]]:
    """All that is told once each case has happened to an object of its own, by the case's name."""
    git, files = tmp_path_factory.mktemp("git"), tmp_path_factory.mktemp("files")
    for case in CASES:
        (git / f"{case.name}.yaml").write_text(case.named(WEB))
        (files / f"{case.name}.yaml").write_text(case.named(case.manifest))
    with control_plane.namespace() as namespace:
        where = "-n", namespace
        control_plane.kubectl(*request.param, *where, "-f", git)
        assert told_of(leadsman, git, namespace) == []
        for case in CASES:
            command = case.named("\0".join(case.command)).split("\0")
            file = str(files / f"{case.name}.yaml")
            command = [argument.replace("{file}", file) for argument in command]
            control_plane.kubectl(*command, *where, editor=case.editor)
        found = {item["name"]: item for item in told_of(leadsman, git, namespace)}
        path = f"/apis/apps/v1/namespaces/{namespace}/deployments"
        for live in control_plane.api.get(path)["items"]:
            item = found.get(live["metadata"]["name"], {})
            times: dict[tuple[str, ...], Any] = {
                (entry["manager"], entry["operation"], entry.get("subresource", "")): entry.get(
                    "time"
                )
                for entry in live["metadata"]["managedFields"]
            }
            for change in item.get("changes", ()):
                assert change.get("time") == times.get(who(change))
        yield {name: item["changes"] for name, item in found.items()}


def told_of(leadsman: Leadsman, folder: Path, namespace: str) -> list[dict[str, Any]]:
    done = leadsman.check(str(folder), "--target-namespace", namespace, "-o", "json")
    assert done.code in {0, 1}, done.everything
    objects: list[dict[str, Any]] = json.loads(done.out)[0]["status"].get("objects", [])
    return objects


def who(change: dict[str, Any]) -> tuple[str, ...]:
    return tuple(change.get(name, "") for name in ("manager", "operation", "subresource"))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_change_is_told_with_who_made_it(
    changes: dict[str, list[dict[str, Any]]], case: Case
) -> None:
    told = {(change["op"], change["path"], *who(change)) for change in changes[f"web-{case.name}"]}
    assert told == {(op, path, *by) for path, (op, *by) in case.told}


AUTOSCALER = """
apiVersion: autoscaling/v2
kind: HorizontalPodAutoscaler
metadata: {name: %s}
spec:
  scaleTargetRef: {apiVersion: apps/v1, kind: Deployment, name: nothing}
  minReplicas: 1
  maxReplicas: 3
"""
METRICS = (
    "  metrics: [{type: Resource, resource: {name: cpu, "
    "target: {type: Utilization, averageUtilization: 70}}}]\n"
)


@pytest.mark.parametrize("how", [("apply",), ("apply", "--server-side")], ids=" ".join)
def test_who_writes_in_another_version_is_told(
    control_plane: ControlPlane,
    leadsman: Leadsman,
    namespace: str,
    tmp_path: Path,
    how: tuple[str, ...],
) -> None:
    file = tmp_path / "web.yaml"
    file.write_text(f"{AUTOSCALER % 'open'}---{AUTOSCALER % 'said'}{METRICS}")
    control_plane.kubectl(*how, "-n", namespace, "-f", file)
    assert told_of(leadsman, tmp_path, namespace) == []
    path = f"/apis/autoscaling/v1/namespaces/{namespace}/horizontalpodautoscalers"
    change = {"spec": {"minReplicas": 2, "targetCPUUtilizationPercentage": 55}}
    for name in ("open", "said"):
        control_plane.api.patch(f"{path}/{name}?fieldManager=eve", change)
    found = {item["name"]: item["changes"] for item in told_of(leadsman, tmp_path, namespace)}
    told = {
        name: {(change["op"], change["path"], *who(change)) for change in changes}
        for name, changes in found.items()
    }
    eve = "eve", "Update", ""
    target = "/spec/metrics/0/resource/target/averageUtilization"
    assert told == {
        "open": {("replace", "/spec/minReplicas", *eve), ("add", "/spec/metrics", *eve)},
        "said": {("replace", "/spec/minReplicas", *eve), ("replace", target, *eve)},
    }


def test_helm_with_other_values(
    control_plane: ControlPlane, leadsman: Leadsman, namespace: str, tmp_path: Path
) -> None:
    (tmp_path / "templates").mkdir()
    (tmp_path / "Chart.yaml").write_text("{apiVersion: v2, name: web, version: 1.0.0}")
    (tmp_path / "values.yaml").write_text("{replicas: 2}")
    template = WEB.replace("replicas: 2", "replicas: {{ .Values.replicas }}")
    (tmp_path / "templates" / "web.yaml").write_text(template)
    control_plane.helm("install", "web", tmp_path, "-n", namespace)
    release = ("--release-name", "web", "-n", namespace)

    def told() -> set[tuple[str, ...]]:
        done = leadsman.check(str(tmp_path), *release, "-o", "json")
        objects = json.loads(done.out)[0]["status"].get("objects", [])
        return {(c["op"], c["path"], *who(c)) for item in objects for c in item["changes"]}

    assert told() == set()
    control_plane.helm("upgrade", "web", tmp_path, "-n", namespace, "--set", "replicas=9")
    assert told() == {("replace", "/spec/replicas", "helm", "Apply", "")}
