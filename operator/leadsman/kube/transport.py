"""One HTTP exchange with the API server, tried once: connections, limits in time, errors."""

from __future__ import annotations

import asyncio
import errno
import io
import os
import socket
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeAlias
from urllib.parse import urlencode

import aiohttp
from yarl import URL

from leadsman.errors import KubeError
from leadsman.kube.status import FORBIDDEN, describe, error_of

if TYPE_CHECKING:
    from leadsman.kube.access import Access, ClusterConfig

# Called after each request with its verb, resource, HTTP status code (or ``timeout``,
# ``unreachable``) and how many seconds the answer took; of a watch until it began.
Observe: TypeAlias = Callable[[str, str, str, float], None]

JSON = "application/json"
APPLY = "application/apply-patch+yaml"
MERGE_PATCH = "application/merge-patch+json"

_CONNECT_TIMEOUT = 5.0
_READ_BUFFER = 256 * 1024
# Seconds for which an API server that was away may refuse what it allows once it has read its
# roles.
_DOUBTED_FOR = 30.0
# Repeating these does no harm: the second time changes nothing.
_IDEMPOTENT_METHODS = frozenset({"GET", "PUT", "DELETE"})
_IDEMPOTENT_PATCHES = frozenset({APPLY, MERGE_PATCH})


