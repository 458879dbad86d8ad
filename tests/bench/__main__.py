"""``python -m bench``: measure, print the table, write the document."""

from __future__ import annotations

import sys
import time
import traceback
from contextlib import contextmanager
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
    network,
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
    from collections.abc import Callable, Iterator

    from bench.case import Case
    from bench.options import Options


def main() -> int:
    """Run what was chosen; return 1 where a goal was missed, or something could not be measured."""
    options = parse()
    began = time.monotonic()
    results = Results(facts=machine())
    for size in options.sizes:
        with _noted(results, f"{size:,} objects"):
            _size(size, options, results)
    for section, measure in (("scrape", scrape.measure), ("soak", soak.measure)):
        if section in options.sections:
            with _noted(results, section):
                measure(options, results)
    results.conclude()
    results.facts.append(("Duration", f"{(time.monotonic() - began) / 60:.0f} minutes"))
    print(f"\n{document.show(results)}")
    for path in document.write(results, options.out):
        say(f"written: {path}")
    return 0 if results.met and not results.failed else 1


@contextmanager
def _noted(results: Results, what: str) -> Iterator[None]:
    """Tell of what goes wrong and go on: what takes an hour is not to be lost with it."""
    try:
        yield
    except Exception as error:  # noqa: BLE001 - whatever it is, it is told, and counts as failed
        traceback.print_exc()
        results.failed = True
        told = (str(error) or type(error).__name__).splitlines()[0]
        results.notes.append(f"NOT MEASURED: {what}: {told[:300]}")


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
        for section, measure, most in _SECTIONS:
            if section in chosen and size <= most:
                with _noted(results, f"{section}, {size:,} objects"):
                    measure(one)
        one.stop()
        conclude(one)


# What is measured at each size, in this order, and up to how many objects.
_ANY = sys.maxsize
_SECTIONS: tuple[tuple[str, Callable[[Case], None], int], ...] = (
    ("start", startup.measure, _ANY),
    # Before any change: what is aggregated of changes is written minutes later.
    ("idle", idle.measure, _ANY),
    ("latency", latency.measure, _ANY),
    ("check", fullcheck.measure, _ANY),
    ("commit", commits.measure, _ANY),
    ("load", load.measure, load.MOST),
    ("kubectl", kubectl.measure, kubectl.OBJECTS),
    ("flux", fluxpeer.measure, fluxpeer.MOST),
    # From here on the operator does not run.
    ("check", fullcheck.command, _ANY),
    ("network", network.measure, network.OBJECTS),
)


if __name__ == "__main__":
    sys.exit(main())
