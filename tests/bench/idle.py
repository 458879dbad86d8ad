"""What is asked of the API server, and what is used, while nothing changes.

Once with an interval that is longer than the benchmark, so that Git is not asked, and once with the
one that a DriftCheck has by default.
"""

from __future__ import annotations

import asyncio
import math
import threading
import time
from collections import Counter
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from bench import measures
from bench.asked import Asked, count, counted
from bench.case import NEVER
from bench.delivery import change_checks, client_of
from bench.results import say
from bench.usage import cpu_seconds, memory_mib

if TYPE_CHECKING:
    from bench.case import Case

# The API surface is looked at for the last time half a minute after the start.
_CALM_AFTER: Final = 40.0
# It is calm again when for so many seconds nothing has been asked and nobody has waited.
_CALM_FOR: Final = 5.0
_CALM_WITHIN: Final = 600.0
_LOOK: Final = 1.0
_REQUESTS: Final = "leadsman_api_requests_total"
# The default of DriftCheck's ``spec.interval``, as it is written and in seconds.
_DEFAULT: Final = "1m"
_MINUTE: Final = 60.0
# No watch ends sooner by itself: leadsman.kube.watching asks for 240 to 300 s, its kopf for 300 s.
_SHORTEST: Final = 240.0
# The watch of DriftChecks, which is kopf's and not in the operator's own metrics.
_OF_KOPF: Final = 1


@dataclass(frozen=True, slots=True)
class Period:
    """Some seconds in which nothing changed: what was asked, and CPU seconds.

    ``began`` and ``ended`` are seconds since the operator's start. ``watches`` is how many it has
    open, ``polls`` how often Git was asked.
    """

    began: float
    ended: float
    asked: Counter[Asked]
    cpu: float
    watches: int
    polls: int

    @property
    def lasted(self) -> float:
        """Its seconds."""
        return self.ended - self.began

    @property
    def early(self) -> int:
        """How many watches were begun for another reason than that the last one's time was over."""
        return max(0, self.asked[Asked.WATCH] - self.watches * renewals(self.began, self.ended))


def renewals(began: float, ended: float) -> int:
    """Return how often at most one watch's time is over between two times since the start."""
    return min(int(ended // _SHORTEST), int((ended - began) // _SHORTEST) + 1)


def measure(case: Case) -> None:
    """Watch it do nothing; its memory then is the steady one."""
    case.ensure_started()
    # Nothing tells when it is calm: that nothing happens is what is measured.
    threading.Event().wait(max(0.0, case.started + _CALM_AFTER - time.monotonic()))
    with counted(case.plane):
        say(f"watching it do nothing for {case.options.idle:.0f} s")
        alone = _watch(case, case.options.idle)
        steady = memory_mib(case.operator.pid)[0]
        _change_interval(case, _DEFAULT)
        seconds = _MINUTE * math.ceil(case.options.idle / _MINUTE)
        say(f"watching it ask Git every minute for {seconds:.0f} s")
        polled = _watch(case, seconds)
        _change_interval(case, NEVER)
    if alone.polls or not polled.polls:
        raise AssertionError(f"Git was asked {alone.polls} times, and then {polled.polls} times")
    for named, period in ((measures.IDLE, alone), (measures.POLLED, polled)):
        asked = period.asked[Asked.OTHER] * 3600.0 / period.lasted
        case.results.add(named.requests, case.objects, asked)
        case.results.add(named.watches, case.objects, period.early)
        case.results.add(named.cpu, case.objects, period.cpu / period.lasted * 100.0)
    case.results.add(measures.MEMORY_STEADY, case.objects, steady)


def _watch(case: Case, seconds: float) -> Period:
    pid = case.operator.pid
    case.git.requests.clear()
    own, asked = _requests(case), count(case.plane)
    cpu, began = cpu_seconds(pid), time.monotonic()
    threading.Event().wait(seconds)
    cpu, ended = cpu_seconds(pid) - cpu, time.monotonic()
    polls = len(case.git.requests)
    asked = count(case.plane) - asked
    if not asked[Asked.LEASE]:
        raise AssertionError("the API server has not counted the renewals of the Lease")
    told = ", ".join(f"{asked[kind]} {kind}" for kind in Asked)
    say(f"  counted by the API server: {told}; requests to Git: {polls}")
    for what, times in (_requests(case) - own).items():
        say(f"  {times} times: {dict(what)}")
    watched = case.operator.series(_REQUESTS, verb="watch")
    watches = len({dict(labels)["resource"] for labels in watched}) + _OF_KOPF
    return Period(began - case.started, ended - case.started, asked, cpu, watches, polls)


def _change_interval(case: Case, interval: str) -> None:
    """Have Git asked so often, and wait until all that follows from the change is done."""

    async def change() -> None:
        async with client_of(case.plane) as client:
            await change_checks(client, case.fleet, {"spec": {"interval": interval}})

    asyncio.run(change())
    pause = threading.Event()
    asked = _requests(case)
    since = started = time.monotonic()
    while time.monotonic() < since + _CALM_FOR:
        if time.monotonic() > started + _CALM_WITHIN:
            raise AssertionError(f"not calm within {_CALM_WITHIN:.0f} s: {asked}")
        pause.wait(_LOOK)
        now = _requests(case)
        if now != asked or case.operator.value("leadsman_queue_depth"):
            asked, since = now, time.monotonic()


def _requests(case: Case) -> Counter[tuple[tuple[str, str], ...]]:
    """How many requests it says that it has sent, the watches' own and those for its Lease apart.

    These are looked at to say which they are, and when it is calm; what counts is the API server's.
    """
    return Counter(
        {
            labels: int(value)
            for labels, value in case.operator.series(_REQUESTS).items()
            if ("verb", "watch") not in labels and ("resource", "leases") not in labels
        }
    )
