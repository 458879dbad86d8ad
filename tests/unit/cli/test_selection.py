from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from leadsman.cli.files import read_driftchecks
from leadsman.cli.selection import _select
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
        read_driftchecks([str(file)], "shop")


def test_a_list_is_opened(tmp_path: Path) -> None:
    file = tmp_path / "list.json"
    checks = [driftcheck("web"), driftcheck("api")]
    file.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": checks}))
    assert read_driftchecks([str(file)], "shop") == checks


def test_what_is_beside_driftchecks_is_skipped_and_said(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file, other = tmp_path / "shop.yaml", tmp_path / "other.yaml"
    beside = [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}},
        {"apiVersion": "example.com/v1", "kind": "AllowList", "metadata": {"generateName": "a"}},
        {"apiVersion": "v1", "kind": "List", "items": [{"kind": "Secret\x1b", "metadata": "odd"}]},
    ]
    file.write_text(yaml.safe_dump_all([*beside, driftcheck("web")]))
    other.write_text(yaml.safe_dump(driftcheck("api")))
    found = read_driftchecks([str(file), str(other)], "shop")
    assert [item["metadata"]["name"] for item in found] == ["web", "api"]
    said = capsys.readouterr().err
    assert said.splitlines() == [
        f"leadsman: {file}: skipped what is no DriftCheck: Namespace shop, AllowList, Secret\\x1b"
    ]


def test_files_without_a_driftcheck_are_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "shop.yaml"
    file.write_text("apiVersion: v1\nkind: Namespace\nmetadata: {name: shop}\n")
    with pytest.raises(SpecError, match=r"no DriftCheck in .*shop\.yaml") as refused:
        read_driftchecks([str(file)], "shop")
    assert refused.value.reason == "NothingToCheck"
    assert "Namespace shop" in capsys.readouterr().err


def test_a_word_that_is_misspelt_hides_no_driftcheck(tmp_path: Path) -> None:
    file = tmp_path / "shop.yaml"
    bad = driftcheck("web") | {"apiVersion": "leadsman.dev/v1"}
    without = {name: value for name, value in driftcheck("api").items() if name != "kind"}
    file.write_text(yaml.safe_dump_all([bad, without]))
    assert len(_select(read_driftchecks([str(file)], "shop")).refused) == 2
