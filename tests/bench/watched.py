"""What somebody who watches objects sees, and when."""

from __future__ import annotations

import asyncio
import contextlib
import time
from typing import TYPE_CHECKING, Any, Final, Self

import orjson

from leadsman.kube.frames import Frames

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from leadsman.kube.client import Client
    from leadsman.model.json import JsonObject

    # Called with the key, the object ({} once it is gone) and the monotonic time of its arrival.
    Hear = Callable[[str, JsonObject, float], None]

REPORTS: Final = "/apis/leadsman.dev/v1alpha1/driftreports"
# Seconds: longer than any part of the benchmark that watches.
_LASTS: Final = 3600


class Watched:
    """All objects of a list, as a watch tells of them, by ``namespace/name``."""

    def __init__(self, client: Client, path: str = REPORTS) -> None:
        self.objects: dict[str, JsonObject] = {}
        self._client = client
        self._path = path
        self._listeners: list[Hear] = []

    async def __aenter__(self) -> Self:
        answer = await self._client.get(self._path)
        self.objects = {_key(item): item for item in answer["items"]}
        version = answer["metadata"]["resourceVersion"]
        self._task = asyncio.create_task(self._follow(version))
        return self

    async def __aexit__(self, *_: object) -> None:
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)

    @contextlib.contextmanager
    def heard(self, hear: Hear) -> Iterator[None]:
        """Call somebody for each object that changes while the block runs."""
        self._listeners.append(hear)
        try:
            yield
        finally:
            self._listeners.remove(hear)

    async def until(
        self,
        keys: Iterable[str],
        condition: Callable[[JsonObject], bool],
        what: str,
        *,
        within: float = 60.0,
    ) -> float:
        """Wait until all these meet the condition; return the monotonic time when the last did."""
        pending = {key for key in keys if not condition(self.objects.get(key, {}))}
        done: asyncio.Future[float] = asyncio.get_running_loop().create_future()
        if not pending:
            return time.monotonic()

        def hear(key: str, body: JsonObject, arrived: float) -> None:
            if key in pending and condition(body):
                pending.discard(key)
                if not pending and not done.done():
                    done.set_result(arrived)

        with self.heard(hear):
            waits: set[asyncio.Future[Any]] = {done, self._task}
            await asyncio.wait(waits, timeout=within, return_when=asyncio.FIRST_COMPLETED)
        if done.done():
            return done.result()
        if self._task.done():
            self._task.result()
            raise AssertionError(f"the watch of {self._path} has ended")
        one = min(pending)
        raise AssertionError(
            f"waited {within:.0f} s for {what}, but {len(pending)} are not so; {one} is: "
            f"{orjson.dumps(self.objects.get(one, {}).get('status', {})).decode()[:1000]}"
        )

    async def _follow(self, version: str) -> None:
        params = {
            "watch": "1",
            "allowWatchBookmarks": "true",
            "resourceVersion": version,
            "timeoutSeconds": str(_LASTS),
        }
        frames = Frames()
        async for chunk in self._client.watch(self._path, params, silence=_LASTS):
            arrived = time.monotonic()
            for line in frames.feed(chunk):
                self._take(orjson.loads(line), arrived)

    def _take(self, event: dict[str, Any], arrived: float) -> None:
        body = event["object"]
        match event["type"]:
            case "BOOKMARK":
                return
            case "ERROR":
                raise AssertionError(f"the watch of {self._path} said {body}")
            case "DELETED":
                key, body = _key(body), {}
                self.objects.pop(key, None)
            case _:
                key = _key(body)
                self.objects[key] = body
        for hear in tuple(self._listeners):
            hear(key, body, arrived)


def _key(body: JsonObject) -> str:
    metadata = body["metadata"]
    return f"{metadata['namespace']}/{metadata['name']}"
