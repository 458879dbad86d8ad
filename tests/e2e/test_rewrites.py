"""Whatever the API server makes of our own objects of every kind has its reason in the list."""

from __future__ import annotations

import pkgutil
from typing import TYPE_CHECKING

from rewrites.collect import collect, slice_
from rewrites.explain import entries, explain

if TYPE_CHECKING:
    import pytest

    from controlplane.toolchain import Tools


def test_every_rewrite_has_an_entry(tools: Tools, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", tools.search_path())
    known = entries()
    found = list(collect(slice_()))
    assert len(found) > 1000
    strange = [str(rewrite) for rewrite in found if explain(rewrite, known) is None]
    assert strange == []


def test_an_entry_names_the_rule_that_handles_it() -> None:
    for entry in entries():
        for rule in entry.rule.split("; "):
            name, *more = rule.split(":")[0].split(", ")
            assert pkgutil.resolve_name(f"leadsman.compare.{name}")
            for each in more:
                assert pkgutil.resolve_name(f"leadsman.compare.{name.rpartition('.')[0]}.{each}")
