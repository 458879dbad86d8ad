"""Deliver manifests to real control planes, read them back, and list what came back otherwise."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

from controlplane.plane import ControlPlane
from leadsman.kube.client import Client
from leadsman.kube.config import load
from leadsman.kube.discovery import Discovery
from rewrites.observe import observe
from truth.apitypes import root_type
from truth.cases import own, pinned, shared
from truth.cluster import Cluster
from truth.delivery import Delivery
from truth.material import batches, render
from truth.outcome import Outcome

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from rewrites.observe import Rewrite
    from truth.cases import Case
    from truth.material import Batch

# Helm would add its own labels, and a client-side apply its annotation.
WAY = "server-side"
OBJECTS_PER_PLANE = 250


def slice_() -> list[Case]:
    """Our own objects of every kind."""
    return list(own())


def whole() -> list[Case]:
    """Those, the pinned inputs, and the folder that LEADSMAN_CORPUS names."""
    rng = random.Random(1)  # noqa: S311 - no secret
    return [*own(), *pinned(rng), *shared(rng)]


def collect(cases: list[Case], say: Callable[[str], object] = str) -> Iterator[Rewrite]:
    """Yield what the API server made of the objects of cases, each distinct object once."""
    with ControlPlane() as plane:
        made = asyncio.run(_batches(plane, cases))
    for number, batch in enumerate(made, start=1):
        found = asyncio.run(_batch(batch))
        say(f"{number}/{len(made)}: {len(batch.manifests)} objects, {len(found)} rewrites\n")
        yield from found


async def _batches(plane: ControlPlane, cases: list[Case]) -> list[Batch]:
    async with Client(await load(str(plane.kubeconfig))) as client:
        discovery = Discovery(client)
        await discovery.refresh()
        material = await render(cases, version=discovery.kube_version, scope=discovery.scope)
        return batches(material, lambda gvk: discovery.resource(gvk) is not None, OBJECTS_PER_PLANE)


async def _batch(batch: Batch) -> list[Rewrite]:
    found: list[Rewrite] = []
    with ControlPlane() as plane:
        async with Client(await load(str(plane.kubeconfig))) as client:
            discovery = Discovery(client)
            await discovery.refresh()
            cluster = Cluster(client, discovery)
            delivered = await Delivery(batch, WAY, plane, cluster, Outcome(WAY)).deliver()
            for one, read in (await cluster.settle(delivered)).items():
                document = await cluster.openapi(one.gvk.api_version)
                gvk = one.gvk
                kind = root_type(document, gvk.group, gvk.version, gvk.kind) if document else None
                if kind is not None:
                    found += observe(one.body, read, kind)
    return found
