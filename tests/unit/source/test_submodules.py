from __future__ import annotations

import pytest

from leadsman.errors import SourceError
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
        ("https://x.com/a", "git@example.com:org/b.git", "ssh://git@example.com/org/b.git"),
        ("https://x.com/a", "ada@example.com:/srv/b", "ssh://ada@example.com/srv/b"),
        ("https://x.com/a", "example.com:b", "ssh://example.com/b"),
        ("https://x.com/a", "git@example.com:~/b", "ssh://git@example.com/~/b"),
        ("https://x.com/a", "git@example.com:22/b", "ssh://git@example.com/22/b"),
        ("https://x.com/a", "git@[example.com:22]:b", "ssh://git@example.com:22/b"),
        ("https://x.com/a", "git@[::1]:b", "ssh://git@[::1]/b"),
        (
            "https://x.com/a",
            "git@example.com:a%20b?c#d:e",
            "ssh://git@example.com/a%2520b%3Fc%23d:e",
        ),
        ("https://x.com/a", "ext::sh -c id", "ext::sh -c id"),
        ("https://x.com/a", "ext::sh", "ext::sh"),
        ("https://x.com/a", "gopher://x", "gopher://x"),
        ("https://x.com/a", "./b:c", "https://x.com/a/b:c"),
        ("https://x.com/a", "a/b:c", "a/b:c"),
        ("https://x.com/a", "git@a b:c", "git@a b:c"),
    ],
)
def test_a_relative_url_starts_from_the_parent_s(parent: str, url: str, expected: str) -> None:
    assert submodule_url(parse_url(parent), url) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("git@example.com:org/b.git", "ssh://git@example.com/org/b.git"),
        ("example.com:org/b.git", "ssh://git@example.com/org/b.git"),
        ("git@[::1]:b", "ssh://git@[::1]/b"),
        ("git@[example.com:22]:a?b", "ssh://git@example.com:22/a%3Fb"),
    ],
)
def test_the_short_form_of_ssh_is_an_address(url: str, expected: str) -> None:
    parent = parse_url("ssh://git@example.com/org/a.git")
    assert parse_url(submodule_url(parent, url)).text == expected


@pytest.mark.parametrize(
    "url", ["-oProxyCommand=x:b", "-o@example.com:b", "ext::sh", "git@[]:b", "a/b:c"]
)
def test_what_is_no_address_stays_refused(url: str) -> None:
    with pytest.raises(SourceError) as raised:
        parse_url(submodule_url(parse_url("https://example.com/a"), url))
    assert raised.value.reason == "InvalidURL"
