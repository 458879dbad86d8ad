from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadsman.errors import RenderError
from leadsman.render.globs import matches


@pytest.mark.parametrize(
    ("pattern", "path", "matched"),
    [
        ("*.yaml", "a.yaml", True),
        ("*.yaml", "x/y/a.yaml", True),
        ("./a.yaml", "x/a.yaml", True),
        ("/a.yaml", "a.yaml", True),
        ("/a.yaml", "x/a.yaml", False),
        ("x/*.yaml", "x/a.yaml", True),
        ("x/*.yaml", "x/y/a.yaml", False),
        ("x/*.yaml", "z/x/a.yaml", False),
        ("**/x/*.yaml", "z/x/a.yaml", True),
        ("**/x/*.yaml", "x/a.yaml", True),
        ("x/**", "x/y/a.yaml", True),
        ("x/**/a.yaml", "x/a.yaml", True),
        ("x/**/a.yaml", "x/y/z/a.yaml", True),
        ("charts", "charts/a.yaml", True),
        ("charts/", "x/charts/y/a.yaml", True),
        ("charts", "charts2/a.yaml", False),
        ("a?.yaml", "ab.yaml", True),
        ("a?.yaml", "a/.yaml", False),
        ("[ab].yaml", "b.yaml", True),
        ("[!ab].yaml", "b.yaml", False),
        ("[!ab].yaml", "c.yaml", True),
        ("[a-c].yaml", "b.yaml", True),
        ("[a-c].yaml", "d.yaml", False),
        ("[!].yaml", "!.yaml", True),
        ("[a^-].yaml", "^.yaml", True),
        ("[+--].yaml", "-.yaml", True),
        ("*.{yaml,yml}", "a.yml", True),
        ("*.{yaml,yml}", "a.json", False),
        ("{x,y/*}/a.yaml", "y/z/a.yaml", True),
        ("a.yaml", "aXyaml", False),
        ("a+b.yaml", "a+b.yaml", True),
    ],
)
def test_a_glob_matches(pattern: str, path: str, matched: bool) -> None:  # noqa: FBT001 - a table
    assert matches(path, (pattern,)) is matched


def test_one_of_several_is_enough() -> None:
    assert matches("b", ("a", "b"))
    assert not matches("b", ())


def test_a_glob_that_is_none_is_refused() -> None:
    with pytest.raises(RenderError, match="is not a glob") as caught:
        matches("a", ("[b-a]",))
    assert caught.value.reason == "InvalidPattern"


@given(st.text(min_size=1).filter(lambda text: not set(text) & set("*?[]{}/.")))
def test_a_plain_name_matches_itself_at_any_depth(name: str) -> None:
    assert matches(name, (name,))
    assert matches(f"x/{name}/y", (name,))
    assert not matches(f"{name}x", (name,))


@given(st.text("ab*?[]!{},/.-\\^"))
def test_any_pattern_matches_or_is_refused(pattern: str) -> None:
    try:
        matches("a/b", (pattern,))
    except RenderError as error:
        reason = error.reason
    else:
        reason = "InvalidPattern"
    assert reason == "InvalidPattern"
