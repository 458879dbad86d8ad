"""Ask the API server: bounded, with credentials that renew, tried again where that is safe."""

from __future__ import annotations

import asyncio
import random
from http import HTTPStatus
from typing import TYPE_CHECKING

import aiohttp
import orjson

from leadsman import __version__
from leadsman.errors import KubeError
from leadsman.kube.objects import decode_json
from leadsman.kube.status import retry_after
from leadsman.kube.transport import APPLY, JSON, MERGE_PATCH, Answer, Observe, Request, Transport

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Mapping
    from types import TracebackType
    from typing import Self

    from leadsman.kube.access import ClusterConfig
    from leadsman.model.json import Json, JsonObject

__all__ = ["APPLY", "JSON", "MERGE_PATCH", "Answer", "Client", "Observe"]

_TRIES = 4
_BACKOFF = 0.2
_LONGEST_RETRY_AFTER = 10.0
_SERVER_ERRORS = frozenset({500, 502, 503, 504})
_GOOD = frozenset({200, 201, 202, 204, 304})


class Client:
    """A client of one cluster, to be used as an async context manager.

    ``concurrency`` bounds the requests under way, watches not counted. ``timeout`` is that of one
    try, in seconds. Paths begin with ``/api`` or the like and are already percent-encoded.
    """

    def __init__(
        self,
        config: ClusterConfig,
        *,
        concurrency: int = 16,
        timeout: float = 30.0,
        observe: Observe | None = None,
        user_agent: str = f"leadsman/{__version__}",
    ) -> None:
        self.config = config
        self._gate = asyncio.Semaphore(concurrency)
        self._timeout = timeout
        self._transport = Transport(config, observe=observe, user_agent=user_agent)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Close all connections."""
        await self._transport.close()

    async def get(self, path: str, params: Mapping[str, str] | None = None) -> JsonObject:
        """Return an object or a list.

        Raises:
            KubeError: as for ``exchange``.

        """
        found: JsonObject = await self.request("GET", path, params=params)
        return found

    async def request(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: JsonObject | None = None,
        content_type: str = JSON,
    ) -> Json:
        """Send JSON, such as an object to create or a patch, and return the decoded answer.

        Raises:
            KubeError: as for ``exchange``.

        """
        answer = await self.exchange(
            method,
            path,
            params=params,
            body=None if body is None else orjson.dumps(body),
            headers={} if body is None else {"Content-Type": content_type},
        )
        try:
            return decode_json(answer.body)
        except (ValueError, RecursionError) as error:
            raise KubeError(
                "UnexpectedAnswer", f"{method} {path}: the answer is no JSON: {error}"
            ) from error

    async def apply(
        self,
        path: str,
        body: JsonObject,
        *,
        manager: str,
        force: bool = False,
        dry_run: bool = False,
    ) -> JsonObject:
        """Server-side apply; with ``dry_run`` nothing is stored and the outcome is returned.

        Source: KEP-555. JSON is YAML, so the body need not be anything else.

        Raises:
            KubeError: as for ``exchange``; reason ``Conflict`` where another manager owns a field.

        """
        params = {"fieldManager": manager, "force": "true" if force else "false"}
        if dry_run:
            params["dryRun"] = "All"
        applied: JsonObject = await self.request(
            "PATCH", path, params=params, body=body, content_type=APPLY
        )
        return applied

    async def exchange(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        body: bytes | None = None,
        headers: Mapping[str, str] | None = None,
        tries: int = _TRIES,
    ) -> Answer:
        """Send a request and return the successful answer or ``304 Not Modified``.

        It is sent ``tries`` times at most: again after 429 always, since then nothing was done;
        after lost connections, timeouts and 5xx if it is idempotent; and once more with new
        credentials after a 401.

        Raises:
            KubeError: the reason is that of the API server's Status (``Forbidden``,
                ``NotFound``, ``Conflict``, ...), or ``Unauthorized``, ``ApiServerUnreachable``,
                ``Timeout``, ``UnexpectedAnswer``.

        """
        request = Request(
            method, path, params or {}, {"Accept": JSON, **(headers or {})}, self._timeout, body
        )
        tried, renewed = 0, False
        while True:
            tried += 1
            asked_to_wait = 0.0
            access = await self.config.access.current()
            try:
                async with self._gate:
                    answer = await self._transport.send(request, access)
            except KubeError:
                if tried >= tries or not request.idempotent:
                    raise
            else:
                if answer.status in _GOOD:
                    return answer
                if answer.status == HTTPStatus.UNAUTHORIZED and not renewed:
                    renewed = True
                    if await self.config.access.renew(access) != access:
                        continue
                asked_to_wait = retry_after(answer.headers)
                if (
                    tried >= tries
                    or asked_to_wait > _LONGEST_RETRY_AFTER
                    or not _may_repeat(request, answer.status)
                ):
                    raise self._transport.refusal(request, answer)
            delay = max(asked_to_wait, _BACKOFF * 2 ** (tried - 1))
            await asyncio.sleep(delay * random.uniform(1.0, 1.5))  # noqa: S311 - no secret

    async def watch(
        self, path: str, params: Mapping[str, str], *, accept: str = JSON, silence: float
    ) -> AsyncGenerator[bytes]:
        """Yield the bytes of a watch as they arrive; it takes no part in the bound on requests.

        The first chunk is empty: the watch has begun. ``silence`` is the longest time without a
        byte, in seconds, before the connection counts as lost. Nothing is tried again but a 401.

        Raises:
            KubeError: as for ``exchange``, also between two chunks.

        """
        request = Request("GET", path, params, {"Accept": accept}, self._timeout, silence=silence)
        access = await self.config.access.current()
        response = await self._transport.open(request, access)
        if isinstance(response, Answer) and response.status == HTTPStatus.UNAUTHORIZED:
            renewed = await self.config.access.renew(access)
            if renewed != access:
                response = await self._transport.open(request, renewed)
        if isinstance(response, Answer):
            raise self._transport.refusal(request, response)
        try:
            yield b""
            while chunk := await self._read(request, response):
                yield chunk
        finally:
            response.close()

    async def _read(self, request: Request, response: aiohttp.ClientResponse) -> bytes:
        try:
            return await response.content.readany()
        except (aiohttp.ClientError, OSError) as error:
            raise self._transport.lost(request, error) from error


def _may_repeat(request: Request, status: int) -> bool:
    return status == HTTPStatus.TOO_MANY_REQUESTS or (
        status in _SERVER_ERRORS and request.idempotent
    )
