"""Decode objects in two steps: the metadata always, the whole only when somebody wants it."""

from __future__ import annotations

import json
from hashlib import blake2b
from typing import TYPE_CHECKING

import msgspec
import orjson

if TYPE_CHECKING:
    from leadsman.kube.discovery import ApiResource
    from leadsman.model.json import Json, JsonObject


class ObjectMeta(msgspec.Struct, frozen=True, gc=False, rename="camel"):
    """The part of ``metadata`` that tells whether an object is of interest."""

    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    generation: int = 0
    deletion_timestamp: str | None = None


class _Object(msgspec.Struct, frozen=True, gc=False):
    metadata: ObjectMeta


_OBJECT = msgspec.json.Decoder(_Object)
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_ENTRIES = msgspec.json.Decoder(list[msgspec.Raw])

# Fields that move by themselves, or differ between a list and a watch.
_MOVING = frozenset({"apiVersion", "kind", "metadata", "status"})
_MOVING_METADATA = frozenset({"generation", "managedFields", "resourceVersion"})
# Quotes within a JSON string are escaped: in compact JSON this can only be the entry's own field.
_STATUS_ENTRY = b'"subresource":"status"'


def decode_json(text: bytes | memoryview) -> Json:
    """Decode JSON, which may be nested deeper than orjson reads.

    Raises:
        ValueError: it is no JSON.
        RecursionError: it is nested too deeply.

    """
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError:
        return json.loads(bytes(text))


def decode_meta(raw: msgspec.Raw) -> ObjectMeta:
    """Return an object's metadata.

    Raises:
        msgspec.MsgspecError: this is no object.

    """
    return _OBJECT.decode(raw).metadata


def decode_object(raw: msgspec.Raw, resource: ApiResource) -> JsonObject:
    """Return the whole object, with the apiVersion and kind that built-in kinds' lists leave out.

    Raises:
        ValueError: this is no JSON.

    """
    decoded: JsonObject = decode_json(memoryview(raw))
    if "kind" in decoded and "apiVersion" in decoded:
        return decoded
    return {"apiVersion": resource.gvk.api_version, "kind": resource.kind, **decoded}


def fingerprint(raw: msgspec.Raw) -> int:
    """Return 64 bits that stay the same while only the status, or who set it, changes.

    Most updates of a live cluster are of that sort. The generation would not do: many kinds have
    none, PriorityClass has one that never moves, and labels do not move any. The bytes do: the
    API server writes a given object's fields in the same order each time.
    """
    digest = blake2b(digest_size=8)
    fields = _FIELDS.decode(raw)
    for name, value in fields.items():
        if name not in _MOVING:
            digest.update(f"\0{name}\0".encode())
            digest.update(value)
    metadata = _FIELDS.decode(fields["metadata"])
    for name, value in metadata.items():
        if name not in _MOVING_METADATA:
            digest.update(f"\0{name}\0".encode())
            digest.update(value)
    managed = metadata.get("managedFields")
    if managed is not None:
        for entry in _ENTRIES.decode(managed):
            text = bytes(entry)
            if _STATUS_ENTRY not in text:
                digest.update(text)
    return int.from_bytes(digest.digest())


def stable_content(document: JsonObject) -> JsonObject:
    """Return what of a decoded object stays the same while only its status, or who set it, changes.

    The same as ``fingerprint`` goes by.
    """
    given = document.get("metadata")
    metadata = given if isinstance(given, dict) else {}
    kept = {key: value for key, value in metadata.items() if key not in _MOVING_METADATA}
    managed = metadata.get("managedFields")
    if isinstance(managed, list):
        kept["managedFields"] = [
            entry
            for entry in managed
            if not isinstance(entry, dict) or entry.get("subresource") != "status"
        ]
    content = {key: value for key, value in document.items() if key not in _MOVING}
    return {**content, "metadata": kept}
