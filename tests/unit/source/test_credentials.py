from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadsman.errors import SourceError
from leadsman.model.source import Credentials
from leadsman.source.credentials import read_secret
from leadsman.source.url import parse_url

HTTPS = parse_url("https://example.com/a.git")
CERTIFICATE = b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"


def secret(**data: bytes) -> Credentials:
    return Credentials({key.replace("_", "."): value for key, value in data.items()})


def test_a_public_repository_needs_nothing() -> None:
    access = read_secret(HTTPS, None, "")
    assert not access.authenticated
    assert not access.can_follow


def test_the_newer_name_of_the_authority_wins() -> None:
    data = Credentials({"ca.crt": CERTIFICATE + b"new", "caFile": CERTIFICATE})
    assert read_secret(HTTPS, data, "").authority.endswith(b"new")


def test_the_secret_wins_over_the_address() -> None:
    url = parse_url("https://url-user:url-password@example.com/a")
    access = read_secret(url, secret(username=b"ada", password=b"pw"), "")
    assert (access.username, access.password) == ("ada", "pw")
    access = read_secret(url, None, "")
    assert (access.username, access.password) == ("url-user", "url-password")


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (secret(password=b"pw"), "has 'password' but not 'username'"),
        (secret(username=b"ada", bearerToken=b"t"), "has both 'bearerToken' and a user name"),
        (secret(username=b"ada", password=b"pw\n"), "has a line break .* in 'password'"),
        (secret(bearerToken=b"a\r\nX-Evil: 1"), "has a line break .* in 'bearerToken'"),
        (secret(username=b"\xff\xfe", password=b"pw"), "holds no text in 'username'"),
        (secret(ca_crt=b"not a certificate"), "holds no PEM certificate in 'ca.crt'"),
        (secret(tls_crt=CERTIFICATE), "needs 'tls.crt' and 'tls.key'"),
    ],
)
def test_what_a_secret_lacks_is_named(data: Credentials, message: str) -> None:
    with pytest.raises(SourceError, match=f"Secret apps/git {message}") as raised:
        read_secret(HTTPS, data, "apps/git")
    assert (raised.value.reason, raised.value.retryable) == ("InvalidSecret", False)


@pytest.mark.parametrize(
    "identity",
    [
        b"-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n-----END ENCRYPTED PRIVATE KEY-----\n",
        b"-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nAAAA\n-----END-----\n",
    ],
)
def test_an_encrypted_key_of_the_older_kinds_is_known_as_such(identity: bytes) -> None:
    url = parse_url("ssh://git@example.com/a.git")
    with pytest.raises(SourceError, match="identity is encrypted"):
        read_secret(url, secret(identity=identity), "apps/git")


@given(
    password=st.text(min_size=6, alphabet=st.characters(codec="utf-8", exclude_categories=["Cc"])),
    before=st.text(),
    after=st.text(),
)
def test_no_form_of_a_password_survives_scrubbing(password: str, before: str, after: str) -> None:
    access = read_secret(HTTPS, secret(username=b"ada", password=password.encode()), "")
    header = base64.b64encode(f"ada:{password}".encode()).decode()
    for form in (password, header, header.rstrip("=")):
        assert form not in access.scrub(f"{before} {form} {after}")


def test_credentials_in_any_address_are_scrubbed() -> None:
    access = read_secret(HTTPS, None, "")
    assert access.scrub("at https://ada:pw@example.com/x, http://token@example.com/y") == (
        "at https://***@example.com/x, http://***@example.com/y"
    )
    assert access.scrub("ssh://git@example.com/x") == "ssh://git@example.com/x"
    assert access.scrub("socks5://ada:pw@proxy") == "socks5://ada:***@proxy"
    asked = "unable to access 'http://example.com/x?private_token=pw/': refused"
    assert access.scrub(asked) == "unable to access 'http://example.com/x?***': refused"


def test_a_token_in_the_place_of_a_user_name_is_a_secret() -> None:
    access = read_secret(HTTPS, secret(username=b"ghp_token"), "")
    assert "ghp_token" not in access.scrub("no access for ghp_token")


def test_nothing_secret_is_in_the_representation() -> None:
    access = read_secret(HTTPS, secret(username=b"ada", password=b"hidden-pw"), "")
    assert "hidden-pw" not in repr(access)
    assert "hidden-pw" not in repr(secret(password=b"hidden-pw"))
