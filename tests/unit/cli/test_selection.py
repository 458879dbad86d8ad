from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from leadsman.cli.selection import _read, _select
from leadsman.errors import SpecError
from leadsman.model.identity import TargetKey

if TYPE_CHECKING:
    from pathlib import Path


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


@pytest.mark.parametrize(
    "text",
    ["- a", "text", "{metadata: shop}", "{metadata: {name: [a]}}", "{metadata: {name: 7}}"],
)
def test_what_is_no_object_is_refused_with_its_file(tmp_path: Path, text: str) -> None:
    file = tmp_path / "shop.yaml"
    file.write_text(text)
    with pytest.raises(SpecError, match=r"shop\.yaml"):
        _read(str(file), "shop")


def test_a_list_is_opened(tmp_path: Path) -> None:
    file = tmp_path / "list.json"
    checks = [driftcheck("web"), driftcheck("api")]
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": checks}))
    assert _read(str(file), "shop") == checks
