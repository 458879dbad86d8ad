"""A cluster for all these tests, the command line and the operator."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from controlplane.gitserver import GitServer
from controlplane.plane import ControlPlane
from e2e.drift.command import Leadsman
from harness.operator import NAMESPACE, SERVICE_ACCOUNT, Operator, install

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controlplane.toolchain import Tools


@pytest.fixture(scope="module")
def control_plane(tools: Tools) -> Iterator[ControlPlane]:
    """A cluster of their own: definitions come and go in it."""
    with ControlPlane(tools) as plane:
        install(plane)
        yield plane


@pytest.fixture(scope="module")
def leadsman(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Leadsman:
    """The command line, of somebody who may do what the operator may."""
    kubeconfig = control_plane.service_account_kubeconfig(NAMESPACE, SERVICE_ACCOUNT)
    return Leadsman(control_plane, kubeconfig, tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="module")
def operator(
    control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Operator]:
    """The operator, with the ServiceAccount and the permissions of ``deploy/``."""
    with Operator.in_pod(control_plane, tmp_path_factory.mktemp("operator")) as operator:
        yield operator


@pytest.fixture(scope="module")
def git() -> Iterator[GitServer]:
    with GitServer() as server:
        yield server
