"""A fixed slice of ``make truth``: what it finds must be nothing."""

from __future__ import annotations

import asyncio
import random
from typing import TYPE_CHECKING

import pytest

from inputs import NEEDED
from leadsman.kube.client import Client
from leadsman.kube.config import load
from leadsman.kube.discovery import Discovery
from truth.cases import own, pinned
from truth.job import run
from truth.material import Batch, batches, render
from truth.outcome import MODES, Plan
from truth.tally import Tally
from truth.ways import WAYS

if TYPE_CHECKING:
    from controlplane.plane import ControlPlane

SEED = 20
SIZE = 260

# Deliveries by Helm and Flux halve what they cannot deliver, on a control plane that has to start.
pytestmark = pytest.mark.timeout(900)


@pytest.fixture(scope="module")
def made(control_plane: ControlPlane) -> list[Batch]:
    """Our own objects of every built-in kind, and some of real charts and kustomizations."""

    async def collect() -> list[Batch]:
        async with Client(await load(str(control_plane.kubeconfig))) as client:
            discovery = Discovery(client)
            await discovery.refresh()
            rng = random.Random(SEED)  # noqa: S311  # a seed
            material = await render(
                [*own(), *pinned(rng, NEEDED)],
                version=discovery.kube_version,
                scope=discovery.scope,
            )
            material.sample(SIZE, SEED)
            return batches(material, lambda gvk: discovery.resource(gvk) is not None, 2 * SIZE)

    return asyncio.run(collect())


@pytest.mark.parametrize("way", WAYS)
def test_the_verdict_agrees_with_the_api_server(way: str, made: list[Batch]) -> None:
    tally = Tally()
    for batch in made:
        tally.add(run(batch, Plan(way, SEED, modes=MODES)))
    assert tally.exit_code == 0, tally.report(verbose=True)
    assert len({one.gvk for batch in made for one in batch.manifests}) > 60
    assert sum(outcome.delivered for outcome in tally.outcomes) > 200
    assert sum(outcome.actions.total() for outcome in tally.outcomes) > 300
