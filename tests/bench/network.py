"""All objects in lists, compressed and not: does gzip pay?"""

from __future__ import annotations

import asyncio
import gzip
import http.client
import json
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, urlsplit

from bench import measures
from bench.fleet import KINDS, everywhere
from bench.results import say
from bench.usage import metered
from leadsman.kube.config import load

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.case import Case

# Where it is measured: what more objects cost is more of the same.
OBJECTS: Final = 10_000
_PAGE: Final = 500


def measure(case: Case) -> None:
    """Read all objects of the fleet's kinds as the operator does, once each way, several times."""
    say("all objects in lists, with and without gzip")
    plain: list[_Read] = []
    packed: list[_Read] = []
    for _ in range(case.options.repeats + 1):
        # In turns, so that what else the machine does meets both.
        for encoding, reads in (("identity", plain), ("gzip", packed)):
            reads.append(_read(case, encoding))
    # The first ones' connections and caches are cold.
    plain, packed = plain[1:], packed[1:]
    results, objects = case.results, case.objects
    for named, reads in ((measures.LISTS_PLAIN, plain), (measures.LISTS_GZIP, packed)):
        results.add(named.wall, objects, *(read.wall for read in reads))
        results.add(named.cpu, objects, *(read.cpu for read in reads))
        results.add(named.api, objects, *(read.api for read in reads))
        results.add(named.size, objects, *(read.size / 2**20 for read in reads))


@dataclass(frozen=True, slots=True)
class _Read:
    """What reading all lists took: seconds, and bytes on the way."""

    wall: float
    cpu: float
    api: float
    size: int


def _read(case: Case, encoding: str) -> _Read:
    config = asyncio.run(load(str(case.plane.kubeconfig)))
    access = asyncio.run(config.access.current())
    connection = http.client.HTTPSConnection(
        urlsplit(config.server).netloc, context=access.tls, timeout=60.0
    )
    headers = {"Authorization": access.authorization, "Accept-Encoding": encoding}
    began = time.process_time()
    with metered({"kube-apiserver": case.plane.pids["kube-apiserver"]}) as spent:
        size = sum(sum(_pages(connection, everywhere(kind), headers)) for kind in KINDS)
    connection.close()
    cpu = time.process_time() - began
    return _Read(spent.wall, cpu, spent.cpu["kube-apiserver"], size)


def _pages(
    connection: http.client.HTTPSConnection, path: str, headers: dict[str, str]
) -> Iterator[int]:
    """Yield how many bytes each page of a list has on its way."""
    token = ""
    while True:
        connection.request("GET", f"{path}?limit={_PAGE}&continue={quote(token)}", headers=headers)
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != http.client.OK:
            raise AssertionError(f"GET {path}: {answer.status}: {body[:300]!r}")
        yield len(body)
        text = gzip.decompress(body) if answer.headers["Content-Encoding"] == "gzip" else body
        token = json.loads(text)["metadata"].get("continue", "")
        if not token:
            return
