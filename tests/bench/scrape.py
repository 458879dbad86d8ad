"""``/metrics`` at 10,000 targets, of one object each."""

from __future__ import annotations

import asyncio
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from bench import measures
from bench.case import ARGUMENTS, NEVER
from bench.delivery import apply, client_of, each, make_checks, make_namespaces
from bench.fleet import driftcheck, dumped
from bench.lag import Loop
from bench.results import Results, say
from bench.usage import memory_mib
from controlplane.gitserver import GitServer
from controlplane.plane import ControlPlane
from harness.operator import Operator, install
from harness.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.options import Options

_REPOSITORY: Final = "many"
_IN_NAMESPACE: Final = 100
_WITHIN: Final = 3600.0
_SCRAPES: Final = 10


def measure(options: Options, results: Results) -> None:
    """Make the targets, wait for their verdicts, and ask for the metrics."""
    targets = options.scrape
    with (
        tempfile.TemporaryDirectory(prefix="leadsman-bench-") as temporary,
        ControlPlane() as plane,
        GitServer(Path(temporary) / "git") as git,
    ):
        install(plane)
        say(f"delivering {targets:,} targets of one object each")
        git.create(
            _REPOSITORY, {f"{name}/app.yaml": dumped([_body(name)]) for name in _names(targets)}
        )
        asyncio.run(_deliver(plane, targets, git.url(_REPOSITORY)))
        with Operator.in_pod(plane, Path(temporary) / "operator", *ARGUMENTS) as operator:
            started = time.monotonic()
            until(operator.ready, "a ready operator", timeout=_WITHIN, failed=operator.ended)
            until(
                lambda: _scrape(operator)[1].count(b'state="InSync"} 1.0') >= targets,
                f"{targets:,} verdicts",
                timeout=_WITHIN,
                failed=operator.ended,
            )
            say(f"all verdicts after {time.monotonic() - started:.0f} s")
            scrapes = [_scrape(operator) for _ in range(_SCRAPES)]
            results.add(measures.SCRAPE, targets, *(seconds for seconds, _ in scrapes))
            results.add(measures.SCRAPE_SIZE, targets, len(scrapes[-1][1]) / 2**20)
            results.add(measures.SCRAPE_MEMORY, targets, memory_mib(operator.pid)[0])
            loop = Loop()
            loop.add(operator)
            loop.conclude(results, targets, measures.SCRAPE_TURNS, measures.LONG_TURN)


def _names(targets: int) -> Iterator[str]:
    return (f"t{target:05d}" for target in range(targets))


def _namespace(name: str) -> str:
    return f"many-{int(name[1:]) // _IN_NAMESPACE:03d}"


def _body(name: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "labels": {"app": name}},
        "data": {"level": "info"},
    }


async def _deliver(plane: ControlPlane, targets: int, url: str) -> None:
    async with client_of(plane) as client:
        await make_namespaces(client, sorted({_namespace(name) for name in _names(targets)}))
        await each(apply(client, _body(name), _namespace(name)) for name in _names(targets))
        await make_checks(
            client,
            (
                driftcheck(name, _namespace(name), url=url, path=name, interval=NEVER)
                for name in _names(targets)
            ),
        )


def _scrape(operator: Operator) -> tuple[float, bytes]:
    """Return the seconds that all metrics took to come, and the metrics."""
    started = time.monotonic()
    address = f"http://127.0.0.1:{operator.port}/metrics"
    with urllib.request.urlopen(address, timeout=120) as answer:
        body: bytes = answer.read()
    return time.monotonic() - started, body
