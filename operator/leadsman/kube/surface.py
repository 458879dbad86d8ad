"""Read the discovery documents: aggregated where served (Kubernetes 1.26 on), else one by one."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from leadsman.errors import KubeError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from leadsman.kube.client import Client

_AGGREGATED = (
    "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,"
    "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList,"
    "application/json"
)
_ROOTS = ("/api", "/apis")
_NOT_MODIFIED = 304
_NOT_ACCEPTABLE = 406


@dataclass(frozen=True, slots=True)
class Served:
    """A kind within a group-version."""

    kind: str
    plural: str
    namespaced: bool
    verbs: frozenset[str]


@dataclass(frozen=True, slots=True)
class ServedVersion:
    """A group-version; ``kinds`` are those of its subresources, too, as Helm lists them.

    ``stale``: the aggregated API behind it is down, and this is what it served before.
    """

    group: str
    version: str
    resources: tuple[Served, ...] = ()
    kinds: frozenset[str] = frozenset()
    stale: bool = False

    @property
    def api_version(self) -> str:
        """The form a manifest writes."""
        return f"{self.group}/{self.version}" if self.group else self.version


@dataclass(frozen=True, slots=True)
class Document:
    """What one root of the API said, and the tag under which it said so."""

    versions: tuple[ServedVersion, ...]
    etag: str = ""


@dataclass(frozen=True, slots=True)
class Surface:
    """All that is served, by root, each group's favourite version first."""

    documents: tuple[Document, ...] = ()

    @property
    def versions(self) -> tuple[ServedVersion, ...]:
        """All group-versions."""
        return tuple(version for document in self.documents for version in document.versions)


class _Kind(msgspec.Struct):
    kind: str = ""


class _Subresource(msgspec.Struct, rename="camel"):
    response_kind: _Kind | None = None


class _Resource(msgspec.Struct, rename="camel"):
    resource: str
    scope: str = ""
    verbs: tuple[str, ...] = ()
    response_kind: _Kind | None = None
    subresources: tuple[_Subresource, ...] = ()


class _Version(msgspec.Struct):
    version: str
    freshness: str = "Current"
    resources: tuple[_Resource, ...] = ()


class _Name(msgspec.Struct):
    name: str = ""


class _Group(msgspec.Struct):
    metadata: _Name
    versions: tuple[_Version, ...] = ()


class _GroupVersion(msgspec.Struct, rename="camel"):
    group_version: str
    version: str


class _LegacyGroup(msgspec.Struct, rename="camel"):
    versions: tuple[_GroupVersion, ...] = ()
    preferred_version: _GroupVersion | None = None


class _Root(msgspec.Struct):
    """Any of APIGroupDiscoveryList, APIGroupList and APIVersions."""

    kind: str
    items: tuple[_Group, ...] = ()
    groups: tuple[_LegacyGroup, ...] = ()
    versions: tuple[str, ...] = ()


class _LegacyResource(msgspec.Struct):
    name: str
    kind: str = ""
    namespaced: bool = False
    verbs: tuple[str, ...] = ()


class _LegacyResources(msgspec.Struct):
    resources: tuple[_LegacyResource, ...] = ()


_ROOT = msgspec.json.Decoder(_Root)
_LEGACY = msgspec.json.Decoder(_LegacyResources)


async def read_surface(client: Client, before: Surface) -> Surface:
    """Return what the API server serves now; what is unchanged is not sent again.

    Raises:
        KubeError: the API server could not be asked.

    """
    known = before.documents or (None,) * len(_ROOTS)
    return Surface(
        tuple(
            await asyncio.gather(
                *(
                    _read_root(client, path, document)
                    for path, document in zip(_ROOTS, known, strict=True)
                )
            )
        )
    )


async def _read_root(client: Client, path: str, before: Document | None) -> Document:
    headers = {"Accept": _AGGREGATED}
    if before is not None and before.etag:
        headers["If-None-Match"] = before.etag
    try:
        answer = await client.exchange("GET", path, headers=headers)
    except KubeError as error:
        if error.status != _NOT_ACCEPTABLE:
            raise
        answer = await client.exchange("GET", path)
    if answer.status == _NOT_MODIFIED and before is not None:
        return before
    known = {version.api_version: version for version in before.versions} if before else {}
    try:
        root = _ROOT.decode(answer.body)
    except msgspec.MsgspecError as error:
        raise KubeError(
            "UnexpectedAnswer", f"GET {path}: this is no discovery document: {error}"
        ) from error
    if root.kind == "APIGroupDiscoveryList":
        versions = tuple(_kept(version, known) for version in _aggregated(root.items))
        return Document(versions, answer.headers.get("ETag", ""))
    return Document(await _read_legacy(client, path, root, known))


def _aggregated(groups: Iterable[_Group]) -> Iterable[ServedVersion]:
    for group in groups:
        for version in group.versions:
            yield ServedVersion(
                group=group.metadata.name,
                version=version.version,
                resources=tuple(
                    Served(
                        kind=resource.response_kind.kind,
                        plural=resource.resource,
                        namespaced=resource.scope == "Namespaced",
                        verbs=frozenset(resource.verbs),
                    )
                    for resource in version.resources
                    if resource.response_kind is not None and resource.response_kind.kind
                ),
                kinds=frozenset(
                    kind.kind
                    for resource in version.resources
                    for kind in (
                        resource.response_kind,
                        *(subresource.response_kind for subresource in resource.subresources),
                    )
                    if kind is not None and kind.kind
                ),
                stale=version.freshness == "Stale",
            )


async def _read_legacy(
    client: Client, path: str, root: _Root, known: dict[str, ServedVersion]
) -> tuple[ServedVersion, ...]:
    api_versions = list(root.versions)
    for group in root.groups:
        first = group.preferred_version
        if first is not None:
            api_versions.append(first.group_version)
        api_versions += [item.group_version for item in group.versions if item != first]
    read = await asyncio.gather(*(_read_version(client, path, item) for item in api_versions))
    return tuple(_kept(version, known) for version in read)


async def _read_version(client: Client, path: str, api_version: str) -> ServedVersion:
    group, _, version = api_version.rpartition("/")
    try:
        answer = await client.exchange("GET", f"{path}/{api_version}")
        resources = _LEGACY.decode(answer.body).resources
    except (KubeError, msgspec.MsgspecError):
        return ServedVersion(group, version, stale=True)
    return ServedVersion(
        group=group,
        version=version,
        resources=tuple(
            Served(item.kind, item.name, item.namespaced, frozenset(item.verbs))
            for item in resources
            if "/" not in item.name
        ),
        kinds=frozenset(item.kind for item in resources if item.kind),
    )


def _kept(version: ServedVersion, known: dict[str, ServedVersion]) -> ServedVersion:
    """Return what a stale group-version served before, if it no longer says."""
    before = known.get(version.api_version)
    if not version.stale or version.resources or before is None:
        return version
    return replace(before, stale=True)