@dataclass(frozen=True, slots=True)
class Request:
    """An HTTP request; ``timeout`` in seconds, of a watch until it begins.

    ``silence`` is not 0 for a watch: the seconds without a byte after which it counts as lost.
    """

    method: str
    path: str
    params: Mapping[str, str]
    headers: Mapping[str, str]
    timeout: float
    body: bytes | None = None
    silence: float = 0.0

    @property
    def content_type(self) -> str:
        """The type of the body, ``""`` without one."""
        return self.headers.get("Content-Type", "")

    @property
    def idempotent(self) -> bool:
        """Whether sending it twice is as good as once."""
        return self.method in _IDEMPOTENT_METHODS or self.content_type in _IDEMPOTENT_PATCHES

    @property
    def label(self) -> tuple[str, str]:
        """Verb and resource, for metrics."""
        return describe(
            self.method,
            self.path,
            watch=bool(self.silence),
            apply=self.content_type == APPLY,
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer that was read to its end."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport:
    """The connections to one API server."""

    def __init__(self, config: ClusterConfig, *, observe: Observe | None, user_agent: str) -> None:
        self._config = config
        self._observe = observe
        self._lost_at = float("-inf")
        self._session = aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(limit=0, keepalive_timeout=60.0, socket_factory=_socket),
            headers={
                "User-Agent": user_agent,
                "Accept-Encoding": "gzip" if config.far and not config.loopback else "identity",
            },
            read_bufsize=_READ_BUFFER,
            cookie_jar=aiohttp.DummyCookieJar(),
        )

    async def close(self) -> None:
        """Close all connections."""
        await self._session.close()

    async def send(self, request: Request, access: Access) -> Answer:
        """Return the answer, whatever its status.

        Raises:
            KubeError: there was none: ``ApiServerUnreachable`` or ``Timeout``.

        """
        started = time.monotonic()
        code = "unreachable"
        try:
            async with self._session.request(
                timeout=aiohttp.ClientTimeout(total=request.timeout, sock_connect=_CONNECT_TIMEOUT),
                **self._arguments(request, access),
            ) as response:
                body = await response.read()
                code = str(response.status)
                return Answer(response.status, response.headers, body)
        except (aiohttp.ClientError, OSError) as error:
            code = "timeout" if isinstance(error, TimeoutError) else code
            raise self.lost(request, error) from error
        finally:
            self._note(request, code, started)

    async def open(self, request: Request, access: Access) -> aiohttp.ClientResponse | Answer:
        """Return the response of a watch that has begun, to be read and closed, or a refusal.

        Raises:
            KubeError: there was no answer: ``ApiServerUnreachable`` or ``Timeout``.

        """
        started = time.monotonic()
        code = "unreachable"
        try:
            async with asyncio.timeout(request.timeout):
                response = await self._session.request(
                    timeout=aiohttp.ClientTimeout(
                        sock_connect=_CONNECT_TIMEOUT, sock_read=request.silence
                    ),
                    **self._arguments(request, access),
                )
                code = str(response.status)
                if response.status == HTTPStatus.OK:
                    return response
                async with response:
                    return Answer(response.status, response.headers, await response.read())
        except (aiohttp.ClientError, OSError) as error:
            code = "timeout" if isinstance(error, TimeoutError) else code
            raise self.lost(request, error) from error
        finally:
            self._note(request, code, started)

    def refusal(self, request: Request, answer: Answer) -> KubeError:
        """Return the error that an answer without success means.

        A refusal soon after the connection was lost may be other the next time.
        """
        config = self._config
        where = f"{request.method} {config.server}{request.path}"
        error = error_of(answer.status, answer.body, where)
        if answer.status == HTTPStatus.UNAUTHORIZED:
            return KubeError(
                "Unauthorized",
                f"the API server at {config.server} does not accept the credentials of "
                f"{config.origin or 'this client'} ({error.message})",
                status=answer.status,
            )
        if error.status == FORBIDDEN and time.monotonic() - self._lost_at < _DOUBTED_FOR:
            error.retryable = True
        return error

    def lost(self, request: Request, error: Exception) -> KubeError:
        """Return the error that a broken connection means."""
        where = f"{request.method} {self._config.server}{request.path}"
        if isinstance(error, TimeoutError):
            return KubeError("Timeout", f"{where}: the API server did not answer in time")
        self._lost_at = time.monotonic()
        return KubeError("ApiServerUnreachable", f"{where}: {_said(error)}")

    def _arguments(self, request: Request, access: Access) -> dict[str, Any]:
        query = f"?{urlencode(request.params)}" if request.params else ""
        headers = dict(request.headers)
        if access.authorization:
            headers["Authorization"] = access.authorization
        return {
            "method": request.method,
            "url": URL(f"{self._config.server}{request.path}{query}", encoded=True),
            "headers": headers,
            # As a file, a large one is written in parts; of bytes aiohttp warns.
            "data": None if request.body is None else io.BytesIO(request.body),
            "ssl": access.tls or True,
            "proxy": self._config.proxy,
            "server_hostname": self._config.tls_server_name,
            # An API server that redirects would send us to places that nobody has named.
            "allow_redirects": False,
        }

    def _note(self, request: Request, code: str, started: float) -> None:
        if self._observe is not None:
            self._observe(*request.label, code, time.monotonic() - started)


def _said(error: Exception) -> str:
    """Return what an error says, without the objects that aiohttp puts into its text."""
    cause = error
    if isinstance(error, aiohttp.ClientConnectorCertificateError):
        cause = error.certificate_error
    elif isinstance(error, aiohttp.ClientConnectorError):
        cause = error.os_error
    if isinstance(cause, OSError) and not isinstance(cause, ssl.SSLError):
        # TLS errors, which are OSErrors, have numbers of their own.
        number = cause.errno or 0
        return os.strerror(number) if number in errno.errorcode else str(cause)
    return str(cause) or type(cause).__name__


def _socket(
    address: tuple[int | socket.AddressFamily, int | socket.SocketKind, int, str, Any],
) -> socket.socket:
    """Make a socket that notices within a minute that the other side is gone without a word.

    A watch is silent for minutes by nature, and a firewall that forgot the connection says
    nothing: events would be lost until the watch's own end.
    """
    family, kind, protocol, _, _ = address
    made = socket.socket(family=family, type=kind, proto=protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, seconds in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 10), ("TCP_KEEPCNT", 3)):
        if hasattr(socket, option):
            made.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), seconds)
    return made
