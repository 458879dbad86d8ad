"""Bring a batch into a cluster: what must be there first, and only what would be taken."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from truth.ways import way

if TYPE_CHECKING:
    from collections.abc import Sequence

    from controlplane.plane import ControlPlane
    from truth.cluster import Cluster
    from truth.material import Batch, Manifest
    from truth.outcome import Outcome

_CRD = "CustomResourceDefinition"
# What must be there before the rest can be, by kind.
_FIRST = frozenset(
    {
        _CRD,
        "ClusterRole",
        "DeviceClass",
        "GatewayClass",
        "IngressClass",
        "Namespace",
        "PriorityClass",
        "RuntimeClass",
        "StorageClass",
    }
)
_SECOND = frozenset(
    {"ConfigMap", "PersistentVolume", "Role", "Secret", "Service", "ServiceAccount"}
)
# What keeps others out, or changes them, as soon as it is there.
_LAST = frozenset({"LimitRange", "ResourceQuota"})
_PATIENCE = 15.0


class Delivery:
    """Delivers one batch in one way; what was left out and why goes into the outcome."""

    def __init__(
        self, batch: Batch, name: str, plane: ControlPlane, cluster: Cluster, outcome: Outcome
    ) -> None:
        self._batch = batch
        self._name = name
        self._plane = plane
        self._cluster = cluster
        self._outcome = outcome

    async def deliver(self) -> list[Manifest]:
        """Deliver what the API server would take; return what was delivered."""
        chosen = await asyncio.to_thread(way, self._name, self._plane)
        try:
            await self._set_up()
            delivered: list[Manifest] = []
            for phase in _phases(self._batch.manifests):
                good = await self._acceptable(phase)
                failed = await asyncio.to_thread(chosen.deliver, good)
                for one, why in failed.items():
                    self._leave_out(one, "undelivered", why)
                delivered += [one for one in good if one not in failed]
                definitions = [one.body for one in good if one.gvk.kind == _CRD]
                if definitions:
                    await self._establish(definitions)
            return delivered
        finally:
            await asyncio.to_thread(chosen.close)

    async def _set_up(self) -> None:
        """Make the namespaces and definitions that nobody delivers."""
        brought = {one.name for one in self._batch.manifests if one.gvk.kind == "Namespace"}
        namespaces = {one.namespace for one in self._batch.manifests} - {""} - brought
        for name in sorted(namespaces):
            namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
            await self._make(namespace, f"/api/v1/namespaces/{name}")
        for body in self._batch.crds:
            name = body["metadata"]["name"]
            path = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/{name}"
            await self._make(body, path)
        await self._establish(self._batch.crds)

    async def _make(self, body: dict[str, Any], path: str) -> None:
        why = await self._cluster.try_apply(body, path, server_side=True, real=True)
        if why:
            self._outcome.notes.append(f"{path}: {why}")

    async def _establish(self, definitions: Sequence[dict[str, Any]]) -> None:
        """Wait until the custom resources of definitions are served and described."""
        wanted = {
            f"apis/{body['spec']['group']}/{version['name']}"
            for body in definitions
            for version in body["spec"].get("versions") or []
            if version.get("served")
        }
        loop = asyncio.get_running_loop()
        deadline = loop.time() + _PATIENCE
        while wanted and loop.time() < deadline:
            if wanted <= (await self._cluster.client.get("/openapi/v3"))["paths"].keys():
                break
            await asyncio.sleep(0.2)
        await self._cluster.discovery.refresh()

    async def _acceptable(self, phase: Sequence[Manifest]) -> list[Manifest]:
        taken = await asyncio.gather(*map(self._is_acceptable, phase))
        return [one for one, is_taken in zip(phase, taken, strict=True) if is_taken]

    async def _is_acceptable(self, one: Manifest) -> bool:
        if self._cluster.resource(one.gvk) is None:
            self._leave_out(one, "not served", "")
        elif self._name.startswith("helm") and await self._cluster.get(one) is not None:
            # A release takes over nothing.
            self._leave_out(one, "there already", "")
        elif why := await self._cluster.try_apply(
            one.body, self._cluster.path(one), server_side=self._name != "apply"
        ):
            self._leave_out(one, "refused", why)
        else:
            return True
        return False

    def _leave_out(self, manifest: Manifest, sort: str, why: str) -> None:
        self._outcome.left_out[sort] += 1
        self._outcome.notes.append(f"{sort}: {manifest}: {why}")


def _phases(manifests: Sequence[Manifest]) -> list[list[Manifest]]:
    phases: list[list[Manifest]] = [[], [], [], []]
    for one in manifests:
        kind = one.gvk.kind
        rank = 0 if kind in _FIRST else 1 if kind in _SECOND else 3 if kind in _LAST else 2
        phases[rank].append(one)
    return [phase for phase in phases if phase]
