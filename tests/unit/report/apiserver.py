"""As much of an API server as reports and Events need, over real HTTP on loopback."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson
from aiohttp import web

from leadsman.kube.access import ClusterConfig
from leadsman.kube.client import Client

if TYPE_CHECKING:
    from collections.abc import AsyncIterator

    from leadsman.model.json import JsonObject


@dataclass(slots=True)
class ApiServer:
    """Stores what is applied or created; ``requests`` are all that came in.

    ``refusals`` are answered to the next requests instead: HTTP status and reason; only to those
    whose path begins with ``refuse``. With ``mute`` nothing is answered any more, with ``held``
    nothing before that is set; ``arrived`` is set by each request.
    """

    client: Client = field(init=False)
    objects: dict[str, JsonObject] = field(default_factory=dict)
    requests: list[tuple[str, str]] = field(default_factory=list)
    bodies: list[JsonObject] = field(default_factory=list)
    queries: list[dict[str, str]] = field(default_factory=list)
    refusals: list[tuple[int, str]] = field(default_factory=list)
    arrived: asyncio.Event = field(default_factory=asyncio.Event)
    mute: bool = False
    refuse: str = ""
    held: asyncio.Event | None = None

    async def handle(self, request: web.Request) -> web.Response:
        body = orjson.loads(await request.read())
        self.requests.append((request.method, request.path))
        self.bodies.append(body)
        self.queries.append(dict(request.query))
        self.arrived.set()
        if self.mute:
            await asyncio.Event().wait()
        if self.held:
            await self.held.wait()
        if self.refusals and request.path.startswith(self.refuse):
            return _refuse(*self.refusals.pop(0))
        path = request.path
        if request.method == "POST":
            path = f"{path}/{body['metadata']['name']}"
            if path in self.objects:
                return _refuse(409, "AlreadyExists")
            self.objects[path] = body
            return web.json_response(body, status=201)
        if request.content_type == "application/merge-patch+json" or path.endswith("/status"):
            path = path.removesuffix("/status")
            if path not in self.objects:
                return _refuse(404, "NotFound")
            self.objects[path] |= {part: body[part] for part in body if part != "metadata"}
        else:
            self.objects[path] = {**self.objects.get(path, {}), **body}
        return web.json_response(self.objects[path])


def _refuse(code: int, reason: str) -> web.Response:
    status = {"kind": "Status", "status": "Failure", "code": code, "reason": reason}
    return web.json_response({**status, "message": f"refused: {reason}"}, status=code)


@asynccontextmanager
async def api_server() -> AsyncIterator[ApiServer]:
    """Run an API server for as long as the block."""
    server = ApiServer()
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", server.handle)
    runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        async with Client(ClusterConfig(f"http://127.0.0.1:{runner.addresses[0][1]}")) as client:
            server.client = client
            yield server
    finally:
        await runner.cleanup()
