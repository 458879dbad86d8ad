"""The schemas of kinds, those of their other versions with them where that makes a difference."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import TYPE_CHECKING

from leadsman.compare.kinds.nodes import Origin
from leadsman.compare.kinds.versions import differ
from leadsman.errors import CompareError, KubeError
from leadsman.live.definitions import read_definition

if TYPE_CHECKING:
    from leadsman.compare.kinds.schema import Schema
    from leadsman.kube.client import Client
    from leadsman.kube.discovery import ApiResource, Discovery
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
    if len(versions) <= 1 or await _is_by_webhook(client, discovery, resource):
        return schema
    nodes = {gvk.api_version: schema.root}
    others = [replace(gvk, version=each) for each in versions if each != gvk.version]
    read = await asyncio.gather(*map(schemas.schema, others), return_exceptions=True)
    for other, found in zip(others, read, strict=True):
        if isinstance(found, KubeError) and found.retryable:
            raise found
        if isinstance(found, BaseException):
            if not isinstance(found, CompareError | KubeError):
                raise found
        elif found is not None:
            nodes[other.api_version] = found.root
    return replace(schema, versions=nodes) if differ(nodes) else schema


async def _is_by_webhook(client: Client, discovery: Discovery, resource: ApiResource) -> bool:
    try:
        definition = await read_definition(client, discovery, resource)
    except KubeError as error:
        if error.retryable:
            raise
        return False
    # An API server of another kind than custom resources, which converts as it likes.
    return definition is None or definition.has_webhook
