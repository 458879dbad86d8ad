"""What a target says of comparison."""

from __future__ import annotations

from typing import Any

import pytest

from leadsman.errors import SpecError
from leadsman.model.target import IgnoreRule, ObjectSelector
from unit.compare.samples import (
    policy,
)


def test_a_policys_digest_is_that_of_what_it_says() -> None:
    rule = IgnoreRule(("/spec/x",), ObjectSelector(kind="A"), origin="o")
    said: list[dict[str, Any]] = [
        {},
        {"report_added": False},
        {"trusted": ("a",)},
        {"trusted": ("a", "b")},
        {"ignore": (rule,)},
        {"ignore": (IgnoreRule(("/spec/y",), ObjectSelector(kind="A"), origin="o"),)},
        {"ignore": (IgnoreRule(("/spec/x",), ObjectSelector(kind="B"), origin="o"),)},
    ]
    digests = [policy(**some).digest for some in said]
    assert len(set(digests)) == len(said)
    assert digests == [policy(**some).digest for some in said]
    assert policy(trusted=("b", "a")).digest == policy(trusted=("a", "b")).digest


def test_a_policy_with_a_broken_rule() -> None:
    with pytest.raises(SpecError):
        policy(ignore=(IgnoreRule(("no pointer",)),))
