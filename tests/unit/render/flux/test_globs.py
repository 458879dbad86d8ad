from __future__ import annotations

import fnmatch

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadsman.render.flux.globs import Budget, GlobError, matches


def fits(pattern: str | bytes, name: str | bytes) -> bool:
    both = [text.encode() if isinstance(text, str) else text for text in (pattern, name)]
    return matches(both[0], both[1], Budget(1_000_000))


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("", "", True),
        ("", "a", False),
        ("*", "", True),
        ("*", "a/b", True),
        ("a*c", "abbc", True),
        ("a*c", "abbcd", False),
        ("a*b*c", "axbxbxc", True),
        ("?", "ä", True),
        ("?", b"\xc3", True),
        ("??", "ä", False),
        ("[a-c]", "b", True),
        ("[^a-c]", "b", False),
        ("[^a-c]", "ä", True),
        ("[ä-ö]", "ä", True),
        (r"\*", "*", True),
        (r"\*", "a", False),
        (r"[\]]", "]", True),
        ("a[", "b", False),
    ],
)
def test_it_matches_as_go_does(pattern: str, name: str | bytes, *, expected: bool) -> None:
    assert fits(pattern, name) is expected


@pytest.mark.parametrize("pattern", ["[", "[]", "[a", "[a-", "[-a]", "\\", "[\\", "a["])
def test_a_malformed_pattern_is_an_error_where_it_is_reached(pattern: str) -> None:
    with pytest.raises(GlobError):
        fits(pattern, "a]-[")


@given(st.text("abc*?", max_size=8), st.text("abc", max_size=12))
def test_stars_and_question_marks_mean_what_they_always_do(pattern: str, name: str) -> None:
    assert fits(pattern, name) is fnmatch.fnmatchcase(name, pattern)


def test_its_patience_has_an_end() -> None:
    with pytest.raises(GlobError, match="too long"):
        matches(b"*a*a*a*a*b", b"a" * 10_000, Budget(1000))
