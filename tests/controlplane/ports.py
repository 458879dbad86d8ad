"""Loopback ports that stay ours while what listens there comes and goes."""

from __future__ import annotations

import socket
from typing import Self

LOOPBACK = "127.0.0.1"


class Port:
    """A free loopback port, kept by a socket that is bound to it and never listens.

    Linux lets another socket listen there if both set SO_REUSEADDR, as Python's servers and Go's
    do, and gives the port to nobody who asks for any free one. While nothing listens, a connection
    is refused.
    """

    def __init__(self) -> None:
        self._keeper = socket.socket()
        self._keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._keeper.bind((LOOPBACK, 0))
        self.number: int = self._keeper.getsockname()[1]

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.release()

    def __str__(self) -> str:
        return f"{LOOPBACK}:{self.number}"

    def release(self) -> None:
        self._keeper.close()
