from __future__ import annotations

import string
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from expansions import EXPANSIONS, MALFORMED, VARIABLES
from leadsman.render.flux.substitution import SubstitutionError, substitute

SET = {name: value.replace("\n", "") for name, value in VARIABLES.items()}


@pytest.mark.parametrize("text", EXPANSIONS)
def test_it_is_what_flux_makes_of_it(text: str) -> None:
    assert substitute(text, SET) == EXPANSIONS[text]
    assert substitute(f"<{text}>", SET) == f"<{EXPANSIONS[text]}>"


@pytest.mark.parametrize("text", MALFORMED)
def test_what_flux_cannot_read_is_no_expression(text: str) -> None:
    with pytest.raises(SubstitutionError, match=r"^line 2: "):
        substitute(f"fine: ${{name}}\nbad: {text}", SET)


@given(st.text(st.characters(exclude_characters="$", exclude_categories=["Cs"])))
def test_without_a_dollar_nothing_changes(text: str) -> None:
    assert substitute(text, SET) == text


@given(st.text(string.ascii_letters + " /:-.", min_size=1), st.text())
def test_a_default_is_for_what_is_not_set(default: str, value: str) -> None:
    value = value.encode("utf-8", "replace").decode()
    assert substitute(f"${{x:-{default}}}", {}) == default
    assert substitute(f"${{x:-{default}}}", {"x": value}) == (value or default)


@given(st.text(alphabet="${}:-=/#%^,ab \\[]*?1", max_size=40))
def test_whatever_is_written_it_is_read_or_refused(text: str) -> None:
    with suppress(SubstitutionError):
        assert isinstance(substitute(text, {"a": "a*b", "b": "ä/"}), str)


@pytest.mark.parametrize(
    ("text", "variables", "said"),
    [
        ("${x:-" * 200 + "}" * 200, {}, "nested deeper than"),
        ("${x}" * 100, {"x": "y" * 1_000_000}, "too large"),
        ("${x//a/${y}}", {"x": "a" * 1_000_000, "y": "b" * 1_000_000}, "too large"),
        ("${x##*a*a*a*b}", {"x": "a" * 4_000}, "takes too long"),
        ("${x%%b}", {"x": "a" * 1_000_000}, "takes too long"),
    ],
)
def test_a_bomb_does_not_go_off(text: str, variables: dict[str, str], said: str) -> None:
    with pytest.raises(SubstitutionError, match=said):
        substitute(text, variables)
