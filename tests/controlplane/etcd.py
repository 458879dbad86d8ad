"""What the API server has stored, read and written behind its back.

etcd = Etcd(port)
etcd.read("configmaps/shop/")                    # {"configmaps/shop/web": b"k8s\\0..."}
etcd.write({"configmaps/shop/web2": body})       # the API server's watches tell of it

Keys are places below ``/registry/``; values are what the API server's storage codec reads:
protobuf as it writes it, or JSON.
"""

from __future__ import annotations

import base64
import http.client
import json
from itertools import islice
from typing import TYPE_CHECKING, Any

from .ports import LOOPBACK

if TYPE_CHECKING:
    from collections.abc import Mapping

ROOT = "/registry/"
# etcd's own default for --max-txn-ops.
_AT_ONCE = 128


class Etcd:
    """A client of etcd's JSON gateway (``/v3/kv``, made by grpc-gateway) on loopback."""

    def __init__(self, port: int, timeout: float = 60.0) -> None:
        self._port = port
        self._timeout = timeout

    def read(self, prefix: str) -> dict[str, bytes]:
        """Return all values whose keys begin with a prefix."""
        start = (ROOT + prefix).encode()
        # The first key behind all that begin with it.
        end = start[:-1] + bytes([start[-1] + 1])
        answer = self._ask("range", {"key": _encoded(start), "range_end": _encoded(end)})
        return {
            base64.b64decode(one["key"]).decode().removeprefix(ROOT): base64.b64decode(one["value"])
            for one in answer.get("kvs", ())
        }

    def write(self, values: Mapping[str, bytes]) -> None:
        """Put values at their keys, many in one transaction."""
        connection = self._connection()
        try:
            left = iter(values.items())
            while some := tuple(islice(left, _AT_ONCE)):
                puts = [
                    {
                        "request_put": {
                            "key": _encoded((ROOT + key).encode()),
                            "value": _encoded(value),
                        }
                    }
                    for key, value in some
                ]
                self._exchange(connection, "txn", {"success": puts})
        finally:
            connection.close()

    def _ask(self, call: str, body: dict[str, Any]) -> Any:
        connection = self._connection()
        try:
            return self._exchange(connection, call, body)
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection(LOOPBACK, self._port, timeout=self._timeout)

    @staticmethod
    def _exchange(connection: http.client.HTTPConnection, call: str, body: dict[str, Any]) -> Any:
        connection.request("POST", f"/v3/kv/{call}", json.dumps(body))
        answer = connection.getresponse()
        text = answer.read().decode()
        if answer.status != http.client.OK:
            raise RuntimeError(f"etcd said {answer.status}: {text}")
        return json.loads(text)


def _encoded(data: bytes) -> str:
    return base64.b64encode(data).decode()
