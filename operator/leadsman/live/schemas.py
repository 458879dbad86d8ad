"""The cluster's own schemas, built when first asked for and kept until the cluster changes them."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from typing import TYPE_CHECKING

from leadsman.compare.kinds.builtin import go_types
from leadsman.compare.kinds.gotypes import nearest_minor
from leadsman.compare.kinds.schema import Schema, build_schemas
from leadsman.kube.openapi import decode_document, read_document, read_index

if TYPE_CHECKING:
    from collections.abc import Callable

    from leadsman.kube.client import Client
    from leadsman.model.identity import Gvk


class Schemas:
    """Schemas by kind.

    A document is megabytes and a schema of it some kilobytes: it is dropped as soon as the kinds
    that are asked for are built, and read again should another of its kinds be needed later.
    ``kube_version`` says which Kubernetes the cluster is now; its Go types decide with OpenAPI.
    """

    def __init__(self, client: Client, kube_version: Callable[[], str] = str) -> None:
        self._client = client
        self._kube_version = kube_version
        self._minor = ""
        self._hashes: dict[str, str] | None = None
        self._indexing = asyncio.Lock()
        self._schemas: dict[Gvk, Schema | None] = {}
        # By apiVersion: who reads the document, and for which kinds.
        self._reading: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
        self._wanted: defaultdict[str, set[Gvk]] = defaultdict(set)

    async def schema(self, gvk: Gvk) -> Schema | None:
        """Return a kind's schema, None where the cluster publishes none.

        Raises:
            KubeError: the API server could not be asked.

        """
        if gvk in self._schemas:
            return self._schemas[gvk]
        api_version = gvk.api_version
        self._wanted[api_version].add(gvk)
        async with self._reading[api_version]:
            # Whoever came first has built what the others wait for.
            while gvk not in self._schemas:
                self._wanted[api_version].add(gvk)
                await self._read(api_version)
            return self._schemas[gvk]

    def identity(self, gvk: Gvk) -> str:
        """Identify how a kind is described now, "" where that is not known yet.

        By all of its group: what a version cannot hold is told by the others.
        """
        group = f"{gvk.group}/" if gvk.group else "v"
        hashes = sorted(item for item in (self._hashes or {}).items() if item[0].startswith(group))
        return f"{self._minor} {hashes}" if hashes else ""

    async def refresh(self) -> frozenset[str]:
        """Read the index, and return the apiVersions whose schemas are others than before.

        Raises:
            KubeError: the API server could not be asked; what was known stays.

        """
        async with self._indexing:
            after = await read_index(self._client)
            before, self._hashes = self._hashes, after
            old_minor, self._minor = self._minor, nearest_minor(self._kube_version())
        if before is None:
            return frozenset()
        changed = frozenset(
            api_version
            for api_version in before.keys() | after.keys()
            if old_minor != self._minor or before.get(api_version) != after.get(api_version)
        )
        for gvk in [gvk for gvk in self._schemas if gvk.api_version in changed]:
            del self._schemas[gvk]
        return changed

    async def _read(self, api_version: str) -> None:
        if self._hashes is None:
            await self.refresh()
        hashed = (self._hashes or {}).get(api_version)
        body = b""
        if hashed is not None:
            body = await read_document(self._client, api_version)
        wanted, minor = frozenset(self._wanted[api_version]), self._minor
        built = await asyncio.to_thread(_build, body, wanted, minor)
        if (self._hashes or {}).get(api_version) == hashed and self._minor == minor:
            self._schemas.update(built)
            self._wanted[api_version] -= wanted


def _build(body: bytes, gvks: frozenset[Gvk], minor: str) -> dict[Gvk, Schema | None]:
    if not body:
        return dict.fromkeys(gvks)
    built = build_schemas(decode_document(body), gvks, go_types(minor))
    return {gvk: built.get(gvk) for gvk in gvks}
