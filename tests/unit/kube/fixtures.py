"""Fixtures of all tests that speak with an API server."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from leadsman.kube import client as client_module
from leadsman.kube import outage
from leadsman.kube.access import ClusterConfig
from leadsman.kube.client import Client
from unit.kube.playback import Playback, playing

if TYPE_CHECKING:
    from collections.abc import AsyncIterator


@pytest.fixture
async def server() -> AsyncIterator[Playback]:
    async with playing() as playback:
        yield playback


@pytest.fixture
async def client(server: Playback) -> AsyncIterator[Client]:
    async with Client(ClusterConfig(server.url)) as made:
        yield made


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait between tries only as long as it takes to see that there is a wait."""
    monkeypatch.setattr(client_module, "_BACKOFF", 0.001)
    monkeypatch.setattr(outage, "_DELAY", 0.001)
    monkeypatch.setattr(outage, "_LONGEST_DELAY", 0.01)
    monkeypatch.setattr(outage, "_HELPLESS_DELAY", 0.01)
