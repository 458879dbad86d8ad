"""A forge tells one Pod of a push, and the Pod tells the others: shards, and who stands by for one.

They are told what the forge has sent, with its signature, which they verify as if it had come from
the forge itself: no Pod is trusted. What was relayed is relayed no further, so that it ends there.
"""

from __future__ import annotations

import asyncio
import logging
import socket
from collections import Counter
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import aiohttp
from yarl import URL

from leadsman.app.logs import Seldom
from leadsman.app.web import split_bind
from leadsman.errors import LeadsmanError
from leadsman.source import pushes, signatures

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping

    from aiohttp import web

log = logging.getLogger(__name__)

# Says that another Pod has sent it. Anybody may say so: then no other Pod is told.
RELAYED = "Leadsman-Relayed"
# What is passed on: what a signature is made of, and what tells the event.
_PASSED_ON = ("Content-Type", *signatures.HEADERS, *pushes.HEADERS)
# Seconds for finding out who is there, and again for each to answer.
_PATIENCE = 5.0
# Pushes under way at once, and those of them that wait for the same Pod: one that is gone and not
# forgotten yet must not keep the others from hearing of the next push.
_MOST = 64
_MOST_EACH = 16
# Seconds that those under way may still take when Leadsman stops.
_SHUTDOWN = 1.0


@dataclass(frozen=True, slots=True)
class Peers:
    """Where the Pods are: a name, which may have many addresses, and their port."""

    host: str
    port: int


@dataclass(frozen=True, slots=True)
class Webhook:
    """What the others are told, and the address that it has reached already."""

    path: str
    headers: Mapping[str, str]
    body: bytes
    reached: str


def read_peers(text: str) -> tuple[Peers, ...]:
    """Read ``host:port``, several of which are parted by commas.

    Raises:
        LeadsmanError: ``InvalidSettings``, it is not of that form.

    """
    found = []
    for one in text.split(","):
        host, port = split_bind(one.strip(), "--hooks-peers")
        if one.strip().startswith(":") or not port:
            why = f"--hooks-peers wants a name and a port, got {one!r}"
            raise LeadsmanError("InvalidSettings", why, retryable=False)
        found.append(Peers(host, port))
    return tuple(found)


async def resolve(peers: Peers) -> Collection[str]:
    """Return the addresses that a name has now.

    Raises:
        OSError: it has none, or nobody knows.

    """
    loop = asyncio.get_running_loop()
    found = await loop.getaddrinfo(peers.host, peers.port, type=socket.SOCK_STREAM)
    return {str(address[0]) for *_, address in found}


class Relay:
    """Tells the other Pods; ``counted`` is called with what came of each attempt."""

    def __init__(
        self,
        peers: Collection[Peers],
        session: aiohttp.ClientSession,
        counted: Callable[[str], None],
        resolve: Callable[[Peers], Awaitable[Collection[str]]],
    ) -> None:
        self._peers = peers
        self._session = session
        self._counted = counted
        self._resolve = resolve
        self._under_way: set[asyncio.Task[None]] = set()
        self._waiting: Counter[URL] = Counter()
        # One at a time: a resolver that hangs holds a thread, which nobody can take from it.
        self._resolving = asyncio.Lock()
        self._warnings = Seldom()

    def pass_on(self, request: web.Request, body: bytes) -> None:
        """Have the others told of an authentic request, whose body is ``body``; wait for nobody."""
        if RELAYED in request.headers:
            return
        if len(self._under_way) >= _MOST:
            self._missed("dropped", f"{_MOST} pushes are being relayed already")
            return
        headers = {name: request.headers[name] for name in _PASSED_ON if name in request.headers}
        here = request.transport.get_extra_info("sockname") if request.transport else None
        webhook = Webhook(request.path, headers | {RELAYED: "1"}, body, here[0] if here else "")
        task = asyncio.create_task(self._spread(webhook))
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)

    async def close(self) -> None:
        """Wait for what is under way, though not for long."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=_SHUTDOWN)
        left = list(self._under_way)
        for task in left:
            task.cancel()
        await asyncio.gather(*left, return_exceptions=True)

    async def _spread(self, webhook: Webhook) -> None:
        async with asyncio.TaskGroup() as group:
            for url in await self._others(webhook):
                group.create_task(self._tell(url, webhook))

    async def _others(self, webhook: Webhook) -> Collection[URL]:
        found: set[URL] = set()
        for peers in self._peers:
            try:
                async with asyncio.timeout(_PATIENCE), self._resolving:
                    addresses = set(await self._resolve(peers))
            except (OSError, UnicodeError) as error:
                self._missed("unresolved", f"{peers.host} was not resolved: {_why(error)}")
                continue
            found.update(
                URL.build(scheme="http", host=one, port=peers.port, path=webhook.path)
                for one in addresses - {webhook.reached}
            )
        return found

    async def _tell(self, url: URL, webhook: Webhook) -> None:
        if self._waiting[url] >= _MOST_EACH:
            self._missed("dropped", f"{url} does not answer {_MOST_EACH} others")
            return
        self._waiting[url] += 1
        try:
            async with self._session.post(
                url, data=webhook.body, headers=webhook.headers, allow_redirects=False
            ) as answer:
                status = answer.status
        # A header that cannot be written is a ValueError, and no forge's.
        except (aiohttp.ClientError, OSError, ValueError) as error:
            self._missed("unreachable", f"{url}: {_why(error)}")
            return
        finally:
            self._waiting -= Counter({url: 1})
        # Each status below 300 is one of those that Receiver takes a webhook with.
        if status < 300:  # noqa: PLR2004 - see above
            self._counted("relayed")
        else:
            self._missed("refused", f"{url} answered with status {status}")

    def _missed(self, outcome: str, why: str) -> None:
        self._counted(outcome)
        # In each rollout there are Pods that cannot be reached.
        if not self._warnings.due():
            return
        log.warning(
            "a push was not relayed to another Pod, whose targets are looked at when their "
            "interval is over; others within a minute are only counted",
            extra={"outcome": outcome, "why": why},
        )


@asynccontextmanager
async def relaying(
    peers: str,
    counted: Callable[[str], None],
    resolve: Callable[[Peers], Awaitable[Collection[str]]] = resolve,
) -> AsyncIterator[Relay | None]:
    """Give who tells the others while the block runs; None where ``peers`` names nobody.

    Raises:
        LeadsmanError: ``InvalidSettings``, it does not say who they are.

    """
    if not peers:
        yield None
        return
    found = read_peers(peers)
    async with aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, force_close=True),
        timeout=aiohttp.ClientTimeout(total=_PATIENCE),
        cookie_jar=aiohttp.DummyCookieJar(),
        skip_auto_headers=("Content-Type",),
    ) as session:
        relay = Relay(found, session, counted, resolve)
        try:
            yield relay
        finally:
            await relay.close()


def _why(error: Exception) -> str:
    return str(error) or ("no answer in time" if isinstance(error, TimeoutError) else repr(error))
