from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadsman.render.values import merge, set_value

if TYPE_CHECKING:
    from pathlib import Path

    from controlplane.toolchain import Tools

BASE = {"image": {"tag": "1", "pullSecrets": [{"name": "a"}]}, "list": ["x", "y"], "n": None}
SETS = [
    ("image.tag", "2"),
    ("image.tag", "0123"),
    ("image.tag", "true"),
    ("image.tag", "null"),
    ("image.tag", "0"),
    ("image.tag", "-5"),
    ("image.tag", "1.5"),
    ("image.tag", "99999999999999999999"),
    ("image.tag", "a b = c"),
    ("image.tag", "a,other=b"),
    ("image.tag", "a\\,b"),
    ("image.tag", "{a,1,true}"),
    ("image.tag", "two\nlines\n"),
    ("image.tag", ""),
    ("image.pullSecrets[0].name", "b"),
    ("image.pullSecrets[1].name", "b"),
    ("list[1]", "z"),
    ("list[3]", "z"),
    ("new.deep[0][1].x", "1"),
    ("a\\.b.c", "dotted"),
    ("n.x", "1"),
    ("n", "9223372036854775808"),
    pytest.param("n", "1" * 5000, id="a long number"),
]


@pytest.mark.parametrize(("path", "text"), SETS)
def test_a_value_is_set_as_helm_sets_it(path: str, text: str, tmp_path: Path, tools: Tools) -> None:
    chart = tmp_path / "chart"
    (chart / "templates").mkdir(parents=True)
    (chart / "Chart.yaml").write_text("apiVersion: v2\nname: c\nversion: 1.0.0\n")
    (chart / "templates/x.yaml").write_text("values: {{ toJson .Values | quote }}\n")
    base = tmp_path / "base.json"
    base.write_text(json.dumps(BASE))
    ran = subprocess.run(
        [tools["helm"], "template", "x", chart, "--values", base, "--set", f"{path}={text}"],
        env={"HOME": str(tmp_path)},
        capture_output=True,
        text=True,
        check=False,
    )
    if ran.returncode != 0:
        with pytest.raises(ValueError, match="is put where"):
            set_value(BASE, path, text)
        return
    quoted = ran.stdout.partition("values: ")[2]
    assert set_value(BASE, path, text) == json.loads(json.loads(quoted))


@pytest.mark.parametrize(
    ("text", "value"),
    [("'1'", "1"), ('"true"', "true"), ("'{1,2}'", ["1", "2"]), ("'", "'"), ("'a", "'a")],
)
def test_in_quotes_it_stays_a_string(text: str, value: object) -> None:
    assert set_value({}, "a.b", text) == {"a": {"b": value}}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ("a[x]", "1"),
        ("a[99999999]", "1"),
        pytest.param("a[" + "9" * 5000 + "]", "1", id="a long index"),
        ("a[0]b", "1"),
        (".".join("a" * 40), "1"),
        ("image[0]", "1"),
        ("list.x", "1"),
        ("a", "{x"),
        ("a", "x,b"),
    ],
)
def test_what_cannot_be_set_is_refused(path: str, text: str) -> None:
    with pytest.raises(ValueError, match=r"index|deeply|put where|must end|no value"):
        set_value(BASE, path, text)


def test_nothing_that_was_given_is_changed() -> None:
    before = json.dumps(BASE)
    set_value(BASE, "image.pullSecrets[0].name", "b")
    merge(BASE, {"image": {"tag": "2"}})
    assert json.dumps(BASE) == before


def test_mappings_are_merged_and_all_else_is_replaced() -> None:
    over = {"image": {"tag": "2"}, "list": ["z"], "n": {"x": 1}}
    assert merge(BASE, over) == {
        "image": {"tag": "2", "pullSecrets": [{"name": "a"}]},
        "list": ["z"],
        "n": {"x": 1},
    }
    assert merge({"a": {"b": 1}}, {"a": None}) == {"a": None}


VALUES = st.recursive(
    st.integers() | st.none(),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)
MAPPINGS = st.dictionaries(st.sampled_from("abc"), VALUES, max_size=3)


@given(MAPPINGS, MAPPINGS)
def test_merging_twice_is_merging_once(under: dict[str, Any], over: dict[str, Any]) -> None:
    merged = merge(under, over)
    assert merge(merged, over) == merged
    assert merge({}, under) == under == merge(under, {})
    assert merged.keys() == under.keys() | over.keys()
