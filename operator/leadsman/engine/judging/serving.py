"""Find for each object in which version it can be read, where that is not the one that Git has."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import replace
from typing import TYPE_CHECKING

import orjson

from leadsman.compare.rewrites.lineage import converted, is_convertible, relabelled
from leadsman.errors import KubeError
from leadsman.live.definitions import read_definition
from leadsman.model.json import canonical

if TYPE_CHECKING:
    from leadsman.engine.state import TargetState
    from leadsman.kube.client import Client
    from leadsman.kube.discovery import ApiResource, Discovery
    from leadsman.live.definitions import Definition
    from leadsman.model.desired import DesiredObject
    from leadsman.model.identity import Gvk
    from leadsman.model.json import JsonObject

_UNKNOWN = "how one becomes the other is not known"


def moved_warnings(state: TargetState) -> list[str]:
    """Say of which versions delivery will fail."""
    moved: defaultdict[tuple[Gvk, Gvk], list[DesiredObject]] = defaultdict(list)
    for key in state.moved:
        desired = state.desired[key]
        moved[desired.written, desired.gvk].append(desired)
    return [_warning(*gvks, items) for gvks, items in sorted(moved.items())]


def _warning(written: Gvk, served: Gvk, items: list[DesiredObject]) -> str:
    names = sorted(f"{item.key} ({item.file})" if item.file else str(item.key) for item in items)
    more = f" and {len(names) - 1} more" if len(names) > 1 else ""
    return (
        f"the cluster does not serve {written}, so {names[0]}{more} cannot be delivered: "
        f"change the apiVersion to {served.api_version}"
    )


class Serving:
    """Turns objects into the versions that the cluster serves."""

    def __init__(self, client: Client, discovery: Discovery) -> None:
        self._client = client
        self._discovery = discovery

    async def settle(self, state: TargetState) -> None:
        """Have each object of the target stand in a version in which it can be read.

        An object whose kind is not served at all stays as it is.

        Raises:
            KubeError: the API server could not be asked how a kind's versions are related.

        """
        state.moved.clear()
        reasons: dict[tuple[Gvk, Gvk], str] = {}
        for key, current in list(state.desired.items()):
            source = current.origin or current
            settled = source
            if self._discovery.resource(source.gvk) is None:
                settled = await self._moved(source, reasons)
            if settled.gvk != current.gvk or settled.unconverted != current.unconverted:
                state.desired[key] = settled
                state.doubt(key)
                state.pending.add(key)
            if settled.origin is not None:
                state.moved.add(key)

    async def _moved(
        self, source: DesiredObject, reasons: dict[tuple[Gvk, Gvk], str]
    ) -> DesiredObject:
        resources = self._discovery.readable(source.gvk)
        if not resources:
            return source
        for resource in resources:
            if is_convertible(source.gvk, resource.gvk):
                body = converted(orjson.loads(source.body), source.gvk, resource.gvk)
                return _standing(source, resource.gvk, body)
        resource = resources[0]
        known = source.gvk, resource.gvk
        if known not in reasons:
            reasons[known] = await self._unrelated(source.gvk, resource)
        body = relabelled(orjson.loads(source.body), resource.gvk)
        return _standing(source, resource.gvk, body, reasons[known])

    async def _unrelated(self, gvk: Gvk, resource: ApiResource) -> str:
        """Say why a version cannot be read as another, "" if it can: of custom resources only."""
        if resource.group != gvk.group or "." not in gvk.group:
            return _UNKNOWN
        try:
            definition = await read_definition(self._client, self._discovery, resource)
        except KubeError as error:
            if error.retryable:
                raise
            return f"{_UNKNOWN} ({error.message})"
        # An API server of another kind than custom resources has none.
        return _UNKNOWN if definition is None else _different(definition, gvk.version)


def _different(definition: Definition, version: str) -> str:
    name = f"CustomResourceDefinition {definition.name}"
    if version not in definition.versions:
        return f"{name} does not know {version} any more"
    return f"{name} has a webhook say how one becomes the other" if definition.has_webhook else ""


def _standing(
    source: DesiredObject, gvk: Gvk, body: JsonObject, unconverted: str = ""
) -> DesiredObject:
    return replace(
        source,
        gvk=gvk,
        body=canonical(body),
        origin=source,
        unconverted=unconverted,
    )
