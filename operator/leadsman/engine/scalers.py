"""Who sees to a workload's replicas: asked for where they have changed and nobody is noted.

Who writes through the subresource ``scale`` is noted only where somebody owned the field before;
who writes 0 there is not, and takes it from whoever did.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from leadsman.compare.access import mapping, objects
from leadsman.compare.owners.additions import REPLICAS
from leadsman.compare.paths import pointer
from leadsman.errors import KubeError
from leadsman.model.finding import Op
from leadsman.model.identity import Gvk

if TYPE_CHECKING:
    from collections.abc import Iterable

    from leadsman.kube.client import Client
    from leadsman.kube.discovery import Discovery
    from leadsman.model.finding import Finding
    from leadsman.model.identity import ObjectKey
    from leadsman.model.json import JsonObject

_PLACE = pointer(REPLICAS)
_AUTOSCALER = ("autoscaling", "HorizontalPodAutoscaler")
UNKNOWN = "replicas, of which it cannot be read whether an autoscaler sees to them"


def is_scaled(finding: Finding | None) -> bool:
    """Tell whether the replicas have changed and nobody can be named for it."""
    changes = finding.changes if finding is not None else ()
    return any(
        change.path == _PLACE and not change.manager and change.op is not Op.REMOVE
        for change in changes
    )


def scaled_at(live: JsonObject) -> str:
    """Return what changes whenever the replicas do."""
    return str(mapping(live.get("metadata")).get("generation", ""))


class Scalers:
    """Asks for HorizontalPodAutoscalers, and keeps nothing; KEDA has one of each of its own."""

    def __init__(self, client: Client, discovery: Discovery) -> None:
        self._client = client
        self._discovery = discovery

    async def find(self, key: ObjectKey, finding: Finding | None) -> str:
        """Return who may have changed the replicas that a finding tells of, "" if nobody.

        Raises:
            KubeError: it could not be asked.

        """
        return (await self.of([key])).get(key, "") if is_scaled(finding) else ""

    async def of(self, keys: Iterable[ObjectKey]) -> dict[ObjectKey, str]:
        """Return the autoscaler of each object, ``UNKNOWN`` where that cannot be read.

        Objects that have none are left out.

        Raises:
            KubeError: it could not be asked.

        """
        by_namespace: dict[str, list[ObjectKey]] = {}
        for key in keys:
            by_namespace.setdefault(key.namespace, []).append(key)
        lists = await asyncio.gather(*map(self._targets, by_namespace))
        found: dict[ObjectKey, str] = {}
        for targets, wanted in zip(lists, by_namespace.values(), strict=True):
            for key in wanted:
                name = UNKNOWN if targets is None else targets.get((key.group, key.kind, key.name))
                if name is not None:
                    found[key] = name
        return found

    async def _targets(self, namespace: str) -> dict[tuple[str, str, str], str] | None:
        """Return what is scaled in a namespace, by group, kind and name, and by whom."""
        group, kind = _AUTOSCALER
        for version in self._discovery.served_versions(group, kind)[:1]:
            resource = self._discovery.resource(Gvk(group, version, kind))
            if resource is None:
                continue
            try:
                answer = await self._client.get(resource.path(namespace))
            except KubeError as error:
                if error.retryable:
                    raise
                return None
            return dict(map(_target, objects(answer.get("items"))))
        return {}


def _target(autoscaler: JsonObject) -> tuple[tuple[str, str, str], str]:
    reference = mapping(mapping(autoscaler.get("spec")).get("scaleTargetRef"))
    group = str(reference.get("apiVersion", "")).rpartition("/")[0]
    name = mapping(autoscaler.get("metadata")).get("name")
    place = group, str(reference.get("kind")), str(reference.get("name"))
    return place, f"HorizontalPodAutoscaler {name}"
