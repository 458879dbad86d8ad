"""Build what comparison needs to know of a kind from the cluster's own OpenAPI v3.

The source is the document of one group-version, as ``/openapi/v3/apis/apps/v1`` serves it;
``openapi`` reads its types.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from leadsman.compare.access import objects
from leadsman.compare.kinds.builtin import GoTypes, go_types
from leadsman.compare.kinds.openapi import NodeBuilder
from leadsman.compare.kinds.versions import SINGLE, Versions
from leadsman.errors import CompareError
from leadsman.model.identity import Gvk

if TYPE_CHECKING:
    from collections.abc import Iterable

    from leadsman.compare.kinds.nodes import Node
    from leadsman.model.json import Json, JsonObject

_GVK = "x-kubernetes-group-version-kind"


@dataclass(frozen=True, slots=True)
class Schema:
    """The schema of one kind in one version.

    ``versions`` are all versions, its own too, of a custom resource where they are not alike and
    the API server exchanges nothing but the name of one for another's.
    """

    root: Node
    versions: Versions = SINGLE


def build_schemas(
    document: Json, wanted: Iterable[Gvk], types: GoTypes | None = None
) -> dict[Gvk, Schema]:
    """Build the schemas of those of the wanted kinds that a document describes.

    ``types`` says of Go's types what OpenAPI does not, by default those of the newest version that
    is known. Raises CompareError for what is no OpenAPI
    document; a type in it that makes no sense is taken as unknown.
    """
    components = document.get("components") if isinstance(document, dict) else None
    schemas = components.get("schemas") if isinstance(components, dict) else None
    if not isinstance(schemas, dict):
        raise CompareError("BadSchema", "the API server's OpenAPI document has no schemas")
    names = _kinds(schemas)
    builder = NodeBuilder(schemas, go_types() if types is None else types)
    found = {gvk: Schema(builder.root(names[gvk])) for gvk in wanted if gvk in names}
    builder.finish()
    return found


def build_schema(document: Json, gvk: Gvk, types: GoTypes | None = None) -> Schema | None:
    """Build the schema of one kind, None where the document does not describe it."""
    return build_schemas(document, (gvk,), types).get(gvk)


def _kinds(schemas: JsonObject) -> dict[Gvk, str]:
    """Return which component describes which kind."""
    kinds: dict[Gvk, str] = {}
    for name, schema in schemas.items():
        for kind in objects(schema.get(_GVK) if isinstance(schema, dict) else None):
            gvk = Gvk(*(str(kind.get(part, "")) for part in ("group", "version", "kind")))
            kinds.setdefault(gvk, name)
    return kinds
