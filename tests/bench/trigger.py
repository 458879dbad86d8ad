"""Tell the operator, as a forge does, that somebody has pushed."""

from __future__ import annotations

import hashlib
import hmac
import json
import secrets
import urllib.request
from typing import TYPE_CHECKING, Self

from bench.fleet import BRANCH
from controlplane.ports import Port

if TYPE_CHECKING:
    from pathlib import Path


class Forge:
    """Sends the operator signed webhooks about a repository, in a form that is no forge's own."""

    def __init__(self, url: str, folder: Path) -> None:
        self._url = url
        self._secret = secrets.token_hex().encode()
        self._file = folder / "hooks-secret"
        self._file.write_bytes(self._secret + b"\n")
        self._port = Port()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._port.release()

    @property
    def arguments(self) -> tuple[str, ...]:
        """What has the operator listen, added to its command line."""
        return "--hooks-bind", str(self._port), "--hooks-secret-file", str(self._file)

    def tell(self) -> int:
        """Say that the branch has moved; return how many targets were told."""
        body = json.dumps({"url": self._url, "ref": f"refs/heads/{BRANCH}"}).encode()
        digest = hmac.new(self._secret, body, hashlib.sha256).hexdigest()
        headers = {
            "Content-Type": "application/json",
            "X-Hub-Signature-256": f"sha256={digest}",
        }
        request = urllib.request.Request(f"http://{self._port}/hooks/push", body, headers)
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310 - our own
            return int(json.loads(answer.read())["targets"])
