"""The operator's own DriftReports: read at start, watched for somebody deleting them.

Their watch also mends what kopf's leaves open: after a watch that was cut for long, kopf says
nothing of DriftChecks that vanished meanwhile. Their reports are garbage-collected with them, and
a report that goes makes us look whether its DriftCheck is still there.
"""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from leadsman.errors import KubeError
from leadsman.model.identity import TargetKey
from leadsman.report.restore import restore

if TYPE_CHECKING:
    from collections.abc import Callable

    from leadsman.engine.reporter import Reporter
    from leadsman.kube.client import Client
    from leadsman.model.status import TargetStatus

log = logging.getLogger(__name__)

_BASE = "/apis/leadsman.dev/v1alpha1"


async def read_reports(client: Client) -> list[TargetStatus]:
    """Return what was reported before, of all targets.

    Raises:
        KubeError: the reports could not be listed.

    """
    statuses = []
    token = ""
    while True:
        # Small pages: a report may have 500 KiB.
        answer = await client.get(
            f"{_BASE}/driftreports", {"limit": "50", **({"continue": token} if token else {})}
        )
        statuses.extend(filter(None, map(restore, answer["items"])))
        token = answer["metadata"].get("continue", "")
        if not token:
            return statuses
