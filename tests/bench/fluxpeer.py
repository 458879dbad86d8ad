"""Flux's real kustomize-controller, reconciling the same objects while nothing has changed.

Each target is a Kustomization. It is asked to reconcile as people ask it to, by annotation, all at
once; that is what it does by itself at each interval. That nothing was to be done is checked: every
object still has its resourceVersion.
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any, Final

from bench import measures
from bench.delivery import client_of, each
from bench.fleet import KINDS, everywhere
from bench.fullcheck import CHECKS, checks, typical
from bench.results import say
from bench.usage import Spent, memory_mib, metered
from bench.watched import Watched
from harness.flux import KUSTOMIZATIONS, NAMESPACE, KustomizeController
from leadsman.kube.client import MERGE_PATCH

if TYPE_CHECKING:
    from bench.case import Case

# Up to how many objects it is measured.
MOST: Final = 10_000
_REQUEST: Final = "reconcile.fluxcd.io/requestedAt"
_WITHIN: Final = 1200.0


def measure(case: Case) -> None:
    """Have Flux take over what is there, then reconcile it again and again."""
    case.ensure_started()
    fleet, results, objects = case.fleet, case.results, case.objects
    with KustomizeController(case.plane) as flux:
        say(f"Flux takes over {fleet.targets} Kustomizations")
        before = _versions(case)

        def take_over(target: int) -> None:
            flux.deliver(fleet.namespace(target), fleet.stream([target]))

        with ThreadPoolExecutor(4) as pool:
            list(pool.map(take_over, range(fleet.targets)))
        say(f"Flux reconciles {case.options.repeats} times")
        spent, ours = asyncio.run(_reconciles(case, flux))
        if _versions(case) != before:
            raise AssertionError("Flux has changed what was as it wanted it: not the same task")
        peak = memory_mib(flux.pid)[1]
    results.add(measures.FLUX_CPU, objects, *(one.cpu["flux"] for one in spent))
    results.add(measures.FLUX_WALL, objects, *(one.wall for one in spent))
    results.add(measures.FLUX_API, objects, *(one.cpu["kube-apiserver"] for one in spent))
    results.add(measures.FLUX_MEMORY, objects, peak)
    pairs = list(zip(spent, ours, strict=True))
    cpu = ((one.cpu["flux"], own.cpu["operator"]) for one, own in pairs)
    server = ((one.cpu["kube-apiserver"], own.cpu["kube-apiserver"]) for one, own in pairs)
    results.compare(measures.FLUX_CPU_RATIO, objects, cpu)
    results.compare(measures.FLUX_WALL_RATIO, objects, ((one.wall, own.wall) for one, own in pairs))
    results.compare(measures.FLUX_API_RATIO, objects, server)
    case.stop()


async def _reconciles(case: Case, flux: KustomizeController) -> tuple[list[Spent], list[Spent]]:
    """Return what Flux has used each time, and full checks in turns with it."""
    spent: list[Spent] = []
    ours: list[Spent] = []
    names = case.fleet.namespaces
    async with client_of(case.plane) as client, Watched(client, KUSTOMIZATIONS) as seen:
        for _ in range(case.options.repeats):
            ours.append(typical(await checks(case, CHECKS)))
            request = str(time.time_ns())
            body: dict[str, Any] = {"metadata": {"annotations": {_REQUEST: request}}}
            with metered({"flux": flux.pid, **case.plane.pids}) as one:
                await each(
                    client.request(
                        "PATCH", f"{KUSTOMIZATIONS}/{name}", body=body, content_type=MERGE_PATCH
                    )
                    for name in names
                )
                await seen.until(
                    [f"{NAMESPACE}/{name}" for name in names],
                    lambda found, request=request: _handled(found, request),  # type: ignore[misc]
                    "Flux to reconcile",
                    within=_WITHIN,
                )
            spent.append(one)
    return spent, ours


def _handled(kustomization: dict[str, Any], request: str) -> bool:
    status = kustomization.get("status", {})
    return status.get("lastHandledReconcileAt") == request and any(
        condition["type"] == "Ready" and condition["status"] == "True"
        for condition in status.get("conditions", ())
    )


def _versions(case: Case) -> dict[str, str]:
    """Return the resourceVersion of each object of the fleet."""
    found = {}
    for kind in KINDS:
        items = case.plane.api.get(everywhere(kind))["items"]
        for metadata in (item["metadata"] for item in items):
            if metadata["name"].startswith("web-"):
                key = f"{kind} {metadata['namespace']}/{metadata['name']}"
                found[key] = metadata["resourceVersion"]
    return found
