"""A cluster for what goes on every day."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from controlplane.plane import ControlPlane
from e2e.everyday.team import Team
from harness.operator import NAMESPACE, SERVICE_ACCOUNT, install

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from controlplane.toolchain import Tools


# Custom resources are asked about where a role says so.
JARS = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRole",
    "metadata": {
        "name": "leadsman-dry-run-jars",
        "labels": {"leadsman.dev/aggregate-to-dry-run": "true"},
    },
    "rules": [{"apiGroups": ["*"], "resources": ["jars"], "verbs": ["create", "patch"]}],
}


@pytest.fixture(scope="package")
def control_plane(tools: Tools) -> Iterator[ControlPlane]:
    """A cluster whose autoscaler looks each second, with the permissions of both modes."""
    flags = ["--horizontal-pod-autoscaler-sync-period=1s"]
    with ControlPlane(tools, controller_manager_flags=flags) as plane:
        install(plane, "dry-run")
        plane.kubectl("apply", "-f", "-", stdin=yaml.safe_dump(JARS))
        yield plane


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
