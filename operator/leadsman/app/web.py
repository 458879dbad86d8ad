"""The operator's own HTTP endpoints: ``/metrics``, ``/healthz`` and ``/readyz``."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aiohttp import web

from leadsman.errors import LeadsmanError

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable


def split_bind(bind: str, option: str = "--bind") -> tuple[str, int]:
    """Split ``host:port``; ``:8080`` is every address, ``[::1]:8080`` an IPv6 one.

    Raises:
        LeadsmanError: it is not of that form.

    """
    host, colon, port = bind.rpartition(":")
    if not colon or not port.isdigit() or int(port) > 65535:  # noqa: PLR2004 - the highest TCP port
        raise LeadsmanError(
            "InvalidSettings", f"{option} wants host:port, got {bind!r}", retryable=False
        )
    return host.strip("[]") or "0.0.0.0", int(port)  # noqa: S104 - a Pod serves its Service


async def serve(
    bind: str,
    *,
    metrics: Callable[[str], Awaitable[tuple[bytes, str]]],
    ready: Callable[[], bool],
) -> tuple[web.AppRunner, int]:
    """Serve until the runner is cleaned up; return it and its port (0 in ``bind`` is any).

    ``metrics`` takes the request's Accept header and returns the body and its content type.

    Raises:
        LeadsmanError: the address cannot be bound.

    """

    async def on_metrics(request: web.Request) -> web.Response:
        body, content_type = await metrics(request.headers.get("Accept", ""))
        return web.Response(body=body, headers={"Content-Type": content_type})

    async def on_healthz(_request: web.Request) -> web.Response:
        # That it answers is the answer: a task that dies takes the process with it, and an event
        # loop that hangs does not get here.
        return web.Response(text="ok\n")

    async def on_readyz(_request: web.Request) -> web.Response:
        if ready():
            return web.Response(text="ok\n")
        return web.Response(text="waiting for the first verdicts\n", status=503)

    app = web.Application()
    app.router.add_get("/metrics", on_metrics)
    app.router.add_get("/healthz", on_healthz)
    app.router.add_get("/readyz", on_readyz)
    runner = web.AppRunner(app, access_log=None, handle_signals=False)
    await runner.setup()
    host, port = split_bind(bind)
    try:
        await web.TCPSite(runner, host, port).start()
    except OSError as error:
        await runner.cleanup()
        raise LeadsmanError(
            "CannotBind", f"cannot serve on {bind}: {error.strerror}", retryable=False
        ) from error
    return runner, int(runner.addresses[0][1])
