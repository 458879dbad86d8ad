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

    from harness.checks import Check
    from harness.operator import Operator

ALL = [pytest.param(case.name, id=case.name) for case in CASES]


@pytest.mark.parametrize("name", ALL)
def test_what_was_delivered_is_in_sync_at_once(
    delivered: Mapping[str, Future[Check]], operator: Operator, name: str
) -> None:
    check = delivered[name].result()
    report = check.wait(lambda report: report.verdict, "a verdict")
    assert (report.verdict, report.states) == ("InSync", {}), f"{report}"
    assert report.status["summary"]["total"] > 0
    assert not check.events()
    assert operator.value("leadsman_target_objects", state="InSync", **check.labels) > 0
