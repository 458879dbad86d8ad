"""A cluster for all these tests, with one operator at a time."""

from __future__ import annotations

import secrets
from contextlib import ExitStack, contextmanager
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
    """A cluster of their own, with Leadsman installed."""
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


@contextmanager
def new_namespace(plane: ControlPlane) -> Iterator[str]:
    """Make a namespace; what it held is gone for the operator as soon as the block is left.

    Nobody waits for its default ServiceAccount: after an outage kube-controller-manager, which
    makes it, takes half a minute to come to its senses.
    """
    name = f"failures-{secrets.token_hex(4)}"
    plane.api.create("/api/v1/namespaces", {"metadata": {"name": name}})
    try:
        yield name
    finally:
        plane.api.delete(f"/apis/leadsman.dev/v1alpha1/namespaces/{name}/driftchecks")
        plane.api.delete(f"/api/v1/namespaces/{name}")


@pytest.fixture(scope="module")
def home(control_plane: ControlPlane) -> Iterator[str]:
    """A namespace that the tests of a module share."""
    with new_namespace(control_plane) as name:
        yield name


@pytest.fixture
def namespace(control_plane: ControlPlane) -> Iterator[str]:
    """A namespace for one test."""
    with new_namespace(control_plane) as name:
        yield name


@pytest.fixture(scope="module")
def servers() -> Iterator[Servers]:
    """Git servers of all kinds."""
    with ExitStack() as stack:
        yield Servers.start(stack)
