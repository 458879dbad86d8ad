from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadsman.errors import SourceError
from leadsman.source.url import parse_url, repository_name


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


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://github.com/octo/hello", "github.com/octo/hello"),
        ("https://github.com/octo/hello.git", "github.com/octo/hello"),
        ("https://GitHub.com./Octo/Hello.git/", "github.com/octo/hello"),
        ("https://ada:s3@github.com:443//octo//hello?token=1#x", "github.com/octo/hello"),
        ("http://github.com:80/octo/hello", "github.com/octo/hello"),
        ("git://github.com:9418/octo/hello.git", "github.com/octo/hello"),
        ("ssh://git@github.com/octo/hello.git", "github.com/octo/hello"),
        ("ssh://git@github.com:22/octo/hello.git", "github.com/octo/hello"),
        ("git@github.com:octo/hello.git", "github.com/octo/hello"),
        ("github.com:/octo/hello.git", "github.com/octo/hello"),
        ("git@[2001:db8::1]:octo/hello", "[2001:db8::1]/octo/hello"),
        ("https://[2001:DB8::1]:8443/a", "[2001:db8::1]:8443/a"),
        ("ssh://git@bb.example:7999/~ada/shop.git", "bb.example:7999/~ada/shop"),
        ("ssh://git@bb.example:7999/%7Eada/shop.git", "bb.example:7999/~ada/shop"),
        ("https://dev.example/a%20b/_git/c", "dev.example/a b/_git/c"),
        ("ssh://github.com:443/octo/hello", "github.com:443/octo/hello"),
    ],
)
def test_all_addresses_of_a_repository_have_one_name(url: str, name: str) -> None:
    assert repository_name(url) == name


@pytest.mark.parametrize(
    "url",
    [
        "",
        "shop",
        "/srv/git/shop.git",
        "file:///srv/git/shop.git",
        "ftp://git.example.com/shop",
        "https://git.example.com",
        "https://git.example.com/",
        "https://git.example.com/.git",
        "https:///shop",
        "https://git.example.com:port/shop",
        "https://[::1/shop",
        "https://git.example.com/a b",
        "https://git.example.com/a\nb",
        "https://git.example.com/a%0Ab",
    ],
)
def test_what_is_no_address_has_no_name(url: str) -> None:
    assert not repository_name(url)


HOSTS = st.from_regex(r"[a-z][a-z0-9-]{0,8}(\.[a-z]{2,5}){1,2}", fullmatch=True)
STEPS = st.text(st.characters(categories=["L", "N"], include_characters=" ~_-+%?#@:.&"), min_size=1)
PATHS = st.lists(STEPS.filter(lambda step: step.lower() != ".git"), min_size=1, max_size=4)
SCHEMES = {"http": 80, "https": 443, "ssh": 22, "git": 9418}


@given(host=HOSTS, steps=PATHS, data=st.data())
def test_the_way_to_a_repository_makes_no_difference(
    host: str, steps: list[str], data: st.DataObject
) -> None:
    path = "/".join(quote(step, safe="~") for step in steps)
    name = repository_name(f"https://{host}/{path}")
    assert name.startswith(f"{host}/")
    scheme = data.draw(st.sampled_from(list(SCHEMES)))
    port = data.draw(st.sampled_from(["", f":{SCHEMES[scheme]}"]))
    user = data.draw(st.sampled_from(["", "git@", "ada:s3@"]))
    slashes = data.draw(st.sampled_from(["/", "//"]))
    if not steps[-1].lower().endswith(".git"):
        path += data.draw(st.sampled_from(["", "/", ".git", ".git/"]))
    assert repository_name(f"{scheme}://{user}{host.upper()}{port}{slashes}{path}") == name
    assert repository_name(f"git@{host}:{path}") == name


@given(host=HOSTS, steps=PATHS, port=st.integers(1, 65535))
def test_another_port_or_path_is_another_repository(host: str, steps: list[str], port: int) -> None:
    path = "/".join(quote(step, safe="~") for step in steps)
    name = repository_name(f"https://{host}/{path}")
    assert (repository_name(f"https://{host}:{port}/{path}") == name) is (port == 443)
    assert repository_name(f"https://{host}/{path}/more") != name
    assert repository_name(f"https://other.{host}/{path}") != name


@given(text=st.text())
def test_any_text_has_a_name_of_one_line_or_none(text: str) -> None:
    for url in (text, f"https://git.example.com/{text}", f"https://{text}/a"):
        name = repository_name(url)
        assert not name or ("/" in name and len(name.splitlines()) == 1)
