"""The time for which this process may write, and a client that keeps to it."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

from leadsman.errors import KubeError
from leadsman.kube.client import JSON

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable

    from leadsman.kube.client import Client
    from leadsman.model.json import Json, JsonObject


class Tenure:
    """Lets writes through for as long as ``remaining`` says, in seconds, and then cuts them off.

    Call ``prolong`` after it has grown: for what is under way it counts, too. ``cut``: a write of
    which nobody else is to write the like was cut off, by this or by the end of the process, and
    may arrive all the same.
    """

    def __init__(self, remaining: Callable[[], float]) -> None:
        self.cut = False
        self._remaining = remaining
        self._under_way: set[asyncio.Timeout] = set()

    def prolong(self) -> None:
        """Give what is under way the time that there is now."""
        ends = asyncio.get_running_loop().time() + self._remaining()
        for limit in self._under_way:
            if not limit.expired():
                limit.reschedule(ends)

    @asynccontextmanager
    async def within(self, *, alone: bool) -> AsyncIterator[None]:
        """Run the block if there is time left; cut it off when the time is over.

        ``alone``: as long as what it has sent may arrive, nobody else is to write the like.

        Raises:
            KubeError: reason ``LeaseLost``; the block has not run, or not to its end.

        """
        remaining = self._remaining()
        if remaining <= 0:
            raise KubeError("LeaseLost", "not sent: the Lease was not renewed in time")
        limit = asyncio.timeout(remaining)
        try:
            async with limit:
                self._under_way.add(limit)
                yield
        except asyncio.CancelledError:
            self.cut = self.cut or alone
            raise
        except TimeoutError as error:
            self.cut = self.cut or alone
            raise KubeError("LeaseLost", "cut off: the Lease was not renewed in time") from error
        finally:
            self._under_way.discard(limit)


class TenuredClient:
    """The part of a client that writes, as long as that is allowed."""

    def __init__(self, client: Client, tenure: Tenure) -> None:
        self._client = client
        self._tenure = tenure

    async def apply(
        self, path: str, body: JsonObject, *, manager: str, force: bool = False
    ) -> JsonObject:
        """Apply as ``Client.apply`` does; raises KubeError where it may not be."""
        async with self._tenure.within(alone=True):
            return await self._client.apply(path, body, manager=manager, force=force)

    async def request(
        self,
        method: str,
        path: str,
        *,
        body: JsonObject | None = None,
        content_type: str = JSON,
    ) -> Json:
        """Ask as ``Client.request`` does, for Events; raises KubeError where it may not be."""
        # One that arrives late is the same Event as the one that is sent again: it has its name.
        async with self._tenure.within(alone=False):
            return await self._client.request(method, path, body=body, content_type=content_type)
