from __future__ import annotations

import pytest

from leadsman.source.submodules import read_modules, submodule_url
from leadsman.source.url import parse_url


def test_modules_are_read() -> None:
    text = b"""
[submodule "lib"]
	path = vendor/lib
	url = ../lib.git   ; where it is
	update = !touch /tmp/evil
# another
[submodule "with \\"quotes\\" and spaces"]
	path = "vendor/other one"
	url = https://example.com/other.git
[submodule "no-url"]
	path = vendor/none
[include]
	path = /etc/passwd
"""
    assert read_modules(text) == {
        "vendor/lib": "../lib.git",
        "vendor/other one": "https://example.com/other.git",
    }


def test_what_cannot_be_read_is_told() -> None:
    with pytest.raises(ValueError, match="no section headers"):
        read_modules(b"[submodule\n\x00")


@pytest.mark.parametrize(
    ("parent", "url", "expected"),
    [
        ("https://example.com/a/b.git", "../c.git", "https://example.com/a/c.git"),
        ("https://example.com/a/b.git/", "../c.git", "https://example.com/a/c.git"),
        ("https://example.com/a/b.git", "./c.git", "https://example.com/a/b.git/c.git"),
        ("https://example.com/a/b.git", "../../x/c.git", "https://example.com/x/c.git"),
        ("https://example.com/a.git", "../../../../c.git", "https://example.com/c.git"),
        ("https://ada:pw@example.com:8443/a", "../c", "https://example.com:8443/c"),
        ("ssh://git@example.com:22/a/b", "../c", "ssh://git@example.com:22/a/c"),
        ("https://example.com/a", "https://other.com/b", "https://other.com/b"),
        ("https://example.com/a", "/srv/b", "/srv/b"),
    ],
)
def test_a_relative_url_starts_from_the_parent_s(parent: str, url: str, expected: str) -> None:
    assert submodule_url(parse_url(parent), url) == expected
