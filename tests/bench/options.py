"""What can be chosen on the benchmark's command line."""

from __future__ import annotations

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT = Path(__file__).resolve().parents[2]
# Each section can be run alone; memory is looked at in all that run the operator.
SECTIONS: Final = {
    "start": "cold start and warm restart",
    "idle": "what is asked and used while nothing changes",
    "latency": "from a live change to its report and to the metric, one at a time",
    "check": "one full check, by annotation, and `leadsman check --all`",
    "commit": "from a commit to the verdict of the target that it touches",
    "load": "200 live changes a second",
    "kubectl": "kubectl diff and kubectl diff --server-side, at 1,000 objects",
    "flux": "Flux's kustomize-controller, up to 10,000 objects",
    "network": "all objects in lists with and without gzip, at 10,000 objects",
    "scrape": "/metrics at 10,000 targets",
    "soak": "ten minutes of changes, commits and restarts",
}
_SIZES: Final = (1_000, 10_000, 100_000)
_SHORT: Final = 1_000


@dataclass(frozen=True, slots=True)
class Options:
    """All options; times are seconds.

    Of sizes above ``real`` one target's objects are applied, and copied within etcd for the others.
    ``repeats`` is how often what can be repeated is. ``changes`` are made in each repeat of the
    latency. ``scrape`` is at how many targets ``/metrics`` is asked. ``out`` is the folder that
    ``docs/`` and ``bench.json`` are written to.
    """

    sizes: tuple[int, ...] = _SIZES
    real: int = 10_000
    sections: frozenset[str] = frozenset(SECTIONS)
    repeats: int = 3
    changes: int = 200
    idle: float = 120.0
    load: float = 60.0
    rate: int = 200
    scrape: int = 10_000
    soak: float = 600.0
    soak_objects: int = 1_000
    seed: int = 1
    out: Path = ROOT


_DEFAULTS: Final = Options()


def parse(arguments: list[str] | None = None) -> Options:
    """Read the command line."""
    chosen = _parser().parse_args(arguments)
    short = chosen.short
    sizes = chosen.sizes or ((_SHORT,) if short else _SIZES)
    sections = set(chosen.only or SECTIONS)
    if short and not chosen.only:
        sections -= {"soak", "scrape"}
    return Options(
        sizes=sizes,
        real=chosen.real,
        sections=frozenset(sections),
        repeats=chosen.repeats or (2 if short else 3),
        changes=chosen.changes or (40 if short else 200),
        idle=chosen.idle or (10.0 if short else 120.0),
        load=chosen.load or (20.0 if short else 60.0),
        scrape=chosen.scrape,
        soak=chosen.soak,
        soak_objects=chosen.soak_objects,
        seed=chosen.seed,
        out=chosen.out,
    )


def _parser() -> argparse.ArgumentParser:
    told = "\n".join(f"  {name:<8} {what}" for name, what in SECTIONS.items())
    parser = argparse.ArgumentParser(
        prog="bench",
        description="Measure what drift detection costs and how fast it is.",
        epilog=f"sections:\n{told}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--sizes", type=_sizes, metavar="N,N", help="objects, in targets of 100 each"
    )
    parser.add_argument(
        "--real", type=int, default=_DEFAULTS.real, help="more objects are copies within etcd"
    )
    parser.add_argument("--only", type=_sections, metavar="A,B", help="only these sections")
    parser.add_argument(
        "--short", action="store_true", help="1,000 objects, no soak: under five minutes"
    )
    parser.add_argument("--repeats", type=int, help="of all that can be repeated")
    parser.add_argument("--changes", type=int, help="for each repeat of the latency")
    parser.add_argument("--idle", type=float, help="seconds to watch it do nothing")
    parser.add_argument("--load", type=float, help="seconds of 200 changes each")
    parser.add_argument("--scrape", type=int, default=_DEFAULTS.scrape, help="targets of /metrics")
    parser.add_argument("--soak", type=float, default=_DEFAULTS.soak, help="seconds")
    parser.add_argument("--soak-objects", type=int, default=_DEFAULTS.soak_objects)
    parser.add_argument("--seed", type=int, default=_DEFAULTS.seed, help="of the soak's changes")
    parser.add_argument(
        "--out", type=Path, default=ROOT, help="folder for docs/benchmarks.md and bench.json"
    )
    return parser


def _sizes(text: str) -> tuple[int, ...]:
    sizes = tuple(sorted({int(part) for part in text.split(",")}))
    if any(size < 100 or size % 100 for size in sizes):
        raise argparse.ArgumentTypeError("sizes are multiples of 100")
    return sizes


def _sections(text: str) -> frozenset[str]:
    chosen = frozenset(text.split(","))
    if unknown := chosen - set(SECTIONS):
        raise argparse.ArgumentTypeError(
            f"{', '.join(sorted(unknown))} is none of {', '.join(SECTIONS)}"
        )
    return chosen
