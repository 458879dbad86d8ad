"""A team that delivers a folder and has it checked, in both modes."""

from __future__ import annotations

import json
from contextlib import redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING, Any

import yaml

from leadsman.cli.main import main

if TYPE_CHECKING:
    from pathlib import Path

    from controlplane.plane import ControlPlane

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
# How kubectl applies, and Flux.
SENT: dict[str, tuple[str, ...]] = {
    "csa": (),
    "server-side": ("--server-side",),
    "flux": ("--server-side", "--field-manager=kustomize-controller"),
}


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
