"""``leadsman run``: put the operator together, run it, and take it down."""

from __future__ import annotations

import asyncio
import logging
import random
import signal
import time
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeVar

from leadsman import handlers
from leadsman.app import memory
from leadsman.app.deliveries import DeliveryWatch
from leadsman.app.election import Election
from leadsman.app.fence import Fence
from leadsman.app.hooks import receive_hooks
from leadsman.app.parts import make_parts
from leadsman.app.reports import ReportWatch, read_reports
from leadsman.app.tenure import TenuredClient
from leadsman.app.web import serve
from leadsman.engine.delivered import Delivered
from leadsman.engine.dryrun.answers import Answers
from leadsman.engine.judging.verdicts import VerdictCache
from leadsman.engine.reporting.gauges import Gauges
from leadsman.engine.reporting.reporter import Reporter
from leadsman.engine.scheduling.queue import Backoff
from leadsman.engine.scheduling.shards import choose_shard
from leadsman.errors import KubeError, LeadsmanError
from leadsman.kube.session import authenticated_session
from leadsman.live.admission import AdmissionWatch
from leadsman.live.crds import SurfaceWatch
from leadsman.live.watches import LiveWatches
from leadsman.render.protections import protections
from leadsman.report.recorder import EventRecorder
from leadsman.report.target_metrics import TargetMetrics
from leadsman.report.writer import ReportWriter
from leadsman.targets.driftcheck import key_of
from leadsman.turns import give_way

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from leadsman.app.loop import Lag
    from leadsman.app.parts import Parts
    from leadsman.engine.scheduling.shards import Shard
    from leadsman.kube.client import Client
    from leadsman.settings import Settings

log = logging.getLogger(__name__)

_T = TypeVar("_T")

# Until what the API server or kopf has ended is started again.
_RESTARTS = Backoff(base=1.0, cap=30.0)


@dataclass(slots=True)
class _Run:
    """One run of the operator, and how far it is.

    ``began`` is when it began to work, ``listed`` whether it knows all its targets since; ``stop``
    ends it, ``refusals`` say why if it was not asked to.
    """

    parts: Parts
    settings: Settings
    shard: Shard
    stop: asyncio.Event
    listed: asyncio.Event = field(default_factory=asyncio.Event)
    refusals: list[LeadsmanError] = field(default_factory=list)
    began: float = 0.0

    def ready(self) -> bool:
        """Tell whether the targets have been looked at, or it has taken long enough."""
        waited = time.monotonic() - self.began > self.settings.ready_within
        return self.listed.is_set() and (self.parts.engine.settled or waited)


async def run(settings: Settings, lag: Lag) -> None:
    """Run until SIGTERM or SIGINT, on a loop of ``lag``'s.

    Raises:
        LeaseLostError: another process may have taken over.
        LeadsmanError: it cannot even start: no cluster, no such shard, no address to serve on, a
            program or the webhooks' secrets missing; or the fence of DryRun mode is not in place,
            or not any more.

    """
    shard = choose_shard(settings.shards, settings.shard, settings.pod)
    stop = asyncio.Event()
    _stop_on_signals(stop)
    async with make_parts(settings) as parts, receive_hooks(settings, parts):
        lag.observe = parts.instruments.turned
        await _operate(_Run(parts, settings, shard, stop))


def _stop_on_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)


async def _operate(this: _Run) -> None:
    parts, settings = this.parts, this.settings
    engine, instruments = parts.engine, parts.instruments
    targets = TargetMetrics(object_series=settings.object_series)
    engine.outlet.gauges = gauges = Gauges(engine.states, targets)

    async def metrics(accept: str) -> tuple[bytes, str]:
        await gauges.refresh()
        families = []
        for family in targets.families():
            families.append(family)
            # Of 10,000 targets some have two megabytes.
            await give_way()
        return instruments.exposition(accept, families)

    instruments.queue_depth.set_function(lambda: engine.depth)
    instruments.sharded(this.shard.index, this.shard.count)
    election: Election | None = None
    runner, port = await serve(
        settings.bind,
        metrics=metrics,
        ready=lambda: (election is not None and election.standby) or this.ready(),
    )
    log.info(
        "leadsman started",
        extra={"server": parts.client.config.server, "port": port, "sandbox": protections()},
    )
    try:
        if settings.leader_elect or this.shard.count > 1:
            election = Election(parts.client.config, settings, this.shard, instruments)
        async with asyncio.TaskGroup() as group:
            work = group.create_task(_elected(this, election))
            await this.stop.wait()
            log.info("leadsman stops")
            work.cancel()
    finally:
        await runner.cleanup()
    if this.refusals:
        raise this.refusals[0]


async def _elected(this: _Run, election: Election | None) -> None:
    """Work once it is this process' turn, where there is an election; stop when it is over."""
    client = this.parts.client
    if election is None:
        this.parts.instruments.leads(leads=True)
        await _guarded(this, client)
        return
    try:
        async with election.leading() as tenure:
            await _guarded(this, TenuredClient(client, tenure))
    except* LeadsmanError as errors:
        this.refusals += _leaves(errors)
    # Others may work now.
    this.stop.set()
    await asyncio.Event().wait()


