"""What all tests share: the real programs, and Git servers."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from controlplane import toolchain
from controlplane.gitserver import GitServer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controlplane.toolchain import Tools


# No test is timed: machines are shared.
settings.register_profile("leadsman", deadline=None)
settings.load_profile("leadsman")


def pytest_configure() -> None:
    """Put the programs on PATH if they are there; only who needs them has to build them."""
    if found := toolchain.find():
        os.environ["PATH"] = found.search_path()


@pytest.fixture(scope="session")
def tools() -> Tools:
    """The real programs, on PATH; built if need be, which takes minutes once per machine."""
    tools = toolchain.resolve()
    if not os.environ["PATH"].startswith(tools.search_path(after="")):
        os.environ["PATH"] = tools.search_path()
    return tools


@pytest.fixture
def git_server() -> Iterator[GitServer]:
    """A Git server over plain HTTP that asks for no credentials."""
    with GitServer() as server:
        yield server
