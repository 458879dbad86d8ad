"""The smallest application: a ConfigMap that a branch asks for, live, and its DriftCheck.

app = App(operator, plane, namespace, "shop", server)
app.deliver()                             # in Git and in the cluster
app.watch(interval="1s")                  # a DriftCheck
app.set_live("red")                       # by kubectl edit
app.commit({"app/config.yaml": None})
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

from controlplane.gitrepo import Repository
from harness.checks import Check

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from controlplane.gitrepo import Files
    from controlplane.gitserver import GitServer
    from controlplane.plane import ControlPlane
    from controlplane.sshserver import SshServer
    from harness.operator import Operator

# The folder that is rendered; NAME stands for the application's name.
FOLDER = "app"
CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: NAME
data:
  colour: green
"""
PLAIN: Files = {f"{FOLDER}/config.yaml": CONFIG}


@dataclass(frozen=True)
class App:
    """An application, on a branch of its own name in the repository ``shop`` of a server."""

    operator: Operator
    plane: ControlPlane
    namespace: str
    name: str
    server: GitServer | SshServer
    project: str = "shop"

    @property
    def url(self) -> str:
        return self.server.url(self.project)

    @cached_property
    def repository(self) -> Repository:
        path: Path = self.server.root / f"{self.project}.git"
        return Repository(path) if path.exists() else self.server.create(self.project)

    @property
    def check(self) -> Check:
        return Check(self.operator, self.plane, self.namespace, self.name)

    def deliver(self, files: Files = PLAIN) -> None:
        """Put files into Git, and the ConfigMap that they ask for into the cluster."""
        self.commit(files)
        self.create_live()

    def watch(self, **spec: Any) -> Check:
        """Create the DriftCheck, which looks each second."""
        given = {"url": self.url, "ref": {"branch": self.name}, "path": FOLDER, "interval": "1s"}
        return self.check.create(**given | spec)

    def commit(self, files: Files) -> str:
        """Commit to the application's branch and return the commit's id."""
        named = {
            path: content.replace("NAME", self.name) if isinstance(content, str) else content
            for path, content in files.items()
        }
        return self.repository.commit(named, branch=self.name)

    def create_live(self, name: str = "", colour: str = "green") -> None:
        """Create a ConfigMap, by default that of Git."""
        body = {"metadata": {"name": name or self.name}, "data": {"colour": colour}}
        self.plane.api.create(self._path(""), body)

    def set_live(self, colour: str) -> None:
        """Change the ConfigMap, as ``kubectl edit`` does."""
        path = f"{self._path(self.name)}?fieldManager=kubectl-edit"
        self.plane.api.patch(path, {"data": {"colour": colour}})

    def delete_live(self, name: str = "") -> None:
        """Delete a ConfigMap, by default that of Git."""
        self.plane.api.delete(self._path(name or self.name))

    def told(self) -> tuple[str, list[tuple[str, str, int]]]:
        """Return what changes with each write: the report's version, and Events with counts."""
        events = [
            (event["reason"], event["note"], event.get("series", {}).get("count", 1))
            for event in self.check.events()
        ]
        return self.check.report().version, events

    def _path(self, name: str) -> str:
        return f"/api/v1/namespaces/{self.namespace}/configmaps/{name}".rstrip("/")


def put(
    plane: ControlPlane, namespace: str, name: str, data: Mapping[str, str], kind: str = "Secret"
) -> None:
    """Create a Secret or ConfigMap, or change what it holds."""
    plural = f"{kind.lower()}s"
    path = f"/api/v1/namespaces/{namespace}/{plural}/{name}?fieldManager=kubectl&force=true"
    field = "stringData" if kind == "Secret" else "data"
    body = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}, field: dict(data)}
    plane.api.patch(path, body, kind="apply-patch+yaml")
