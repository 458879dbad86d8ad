"""Put a fleet into the cluster, as Flux would have, and fast: many requests at once."""

from __future__ import annotations

import asyncio
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any, Final

from bench.fleet import CHECK, DRIFTCHECKS, DRIFTREPORTS, path_of, placed
from harness.flux import NAME as FLUX
from harness.flux import NAMESPACE as FLUX_NAMESPACE
from leadsman.kube.client import MERGE_PATCH, Client
from leadsman.kube.config import load

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Iterable, Mapping

    from bench.fleet import Fleet
    from controlplane.plane import ControlPlane

_AT_ONCE: Final = 24
_OWNER: Final = "kustomize.toolkit.fluxcd.io"


@asynccontextmanager
async def client_of(plane: ControlPlane, *, at_once: int = _AT_ONCE) -> AsyncIterator[Client]:
    """Yield a client of an administrator's; the field manager of its patches is ``bench``."""
    config = await load(str(plane.kubeconfig))
    async with Client(config, concurrency=at_once, timeout=60.0, user_agent="bench") as client:
        yield client


async def each(work: Iterable[Any], at_once: int = _AT_ONCE) -> None:
    """Carry out coroutines, so many at once; an iterable that is never held as a whole."""
    left = iter(work)

    async def worker() -> None:
        for one in left:
            await one

    async with asyncio.TaskGroup() as group:
        for _ in range(at_once):
            group.create_task(worker())


async def deliver(client: Client, fleet: Fleet, targets: Iterable[int]) -> None:
    """Apply the objects of some targets as Flux's kustomize-controller does."""
    await each(
        apply(client, body, fleet.namespace(target))
        for target in targets
        for body in fleet.manifests()
    )


async def make_namespaces(client: Client, namespaces: Iterable[str]) -> None:
    """Create namespaces that may be there already."""
    await each(
        client.apply(
            f"/api/v1/namespaces/{name}",
            {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}},
            manager="bench",
        )
        for name in namespaces
    )


async def make_checks(client: Client, checks: Iterable[Mapping[str, Any]]) -> None:
    """Create DriftChecks."""
    await each(client.apply(check_path(body), dict(body), manager="bench") for body in checks)


async def change_checks(client: Client, fleet: Fleet, change: Mapping[str, Any]) -> None:
    """Merge a change into all DriftChecks of a fleet."""
    await each(
        client.request(
            "PATCH",
            f"{DRIFTCHECKS.format(namespace)}/{CHECK}",
            body=dict(change),
            content_type=MERGE_PATCH,
        )
        for namespace in fleet.namespaces
    )


async def delete_reports(client: Client, namespaces: Iterable[str]) -> None:
    """Delete all DriftReports."""
    await each(client.request("DELETE", DRIFTREPORTS.format(name)) for name in namespaces)


async def apply(client: Client, body: Mapping[str, Any], namespace: str) -> None:
    """Apply one object as Flux does for the Kustomization that is named like its namespace."""
    path = path_of(body["kind"], namespace, body["metadata"]["name"])
    await client.apply(path, owned(body, namespace), manager=FLUX, force=True)


def owned(body: Mapping[str, Any], namespace: str) -> dict[str, Any]:
    """Return an object in a namespace, labelled as Flux labels what it applies.

    With these labels (``SetOwnerLabels`` of fluxcd/pkg ``ssa``) there, Flux's own first reconcile
    finds nothing to do.
    """
    mine = placed(body, namespace)
    owner = {f"{_OWNER}/name": namespace, f"{_OWNER}/namespace": FLUX_NAMESPACE}
    mine["metadata"]["labels"] = {**mine["metadata"].get("labels", {}), **owner}
    return mine


def check_path(check: Mapping[str, Any]) -> str:
    """Return where the API server has a DriftCheck."""
    metadata = check["metadata"]
    return f"{DRIFTCHECKS.format(metadata['namespace'])}/{metadata['name']}"
