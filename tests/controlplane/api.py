"""A small synchronous client of an API server, for what tests set up and look up."""

from __future__ import annotations

import http.client
import json
import ssl
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from pathlib import Path


class ApiError(RuntimeError):
    """The API server answered with an error; ``status`` is the HTTP status code."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status


class Api:
    """Sends requests as the owner of a token; any thread may use it.

    api.get("/api/v1/namespaces")["items"]
    api.patch("/apis/apps/v1/namespaces/shop/deployments/web", {"spec": {"replicas": 3}})
    """

    def __init__(self, server: str, ca_file: Path, token: str, timeout: float = 30.0) -> None:
        self._address = urlsplit(server).netloc
        self._context = ssl.create_default_context(cafile=ca_file)
        self._token = token
        self._timeout = timeout

    def get(self, path: str) -> Any:
        return json.loads(self.request("GET", path))

    def create(self, path: str, body: Any) -> Any:
        return json.loads(self.request("POST", path, body))

    def patch(self, path: str, body: Any, kind: str = "merge-patch+json") -> Any:
        return json.loads(self.request("PATCH", path, body, f"application/{kind}"))

    def delete(self, path: str) -> Any:
        return json.loads(self.request("DELETE", path))

    def request(
        self, method: str, path: str, body: Any = None, content_type: str = "application/json"
    ) -> str:
        """Return the text of the answer; a status of 400 or more is an ApiError."""
        connection = http.client.HTTPSConnection(
            self._address, context=self._context, timeout=self._timeout
        )
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": content_type}
        try:
            data = None if body is None else json.dumps(body)
            connection.request(method, path, body=data, headers=headers)
            response = connection.getresponse()
            text = response.read().decode()
        finally:
            connection.close()
        if response.status >= http.client.BAD_REQUEST:
            raise ApiError(response.status, _message(text))
        return text


def _message(text: str) -> str:
    """What a Status object says, or the text itself if it is none."""
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text.strip()
