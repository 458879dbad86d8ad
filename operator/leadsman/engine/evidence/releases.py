"""What Helm says it sent: the manifests of the revisions of a release, as Helm stores them.

Source: ``pkg/storage/driver`` in Helm: each revision is a Secret (or a ConfigMap) of its own, with
labels ``owner=helm``, ``name``, ``status`` and ``version``, whose ``release`` is the base64 of the
gzipped JSON of the release. Helm makes it before it sends the first object, and notes the outcome
when it is done: first in the revision before, which is superseded then, last in its own.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from leadsman.compare.access import mapping, objects
from leadsman.errors import RenderError
from leadsman.kube.client import JSON
from leadsman.render.yaml import load_documents

if TYPE_CHECKING:
    from collections.abc import Iterable

    from leadsman.kube.client import Client
    from leadsman.model.identity import ObjectKey
    from leadsman.model.json import JsonObject

_KINDS = ("secrets", "configmaps")
_METADATA_LIST = f"{JSON};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,{JSON}"
# Bytes that a revision may unpack to; Helm itself stores at most 1 MB of it packed.
_LARGEST = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision, and from when to when (RFC 3339) it was sent; ``ended`` "" if unknown."""

    number: int
    stored_as: str
    status: str
    begun: str
    ended: str = field(default="", compare=False)


def revisions(stored: Iterable[JsonObject]) -> list[Revision]:
    """Read the metadata of what Helm stored; the last revision first."""
    read: dict[int, tuple[JsonObject, str]] = {}
    for item in stored:
        metadata = mapping(item.get("metadata"))
        labels = mapping(metadata.get("labels"))
        version, status = str(labels.get("version", "")), str(labels.get("status", ""))
        if version.isdecimal():
            read[int(version)] = metadata, status
    made = []
    for number in sorted(read, reverse=True):
        metadata, status = read[number]
        if status == "superseded":
            before, its_status = read.get(number - 1, ({}, ""))
            ended = _updated(before) if its_status == "superseded" else ""
        else:
            ended = _updated(metadata) if status == "deployed" else ""
        name, begun = str(metadata.get("name", "")), str(metadata.get("creationTimestamp", ""))
        made.append(Revision(number, name, status, begun, ended))
    return made


def manifest(stored: JsonObject, *, binary: bool) -> list[JsonObject]:
    """Return the objects of a stored revision, none if it cannot be read.

    ``binary``: it is stored in a Secret, whose values are base64 themselves.
    """
    packed = mapping(stored.get("data")).get("release")
    try:
        raw = str(packed).encode()
        if binary:
            raw = base64.b64decode(raw, validate=True)
        unpacker = zlib.decompressobj(zlib.MAX_WBITS | 16)  # gzip's header
        text = unpacker.decompress(base64.b64decode(raw, validate=True), _LARGEST)
        documents = load_documents(str(orjson.loads(text)["manifest"]), "the release's manifest")
    except (binascii.Error, zlib.error, ValueError, KeyError, TypeError, RenderError):
        return []
    return [document for document in documents if isinstance(document, dict)]


class Releases:
    """Reads releases from where Helm stores them, and keeps nothing."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def sent(
        self, namespace: str, name: str, keys: frozenset[ObjectKey], times: frozenset[str]
    ) -> tuple[dict[ObjectKey, list[tuple[Revision, JsonObject]]], bool]:
        """Return what a release has sent of some objects, the last revision first.

        That is what the last revision sent, and those that were under way at one of the ``times``.
        Nothing is known of what the last revision does not have, nor of anything unless that is
        deployed: while Helm works, which is what the flag returned says, and after it failed.

        Raises:
            KubeError: the release could not be read.

        """
        path, known = "", list[Revision]()
        for kind in _KINDS:
            path = f"/api/v1/namespaces/{namespace}/{kind}"
            known = await self._revisions(path, name)
            if known:
                break
        if not known or known[0].status != "deployed":
            return {}, bool(known) and known[0].status.startswith("pending-")
        needed = [
            revision
            for revision in known
            if revision is known[0]
            or (revision.ended and any(revision.begun <= at <= revision.ended for at in times))
        ]
        found: dict[ObjectKey, list[tuple[Revision, JsonObject]]] = {key: [] for key in keys}
        for revision in needed:
            stored = await self._client.get(f"{path}/{revision.stored_as}")
            documents = await asyncio.to_thread(manifest, stored, binary=path.endswith("secrets"))
            for key in list(found):
                document = _sent(documents, key, namespace)
                if document is not None:
                    found[key].append((revision, document))
                elif revision is known[0]:
                    del found[key]
        return found, False

    async def _revisions(self, path: str, name: str) -> list[Revision]:
        answer = await self._client.exchange(
            "GET",
            path,
            params={"labelSelector": f"owner=helm,name={name}"},
            headers={"Accept": _METADATA_LIST},
        )
        return revisions(objects(mapping(orjson.loads(answer.body)).get("items")))


def _sent(documents: list[JsonObject], key: ObjectKey, namespace: str) -> JsonObject | None:
    """Find an object among those that were sent to a namespace."""
    for document in documents:
        metadata = mapping(document.get("metadata"))
        group = str(document.get("apiVersion", "")).rpartition("/")[0]
        if (group, document.get("kind"), metadata.get("name")) == (
            key.group,
            key.kind,
            key.name,
        ) and key.namespace in {"", metadata.get("namespace") or namespace}:
            return document
    return None


def _updated(metadata: JsonObject) -> str:
    """Return when a stored revision was written last."""
    times = [str(entry.get("time", "")) for entry in objects(metadata.get("managedFields"))]
    return max(times, default="")
