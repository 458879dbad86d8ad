"""Ask the API server what it would make of an object, without anything being stored.

Nothing here can leave out ``dryRun=All``: it stands in each request, and in this module alone.
Source: KEP-576 (dry run), KEP-555 (server-side apply).
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadsman.errors import KubeError
from leadsman.kube.client import APPLY, JSON, MERGE_PATCH
from leadsman.kube.objects import decode_json
from leadsman.kube.yamljson import encode, plain

if TYPE_CHECKING:
    from leadsman.kube.client import Client
    from leadsman.kube.discovery import ApiResource
    from leadsman.model.json import JsonObject

_STRATEGIC = "application/strategic-merge-patch+json"

# What the API server sets, or refuses to be told.
_SERVERS_METADATA = frozenset(
    {
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "generation",
        "managedFields",
        "namespace",
        "resourceVersion",
        "selfLink",
        "uid",
    }
)


def body_of(document: JsonObject, resource: ApiResource, namespace: str) -> JsonObject:
    """Return Git's object as it can be sent: without what the API server alone may say."""
    metadata = document.get("metadata")
    metadata = metadata if isinstance(metadata, dict) else {}
    kept = {key: value for key, value in metadata.items() if key not in _SERVERS_METADATA}
    if resource.namespaced:
        kept["namespace"] = namespace
    body = {key: value for key, value in document.items() if key != "status"}
    return {**body, "metadata": kept}


async def dry_apply(client: Client, path: str, body: JsonObject, manager: str) -> JsonObject:
    """Return what server-side apply in a manager's name would make of the object at ``path``.

    Raises:
        KubeError: the API server refuses, or could not be asked; nothing is tried again.

    """
    params = {"dryRun": "All", "force": "true", "fieldManager": manager}
    return await _ask(client, "PATCH", path, params, body, APPLY)


async def dry_patch(
    client: Client, path: str, body: JsonObject, manager: str, *, strategic: bool
) -> JsonObject:
    """Return what a patch would make of the object, as ``kubectl apply`` sends it.

    ``strategic``: by the types' merge keys, which custom resources have none of.

    Raises:
        KubeError: as for ``dry_apply``.

    """
    params = {"dryRun": "All", "fieldManager": manager, "fieldValidation": "Ignore"}
    kind = _STRATEGIC if strategic else MERGE_PATCH
    return await _ask(client, "PATCH", path, params, body, kind)


async def dry_create(client: Client, path: str, body: JsonObject, manager: str) -> JsonObject:
    """Return what would be created; ``path`` is the collection's.

    Raises:
        KubeError: as for ``dry_apply``; reason ``AlreadyExists`` says that the object was found to
            be good before it was found to be there.

    """
    params = {"dryRun": "All", "fieldManager": manager, "fieldValidation": "Ignore"}
    return await _ask(client, "POST", path, params, body, JSON)


async def _ask(
    client: Client, method: str, path: str, params: dict[str, str], body: JsonObject, kind: str
) -> JsonObject:
    try:
        sent = encode(body) if kind == APPLY else plain(body)
    except RecursionError:
        raise KubeError(
            "TooDeep", f"{method} {path}: the object is nested too deeply", retryable=False
        ) from None
    answer = await client.exchange(
        method, path, params=params, body=sent, headers={"Content-Type": kind}, tries=1
    )
    try:
        found = decode_json(answer.body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise KubeError("UnexpectedAnswer", f"{method} {path}: the answer is no object")
    return found
