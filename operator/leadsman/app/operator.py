"""``leadsman run``: put the operator together, run it, and take it down."""

from __future__ import annotations

import asyncio
import logging
import random
import signal
import time
from typing import TYPE_CHECKING, TypeVar

from leadsman import handlers
from leadsman.app.fence import Fence
from leadsman.app.hooks import receive_hooks
from leadsman.app.parts import make_parts
from leadsman.app.reports import ReportWatch, read_reports
from leadsman.app.web import serve
from leadsman.engine.gauges import Gauges
from leadsman.engine.queue import Backoff
from leadsman.engine.reporter import Reporter
from leadsman.engine.verdicts import VerdictCache
from leadsman.errors import KubeError, LeadsmanError
from leadsman.kube.session import authenticated_session
from leadsman.live.admission import AdmissionWatch
from leadsman.live.crds import SurfaceWatch
from leadsman.live.watches import LiveWatches
from leadsman.render.protections import protections
from leadsman.report.recorder import EventRecorder
from leadsman.report.target_metrics import TargetMetrics
from leadsman.report.writer import ReportWriter

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from leadsman.app.loop import Lag
    from leadsman.app.parts import Parts
    from leadsman.settings import Settings

log = logging.getLogger(__name__)

_T = TypeVar("_T")

# Until what the API server or kopf has ended is started again.
_RESTARTS = Backoff(base=1.0, cap=30.0)


async def run(settings: Settings, lag: Lag) -> None:
    """Run until SIGTERM or SIGINT, on a loop of ``lag``'s.

    Raises:
        LeadsmanError: it cannot even start: no cluster, no address to serve on, a program or the
            webhooks' secrets missing; or the fence of DryRun mode is not in place, or not any more.

    """
    stop = asyncio.Event()
    _stop_on_signals(stop)
    async with make_parts(settings) as parts, receive_hooks(settings, parts):
        lag.observe = parts.instruments.loop_lag.observe
        await _operate(parts, settings, stop)


def _stop_on_signals(stop: asyncio.Event) -> None:
    loop = asyncio.get_running_loop()
    for name in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(name, stop.set)


async def _operate(parts: Parts, settings: Settings, stop: asyncio.Event) -> None:
    engine, instruments = parts.engine, parts.instruments
    refusals: list[LeadsmanError] = []
    started = time.monotonic()
    listed = asyncio.Event()
    targets = TargetMetrics(object_series=settings.object_series)
    engine.outlet.gauges = gauges = Gauges(engine.states, targets)

    async def metrics(accept: str) -> tuple[bytes, str]:
        await gauges.refresh()
        return instruments.exposition(accept, targets.families())

    instruments.queue_depth.set_function(lambda: engine.depth)
    runner, port = await serve(
        settings.bind,
        metrics=metrics,
        ready=lambda: (
            listed.is_set()
            and (engine.settled or time.monotonic() - started > settings.ready_within)
        ),
    )
    log.info(
        "leadsman started",
        extra={"server": parts.client.config.server, "port": port, "sandbox": protections()},
    )
    try:
        async with asyncio.TaskGroup() as group:
            work = group.create_task(_guarded(parts, settings, listed, stop, refusals))
            await stop.wait()
            log.info("leadsman stops")
            work.cancel()
    finally:
        await runner.cleanup()
    if refusals:
        raise refusals[0]


async def _guarded(
    parts: Parts,
    settings: Settings,
    listed: asyncio.Event,
    stop: asyncio.Event,
    refusals: list[LeadsmanError],
) -> None:
    """Work within the fence, where one is needed; stop when it does not hold."""
    confirmer = parts.engine.confirmer
    if confirmer is None:
        await _work(parts, settings, listed, stop)
        return
    fence = Fence(parts.client)
    try:
        await _persist("the fence", fence.stand)
        confirmer.release()
        async with asyncio.TaskGroup() as group:
            group.create_task(fence.guard(hold=confirmer.hold, release=confirmer.release))
            group.create_task(_work(parts, settings, listed, stop))
    except* LeadsmanError as errors:
        refusals += _leaves(errors)
    # Nothing is left running that could ask.
    stop.set()
    await asyncio.Event().wait()


def _leaves(group: BaseExceptionGroup[LeadsmanError]) -> list[LeadsmanError]:
    found: list[LeadsmanError] = []
    for error in group.exceptions:
        found += _leaves(error) if isinstance(error, BaseExceptionGroup) else [error]
    return found


async def _work(
    parts: Parts, settings: Settings, listed: asyncio.Event, stop: asyncio.Event
) -> None:
    engine, client = parts.engine, parts.client
    writer = ReportWriter(client, observe=parts.instruments.reported)
    reporter = Reporter(
        engine.states,
        writer,
        EventRecorder(client, instance=settings.identity, observe=parts.instruments.emitted),
        parts.instruments,
        now=time.time,
        period=settings.report_period,
    )
    engine.outlet.reporter = reporter
    await _persist("discovery", parts.discovery.refresh)
    engine.restore(await _persist("the list of DriftReports", lambda: read_reports(client, writer)))
    verdicts = VerdictCache(settings.cache / "verdicts", engine.described)
    if engine.confirmer is None:
        # In DryRun mode the API server's admission may be other than it was.
        await verdicts.load()
        engine.acquirer.verdicts = verdicts
    watches = LiveWatches(client, engine.observer, restarted=parts.instruments.watch_restarted)
    engine.acquirer.watches = watches
    reports = ReportWatch(client, engine, reporter)
    surface = SurfaceWatch(client, engine.surface_changed)
    async with asyncio.TaskGroup() as group:
        group.create_task(engine.run(settings.workers))
        group.create_task(reporter.run())
        group.create_task(verdicts.run(engine.states, lambda: engine.observer.judged))
        group.create_task(_supervise("the watch of reports", reports.run))
        group.create_task(_supervise("the watch of kinds", surface.run))
        if engine.confirmer is not None:
            admission = AdmissionWatch(client, parts.discovery, engine.admission_changed)
            group.create_task(_supervise("the watch of admission", admission.run))
        group.create_task(_supervise("kopf", lambda: _kopf(parts, settings, stop)))
        for resource in await _persist(
            "the list of DriftChecks", lambda: parts.driftchecks(settings.namespaces)
        ):
            engine.resource_changed(resource)
        engine.listed()
        listed.set()


async def _kopf(parts: Parts, settings: Settings, stop: asyncio.Event) -> None:
    engine, config = parts.engine, parts.client.config
    try:
        await handlers.watch(
            config,
            lambda: authenticated_session(config),
            engine.resource_changed,
            engine.resource_gone,
            namespaces=settings.namespaces,
        )
    finally:
        _stop_on_signals(stop)
    # It raises what goes wrong; without that it ends on a signal, which it takes for itself. To
    # return would look as if it had to be started again.
    stop.set()
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
