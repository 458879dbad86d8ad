"""The pins of the real inputs are complete."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from controlplane.gomodule import required
from inputs import HERE, INPUTS, NEEDED, corpus, real_input

if TYPE_CHECKING:
    from pathlib import Path


@pytest.mark.parametrize("name", INPUTS)
def test_each_input_has_a_version_and_a_checksum(name: str) -> None:
    module = INPUTS[name].module
    version = required(HERE, module)
    pinned = [line.split()[:2] for line in (HERE / "go.sum").read_text().splitlines()]
    assert [module, version] in pinned
    assert [module, f"{version}/go.mod"] in pinned


@pytest.mark.parametrize("name", NEEDED)
def test_what_an_input_names_is_there(name: str) -> None:
    folder = real_input(name)
    charts = INPUTS[name].charts.values()
    assert all((folder / chart / "Chart.yaml").is_file() for chart in charts)
    for path in INPUTS[name].kustomizations.values():
        names = {found.name for found in (folder / path).iterdir()}
        assert names & {"kustomization.yaml", "kustomization.yml"}


def test_the_corpus_is_where_the_variable_says(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("LEADSMAN_CORPUS", "")
    assert corpus() is None
    monkeypatch.setenv("LEADSMAN_CORPUS", str(tmp_path))
    assert corpus() == tmp_path
    monkeypatch.setenv("LEADSMAN_CORPUS", str(tmp_path / "absent"))
    with pytest.raises(FileNotFoundError, match="absent"):
        corpus()
