"""A real control plane for all end-to-end tests, and namespaces of its own for each."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from controlplane.plane import ControlPlane

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controlplane.toolchain import Tools


HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Have what shares much run in one process, where several run the tests.

    That is a file; what ``drift`` delivers to its cluster, it delivers for all its files.
    """
    for item in items:
        if HERE in item.path.parents:
            file = item.path.relative_to(HERE)
            room = "drift" if file.parts[0] == "drift" else str(file)
            item.add_marker(pytest.mark.xdist_group(room))


@pytest.fixture(scope="session")
def control_plane(tools: Tools) -> Iterator[ControlPlane]:
    """The cluster that the tests share; each request to it is in its audit log."""
    with ControlPlane(tools, audit=True) as plane:
        yield plane


@pytest.fixture
def namespace(control_plane: ControlPlane) -> Iterator[str]:
    """A new namespace, deleted after the test; `control_plane.namespace()` makes more."""
    with control_plane.namespace() as name:
        yield name
