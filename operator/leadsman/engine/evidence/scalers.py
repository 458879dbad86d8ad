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
from leadsman.model.identity import Gvk, ObjectKey

if TYPE_CHECKING:
    from collections.abc import Iterable

    from leadsman.kube.client import Client
    from leadsman.kube.discovery import Discovery
    from leadsman.model.finding import Finding
    from leadsman.model.json import JsonObject

_PLACE = pointer(REPLICAS)
_AUTOSCALER = Gvk("autoscaling", "", "HorizontalPodAutoscaler")
UNKNOWN = "replicas, of which it cannot be read whether an autoscaler sees to them"


def is_scaled(finding: Finding | None) -> bool:
    """Tell whether the replicas have changed and nobody can be named for it."""
    changes = finding.changes if finding is not None else ()
    return any(
        change.path == _PLACE and not change.manager and change.op is not Op.REMOVE
        for change in changes
    )


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
        by_namespace: dict[str, set[ObjectKey]] = {}
        for key in keys:
            by_namespace.setdefault(key.namespace, set()).add(key)
        lists = await asyncio.gather(*map(self._targets, by_namespace))
        found: dict[ObjectKey, str] = {}
        for targets, wanted in zip(lists, by_namespace.values(), strict=True):
            if targets is None:
                found |= dict.fromkeys(wanted, UNKNOWN)
            else:
                found |= {key: targets[key] for key in wanted & targets.keys()}
        return found

    async def _targets(self, namespace: str) -> dict[ObjectKey, str] | None:
        """Return what is scaled in a namespace, and by whom; None if that cannot be read."""
        served = self._discovery.readable(_AUTOSCALER)
        if not served:
            return {}
        try:
            answer = await self._client.get(served[0].path(namespace))
        except KubeError as error:
            if error.retryable:
                raise
            return None
        return dict(_target(namespace, item) for item in objects(answer.get("items")))


def _target(namespace: str, autoscaler: JsonObject) -> tuple[ObjectKey, str]:
    reference = mapping(mapping(autoscaler.get("spec")).get("scaleTargetRef"))
    group = str(reference.get("apiVersion", "")).rpartition("/")[0]
    target = ObjectKey.of(group, str(reference.get("kind")), namespace, str(reference.get("name")))
    name = mapping(autoscaler.get("metadata")).get("name")
    return target, f"HorizontalPodAutoscaler {name}"
