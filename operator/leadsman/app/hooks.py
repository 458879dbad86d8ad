"""Webhooks: a forge says that somebody has pushed, and Git is looked at without waiting.

They are served on a port of their own, which a network policy can open to forges alone. Nothing is
read that is not signed with a secret of ours, and what is signed can do no more than have Leadsman
ask Git what it would have asked anyway: no address, reference or commit is taken from a webhook.
"""

from __future__ import annotations

import asyncio
import logging
import time
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

import orjson
from aiohttp import web
from aiohttp.http import HttpProcessingError

from leadsman.app.logs import Seldom
from leadsman.app.relay import RELAYED, relaying
from leadsman.app.web import split_bind
from leadsman.errors import LeadsmanError
from leadsman.source.pushes import Forge, Other, Ping, forge_of, read_push
from leadsman.source.signatures import is_authentic

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Collection
    from pathlib import Path

    from leadsman.app.parts import Parts
    from leadsman.app.relay import Relay
    from leadsman.settings import Settings

log = logging.getLogger(__name__)
_http_log = logging.getLogger(f"{__name__}.http")

PATH = "/hooks/push"
# Bytes of a body. A push of a thousand commits is told in less.
_LONGEST_BODY = 1024 * 1024
# Seconds for which a connection may live, however slowly it speaks, and how many there may be.
_PATIENCE = 10.0
_MOST_CONNECTIONS = 64
# Seconds that a webhook which is being answered may still take when Leadsman stops.
_SHUTDOWN = 1.0
# Who is counted to have sent what another Pod has relayed: a forge's webhook is counted once.
_PEER = "peer"


class Secrets:
    """The secrets in a file, one a line, as they are now."""

    def __init__(self, path: Path) -> None:
        """Read them.

        Raises:
            LeadsmanError: ``InvalidSettings``, the file cannot be read or holds none.

        """
        self._path = path
        self._stamp: tuple[int, ...] = ()
        self._values: tuple[bytes, ...] = ()
        try:
            found = self._read()
        except OSError as error:
            raise _invalid(f"{path} cannot be read: {error.strerror}") from error
        if not found:
            raise _invalid(f"{path} holds no secret: write one on a line of its own")

    def current(self) -> tuple[bytes, ...]:
        """Return the secrets, read anew if the file has changed; none if it cannot be read."""
        try:
            return self._read()
        except OSError as error:
            if self._values:
                log.warning(
                    "%s cannot be read: %s; all webhooks are refused", self._path, error.strerror
                )
            self._stamp, self._values = (), ()
            return ()

    def _read(self) -> tuple[bytes, ...]:
        # A mounted Secret changes by a symbolic link that leads to another file from then on.
        status = self._path.stat()
        stamp = (status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size)
        if stamp != self._stamp:
            lines = (line.strip() for line in self._path.read_bytes().splitlines())
            self._values = tuple(filter(None, lines))
            self._stamp = stamp
        return self._values


class Receiver:
    """Answers webhooks.

    ``changed`` is called with the addresses of a repository that was pushed to, in the form of
    ``repository_name``, and returns how many targets were told; ``counted`` with who says to have
    sent a webhook and what came of it. ``relay`` tells other Pods of what was authentic.
    """

    def __init__(
        self,
        secrets: Secrets,
        changed: Callable[[Collection[str]], int],
        counted: Callable[[str, str], None],
        relay: Relay | None = None,
    ) -> None:
        self._secrets = secrets
        self._changed = changed
        self._counted = counted
        self._relay = relay
        self._warnings = Seldom()

    async def answer(self, request: web.Request) -> web.Response:
        """Answer one request."""
        forge = forge_of(request.headers)
        try:
            outcome, response = self._judge(forge, request, await request.read())
        except web.HTTPRequestEntityTooLarge:
            outcome = "too_large"
            response = _say(413, f"the body is larger than {_LONGEST_BODY} bytes")
        self._counted(_PEER if RELAYED in request.headers else forge, outcome)
        return response

    def _judge(self, forge: Forge, request: web.Request, body: bytes) -> tuple[str, web.Response]:
        headers = request.headers
        if not is_authentic(headers, body, self._secrets.current(), time.time()):
            self._warn(forge, request)
            return "refused", _say(401, "the signature is missing, or made with another secret")
        try:
            event = read_push(headers, orjson.loads(body))
        except orjson.JSONDecodeError:
            return "unreadable", _say(400, "the body is no JSON; send it as application/json")
        except ValueError as error:
            return "unreadable", _say(400, str(error))
        if isinstance(event, Ping):
            return "ping", _say(200, "here")
        if isinstance(event, Other):
            return "ignored", _say(202, "no push: nothing to do", targets=0)
        if self._relay is not None:
            # Also where nobody here follows the repository: others may.
            self._relay.pass_on(request, body)
        targets = self._changed(event.names)
        log.info(
            "a push was told of by webhook",
            extra={"forge": str(forge), "repository": min(event.names), "targets": targets},
        )
        outcome = "told" if targets else "unmatched"
        return outcome, _say(202, "Git is looked at", targets=targets)

    def _warn(self, forge: Forge, request: web.Request) -> None:
        # Anybody can send them.
        if not self._warnings.due():
            return
        log.warning(
            "a webhook was refused: its signature is missing, or made with a secret that is not in "
            "--hooks-secret-file; others within a minute are only counted",
            extra={"forge": str(forge), "sender": request.remote},
        )


