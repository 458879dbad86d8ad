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
import re
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from leadsman.compare.access import mapping, objects
from leadsman.compare.evidence import Evidence
from leadsman.errors import KubeError, RenderError
from leadsman.kube.client import JSON
from leadsman.model.finding import Cause, Op
from leadsman.render.yaml import load_documents

if TYPE_CHECKING:
    from collections.abc import Iterable

    from leadsman.kube.client import Client
    from leadsman.model.finding import Finding
    from leadsman.model.identity import ObjectKey
    from leadsman.model.json import Json, JsonObject

# The managers of what Helm sends: its own program, and Flux's controller.
MANAGERS = frozenset({"helm", "helm-controller"})

_KINDS = ("secrets", "configmaps")
_METADATA_LIST = f"{JSON};as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,{JSON}"
_NAME = re.compile(r"[a-z0-9]([-a-z0-9.]{0,61}[a-z0-9])?")
# Bytes that a revision may unpack to; Helm itself stores at most 1 MB of it packed.
_LARGEST = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True, order=True)
class Release:
    """A release's name and namespace."""

    namespace: str
    name: str


@dataclass(frozen=True, slots=True)
class Question:
    """What must be known of one live object: its release, and when Helm wrote it."""

    release: Release
    times: frozenset[str]


@dataclass(frozen=True, slots=True)
class Revision:
    """One revision, and from when to when (RFC 3339) it was sent; ``ended`` "" if unknown."""

    number: int
    stored_as: str
    status: str
    begun: str
    ended: str = field(default="", compare=False)


def question(finding: Finding | None, live: JsonObject) -> Question | None:
    """Return what to ask Helm's storage for, None where it could excuse nothing."""
    if finding is None or not any(
        change.cause is Cause.LIVE and change.op is not Op.ADD and change.manager in MANAGERS
        for change in finding.changes
    ):
        return None
    metadata = mapping(live.get("metadata"))
    annotations = mapping(metadata.get("annotations"))
    namespace = annotations.get("meta.helm.sh/release-namespace")
    name = annotations.get("meta.helm.sh/release-name")
    if not (_is_name(namespace) and _is_name(name)):
        return None
    times = {
        str(entry.get("time"))
        for entry in objects(metadata.get("managedFields"))
        if entry.get("manager") in MANAGERS
    }
    return Question(Release(str(namespace), str(name)), frozenset(times))


def revisions(stored: Iterable[JsonObject]) -> list[Revision]:
    """Read the metadata of what Helm stored; the last revision first.

    None where the last one is not deployed, as while Helm works or after it failed: then nobody
    knows what was sent.
    """
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
    return made if made and made[0].status == "deployed" else []


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
    """Asks for releases when something differs, and keeps nothing."""

    def __init__(self, client: Client) -> None:
        self._client = client

    async def evidence(
        self, questions: dict[ObjectKey, Question]
    ) -> dict[ObjectKey, tuple[Evidence, ...]]:
        """Return what Helm is known to have sent of each object; nothing where it cannot be read.

        Objects of one release share its requests.
        """
        releases = {asked.release for asked in questions.values()}
        found: dict[ObjectKey, tuple[Evidence, ...]] = {}
        for release in sorted(releases):
            asked = {key: one for key, one in questions.items() if one.release == release}
            try:
                found |= await self._of(release, asked)
            except KubeError:
                continue  # Without permission or answer there is no evidence.
        return found

    async def _of(
        self, release: Release, asked: dict[ObjectKey, Question]
    ) -> dict[ObjectKey, tuple[Evidence, ...]]:
        for kind in _KINDS:
            path = f"/api/v1/namespaces/{release.namespace}/{kind}"
            answer = await self._client.exchange(
                "GET",
                path,
                params={"labelSelector": f"owner=helm,name={release.name}"},
                headers={"Accept": _METADATA_LIST},
            )
            known = revisions(objects(mapping(orjson.loads(answer.body)).get("items")))
            if known:
                break
        else:
            return {}
        times = {time for question in asked.values() for time in question.times}
        # The last one, and those in whose time one of the objects was written.
        needed = [
            revision
            for revision in known
            if revision is known[0]
            or (revision.ended and any(revision.begun <= at <= revision.ended for at in times))
        ]
        sent: dict[ObjectKey, list[Evidence]] = {key: [] for key in asked}
        for revision in needed:
            stored = await self._client.get(f"{path}/{revision.stored_as}")
            documents = await asyncio.to_thread(manifest, stored, binary=kind == "secrets")
            source = f"Helm release {release.namespace}/{release.name} revision {revision.number}"
            for key, said in sent.items():
                document = _sent(documents, key, release.namespace)
                if document is not None:
                    said.append(
                        Evidence(source, MANAGERS, document, revision.begun, revision.ended)
                    )
                elif revision is known[0]:
                    asked.pop(key)  # The last revision dropped it: the others tell of the past.
        return {key: tuple(sent[key]) for key in asked}


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


def _is_name(value: Json) -> bool:
    return isinstance(value, str) and _NAME.fullmatch(value) is not None


def _updated(metadata: JsonObject) -> str:
    """Return when a stored revision was written last."""
    times = [str(entry.get("time", "")) for entry in objects(metadata.get("managedFields"))]
    return max(times, default="")
