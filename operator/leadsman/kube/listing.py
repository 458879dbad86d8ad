"""List a kind page by page, at one resourceVersion, without decoding its objects."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import TYPE_CHECKING

import msgspec

from leadsman.errors import KubeError
from leadsman.kube.client import JSON
from leadsman.kube.objects import ObjectMeta
from leadsman.kube.status import GONE

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from leadsman.kube.client import Client
    from leadsman.kube.discovery import ApiResource

__all__ = ["ObjectMeta", "Page", "list_pages"]

log = logging.getLogger(__name__)

# A page's objects, and the bytes that a page should have: with Helm's release Secrets of up to
# 1 MB each, 500 at once would be more memory than the operator has.
_FIRST_PAGE = 100
_LARGEST_PAGE = 500
_PAGE_BYTES = 4 * 1024 * 1024
_METADATA_LIST = f"{JSON};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"


@dataclass(frozen=True, slots=True)
class Page:
    """Objects of a list, undecoded.

    ``first``: the list begins (again): what came before is void. ``version`` is that of the list,
    ``remaining`` how many objects follow, 0 where the API server does not say.
    """

    items: list[msgspec.Raw]
    version: str
    first: bool
    last: bool
    remaining: int


class _ListMeta(msgspec.Struct, rename="camel"):
    resource_version: str = ""
    token: str = msgspec.field(default="", name="continue")
    remaining_item_count: int | None = None


class _List(msgspec.Struct):
    metadata: _ListMeta
    items: list[msgspec.Raw] | None = None


_LIST = msgspec.json.Decoder(_List)


async def list_pages(
    client: Client,
    resource: ApiResource,
    namespace: str = "",
    *,
    metadata_only: bool = False,
) -> AsyncGenerator[Page]:
    """Yield all objects of a kind, as they are now.

    The list is consistent on purpose (no ``resourceVersion=0``): what a cache of one of several
    API servers holds may be older than what was seen before, and an object that was just made
    would be called missing. From Kubernetes 1.31 on it is served from memory all the same.
    A list that takes so long that its version is compacted begins again, at last in one piece.

    Raises:
        KubeError: the list could not be read to its end.

    """
    path = resource.path(namespace)
    headers = {"Accept": f"{_METADATA_LIST},{JSON}" if metadata_only else JSON}
    token, restarts, limit = "", 0, _FIRST_PAGE
    while True:
        params = {"limit": str(limit)} if limit else {}
        if token:
            params["continue"] = token
        try:
            answer = await client.exchange("GET", path, params=params, headers=headers)
        except KubeError as error:
            if error.status != GONE or not token:
                raise
            restarts += 1
            log.info("the list of %s took too long and begins again", resource)
            token, limit = "", limit if restarts == 1 else 0
            continue
        try:
            page = _LIST.decode(answer.body)
        except msgspec.MsgspecError as error:
            raise KubeError("UnexpectedAnswer", f"GET {path}: this is no list: {error}") from error
        yield Page(
            items=page.items or [],
            version=page.metadata.resource_version,
            first=not token,
            last=not page.metadata.token,
            remaining=page.metadata.remaining_item_count or 0,
        )
        token = page.metadata.token
        if not token:
            return
        size = len(answer.body) // max(1, len(page.items or ()))
        limit = max(10, min(_LARGEST_PAGE, _PAGE_BYTES // max(1, size)))
