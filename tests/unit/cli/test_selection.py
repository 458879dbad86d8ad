from __future__ import annotations

from typing import Any

import pytest

from leadsman.cli.selection import _select
from leadsman.errors import SpecError
from leadsman.model.identity import TargetKey


def driftcheck(name: str, **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "leadsman.dev/v1alpha1",
        "kind": "DriftCheck",
        "metadata": {"namespace": "shop", "name": name},
        "spec": {"url": "https://git.example.org/shop.git"} | spec,
    }


def test_a_spec_that_cannot_be_carried_out_hides_no_other() -> None:
    selection = _select([driftcheck("web"), driftcheck("bad", path="../..")])
    web, bad = (TargetKey("DriftCheck", "shop", name) for name in ("web", "bad"))
    assert [target.key for target in selection.targets] == [web]
    assert [(key, error.reason) for key, error in selection.refused.items()] == [
        (bad, "InvalidSpec")
    ]


def test_what_is_no_driftcheck_is_refused() -> None:
    (error,) = _select([driftcheck("web") | {"kind": "Deployment"}]).refused.values()
    assert "not a DriftCheck" in error.message


def test_two_of_one_name_are_refused() -> None:
    with pytest.raises(SpecError, match="2 DriftChecks are named shop/web"):
        _select([driftcheck("web"), driftcheck("web", path="other")])
