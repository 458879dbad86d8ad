"""One watch, from its request to its end: what the API server sends, as events."""

from __future__ import annotations

from contextlib import aclosing
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

import msgspec

from leadsman.errors import KubeError
from leadsman.kube.client import JSON
from leadsman.kube.frames import Frames
from leadsman.kube.objects import ObjectMeta, decode_meta
from leadsman.kube.status import Status, error_of_status

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator

    from leadsman.kube.client import Client
    from leadsman.kube.discovery import ApiResource

METADATA = f"{JSON};as=PartialObjectMetadata;g=meta.k8s.io;v=v1,{JSON}"

# The API server ends a watch when its time is over; if it does not within the margin (seconds),
# the connection is dead.
_MARGIN = 15.0
_INITIAL_EVENTS_END = "k8s.io/initial-events-end"


@dataclass(frozen=True, slots=True)
class ListStarted:
    """All objects follow; what was observed of an earlier list that did not end is void."""


@dataclass(frozen=True, slots=True)
class Observed:
    """An object is there, in a list, as new or as changed."""

    meta: ObjectMeta
    raw: msgspec.Raw


@dataclass(frozen=True, slots=True)
class Deleted:
    """An object is gone; ``meta`` is its last state, with the resourceVersion of its deletion."""

    meta: ObjectMeta


@dataclass(frozen=True, slots=True)
class Synced:
    """The list is complete: what was not observed since ``ListStarted`` is not there."""

    version: str


@dataclass(frozen=True, slots=True)
class Resumed:
    """A watch goes on where the last one ended."""


@dataclass(frozen=True, slots=True)
class Bookmark:
    """All changes up to this resourceVersion have been sent."""

    version: str


StreamEvent: TypeAlias = ListStarted | Observed | Deleted | Synced | Resumed | Bookmark


class BrokenWatchError(KubeError):
    """The watch itself brought an error: where to go on from is not to be trusted."""


class _Line(msgspec.Struct):
    type: str
    object: msgspec.Raw


class _BookmarkMeta(msgspec.Struct, rename="camel"):
    resource_version: str = ""
    annotations: dict[str, str] | None = None


class _BookmarkObject(msgspec.Struct):
    metadata: _BookmarkMeta


_LINE = msgspec.json.Decoder(_Line)
_BOOKMARK = msgspec.json.Decoder(_BookmarkObject)
_STATUS = msgspec.json.Decoder(Status)


async def stream_events(
    client: Client,
    resource: ApiResource,
    namespace: str,
    version: str,
    *,
    lifetime: int,
    metadata_only: bool = False,
) -> AsyncGenerator[StreamEvent]:
    """Yield what a watch from ``version`` on brings in ``lifetime`` seconds.

    With ``version`` empty it begins with a streamed list (KEP-3157): all objects, then ``Synced``.

    Raises:
        KubeError: the watch was refused or lost; ``BrokenWatchError`` for an error within it.

    """
    params = {"watch": "true", "allowWatchBookmarks": "true", "timeoutSeconds": str(lifetime)}
    if version:
        params["resourceVersion"] = version
    else:
        params["sendInitialEvents"] = "true"
        params["resourceVersionMatch"] = "NotOlderThan"
    frames = Frames()
    chunks = client.watch(
        resource.path(namespace),
        params,
        accept=METADATA if metadata_only else JSON,
        silence=lifetime + _MARGIN,
    )
    async with aclosing(chunks):
        async for chunk in chunks:
            if not chunk:
                yield Resumed() if version else ListStarted()
            for line in frames.feed(chunk):
                yield _decode(line, resource)


def _decode(text: bytes, resource: ApiResource) -> Observed | Deleted | Synced | Bookmark:
    try:
        line = _LINE.decode(text)
        if line.type == "ERROR":
            error = error_of_status(_STATUS.decode(line.object), f"the watch of {resource}")
            raise BrokenWatchError(
                error.reason, error.message, status=error.status, retryable=error.retryable
            )
        if line.type == "BOOKMARK":
            bookmark = _BOOKMARK.decode(line.object).metadata
            ends_list = _INITIAL_EVENTS_END in (bookmark.annotations or {})
            return (Synced if ends_list else Bookmark)(bookmark.resource_version)
        meta = decode_meta(line.object)
        return Deleted(meta) if line.type == "DELETED" else Observed(meta, line.object)
    except msgspec.MsgspecError as error:
        raise BrokenWatchError(
            "UnexpectedAnswer", f"the watch of {resource} is not understood: {error}"
        ) from error
