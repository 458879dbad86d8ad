"""A cluster for all these tests, with one operator at a time."""

from __future__ import annotations

from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from controlplane.plane import ControlPlane
from e2e.failures.servers import Servers
from harness.operator import Operator, install

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controlplane.toolchain import Tools


@pytest.fixture(scope="package")
def control_plane(tools: Tools) -> Iterator[ControlPlane]:
    """A cluster of their own: some of them stop its API server."""
    with ControlPlane(tools) as plane:
        install(plane)
        yield plane


@pytest.fixture(scope="module")
def operator(
    control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Operator]:
    """The operator, with the ServiceAccount and the permissions of ``deploy/``."""
    with Operator.in_pod(control_plane, tmp_path_factory.mktemp("operator")) as operator:
        yield operator


@pytest.fixture(scope="module")
def home(control_plane: ControlPlane) -> Iterator[str]:
    """A namespace that a module's tests share; the next operator finds no DriftCheck in it."""
    with control_plane.namespace("failures") as name:
        yield name
        control_plane.kubectl("delete", "driftchecks", "--all", "-n", name, "--wait=false")


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    """Git servers of all kinds."""
    with ExitStack() as stack:
        yield Servers.start(stack)
