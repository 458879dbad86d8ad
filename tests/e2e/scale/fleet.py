"""Shards, and applications enough for all of them; each shard's are of a kind of their own."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from e2e.scale.processes import SHORT, wait_leads
from harness.checks import Check
from harness.operator import Operator
from harness.waiting import until
from leadsman.engine.scheduling.shards import shard_of
from leadsman.model.identity import TargetKey

if TYPE_CHECKING:
    from pathlib import Path

    from controlplane.gitrepo import Repository
    from controlplane.gitserver import GitServer
    from controlplane.plane import ControlPlane

SHARDS = 3
APPLICATIONS = 30


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind, where its objects are, and the least that one of them says."""

    kind: str
    api_version: str
    plural: str
    more: Any

    def path(self, namespace: str, name: str = "") -> str:
        root = "apis" if "/" in self.api_version else "api"
        path = f"/{root}/{self.api_version}/namespaces/{namespace}/{self.plural}/{name}"
        return path.rstrip("/")


# By the shard that owns who asks for it.
KINDS = (
    Kind("ConfigMap", "v1", "configmaps", {"data": {"a": "b"}}),
    Kind("ServiceAccount", "v1", "serviceaccounts", {}),
    Kind("NetworkPolicy", "networking.k8s.io/v1", "networkpolicies", {"spec": {"podSelector": {}}}),
)


@dataclass(frozen=True, slots=True)
class Application:
    """One object with a label, in Git and live."""

    plane: ControlPlane
    check: Check

    @property
    def namespace(self) -> str:
        return self.check.namespace

    @property
    def name(self) -> str:
        return self.check.name

    @property
    def kind(self) -> Kind:
        return KINDS[self.owner()]

    def owner(self, count: int = SHARDS) -> int:
        return shard_of(TargetKey("DriftCheck", self.namespace, self.name), count)

    def body(self) -> dict[str, Any]:
        metadata = {"name": self.name, "labels": {"colour": "green"}}
        kind = {"apiVersion": self.kind.api_version, "kind": self.kind.kind}
        return {**kind, "metadata": metadata, **self.kind.more}

    def set_live(self, colour: str) -> None:
        path = f"{self.kind.path(self.namespace, self.name)}?fieldManager=kubectl-edit"
        self.plane.api.patch(path, {"metadata": {"labels": {"colour": colour}}})

    def wait_live(self, colour: str) -> None:
        """Wait until the report says so, and its Event is written, too."""

        def is_told(report: Any) -> bool:
            changes = report.changes(self.kind.kind, self.name)
            return bool(changes.get("/metadata/labels/colour", {}).get("live") == colour)

        self.check.wait(is_told, f"live is {colour}", timeout=60.0)

    def events(self) -> list[tuple[str, int]]:
        """The reasons of its Events, with how often each was said."""
        return [
            (event["reason"], event.get("series", {}).get("count", 1))
            for event in self.check.events()
        ]


class Fleet:
    """The shards, by their ordinals."""

    def __init__(self, plane: ControlPlane, folder: Path, namespace: str, git: GitServer) -> None:
        self.plane = plane
        self.namespace = namespace
        self._folder = folder
        self._git = git
        self.shards: list[Operator] = []
        for _ in range(SHARDS):
            self.add(SHARDS)
        self.applications = [
            Application(plane, Check(self.shards[0], plane, namespace, f"app-{number}"))
            for number in range(APPLICATIONS)
        ]

    def add(self, count: int) -> Operator:
        """Make the next shard, without starting it."""
        ordinal = len(self.shards)
        pod = f"leadsman-{ordinal}"
        self.shards.append(
            Operator.in_pod(self.plane, self._folder / pod, *arguments(count), pod=pod)
        )
        return self.shards[-1]

    def start(self) -> None:
        repository: Repository = self._git.create("fleet")
        files = {f"{app.name}/object.json": json.dumps(app.body()) for app in self.applications}
        repository.commit(files, branch="main")
        for shard in self.shards:
            shard.start()
        for shard in self.shards:
            wait_leads(shard)
        for app in self.applications:
            self.plane.api.create(app.kind.path(self.namespace), app.body())
            url = self._git.url("fleet")
            app.check.create(url=url, path=app.name, interval="10m")
        for app in self.applications:
            app.check.wait(lambda report: report.verdict == "InSync", "InSync", timeout=120.0)

    def of(self, shard: int, count: int = SHARDS) -> list[Application]:
        """The applications that a shard owns."""
        return [app for app in self.applications if app.owner(count) == shard]

    def wait_events(self, reason: str) -> None:
        """Wait until each application's last Event is of this reason."""
        for app in self.applications:
            until(lambda app=app: app.events()[-1:] == [(reason, 1)], f"{reason} of {app.name}")  # type: ignore[misc]

    def close(self) -> None:
        for shard in self.shards:
            shard.close()


def arguments(count: int) -> tuple[str, ...]:
    """What the component sharded has on the command line."""
    return ("--leader-elect", f"--shards={count}", *SHORT)
