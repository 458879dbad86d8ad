"""Tell the operator that Git has changed."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING

from bench.delivery import change_checks

if TYPE_CHECKING:
    from bench.case import Case
    from leadsman.kube.client import Client

_MINUTES = itertools.cycle((601, 600))


async def git_has_changed(case: Case, client: Client) -> None:
    """Have all targets look at Git now."""
    # Another spec is looked at anew, which begins with asking Git: what a poll does.
    await change_checks(client, case.fleet, {"spec": {"interval": f"{next(_MINUTES)}m"}})
