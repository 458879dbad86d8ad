"""Real applications, each with the way in which it is delivered.

Those of the corpus are there only where LEADSMAN_CORPUS names it.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from inputs import corpus, real_input

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from controlplane.plane import ControlPlane


class Delivery(Protocol):
    """How what is in Git comes into the cluster, and how a DriftCheck has to render it."""

    def deliver(self, plane: ControlPlane, folder: Path, namespace: str) -> None:
        """Apply the folder."""

    def spec(self) -> dict[str, Any]:
        """What the DriftCheck says beside where Git is."""


class Kubectl:
    """``kubectl apply`` of a kustomization, or of plain files (``kind`` is ``-f``).

    ``says_where``: all objects name their namespace, and kubectl refuses to be told another.
    """

    def __init__(self, *flags: str, kind: str = "-k", says_where: bool = False) -> None:
        self._flags = flags
        self._kind = kind
        self._says_where = says_where

    def deliver(self, plane: ControlPlane, folder: Path, namespace: str) -> None:
        where = () if self._says_where else ("-n", namespace)
        plane.kubectl("apply", *where, *self._flags, self._kind, folder)

    def spec(self) -> dict[str, Any]:
        return {}


class Helm:
    """``helm install``; without hooks, whose Jobs would never end where there is no node.

    ``first`` are values of a release that this one is an upgrade of.
    """

    def __init__(
        self,
        *flags: str,
        values_files: tuple[str, ...] = (),
        values: Mapping[str, Any] | None = None,
        first: Mapping[str, Any] | None = None,
    ) -> None:
        self._flags = flags
        self._files = values_files
        self._values = values or {}
        self._first = first

    def deliver(self, plane: ControlPlane, folder: Path, namespace: str) -> None:
        files = [word for name in self._files for word in ("-f", folder / name)]
        release = ("web", folder, "-n", namespace, "--no-hooks", *self._flags, *files, "-f", "-")
        if self._first is not None:
            plane.helm("install", *release, stdin=json.dumps(self._first))
        plane.helm("upgrade", "--install", *release, stdin=json.dumps(self._values))

    def spec(self) -> dict[str, Any]:
        return {
            "helm": {
                "releaseName": "web",
                "valuesFiles": list(self._files),
                "values": dict(self._values),
            }
        }


@dataclass(frozen=True, slots=True)
class Case:
    """An application at ``path`` of a real repository.

    ``webhooks``: it brings admission webhooks that nobody answers, after which some kinds cannot
    be written any more.
    """

    name: str
    source: str
    path: str
    delivery: Delivery
    webhooks: bool = False

    @property
    def folder(self) -> Path:
        return repository(self.source) / self.path


def repository(source: str) -> Path:
    """The folder of a repository, which is one of ``inputs``, or one in the corpus."""
    name = source.removeprefix("corpus/")
    if name == source:
        return real_input(name)
    folder = corpus()
    assert folder is not None, f"{source}: LEADSMAN_CORPUS is not set"
    return folder / "repos" / name


CLIENT = Kubectl()
SERVER = Kubectl("--server-side")
CLIENT_THERE = Kubectl(says_where=True)
SERVER_THERE = Kubectl("--server-side", says_where=True)

CASES = [
    Case("podinfo", "podinfo", "kustomize", CLIENT),
    Case("podinfo-dev", "podinfo", "deploy/overlays/dev", SERVER_THERE),
    Case("podinfo-production", "podinfo", "deploy/overlays/production", CLIENT_THERE),
    Case(
        "podinfo-chart",
        "podinfo",
        "charts/podinfo",
        Helm(
            values_files=("values-prod.yaml",),
            values={
                "ingress": {"enabled": True},
                "serviceAccount": {"enabled": True},
                "resources": {"limits": {"cpu": "1000m", "memory": "0.5Gi"}},
            },
        ),
    ),
    Case(
        "podinfo-chart-upgraded",
        "podinfo",
        "charts/podinfo",
        Helm(
            "--server-side=false",
            first={"redis": {"enabled": True}, "logLevel": "debug", "hpa": {"enabled": True}},
            values={"replicaCount": 2, "service": {"type": "NodePort", "nodePort": 31199}},
        ),
    ),
    Case("metrics-server", "metrics-server", "manifests/overlays/release-ha-1.21+", SERVER_THERE),
    Case("cert-manager-crds", "cert-manager", "deploy/crds", Kubectl("--server-side", kind="-f")),
    Case(
        "cert-manager-chart",
        "cert-manager",
        "deploy/charts/cert-manager",
        Helm(values={"prometheus": {"enabled": True}}),
        webhooks=True,
    ),
    Case(
        "ingress-nginx-chart",
        "ingress-nginx",
        "charts/ingress-nginx",
        Helm(values={"controller": {"autoscaling": {"enabled": True}}}),
        webhooks=True,
    ),
]
if corpus() is not None:
    CASES += [
        Case("corpus-podinfo", "corpus/podinfo", "kustomize", SERVER),
        Case("corpus-podinfo-backend", "corpus/podinfo", "deploy/bases/backend", CLIENT),
        Case("corpus-microservices", "corpus/microservices-demo", "kustomize", CLIENT),
        Case(
            "corpus-microservices-components",
            "corpus/microservices-demo",
            "kustomize/tests/memorystore-with-all-components",
            SERVER,
        ),
        Case(
            "corpus-flux-apps",
            "corpus/flux2-kustomize-helm-example",
            "apps/production",
            CLIENT_THERE,
        ),
        Case(
            "corpus-flux-infrastructure",
            "corpus/flux2-kustomize-helm-example",
            "infrastructure/controllers",
            SERVER_THERE,
        ),
    ]

# What of each repository is put under Git: it holds much else that takes time to commit.
PARTS = {
    "podinfo": ("kustomize", "deploy", "charts"),
    "metrics-server": ("charts", "manifests"),
    "cert-manager": ("deploy",),
    "ingress-nginx": ("charts",),
}
