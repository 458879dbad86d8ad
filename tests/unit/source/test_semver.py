"""Ranges are held against what Masterminds' library, which Flux uses, says of them.

``masterminds.json`` holds its answers: for each range a digit per version, null for no range.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from leadsman.source.semver import parse_range, parse_version

MASTERMINDS: dict[str, Any] = json.loads((Path(__file__).parent / "masterminds.json").read_text())


@pytest.mark.parametrize("text", MASTERMINDS["ranges"])
def test_a_range_holds_what_masterminds_says(text: str) -> None:
    expected = MASTERMINDS["ranges"][text]
    if expected is None:
        with pytest.raises(ValueError, match=r"range|leading zero"):
            parse_range(text)
        return
    wanted = parse_range(text)
    versions = [parse_version(tag) for tag in MASTERMINDS["versions"]]
    assert "".join("01"[version in wanted] for version in versions) == expected


def test_only_complete_versions_are_versions() -> None:
    assert all(parse_version(tag) is not None for tag in MASTERMINDS["versions"])
    assert all(parse_version(tag) is None for tag in MASTERMINDS["not_versions"])


@pytest.mark.parametrize(
    ("text", "why"), [("1.x " * 200, "512 characters"), ("1||" * 40 + "1", "32 alternatives")]
)
def test_a_range_has_the_bounds_of_upstream(text: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        parse_range(text)
