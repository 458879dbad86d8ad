"""An HTTP session that authenticates itself, for a library that brings its own client."""

from __future__ import annotations

from typing import TYPE_CHECKING

import aiohttp

if TYPE_CHECKING:
    from leadsman.kube.access import ClusterConfig


async def authenticated_session(config: ClusterConfig) -> aiohttp.ClientSession:
    """Return a new session; whoever asked for it closes it.

    Each request carries the credentials of its moment, so that a rotated token needs no new
    session.

    Raises:
        KubeError: the credentials could not be read.

    """
    access = await config.access.current()

    async def authorize(
        request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        current = await config.access.current()
        if current.authorization:
            request.headers["Authorization"] = current.authorization
        return await handler(request)

    tls = access.tls if access.tls is not None else True
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ssl=tls),
        middlewares=(authorize,),
        proxy=config.proxy,
    )