async def _guarded(this: _Run, writes: Client | TenuredClient) -> None:
    """Work within the fence, where one is needed; stop when it does not hold."""
    confirmer = this.parts.engine.confirmer
    this.began = time.monotonic()
    if confirmer is None:
        await _work(this, writes)
        return
    fence = Fence(this.parts.client)
    try:
        await _persist("the fence", fence.stand)
        confirmer.release()
        async with asyncio.TaskGroup() as group:
            group.create_task(fence.guard(hold=confirmer.hold, release=confirmer.release))
            group.create_task(_work(this, writes))
    except* LeadsmanError as errors:
        this.refusals += _leaves(errors)
    # Nothing is left running that could ask.
    this.stop.set()
    await asyncio.Event().wait()


def _leaves(group: BaseExceptionGroup[LeadsmanError]) -> list[LeadsmanError]:
    found: list[LeadsmanError] = []
    for error in group.exceptions:
        found += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found


async def _work(this: _Run, writes: Client | TenuredClient) -> None:
    """Look after the targets; all that is written goes through ``writes``."""
    parts, settings, owns = this.parts, this.settings, this.shard.owns
    engine, client, namespaces = parts.engine, parts.client, settings.namespaces
    writer = ReportWriter(writes, observe=parts.instruments.reported)
    reporter = Reporter(
        engine.states,
        writer,
        EventRecorder(writes, instance=settings.identity, observe=parts.instruments.emitted),
        parts.instruments,
        now=time.time,
        period=settings.report_period,
    )
    engine.outlet.reporter = reporter
    await _persist("discovery", parts.discovery.refresh)
    engine.restore(
        await _persist(
            "the list of DriftReports", lambda: read_reports(client, writer, owns, namespaces)
        )
    )
    admission = AdmissionWatch(client, parts.discovery, engine.admission_changed)
    answers = None if engine.confirmer is None else Answers(engine.confirmer, admission)
    verdicts = VerdictCache(settings.cache / "verdicts", engine.described, answers)
    await verdicts.load()
    engine.acquirer.verdicts = verdicts
    watches = LiveWatches(
        client,
        engine.observer,
        namespaces=namespaces,
        restarted=parts.instruments.watch_restarted,
    )
    engine.following.watches = watches
    reports = ReportWatch(client, engine, reporter, owns, namespaces)
    deliveries = DeliveryWatch(client, parts.discovery, Delivered(engine), owns, namespaces)

    async def surface_changed() -> None:
        await engine.surface_changed()
        deliveries.look()

    surface = SurfaceWatch(client, surface_changed)
    async with asyncio.TaskGroup() as group:
        group.create_task(engine.run(settings.workers))
        group.create_task(reporter.run())
        group.create_task(memory.tend())
        group.create_task(verdicts.run(engine.states, lambda: engine.observer.judged))
        group.create_task(_supervise("the watch of reports", reports.run))
        group.create_task(_supervise("the watch of kinds", surface.run))
        group.create_task(_supervise("the watch of deliveries", deliveries.run))
        if engine.confirmer is not None:
            group.create_task(_supervise("the watch of admission", admission.run))
        await _persist("the list of DriftChecks", lambda: _read_targets(this))
        # It lists them, too. Not before they are served: it may not notice that they come to be.
        group.create_task(_supervise("kopf", lambda: _kopf(this)))
        await deliveries.listed()
        engine.listed()
        this.listed.set()


async def _read_targets(this: _Run) -> None:
    """Make all targets known that there are. Raises KubeError; call it again then."""
    async with aclosing(this.parts.driftchecks(this.settings.namespaces)) as resources:
        async for resource in resources:
            if this.shard.owns(key_of(resource)):
                this.parts.engine.resource_changed(resource)
            # Of 10,000 at once nothing else would be done for half a second.
            await give_way()


async def _kopf(this: _Run) -> None:
    engine, config = this.parts.engine, this.parts.client.config
    try:
        await handlers.watch(
            config,
            lambda: authenticated_session(config),
            engine.resource_changed,
            engine.resource_gone,
            owns=this.shard.owns,
            namespaces=this.settings.namespaces,
        )
    finally:
        _stop_on_signals(this.stop)
    # It raises what goes wrong; without that it ends on a signal, which it takes for itself. To
    # return would look as if it had to be started again.
    this.stop.set()
    await asyncio.Event().wait()


async def _persist(what: str, ask: Callable[[], Awaitable[_T]]) -> _T:
    """Ask until there is an answer: the API server may come up after us."""
    tries = 0
    while True:
        try:
            return await ask()
        except KubeError as error:
            delay = _RESTARTS.delay(tries, random.random())  # noqa: S311 - no secret
            log.warning("%s: %s; trying again in %.0f s", what, error.message, delay)
        await asyncio.sleep(delay)
        tries += 1


async def _supervise(what: str, run: Callable[[], Awaitable[None]]) -> None:
    """Start what has ended again, whatever ended it; only a cancellation is meant."""
    tries = 0
    while True:
        began = time.monotonic()
        try:
            await run()
        except Exception:
            log.exception("%s failed and is started again", what)
        else:
            log.warning("%s ended and is started again", what)
        if time.monotonic() - began > _RESTARTS.cap:
            tries = 0
        await asyncio.sleep(_RESTARTS.delay(tries, random.random()))  # noqa: S311 - no secret
        tries += 1
