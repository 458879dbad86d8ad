"""A ``caBundle`` that only keeps the place for a certificate's injector is not Git's to say."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadsman.compare.access import mapping, objects
from leadsman.compare.kinds.values import decode_bytes

if TYPE_CHECKING:
    from leadsman.model.json import Json, JsonObject


def in_webhooks(desired: JsonObject, live: JsonObject, _: JsonObject) -> None:
    """Leave out those of the webhooks that Git has; one that it has not is told of as it is."""
    names = {hook.get("name") for hook in objects(desired.get("webhooks"))}
    for document in (desired, live):
        webhooks = document.get("webhooks")
        if isinstance(webhooks, list):
            document["webhooks"] = [
                _without_placeholder(hook, "clientConfig")
                if mapping(hook).get("name") in names
                else hook
                for hook in webhooks
            ]


def in_custom_resource_definition(desired: JsonObject, live: JsonObject, _: JsonObject) -> None:
    """Leave out that of the conversion webhook."""
    for document in (desired, live):
        document["spec"] = _without_placeholder(
            document.get("spec"), "conversion", "webhook", "clientConfig"
        )


def in_api_service(desired: JsonObject, live: JsonObject, _: JsonObject) -> None:
    """Leave out that of the API's server."""
    for document in (desired, live):
        document["spec"] = _without_placeholder(document.get("spec"))


def _without_placeholder(value: Json, *path: str) -> Json:
    """Return a copy in which a ``caBundle`` that holds nothing is not specified."""
    if not isinstance(value, dict):
        return value
    if path:
        return (
            {**value, path[0]: _without_placeholder(value[path[0]], *path[1:])}
            if (path[0] in value)
            else value
        )
    bundle = decode_bytes(value.get("caBundle"))
    if bundle is None or bundle.strip():
        return value
    return {key: item for key, item in value.items() if key != "caBundle"}
