"""Whether a webhook's request was sent by somebody who knows a secret of ours.

Pure: the request and the time come in. Every comparison takes the same time whatever differs.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

# Headers that hold an HMAC-SHA256 of the body in hexadecimal, and what stands before it.
# ``X-Hub-Signature`` is Bitbucket's; GitHub and Gitea send SHA-1 in it, which is not taken.
# Source: "Validating webhook deliveries" of GitHub, "Webhooks" of Gitea and of Forgejo, "Manage
# webhooks" of Bitbucket Cloud and of Bitbucket Data Center.
_OF_BODY = {
    "X-Hub-Signature-256": "sha256=",
    "X-Hub-Signature": "sha256=",
    "X-Gitea-Signature": "",
    "X-Forgejo-Signature": "",
}
# GitLab's secret token, which is sent as it is. Source: "Webhooks" of GitLab.
_TOKEN = "X-Gitlab-Token"  # noqa: S105 - a header's name
# GitLab's signing token, by Standard Webhooks 1.0: the key is what follows in Base64, the signed
# text is ``id.timestamp.body``, and the time may differ by so many seconds.
_ID, _SENT, _SIGNATURES = "webhook-id", "webhook-timestamp", "webhook-signature"
_SIGNING_KEY = b"whsec_"
_TOLERANCE = 300.0
# All headers that are read here.
HEADERS = (*_OF_BODY, _TOKEN, _ID, _SENT, _SIGNATURES)


def is_authentic(
    headers: Mapping[str, str], body: bytes, secrets: Iterable[bytes], now: float
) -> bool:
    """Tell whether a request carries a proof that its sender knows one of the secrets.

    ``headers`` must find names whatever their case; ``body`` is what was sent, byte by byte;
    ``now`` is in seconds since the epoch.
    """
    return any(
        _signed(headers, body, secret)
        or _same(headers.get(_TOKEN), secret)
        or _signed_by_standard(headers, body, secret, now)
        for secret in secrets
        if secret
    )


def _signed(headers: Mapping[str, str], body: bytes, secret: bytes) -> bool:
    given = [(headers[name], before) for name, before in _OF_BODY.items() if name in headers]
    if not given:
        return False
    digest = hmac.digest(secret, body, hashlib.sha256).hex()
    return any(_same(value, f"{before}{digest}".encode()) for value, before in given)


def _signed_by_standard(headers: Mapping[str, str], body: bytes, secret: bytes, now: float) -> bool:
    signatures, sent = headers.get(_SIGNATURES), headers.get(_SENT, "")
    if signatures is None or not secret.startswith(_SIGNING_KEY):
        return False
    try:
        key = base64.b64decode(secret.removeprefix(_SIGNING_KEY), validate=True)
    except binascii.Error:
        return False
    # The longest whole number of seconds that could be near any clock's.
    if not (sent.isascii() and sent.isdigit() and len(sent) < 12):  # noqa: PLR2004 - see above
        return False
    if not key or abs(now - int(sent)) > _TOLERANCE:
        return False
    text = f"{headers.get(_ID, '')}.{sent}.".encode(errors="surrogateescape") + body
    digest = base64.b64encode(hmac.digest(key, text, hashlib.sha256))
    return any(_same(one, b"v1," + digest) for one in signatures.split(" "))


def _same(given: str | None, expected: bytes) -> bool:
    if given is None:
        return False
    return hmac.compare_digest(given.encode(errors="surrogateescape"), expected)
