from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadsman.render.decoder import parse
from leadsman.render.goyaml import dump, float_text, sorted_keys

if TYPE_CHECKING:
    from pathlib import Path

    from controlplane.toolchain import Tools


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "-0"),
        (1.5, "1.5"),
        (100000.0, "100000"),
        (1000000.0, "1e+06"),
        (1234567.5, "1.2345675e+06"),
        (0.0001, "0.0001"),
        (0.00001, "1e-05"),
        (-2.5e-10, "-2.5e-10"),
        (1e100, "1e+100"),
    ],
)
def test_a_float_is_written_as_go_does(value: float, text: str) -> None:
    assert float_text(value) == text


def test_keys_are_in_gos_order() -> None:
    assert sorted_keys(["k10", "k9", "k1", "K1", "k-1", "k.1", "k_1", "k01", "k", ""]) == [
        "", "K1", "k", "k-1", "k.1", "k_1", "k1", "k01", "k9", "k10",
    ]  # fmt: skip


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
# Go writes this key as if it were no other, and so reads something else.
keys = texts.filter(lambda key: key != "<<")
values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63 - 1) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(keys, inner, max_size=3),
    max_leaves=8,
)


@given(st.dictionaries(keys, values, max_size=4))
def test_what_is_written_is_read_as_it_was(value: dict[str, Any]) -> None:
    found = parse(dump(value), lambda _line, key: pytest.fail(f"twice: {key}"))
    assert [item.value for item in found] == [value]


def test_it_is_kustomizes_own_text(tools: Tools, tmp_path: Path) -> None:
    strings = [
        "yes", "012", "1e6", "2001-01-01", "2001-1-1 1:2:3", "1:30:00", "<<", "a: b", "a #b", " x",
        "x ", "", "~", "null", "=", "a\n b\n\nc\n", "a\nb", "a\n\n\n", "  a\nb", "\ta\nb", "\n",
        "'\"",
        "a\\b", "a\u0007b", "\U0001f600", "ä", "a\u00a0b", "a\u2028b", "word " * 60, "- a", "? a",
        "!x", "&a", "*a", "@a", "`a", "%a", "[a]", "{a}", "a,b", "key: |\n  x\n", "---", "...",
        "a\rb", "0x1F", "0b11", "0o17", "+1", "1_000", ".5", "5.", ".inf", "-", "1-2",
    ]  # fmt: skip
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "odd"},
        "data": {
            **{f"k{number}": text for number, text in enumerate(strings)},
            **dict.fromkeys(("k-1", "k.1", "k_1", "K1", "k01", "a" * 130), "x"),
        },
        "more": {"list": [[1, [2]], {}, [], {"a": []}, None, True, 1.5, -3, 10**18]},
    }
    (tmp_path / "kustomization.yaml").write_text('{"resources": ["odd.yaml"]}')
    (tmp_path / "odd.yaml").write_text(json.dumps(body, ensure_ascii=False))
    command: list[str | Path] = [tools["kustomize"], "build", tmp_path]
    built = subprocess.run(command, capture_output=True, check=True).stdout
    (document,) = parse(built, lambda _line, _key: None)
    assert dump(document.value).decode().splitlines() == built.decode().splitlines()
    assert dump(document.value) == built
