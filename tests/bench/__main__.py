"""``python -m bench``: measure, print the table, write the document."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING

from bench import (
    commits,
    document,
    fluxpeer,
    fullcheck,
    idle,
    kubectl,
    latency,
    load,
    scrape,
    soak,
    startup,
)
from bench.case import case, conclude
from bench.fleet import Fleet
from bench.machine import machine
from bench.options import parse
from bench.results import Results, say

if TYPE_CHECKING:
    from bench.case import Case
    from bench.options import Options


def main() -> int:
    """Run what was chosen; return 1 where a goal was missed."""
    options = parse()
    began = time.monotonic()
    results = Results(facts=machine())
    for size in options.sizes:
        _size(size, options, results)
    if "scrape" in options.sections:
        scrape.measure(options, results)
    if "soak" in options.sections:
        soak.measure(options, results)
    results.conclude()
    results.facts.append(("Duration", f"{(time.monotonic() - began) / 60:.0f} minutes"))
    print(f"\n{document.show(results)}")
    for path in document.write(results, options.out):
        say(f"written: {path}")
    return 0 if all(figure.met is not False for figure in results.figures) else 1


def _size(size: int, options: Options, results: Results) -> None:
    """Measure all that was chosen at one size."""
    fleet = Fleet.of(size)
    chosen = options.sections - {"scrape", "soak"}
    if not chosen:
        return
    with case(fleet, options, results) as one:
        if size > options.real:
            results.notes.append(
                f"Of the {size:,} objects {fleet.per_target} were applied; the others are copies, "
                "in namespaces of their own, of what the API server had stored of these, written "
                "into etcd. DriftChecks and their reports are real. The controller manager was "
                "stopped before."
            )
        _operator(one, chosen)
        one.stop()
        _others(one, chosen)
        conclude(one)


def _operator(one: Case, chosen: frozenset[str]) -> None:
    """Measure the running operator."""
    for section, measure in (
        ("start", startup.measure),
        # Before any change: what is aggregated of changes is written minutes later.
        ("idle", idle.measure),
        ("latency", latency.measure),
        ("check", fullcheck.measure),
        ("commit", commits.measure),
        ("load", load.measure),
    ):
        if section in chosen and not (section == "load" and one.objects > load.MOST):
            measure(one)


def _others(one: Case, chosen: frozenset[str]) -> None:
    """Measure what is no operator of ours."""
    if "check" in chosen:
        fullcheck.command(one)
    if "kubectl" in chosen and one.objects <= kubectl.OBJECTS:
        kubectl.measure(one)
    if "flux" in chosen and one.objects <= fluxpeer.MOST:
        fluxpeer.measure(one)


if __name__ == "__main__":
    sys.exit(main())
