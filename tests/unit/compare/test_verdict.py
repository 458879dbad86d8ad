"""What state a list of differences is, and how they are told."""

from __future__ import annotations

from leadsman.model.finding import Op, State
from unit.compare.samples import (
    DELIVERED,
    entry,
    owned,
    verdict,
    widget,
)


def test_changes_are_sorted_by_path() -> None:
    git = widget({"values": dict.fromkeys("cab", 1)})
    live = widget({"values": dict.fromkeys("bac", 2)})
    finding = verdict(git, owned(live, DELIVERED))
    assert finding is not None
    assert [change.path[-1] for change in finding.changes] == ["a", "b", "c"]


def test_modified_wins_over_added() -> None:
    live = owned(
        widget({"size": 1}, labels={"a": "b"}),
        entry("k9s", {"f:metadata": {"f:labels": {"f:a": {}}}}),
    )
    finding = verdict(widget({"size": 2}), live)
    assert finding is not None
    assert finding.state is State.MODIFIED
    assert {change.op for change in finding.changes} == {Op.ADD, Op.REPLACE}
