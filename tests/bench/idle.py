"""What is asked of the API server, and what is used, while nothing changes."""

from __future__ import annotations

import threading
import time
from collections import Counter
from typing import TYPE_CHECKING, Final

from bench import measures
from bench.results import say
from bench.usage import cpu_seconds, memory_mib

if TYPE_CHECKING:
    from bench.case import Case

# The API surface is looked at for the last time half a minute after the start.
_CALM_AFTER: Final = 40.0
_REQUESTS: Final = "leadsman_api_requests_total"


def measure(case: Case) -> None:
    """Watch it do nothing; its memory then is the steady one."""
    case.ensure_started()
    seconds = case.options.idle
    say(f"watching it do nothing for {seconds:.0f} s")
    # Nothing tells when it is calm: that nothing happens is what is measured.
    pause = threading.Event()
    pause.wait(max(0.0, case.started + _CALM_AFTER - time.monotonic()))
    asked, cpu = _requests(case), cpu_seconds(case.operator.pid)
    started = time.monotonic()
    pause.wait(seconds)
    lasted = time.monotonic() - started
    used = cpu_seconds(case.operator.pid) - cpu
    requests = _requests(case)
    requests.subtract(asked)
    for what, count in requests.items():
        if count:
            say(f"  {count} times: {what}")
    results, objects = case.results, case.objects
    results.add(measures.IDLE_REQUESTS, objects, requests.total() * 3600.0 / lasted)
    results.add(measures.IDLE_CPU, objects, used / lasted * 100.0)
    results.add(measures.MEMORY_STEADY, objects, memory_mib(case.operator.pid)[0])


def _requests(case: Case) -> Counter[str]:
    """How many requests it has sent, the watches' own and those for its Lease left out."""
    return Counter(
        {
            str(labels): int(value)
            for labels, value in case.operator.series(_REQUESTS).items()
            if ("verb", "watch") not in labels and ("resource", "leases") not in labels
        }
    )
