from __future__ import annotations

from unit.kube.fixtures import client, hasty, server

__all__ = ["client", "hasty", "server"]
