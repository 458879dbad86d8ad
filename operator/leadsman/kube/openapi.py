"""The API server's OpenAPI v3 documents: one per group-version, and an index of their hashes."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, quote, urlsplit

import msgspec

from leadsman.errors import KubeError

if TYPE_CHECKING:
    from leadsman.kube.client import Client
    from leadsman.model.json import JsonObject

# Neither is what msgspec says of text that is no UTF-8, or of what is nested without end.
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
_PATHS = ("api/", "apis/")


class _Location(msgspec.Struct):
    url: str = msgspec.field(name="serverRelativeURL", default="")


class _Index(msgspec.Struct):
    paths: dict[str, _Location]


class _Components(msgspec.Struct):
    schemas: dict[str, Any] = {}


class _Document(msgspec.Struct):
    components: _Components


# Of a document only the schemas are decoded: nine tenths of it are paths, which nobody reads.
_INDEX = msgspec.json.Decoder(_Index)
_DOCUMENT = msgspec.json.Decoder(_Document)


async def read_index(client: Client) -> dict[str, str]:
    """Return the hash of each group-version's document, by the form a manifest writes.

    Raises:
        KubeError: the API server could not be asked.

    """
    answer = await client.exchange("GET", "/openapi/v3")
    try:
        paths = _INDEX.decode(answer.body).paths
    except _UNREADABLE as error:
        raise KubeError(
            "UnexpectedAnswer", f"GET /openapi/v3: this is no index of documents: {error}"
        ) from error
    return {
        path.split("/", 1)[1]: parse_qs(urlsplit(location.url).query).get("hash", [""])[0]
        for path, location in paths.items()
        if path.startswith(_PATHS)
    }


async def read_document(client: Client, api_version: str) -> bytes:
    """Return a group-version's document as it is now, undecoded.

    Raises:
        KubeError: there is none, or the API server could not be asked.

    """
    root = "apis" if "/" in api_version else "api"
    answer = await client.exchange("GET", f"/openapi/v3/{root}/{quote(api_version)}")
    return answer.body


def decode_document(body: bytes) -> JsonObject:
    """Return ``{"components": {"schemas": ...}}`` of a document.

    Raises:
        KubeError: reason ``UnexpectedAnswer``; this is no OpenAPI document.

    """
    try:
        return {"components": {"schemas": _DOCUMENT.decode(body).components.schemas}}
    except _UNREADABLE as error:
        raise KubeError("UnexpectedAnswer", f"this is no OpenAPI v3 document: {error}") from error
