"""No false alarm: what was delivered from Git is in sync, at once and later.

The name puts this file first, and ``test_still_in_sync`` near the end, so that the time in between
is used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from e2e.drift.cases import CASES

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future

    from e2e.drift.conftest import Delivered


@pytest.mark.parametrize("name", [case.name for case in CASES])
def test_what_was_delivered_is_in_sync_at_once(
    delivered: Mapping[str, Future[Delivered]], name: str
) -> None:
    case = delivered[name].result()
    assert (case.first.verdict, case.first.states) == ("InSync", {}), f"{case.first}"
    summary = case.first.status["summary"]
    assert summary["inSync"] == summary["total"] > 0
    series = case.check.operator.series("leadsman_target_objects", **case.check.labels)
    assert sum(series.values()) == summary["total"]
