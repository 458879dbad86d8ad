from __future__ import annotations

import base64
import hashlib
import hmac
from typing import TYPE_CHECKING

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from multidict import CIMultiDict

from leadsman.source.signatures import is_authentic
from unit.source.deliveries import DELIVERIES, GITHUB, SECRET

if TYPE_CHECKING:
    from unit.source.deliveries import Delivery

NOW = 1_700_000_000.0
KEY = bytes(range(32))
SIGNING_TOKEN = b"whsec_" + base64.b64encode(KEY)


def standard(
    body: bytes, *, sent: str = str(int(NOW)), key: bytes = KEY, version: str = "v1"
) -> CIMultiDict[str]:
    """Sign as GitLab does where a webhook has a signing token."""
    digest = hmac.new(key, b"msg-1." + sent.encode() + b"." + body, hashlib.sha256).digest()
    return CIMultiDict(
        {
            "webhook-id": "msg-1",
            "webhook-timestamp": sent,
            "webhook-signature": f"{version},{base64.b64encode(digest).decode()}",
        }
    )


@pytest.mark.parametrize("delivery", DELIVERIES.values(), ids=DELIVERIES)
def test_each_forges_way_to_sign_is_known(delivery: Delivery) -> None:
    body = delivery.raw()
    assert is_authentic(delivery.sign(), body, [SECRET], NOW)
    assert not is_authentic(CIMultiDict(delivery.headers), body, [SECRET], NOW)
    assert not is_authentic(delivery.sign(b"another"), body, [SECRET], NOW)


@pytest.mark.parametrize(
    "delivery",
    [one for one in DELIVERIES.values() if one.signed_by != "X-Gitlab-Token"],
    ids=[name for name in DELIVERIES if name != "gitlab"],
)
def test_a_signature_is_of_its_body_alone(delivery: Delivery) -> None:
    assert not is_authentic(delivery.sign(), delivery.raw() + b" ", [SECRET], NOW)


def test_githubs_own_example_is_authentic() -> None:
    """Source: "Validating webhook deliveries", the values to test with."""
    signature = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    headers = CIMultiDict({"X-Hub-Signature-256": signature})
    assert is_authentic(headers, b"Hello, World!", [b"It's a Secret to Everybody"], NOW)


def test_any_secret_will_do_so_that_one_can_be_replaced() -> None:
    body = GITHUB.raw()
    assert is_authentic(GITHUB.sign(b"old"), body, [b"new", b"old"], NOW)
    assert is_authentic(GITHUB.sign(b"new"), body, [b"new", b"old"], NOW)
    assert not is_authentic(GITHUB.sign(b"old"), body, [b"new"], NOW)


def test_nothing_is_authentic_without_secrets() -> None:
    assert not is_authentic(GITHUB.sign(b""), GITHUB.raw(), [], NOW)
    assert not is_authentic(GITHUB.sign(b""), GITHUB.raw(), [b""], NOW)
    assert not is_authentic(CIMultiDict({"X-Gitlab-Token": ""}), b"", [b""], NOW)


def test_sha1_is_not_taken() -> None:
    body = GITHUB.raw()
    digest = hmac.new(SECRET, body, hashlib.sha1).hexdigest()
    assert not is_authentic(CIMultiDict({"X-Hub-Signature": f"sha1={digest}"}), body, [SECRET], NOW)


def test_gitlabs_signing_token_signs_id_time_and_body() -> None:
    headers = standard(b"{}")
    assert is_authentic(headers, b"{}", [SIGNING_TOKEN], NOW)
    assert not is_authentic(headers, b"{ }", [SIGNING_TOKEN], NOW)
    assert not is_authentic(headers, b"{}", [b"whsec_" + base64.b64encode(b"another")], NOW)
    assert not is_authentic(headers, b"{}", [base64.b64encode(KEY)], NOW)
    for name in ("webhook-id", "webhook-timestamp", "webhook-signature"):
        fewer = CIMultiDict(headers)
        del fewer[name]
        assert not is_authentic(fewer, b"{}", [SIGNING_TOKEN], NOW)


def test_one_of_several_standard_signatures_is_enough() -> None:
    headers = standard(b"{}")
    headers["webhook-signature"] = f"v1a,xyz v1,AAAA {headers['webhook-signature']}"
    assert is_authentic(headers, b"{}", [SIGNING_TOKEN], NOW)
    assert not is_authentic(standard(b"{}", version="v2"), b"{}", [SIGNING_TOKEN], NOW)


@pytest.mark.parametrize("away", [-301, 301, -(10**9)])
def test_a_standard_signature_of_another_time_is_refused(away: int) -> None:
    headers = standard(b"{}", sent=str(int(NOW) + away))
    assert not is_authentic(headers, b"{}", [SIGNING_TOKEN], NOW)


@pytest.mark.parametrize("sent", ["", "soon", "-1", "1e9", "9" * 5000, "¹", "1700000000.5"])
def test_a_time_that_is_none_is_refused(sent: str) -> None:
    headers = standard(b"{}", sent=sent)
    assert not is_authentic(headers, b"{}", [SIGNING_TOKEN], NOW)


@pytest.mark.parametrize("token", [b"whsec_", b"whsec_not base64", b"whsec_====="])
def test_a_signing_token_that_is_none_signs_nothing(token: bytes) -> None:
    assert not is_authentic(standard(b"{}", key=b""), b"{}", [token], NOW)


@given(
    header=st.sampled_from(
        [
            "X-Hub-Signature-256",
            "X-Hub-Signature",
            "X-Gitea-Signature",
            "X-Forgejo-Signature",
            "X-Gitlab-Token",
            "webhook-signature",
        ]
    ),
    # What aiohttp makes of bytes that are no UTF-8 are lone surrogates.
    value=st.text() | st.text(st.characters(codec="ascii")) | st.just("\udcff"),
    body=st.binary(),
)
def test_what_was_not_signed_is_refused_whatever_it_is(
    header: str, value: str, body: bytes
) -> None:
    assume(not any("\ud800" <= char < "\udc80" for char in value))
    headers = standard(body, key=b"another")
    headers[header] = value
    assert not is_authentic(headers, body, [SECRET, SIGNING_TOKEN], NOW)