def _is_ours(record: logging.LogRecord) -> bool:
    """Tell whether a record is not about what a client did wrong, who may do so all day."""
    error = record.exc_info[1] if record.exc_info else None
    return not isinstance(error, HttpProcessingError | ConnectionError)


_http_log.addFilter(_is_ours)


class _Refusal(asyncio.Protocol):
    """Ends a connection where there are too many."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


@asynccontextmanager
async def serve(bind: str, receiver: Receiver) -> AsyncIterator[int]:
    """Serve webhooks while the block runs; give its port (0 in ``bind`` is any).

    Raises:
        LeadsmanError: the address cannot be bound.

    """
    app = web.Application(client_max_size=_LONGEST_BODY)
    app.router.add_post(PATH, receiver.answer)
    runner = web.AppRunner(
        app,
        access_log=None,
        logger=_http_log,
        auto_decompress=False,
        shutdown_timeout=_SHUTDOWN,
    )
    await runner.setup()
    connections = runner.server
    assert connections is not None  # noqa: S101 - tells the type checker what setup does
    loop = asyncio.get_running_loop()

    def connected() -> asyncio.Protocol:
        if len(connections.connections) >= _MOST_CONNECTIONS:
            return _Refusal()
        connection = connections()
        loop.call_later(_PATIENCE, connection.force_close)
        return connection

    host, port = split_bind(bind, "--hooks-bind")
    try:
        listener = await loop.create_server(connected, host, port)
    except OSError as error:
        await runner.cleanup()
        raise LeadsmanError(
            "CannotBind", f"cannot serve webhooks on {bind}: {error.strerror}", retryable=False
        ) from error
    try:
        yield int(listener.sockets[0].getsockname()[1])
    finally:
        listener.close()
        await runner.cleanup()


@asynccontextmanager
async def receive_hooks(settings: Settings, parts: Parts) -> AsyncIterator[None]:
    """Have the engine look at Git when a webhook says so, if that is wanted.

    Raises:
        LeadsmanError: there is no secret, the address cannot be bound, or it is not said
            who the peers are.

    """
    if not settings.hooks_bind:
        if settings.hooks_peers:
            raise _invalid("--hooks-peers needs --hooks-bind: who is told must listen, too")
        yield
        return
    if settings.hooks_secrets is None:
        raise _invalid("--hooks-bind needs --hooks-secret-file: webhooks without one are refused")
    secrets = Secrets(settings.hooks_secrets)
    changed, instruments = parts.engine.repository_changed, parts.instruments
    async with relaying(settings.hooks_peers, instruments.relayed) as relay:
        receiver = Receiver(secrets, changed, instruments.hooked, relay)
        async with serve(settings.hooks_bind, receiver) as port:
            log.info("webhooks are received", extra={"hooks_port": port, "path": PATH})
            yield


def _say(status: int, message: str, **more: int) -> web.Response:
    response = web.json_response({"message": message} | more, status=status)
    # One request a connection: nobody holds one for longer than it takes.
    response.force_close()
    return response


def _invalid(why: str) -> LeadsmanError:
    return LeadsmanError("InvalidSettings", why, retryable=False)
