"""Selectors have the syntax of kubectl's -l."""

from __future__ import annotations

import pytest

from leadsman.compare.selectors import parse_selector

_LABELS = {"app": "web", "tier": "front", "app.kubernetes.io/part-of": "shop", "empty": ""}


@pytest.mark.parametrize(
    "text",
    [
        "",
        "  ",
        "app=web",
        "app == web",
        "app!=api",
        "absent!=api",
        "app",
        "!absent",
        "! absent",
        "tier in (front,back)",
        "tier in ( front , back )",
        "tier notin (back)",
        "absent notin (back)",
        "app.kubernetes.io/part-of=shop",
        "empty=",
        "app=web,tier in (front),!absent",
        "app=web, tier=front",
    ],
)
def test_selects(text: str) -> None:
    assert all(requirement.holds(_LABELS) for requirement in parse_selector(text))


@pytest.mark.parametrize(
    "text",
    [
        "app=api",
        "app!=web",
        "absent",
        "absent=",
        "!app",
        "tier in (back)",
        "absent in (back)",
        "tier notin (front,back)",
        "app=web,tier=back",
    ],
)
def test_does_not_select(text: str) -> None:
    assert not all(requirement.holds(_LABELS) for requirement in parse_selector(text))


@pytest.mark.parametrize(
    "text",
    [
        "=web",
        "app=web=x",
        "app in web",
        "app in (a",
        "app web",
        "a b",
        ",",
        "app,,tier",
        "-a",
        "a=ü",
    ],
)
def test_what_cannot_be_read_is_said(text: str) -> None:
    with pytest.raises(ValueError, match="cannot read"):
        parse_selector(text)
