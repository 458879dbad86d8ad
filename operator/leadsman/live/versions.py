"""The schemas of kinds, those of their other versions with them where that makes a difference."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from leadsman.compare.kinds.nodes import Origin
from leadsman.compare.kinds.versions import Versions
from leadsman.errors import CompareError, KubeError
from leadsman.live.definitions import read_definition

if TYPE_CHECKING:
    from leadsman.compare.kinds.nodes import Node
    from leadsman.compare.kinds.schema import Schema
    from leadsman.kube.client import Client
    from leadsman.kube.discovery import Discovery
    from leadsman.live.schemas import Schemas
    from leadsman.model.identity import Gvk


async def read_schema(
    client: Client, discovery: Discovery, schemas: Schemas, gvk: Gvk
) -> Schema | None:
    """Return a kind's schema with its ``versions``, None where the cluster publishes none.

    A definition that may not be read is taken for one without a webhook, whose writes the API
    server may fail to note.

    Raises:
        KubeError: the API server could not be asked.
        CompareError: as for ``build_schemas``.

    """
    schema = await schemas.schema(gvk)
    resource = discovery.resource(gvk)
    if schema is None or resource is None or schema.root.origin is not Origin.CUSTOM:
        return schema
    versions = discovery.served_versions(gvk.group, gvk.kind)
    if len(versions) <= 1:
        return schema
    try:
        definition = await read_definition(client, discovery, resource)
    except KubeError as error:
        if error.retryable:
            raise
        stored = ""
    else:
        if definition is None or definition.has_webhook:
            # None: an API server of another kind than custom resources, which converts as it likes.
            return schema
        stored = replace(gvk, version=definition.stored).api_version
    others = await _nodes(
        schemas, [replace(gvk, version=each) for each in versions if each != gvk.version]
    )
    known = Versions({gvk.api_version: schema.root, **others}, stored)
    return replace(schema, versions=known) if known.differ else schema


async def _nodes(schemas: Schemas, gvks: list[Gvk]) -> dict[str, Node]:
    """Return what is known of a kind in versions, without those that cannot be made out."""
    nodes = {}
    read = await asyncio.gather(*map(schemas.schema, gvks), return_exceptions=True)
    for gvk, found in zip(gvks, read, strict=True):
        if isinstance(found, BaseException):
            is_its_own = isinstance(found, CompareError | KubeError) and not found.retryable
            if not is_its_own:
                raise found
        elif found is not None:
            nodes[gvk.api_version] = found.root
    return nodes
