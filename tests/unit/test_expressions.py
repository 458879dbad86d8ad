from __future__ import annotations

import re
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadsman.expressions import expression

# What both syntaxes know, and mean alike.
PARTS = st.recursive(
    st.sampled_from(["a", "b", ".", "[ab]", "[^a]", "-", r"\."]),
    lambda inner: st.one_of(
        st.lists(inner, min_size=1, max_size=3).map("".join),
        st.lists(inner, min_size=1, max_size=3).map(lambda parts: f"(?:{'|'.join(parts)})"),
        inner.map(lambda part: f"(?:{part})?"),
    ),
    max_leaves=8,
)


@given(PARTS, st.text("ab-.", max_size=6))
def test_it_means_what_pythons_would_where_both_know_it(text: str, subject: str) -> None:
    assert expression(text).matches(subject) is bool(re.fullmatch(text, subject))


@pytest.mark.timeout(20)
@pytest.mark.parametrize("text", ["(a+)+b", "(a|a)*b", "(.*)*b", "a*" * 30 + "b"])
def test_none_takes_for_ever(text: str) -> None:
    assert not expression(text).matches("a" * 253)


def test_gos_syntax_is_known() -> None:
    assert expression(r"\Ashop-\pL+\z").matches("shop-prod")


@pytest.mark.parametrize("text", ["Config[", "(?=a)", r"(a)\1", "(a{1000}){1000}", "*"])
def test_what_is_none_says_why(text: str) -> None:
    with pytest.raises(ValueError, match=r"\w{4}"):
        expression(text)


@given(st.text(), st.text())
def test_any_text_is_an_expression_or_a_value_error(text: str, subject: str) -> None:
    with suppress(ValueError):
        expression(text).matches(subject)


def test_names_need_not_be_utf_8() -> None:
    assert expression("caf.").matches("caf\udce9")
