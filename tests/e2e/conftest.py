"""A real control plane for all end-to-end tests, and namespaces of its own for each."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from xdist.scheduler import LoadScopeScheduling

from controlplane.plane import ControlPlane

if TYPE_CHECKING:
    from collections.abc import Iterator

    from xdist.remote import Producer

    from controlplane.toolchain import Tools


# What takes longest: several processes are done soonest if they begin with it.
LONGEST = (
    "/test_truth.",
    "/drift/",
    "/everyday/",
    "/test_demo.",
    "/test_restarts.",
    "/test_kinds.",
)


FOLDERS = ("/drift/", "/everyday/", "/flux/")


class Rooms(LoadScopeScheduling):  # type: ignore[misc]  # it has no types
    """Has what shares much run in one process, where several run the tests.

    That is a file, or a folder whose cluster is for all its files.
    """

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return next((folder for folder in FOLDERS if folder in file), file)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    def rank(item: pytest.Item) -> int:
        return next((i for i, word in enumerate(LONGEST) if word in item.nodeid), len(LONGEST))

    items.sort(key=rank)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Rooms:
    return Rooms(config, log)


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
