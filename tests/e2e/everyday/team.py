"""A team that delivers a folder and has it checked, in both modes."""

from __future__ import annotations

import json
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from io import StringIO
from typing import TYPE_CHECKING, Any

import yaml

from controlplane.webhook import Webhook
from harness.waiting import until
from leadsman.cli.main import main

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from controlplane.plane import ControlPlane
    from controlplane.webhook import Decide

POD = {"containers": [{"name": "web", "image": "web:1"}]}
DEPLOYMENT: dict[str, Any] = {
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


def deployment(**pod: Any) -> dict[str, Any]:
    """Return a workload with more in its Pods."""
    template = {"metadata": {"labels": {"app": "web"}}, "spec": {**POD, **pod}}
    return {**DEPLOYMENT, "spec": {**DEPLOYMENT["spec"], "template": template}}


ENV = "/spec/template/spec/containers/0/env/{}"


def web(*names: str) -> dict[str, Any]:
    """Return a workload with variables."""
    (container,) = POD["containers"]
    env = [{"name": name, "value": "x"} for name in names]
    return deployment(containers=[{**container, "env": env}])


def parts(*parts: str) -> tuple[dict[str, Any], ...]:
    """Return objects with lists and maps that are owned as a whole."""
    role = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "Role",
        "metadata": {"name": "parts"},
        "rules": [{"apiGroups": [""], "resources": [part], "verbs": ["get"]} for part in parts],
    }
    policy = {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": "parts"},
        "spec": {
            "podSelector": {"matchLabels": dict.fromkeys(parts, "x")},
            "egress": [{"ports": [{"port": len(part)} for part in parts]}],
        },
    }
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "parts"},
        "spec": {"selector": dict.fromkeys(parts, "x"), "ports": [{"port": 80}]},
    }
    return role, policy, service


PARTS = {
    "/rules/1",
    "/spec/podSelector/matchLabels/services",
    "/spec/egress/0/ports/1",
    "/spec/selector/services",
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

    def patch(self, name: str, patch: Any, *flags: str) -> None:
        """Change an object by a list of operations, or else by a document."""
        how = "json" if isinstance(patch, list) else "merge"
        self.kubectl("patch", name, f"--type={how}", "-p", json.dumps(patch), *flags)

    def git(self, *objects: dict[str, Any]) -> str:
        """Put objects into the folder; return what stands there."""
        text = yaml.safe_dump_all(objects)
        (self.folder / "all.yaml").write_text(text)
        return text

    def apply(self, *objects: dict[str, Any], flags: tuple[str, ...] = ()) -> None:
        """Put objects into the folder, and deliver them."""
        self.kubectl("apply", *flags, "-f", "-", stdin=self.git(*objects))

    def send(self, manager: str, *objects: dict[str, Any]) -> None:
        """Apply objects server-side in somebody's name, whatever the folder has."""
        flags = ("--server-side", "--force-conflicts", f"--field-manager={manager}")
        self.kubectl("apply", *flags, "-f", "-", stdin=yaml.safe_dump_all(objects))

    def chart(self, *objects: dict[str, Any]) -> None:
        """Make a chart of the folder, with these objects."""
        for name in ("Chart.yaml", "values.yaml"):
            (self.folder / name).write_text(CHART[name])
        templates = self.folder / "templates"
        templates.mkdir(exist_ok=True)
        (templates / "all.yaml").write_text(yaml.safe_dump_all(objects))

    def helm(self, *arguments: str) -> None:
        """Have Helm do something with the folder's chart as the release ``web``."""
        command, *flags = arguments
        self.plane.helm(command, "web", str(self.folder), "-n", self.namespace, *flags)

    @contextmanager
    def webhook(self, resource: str, decide: Decide, group: str = "apps") -> Iterator[None]:
        """Have a webhook take part in admission, once it is asked about the folder."""
        asked = []

        def decides(request: dict[str, Any]) -> list[dict[str, Any]] | str:
            asked.append(request)
            return decide(request)

        def is_asked() -> bool:
            self.kubectl("apply", "--dry-run=server", "-f", str(self.folder))
            return bool(asked)

        with Webhook(f"mutate.{self.namespace}.example.com", decides) as hook:
            body = hook.configuration(resource, self.namespace, group=group)
            self.plane.kubectl("apply", "-f", "-", stdin=json.dumps(body))
            until(is_asked, "the webhook to be asked")
            try:
                yield
            finally:
                self.plane.kubectl("delete", "mutatingwebhookconfiguration", hook.name)

    def told(self) -> Told:
        """Return what is said of all objects; the modes have to agree, and nothing is open."""
        read_only, dry_run = self.read_only(), self.dry_run()
        assert read_only == dry_run, (read_only, dry_run)
        return read_only

    def read_only(self) -> Told:
        """Return what is said where the API server is not asked."""
        return self._told("ReadOnly")

    def dry_run(self) -> Told:
        """Return what is said where the API server is."""
        return self._told("DryRun")

    def refusal(self) -> str:
        """Return why the API server refuses the only object of which something is told."""
        (found,) = self._status("DryRun")["objects"]
        return str(found["message"]) if found["state"] == "Rejected" else ""

    def _told(self, mode: str) -> Told:
        status = self._status(mode)
        objects = status.get("objects", ())
        assert {item["state"] for item in objects} <= {"Modified", "Added"}, status
        assert (status["verdict"] == "InSync") is not bool(objects), status
        return {
            change["path"]: (change["cause"], change.get("manager", ""))
            for item in objects
            for change in item["changes"]
        }

    def _status(self, mode: str) -> dict[str, Any]:
        where = ("--target-namespace", self.namespace, "--kubeconfig", str(self.kubeconfig))
        kept = ("--cache-dir", str(self.cache))
        out = StringIO()
        # In this process: a new one would take longer to start than to check.
        with redirect_stdout(out):
            main(["check", str(self.folder), *where, *kept, "--mode", mode, "-o", "json"])
        status: dict[str, Any] = json.loads(out.getvalue())[0]["status"]
        # The API server may be asked about jars: who only compares them would agree with himself.
        local = [text for text in status.get("warnings", ()) if "compared locally only" in text]
        assert not any(text.startswith("jars.") for text in local), status
        return status
