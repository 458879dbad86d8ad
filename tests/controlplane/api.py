"""A small synchronous client of an API server, for what tests set up and look up."""

from __future__ import annotations

import contextlib
import http.client
import json
import socket
import ssl
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

if TYPE_CHECKING:
    from collections.abc import Iterator
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

    def find(self, path: str) -> Any | None:
        """Return what is there, None if nothing is."""
        try:
            return self.get(path)
        except ApiError as error:
            if error.status == http.client.NOT_FOUND:
                return None
            raise

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

    def watch(self, path: str) -> Watch:
        """Open a watch on a list's path."""
        connection = http.client.HTTPSConnection(self._address, context=self._context)
        headers = {"Authorization": f"Bearer {self._token}"}
        connection.request("GET", f"{path}?watch=1", headers=headers)
        return Watch(connection)


class Watch:
    """The events of a watch, one after another; ``close`` may be called from another thread."""

    def __init__(self, connection: http.client.HTTPSConnection) -> None:
        self._socket = connection.sock
        self._answer = connection.getresponse()
        if self._answer.status != http.client.OK:
            raise ApiError(self._answer.status, _message(self._answer.read().decode()))

    def __iter__(self) -> Iterator[dict[str, Any]]:
        while line := self._answer.readline():
            yield json.loads(line)

    def close(self) -> None:
        """End the watch, and with it who iterates over it."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)


def _message(text: str) -> str:
    """What a Status object says, or the text itself if it is none."""
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return text.strip()
