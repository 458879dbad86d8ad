"""The trial of DryRun's fence looks for the fence that ``deploy/`` installs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from leadsman.app.fence_trial import policy_gaps

FENCE = Path(__file__).parents[3] / "deploy" / "components" / "dry-run" / "fence.yaml"
USER = "system:serviceaccount:leadsman-system:leadsman"


def spec() -> dict[str, Any]:
    policy, *_ = yaml.safe_load_all(FENCE.read_text())
    made: dict[str, Any] = policy["spec"]
    return made


def test_the_fence_of_deploy_has_no_gaps() -> None:
    assert list(policy_gaps(spec(), USER)) == []
    # One validation more lets less through, and quotation marks are of either kind.
    more = spec()
    more["validations"].insert(0, {"expression": "true"})
    more["matchConditions"][0]["expression"] = f"request.userInfo.username=='{USER}'"
    assert list(policy_gaps(more, USER)) == []


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"failurePolicy": "Ignore"}, "failurePolicy"),
        ({"paramKind": {"kind": "ConfigMap"}}, "parameters"),
        ({"matchConstraints": {}}, "all resources"),
        ({"matchConditions": [{"expression": "false"}]}, "matchConditions"),
        ({"validations": [{"expression": "true"}]}, "validations"),
        ({"validations": []}, "validations"),
    ],
)
def test_a_gap_is_told(change: dict[str, Any], said: str) -> None:
    (gap,) = policy_gaps({**spec(), **change}, USER)
    assert said in gap


def test_another_user_is_not_fenced() -> None:
    (gap,) = policy_gaps(spec(), "system:serviceaccount:other:leadsman")
    assert "system:serviceaccount:other:leadsman" in gap
