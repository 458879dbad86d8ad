"""What a custom resource's definition says of its versions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from leadsman.compare.access import mapping, objects
from leadsman.errors import KubeError
from leadsman.live.fetch import fetch_many
from leadsman.model.identity import Gvk

if TYPE_CHECKING:
    from leadsman.kube.client import Client
    from leadsman.kube.discovery import ApiResource, Discovery

DEFINITION = Gvk("apiextensions.k8s.io", "", "CustomResourceDefinition")


@dataclass(frozen=True, slots=True)
class Definition:
    """The versions that a kind is known in, and whether a webhook makes one of another.

    If not, the API server exchanges the ``apiVersion`` and nothing else. ``stored`` is the version
    that objects are kept in.
    """

    name: str
    versions: frozenset[str]
    stored: str
    has_webhook: bool


async def read_definition(
    client: Client, discovery: Discovery, resource: ApiResource
) -> Definition | None:
    """Return the definition of a kind, None where it has none or definitions are not served.

    Raises:
        KubeError: it could not be read.

    """
    served = discovery.readable(DEFINITION)
    if not served:
        return None
    (found,) = await fetch_many(client, [(served[0], "", str(resource))])
    if isinstance(found, KubeError):
        raise found
    if found is None:
        return None
    spec = mapping(found.get("spec"))
    versions = objects(spec.get("versions"))
    strategy = mapping(spec.get("conversion")).get("strategy") or "None"
    return Definition(
        name=str(mapping(found.get("metadata")).get("name")),
        versions=frozenset(str(item.get("name")) for item in versions),
        stored=next((str(each.get("name")) for each in versions if each.get("storage")), ""),
        has_webhook=strategy != "None",
    )
