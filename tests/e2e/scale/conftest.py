"""A cluster of their own, whose audit log tells which process has written what."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from controlplane.gitserver import GitServer
from controlplane.plane import ControlPlane
from harness.operator import install

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controlplane.toolchain import Tools


@pytest.fixture(scope="module")
def control_plane(tools: Tools) -> Iterator[ControlPlane]:
    with ControlPlane(tools, audit=True) as plane:
        install(plane)
        yield plane


@pytest.fixture(scope="module")
def git() -> Iterator[GitServer]:
    with GitServer() as server:
        yield server
