"""What Helm has sent by client-side apply and Git has dropped is found, in both modes."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from controlplane.gitserver import GitServer
from controlplane.plane import ControlPlane
from harness.checks import Check
from harness.operator import NAMESPACE, SERVICE_ACCOUNT, Operator, install

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from controlplane.toolchain import Tools

USER = f"system:serviceaccount:{NAMESPACE}:{SERVICE_ACCOUNT}"
DEPLOYMENT = """
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
  labels:
    app: web
    {{- if .Values.extra }}
    extra: "yes"
    {{- end }}
spec:
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      {{- if .Values.extra }}
      hostNetwork: true
      {{- end }}
      containers:
        - name: web
          image: web:1
          ports: [{containerPort: 80}]
          env:
            - {name: A, value: a}
            {{- if .Values.extra }}
            - {name: EXTRA, value: x}
            {{- end }}
"""
REST = """
apiVersion: v1
kind: ConfigMap
metadata: {name: web}
data:
  a: "1"
  {{- if .Values.extra }}
  extra: "1"
  {{- end }}
  {{- with .Values.person }}
  person: {{ . }}
  {{- end }}
---
apiVersion: v1
kind: Service
metadata: {name: web}
spec:
  type: NodePort
  selector: {app: web}
  ports: [{port: 80}]
---
apiVersion: v1
kind: Secret
metadata: {name: web}
stringData:
  a: "1"
  {{- if .Values.extra }}
  extra: "1"
  {{- end }}
---
apiVersion: v1
kind: PersistentVolumeClaim
metadata: {name: web}
spec: {accessModes: [ReadWriteOnce], resources: {requests: {storage: 1Gi}}}
---
apiVersion: batch/v1
kind: Job
metadata: {name: web}
spec: {template: {spec: {restartPolicy: Never, containers: [{name: web, image: web:1}]}}}
"""
CHART = {
    "Chart.yaml": "{apiVersion: v2, name: web, version: 0.1.0}",
    "values.yaml": "{extra: true, person: ''}",
    "templates/deployment.yaml": DEPLOYMENT,
    "templates/rest.yaml": REST,
}
POD = "/spec/template/spec"
LEFT = {
    ("Deployment", "/metadata/labels/extra"),
    ("Deployment", f"{POD}/hostNetwork"),
    ("Deployment", f"{POD}/containers/0/env/1"),
    ("ConfigMap", "/data/extra"),
    ("Secret", "/data/extra"),
}


@pytest.fixture(scope="module")
def control_plane(tools: Tools) -> Iterator[ControlPlane]:
    """A cluster of its own, with the permissions and the fence of both modes."""
    with ControlPlane(tools, audit=True) as plane:
        install(plane, "dry-run")
        yield plane


@pytest.fixture(scope="module", params=["ReadOnly", "DryRun"])
def operator(
    request: pytest.FixtureRequest,
    control_plane: ControlPlane,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Operator]:
    folder = tmp_path_factory.mktemp("operator")
    with Operator.in_pod(control_plane, folder, "--mode", request.param) as operator:
        yield operator


@pytest.fixture(scope="module")
def git() -> Iterator[GitServer]:
    with GitServer() as server:
        yield server


def left(check: Check) -> set[tuple[str, str]]:
    """The places that are told to be left behind; nothing else may be told."""
    told = set()
    for kind, name in check.report().states:
        for path, change in check.report().changes(kind, name).items():
            assert (change["cause"], change["manager"]) == ("LeftBehind", "helm"), (kind, path)
            told.add((kind, path))
    return told


def releases_read(plane: ControlPlane, namespace: str) -> int:
    return sum(
        "owner%3Dhelm" in event["requestURI"] and f"/{namespace}/" in event["requestURI"]
        for event in plane.audit_events(USER)
    )


def test_what_helm_applied_client_side_and_git_has_not(
    control_plane: ControlPlane, git: GitServer, operator: Operator, namespace: str, tmp_path: Path
) -> None:
    for name, text in CHART.items():
        file = tmp_path / "chart" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)

    def upgrade(*flags: str) -> None:
        release = ("upgrade", "--install", "web", tmp_path / "chart", "-n", namespace)
        control_plane.helm(*release, "--server-side=false", *flags)

    repository = git.create(namespace)
    repository.commit({f"chart/{name}": text for name, text in CHART.items()})
    upgrade()
    check = Check(operator, control_plane, namespace, "web")
    helm = {"releaseName": "web"}
    check.create(url=git.url(namespace), path="chart", interval="2s", helm=helm)
    check.wait_verdict("InSync")
    # Where there is nothing to be found, nothing is asked.
    assert releases_read(control_plane, namespace) == 0

    repository.commit({"chart/values.yaml": "{extra: false, person: ''}"})
    check.wait_verdict("Drifted")
    check.wait(lambda _report: left(check) == LEFT, "all that was left behind")

    # Helm takes all of it away but what it sent as a Secret's stringData.
    upgrade("--set", "extra=false")
    check.wait(lambda _report: left(check) == {("Secret", "/data/extra")}, "what Helm leaves")
    remove = '{"data":{"extra":null}}'
    control_plane.kubectl("-n", namespace, "patch", "secret/web", "-p", remove)
    check.wait_verdict("InSync")

    # A person's values are Helm's manifest as well, and Git never had them.
    upgrade("--set", "extra=false,person=me")
    check.wait(lambda _report: left(check) == {("ConfigMap", "/data/person")}, "the addition")
    control_plane.kubectl("-n", namespace, "label", "cm/web", "by=hand")
    check.wait(
        lambda report: (
            {path: change["cause"] for path, change in report.changes("ConfigMap", "web").items()}
            == {"/data/person": "LeftBehind", "/metadata/labels/by": "Live"}
        ),
        "both additions",
    )
    # Helm takes back what it sent, and leaves what others wrote.
    upgrade("--set", "extra=false")
    check.wait(
        lambda report: set(report.changes("ConfigMap", "web")) == {"/metadata/labels/by"},
        "what is by hand",
    )
