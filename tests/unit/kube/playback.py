"""An API server whose part the test itself plays: a real HTTP server on loopback.

    version, (asked,) = await asyncio.gather(
        client.get("/version"), server.answers(reply({"gitVersion": "v1.37.2"}))
    )

What it is made to say was recorded from kube-apiserver 1.37.2.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from aiohttp import web

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

_RECORDED = Path(__file__).parent / "recorded"
# Seconds that a client may take to ask for what the test expects.
_PATIENCE = 10.0


class Exchange:
    """A request that has come in, and how the test answers it."""

    def __init__(self, request: web.Request, body: bytes) -> None:
        self.method = request.method
        self.path = request.path
        self.query = dict(request.query)
        self.headers = request.headers
        self.body = body
        self.done = asyncio.Event()
        self.gone = asyncio.Event()
        self._request = request
        self.response: web.StreamResponse | None = None

    async def reply(
        self,
        body: Any = b"",
        status: int = 200,
        headers: Mapping[str, str] | None = None,
        *,
        compress: bool = False,
    ) -> None:
        """Answer as a whole; anything but bytes is sent as JSON."""
        raw = body if isinstance(body, bytes) else json.dumps(body).encode()
        kind = "text/plain" if isinstance(body, bytes) else "application/json"
        response = web.Response(
            body=raw, status=status, headers={"Content-Type": kind, **(headers or {})}
        )
        if compress:
            response.enable_compression(web.ContentCoding.gzip)
        await response.prepare(self._request)
        await response.write_eof()
        self.response = response
        self.done.set()

    async def begin(self) -> None:
        """Start the answer of a watch."""
        response = web.StreamResponse(headers={"Content-Type": "application/json"})
        await response.prepare(self._request)
        self.response = response

    async def send(self, *events: Any) -> None:
        """Send watch events, one a line; bytes as they are."""
        if self.response is None:
            await self.begin()
        assert self.response is not None
        for event in events:
            await self.response.write(event if isinstance(event, bytes) else line(event))

    async def end(self) -> None:
        """End a watch as the API server does when its time is over."""
        if self.response is None:
            await self.begin()
        assert self.response is not None
        await self.response.write_eof()
        self.done.set()

    def cut(self) -> None:
        """Break the connection, if it still stands."""
        if self._request.transport is not None:
            self._request.transport.abort()
        self.done.set()

    async def left(self) -> None:
        """Wait until the client has closed the connection."""
        async with asyncio.timeout(_PATIENCE):
            await self.gone.wait()


Answer: TypeAlias = Callable[[Exchange], Awaitable[None]]


def reply(body: Any = b"", status: int = 200, headers: Mapping[str, str] | None = None) -> Answer:
    """Return the answer with this body."""
    return lambda exchange: exchange.reply(body, status, headers)


async def cut(exchange: Exchange) -> None:
    """Answer by breaking the connection."""
    exchange.cut()


class Playback:
    """The server; ``url`` is where, ``asked`` counts all requests."""

    def __init__(self) -> None:
        self.url = ""
        self.asked = 0
        self._waiting: asyncio.Queue[Exchange] = asyncio.Queue()

    async def accept(self) -> Exchange:
        """Return the next request, in the order they came in."""
        async with asyncio.timeout(_PATIENCE):
            return await self._waiting.get()

    async def answers(self, *answers: Answer) -> list[Exchange]:
        """Answer the next requests one after another, and return them."""
        asked = []
        for answer in answers:
            asked.append(await self.accept())
            await answer(asked[-1])
        return asked

    @property
    def idle(self) -> bool:
        """Tell whether no request waits to be accepted."""
        return self._waiting.empty()

    async def handle(self, request: web.Request) -> web.StreamResponse:
        self.asked += 1
        exchange = Exchange(request, await request.read())
        await self._waiting.put(exchange)
        try:
            await exchange.done.wait()
        except asyncio.CancelledError:
            exchange.gone.set()
            raise
        return exchange.response if exchange.response is not None else web.Response()


@asynccontextmanager
async def playing() -> AsyncIterator[Playback]:
    """Start a server on a free port of this machine, and stop it."""
    playback = Playback()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", playback.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.1, handler_cancellation=True)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0)
    await site.start()
    host, port = runner.addresses[0][:2]
    playback.url = f"http://{host}:{port}"
    try:
        yield playback
    finally:
        await runner.cleanup()


def recorded(name: str) -> Any:
    """Return a recorded document."""
    return json.loads((_RECORDED / f"{name}.json").read_text(encoding="utf-8"))


def status(code: int, reason: str, message: str, **details: Any) -> dict[str, Any]:
    """Return a Status as the API server writes it."""
    return {
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Failure",
        "message": message,
        "reason": reason,
        "details": details,
        "code": code,
    }


def config_map(name: str, version: int, namespace: str = "shop", **more: Any) -> dict[str, Any]:
    """Return a ConfigMap as a watch brings it."""
    return {"kind": "ConfigMap", "apiVersion": "v1", **listed(name, version, namespace, **more)}


def listed(name: str, version: int, namespace: str = "shop", **more: Any) -> dict[str, Any]:
    """Return a ConfigMap as a list brings it: without kind and apiVersion."""
    return {
        "metadata": {
            "name": name,
            "namespace": namespace,
            "uid": f"uid-{name}",
            "resourceVersion": str(version),
        },
        **more,
    }


def event(kind: str, obj: dict[str, Any]) -> dict[str, Any]:
    """Return a watch event."""
    return {"type": kind, "object": obj}


def line(event: dict[str, Any]) -> bytes:
    """Return a watch event as the API server sends it."""
    return json.dumps(event, separators=(",", ":")).encode() + b"\n"


def bookmark(version: int, *, ends_list: bool = False) -> dict[str, Any]:
    """Return a BOOKMARK, or the one that ends a streamed list."""
    metadata: dict[str, Any] = {"resourceVersion": str(version)}
    if ends_list:
        metadata["annotations"] = {"k8s.io/initial-events-end": "true"}
    return event("BOOKMARK", {"kind": "ConfigMap", "apiVersion": "v1", "metadata": metadata})


EXPIRED = event("ERROR", status(410, "Expired", "too old resource version: 7 (1042)"))
NO_STREAMED_LISTS = status(
    422,
    "Invalid",
    'ListOptions.meta.k8s.io "" is invalid: sendInitialEvents: Forbidden: sendInitialEvents is '
    "forbidden for watch unless the WatchList feature gate is enabled",
    group="meta.k8s.io",
    kind="ListOptions",
)
