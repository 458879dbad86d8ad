"""No false alarm later either: what was in sync has never been anything else, 30 s on.

The name puts this file near the end, when that time is over.
"""

from __future__ import annotations

import time
from datetime import datetime
from typing import TYPE_CHECKING

import pytest

from e2e.drift.cases import CASES
from harness.waiting import until

if TYPE_CHECKING:
    from collections.abc import Mapping
    from concurrent.futures import Future

    from e2e.drift.conftest import Delivered
    from harness.checks import Report

LATER = 30


def since(report: Report) -> float:
    """Return since when it has been in sync, or else out of it, in seconds since the epoch."""
    return datetime.fromisoformat(report.conditions["InSync"]["lastTransitionTime"]).timestamp()


@pytest.mark.parametrize("name", [case.name for case in CASES])
def test_what_was_delivered_has_been_in_sync_ever_since(
    delivered: Mapping[str, Future[Delivered]], name: str
) -> None:
    case = delivered[name].result()
    later = since(case.first) + LATER
    until(lambda: time.time() > later, f"{LATER} s", timeout=LATER + 5)
    last = case.check.report()
    assert (last.verdict, last.states) == ("InSync", {}), f"{last}"
    assert since(last) == since(case.first)
    assert case.check.events() == []
