from __future__ import annotations

from unit.kube.fixtures import client, server

__all__ = ["client", "server"]
