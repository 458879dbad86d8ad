"""What is checked: podinfo, a real project, from its Kustomize bases and from its chart."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inputs import INPUTS, real_input

if TYPE_CHECKING:
    from pathlib import Path

    from controlplane.gitrepo import Repository
    from controlplane.gitserver import GitServer

REPOSITORY = "podinfo"
CHART = INPUTS[REPOSITORY].charts["podinfo"]
WEBAPP = "apps/webapp"
VALUES = "apps/podinfo/values.yaml"
# How often Git is asked in the demo; once a minute unless a DriftCheck says so.
INTERVAL = "2s"

_BASES = "".join(f"  - ../../deploy/bases/{name}\n" for name in ("frontend", "backend", "cache"))
# What a team that runs podinfo would add to its own copy of the repository.
_FILES = {
    f"{WEBAPP}/kustomization.yaml": (
        f"apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\nresources:\n{_BASES}"
    ),
    VALUES: "replicaCount: 2\nlogLevel: warn\n",
}
DRIFTCHECKS = """\
apiVersion: leadsman.dev/v1alpha1
kind: DriftCheck
metadata: {{name: webapp}}
spec:
  url: {url}
  ref: {{branch: main}}
  interval: {interval}
  path: {webapp}
---
apiVersion: leadsman.dev/v1alpha1
kind: DriftCheck
metadata: {{name: podinfo}}
spec:
  url: {url}
  ref: {{branch: main}}
  interval: {interval}
  path: {chart}
  helm: {{valuesFiles: [/{values}]}}
"""


def fetch() -> Path:
    """Return the folder of podinfo's repository, fetched if need be."""
    return real_input(REPOSITORY)


def publish(server: GitServer) -> Repository:
    """Put podinfo's repository on a Git server, with what a team has added; allow pushes."""
    repository = server.create(REPOSITORY, fetch())
    repository.commit(_FILES, message="Run podinfo here")
    repository.git("config", "http.receivepack", "true")
    return repository


def driftchecks(url: str) -> str:
    """Return the DriftChecks of both applications, as YAML."""
    return DRIFTCHECKS.format(url=url, interval=INTERVAL, webapp=WEBAPP, chart=CHART, values=VALUES)
