"""``python -m truth``: what ``make truth`` runs."""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from controlplane.plane import ControlPlane
from leadsman.kube.client import Client
from leadsman.kube.config import load
from leadsman.kube.discovery import Discovery
from truth.cases import found, more, own, pinned, shared
from truth.job import run
from truth.material import Batch, batches, render
from truth.outcome import MODES, Outcome, Plan
from truth.peers import NAMES
from truth.tally import Tally
from truth.ways import WAYS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from truth.cases import Case
    from truth.material import Material


def main(arguments: Sequence[str] | None = None) -> int:
    """Run all, print the tables, and return 1 where Leadsman was wrong anywhere."""
    options = _options(arguments)
    with ControlPlane() as plane:
        os.environ["PATH"] = plane.tools.search_path()
        material, made = asyncio.run(_material(plane, options))
    tally = Tally(refused=material.refused)
    plans = [
        (
            batch,
            Plan(way, options.seed, options.mutations, tuple(options.modes), tuple(options.peers)),
        )
        for batch in made
        for way in options.ways
        if batch.name in (options.only or {batch.name})
    ]
    started = time.monotonic()
    with ProcessPoolExecutor(options.jobs) as pool:
        futures = {pool.submit(_job, batch, plan): (batch, plan) for batch, plan in plans}
        try:
            for number, future in enumerate(as_completed(futures), start=1):
                batch, plan = futures[future]
                outcome = future.result()
                tally.add(outcome)
                took = time.monotonic() - started
                where = f"{number}/{len(plans)} {took:5.0f} s  {batch.name} {plan.way}"
                print("\n".join([f"{where}: {outcome.line()}", *map(str, outcome.own_faults)]))
                sys.stdout.flush()
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            tally.outcomes.append(Outcome("", failed="interrupted: the rest was not judged"))
    if options.faults:
        options.faults.write_text("".join(f"{json.dumps(asdict(one))}\n" for one in tally.faults))
    print(tally.report(verbose=options.verbose))
    return tally.exit_code


def _job(batch: Batch, plan: Plan) -> Outcome:
    try:
        return run(batch, plan)
    except Exception as error:  # noqa: BLE001  # one job that fails spoils no other
        # Said with the others' results, and as bad as a wrong verdict.
        return Outcome.broken(plan, f"{batch.name} {plan.way}: {type(error).__name__}: {error}")


async def _material(
    plane: ControlPlane, options: argparse.Namespace
) -> tuple[Material, list[Batch]]:
    async with Client(await load(str(plane.kubeconfig))) as client:
        discovery = Discovery(client)
        await discovery.refresh()
        cases = list(_cases(options))
        material = await render(cases, version=discovery.kube_version, scope=discovery.scope)
        if options.sample:
            material.sample(options.sample, options.seed)
        made = batches(material, lambda gvk: discovery.resource(gvk) is not None, options.batch)
    kinds = {(one.gvk.group, one.gvk.kind) for batch in made for one in batch.manifests}
    count = sum(len(batch.manifests) for batch in made)
    print(f"{count} objects of {len(kinds)} kinds from {len(cases)} cases in {len(made)} batches")
    return material, made


def _cases(options: argparse.Namespace) -> list[Case]:
    rng = random.Random(options.seed)  # noqa: S311 - no secret
    cases = [*own(), *pinned(rng)]
    if options.more:
        cases += [*shared(rng), *more(rng, options.more)]
    for folder in options.cases:
        path = Path(folder).resolve()
        cases += found(path, path.name, rng)
    return cases


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make truth", description=__doc__)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--cases", nargs="*", default=[], help="folders of more manifests")
    parser.add_argument("--ways", nargs="*", default=WAYS)
    parser.add_argument("--modes", nargs="*", default=MODES)
    parser.add_argument("--peers", nargs="*", default=NAMES)
    parser.add_argument("--mutations", type=int, default=2, help="changes per object")
    parser.add_argument("--more", type=int, default=550, help="further cases of each pinned input")
    parser.add_argument("--sample", type=int, default=0, help="take only so many objects")
    parser.add_argument("--only", nargs="*", default=[], help="names of batches: batch-4")
    parser.add_argument("--batch", type=int, default=250, help="objects per control plane")
    parser.add_argument("--jobs", type=int, default=2, help="control planes at once")
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("--faults", type=Path, help="a file for all faults, peers' too, as JSON")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
