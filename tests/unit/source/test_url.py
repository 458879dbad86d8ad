from __future__ import annotations

import pytest

from leadsman.errors import SourceError
from leadsman.source.url import parse_url


@pytest.mark.parametrize(
    ("url", "text", "origin"),
    [
        ("https://example.com/a/b.git", "https://example.com/a/b.git", "https://example.com"),
        ("http://example.com:8080/a", "http://example.com:8080/a", "http://example.com:8080"),
        ("https://EXAMPLE.com/A", "https://example.com/A", "https://example.com"),
        ("https://[::1]:8443/a", "https://[::1]:8443/a", "https://[::1]:8443"),
        ("https://ada:s3@example.com/a", "https://example.com/a", "https://example.com"),
        ("ssh://git@example.com/a.git", "ssh://git@example.com/a.git", "ssh://example.com"),
        ("ssh://example.com/a.git", "ssh://git@example.com/a.git", "ssh://example.com"),
        ("ssh://ada:pw@example.com:22/a", "ssh://ada@example.com:22/a", "ssh://example.com:22"),
    ],
)
def test_an_address_is_taken_apart(url: str, text: str, origin: str) -> None:
    parsed = parse_url(url)
    assert (parsed.text, parsed.origin) == (text, origin)


def test_credentials_in_an_address_are_decoded_and_never_shown() -> None:
    parsed = parse_url("https://ada:p%40ss@example.com/a?token=t0ken")
    assert (parsed.user, parsed.password) == ("ada", "p@ss")
    assert "p@ss" not in repr(parsed)
    assert str(parsed) == "https://example.com/a"


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("git@example.com:a/b.git", "ssh://git@host/path"),
        ("example.com/a.git", "must begin with"),
        ("/srv/git/a.git", "must begin with"),
        ("HTTPS://example.com/a", "must begin with"),
        ("git://example.com/a", "must begin with"),
        ("ext::sh -c touch% /tmp/x", "must begin with"),
        ("--upload-pack=touch /tmp/x", "must begin with"),
        ("-https://example.com/a", "must begin with"),
        ("file:///srv/git/a.git", "not allowed"),
        ("https:///a.git", "names no host"),
        ("ssh://-oProxyCommand=x/a", "names no host"),
        ("ssh://-l@example.com/a", "names no host"),
        ("https://example.com:port/a", "[Pp]ort"),
        ("https://example.com:99999/a", "[Pp]ort"),
        ("https://example.com/a b", "control character"),
        ("https://example.com/a\nb", "control character"),
        ("https://[::1/a", "IPv6"),
    ],
)
def test_what_git_must_not_see_is_refused(url: str, why: str) -> None:
    with pytest.raises(SourceError, match=why) as raised:
        parse_url(url)
    assert raised.value.reason == "InvalidURL"
    assert not raised.value.retryable


def test_a_refused_address_is_shown_without_its_password() -> None:
    with pytest.raises(SourceError) as raised:
        parse_url("https://ada:secret@example.com:port/a")
    assert "secret" not in raised.value.message


def test_files_are_allowed_only_on_request() -> None:
    assert parse_url("file:///srv/a.git", allow_file=True).text == "file:///srv/a.git"
