"""kopf's side: a watch event of a DriftCheck becomes a target of the engine.

The only module that knows kopf. It uses ``on.event`` alone: kopf then adds no finalizer and no
annotation, so that ``kubectl delete`` never waits for Leadsman, and nothing is written to what
people own. Errors here would be dropped by kopf without a retry, so nothing here can fail: the
engine's queue owns all retries.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Any

import kopf

from leadsman.targets.driftcheck import key_of

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from aiohttp import ClientSession

    from leadsman.kube.config import ClusterConfig
    from leadsman.model.identity import TargetKey
    from leadsman.model.json import JsonObject

_GROUP, _VERSION, _PLURAL = "leadsman.dev", "v1alpha1", "driftchecks"


def registry(
    config: ClusterConfig,
    session: Callable[[], Awaitable[ClientSession]],
    changed: Callable[[JsonObject], None],
    gone: Callable[[TargetKey], None],
    owns: Callable[[TargetKey], bool],
) -> kopf.OperatorRegistry:
    """Return the handlers: ``changed`` takes a DriftCheck, ``gone`` the key of a deleted one.

    Those that ``owns`` says are not this process' are left alone. ``session`` makes a new
    authenticated HTTP session, which kopf closes.
    """
    handlers = kopf.OperatorRegistry()

    @kopf.on.login(registry=handlers)
    async def login(**_: Any) -> kopf.AiohttpSession:
        # Called again after each 401. The session reads the credentials at each request, so that
        # a rotated token is used without one.
        return kopf.AiohttpSession(
            server=config.server,
            default_namespace=config.namespace or None,
            aiohttp_session=await session(),
        )

    @kopf.on.event(_GROUP, _VERSION, _PLURAL, registry=handlers)
    async def on_driftcheck(event: kopf.RawEvent, **_: Any) -> None:
        resource: JsonObject = dict(event["object"])
        key = key_of(resource)
        if not owns(key):
            return
        if event["type"] == "DELETED":
            gone(key)
        else:
            changed(resource)

    return handlers


def settings(namespaces: tuple[str, ...] = ()) -> kopf.OperatorSettings:
    """Return kopf's settings: post nothing, list in pages, end workers soon.

    Where ``namespaces`` are named they are taken for there: to list and watch them, and
    CustomResourceDefinitions, may be forbidden, which kopf would try nine times over a minute
    before it begins.
    ``idle_timeout``: with kopf's 5 s each of 10,000 resources keeps a worker that long after
    start, 73 MiB in all. ``inactivity_timeout``: with its 70 s a watch of what does not change is
    begun again and again, since its first bookmark may come later than that.
    """
    chosen = kopf.OperatorSettings()
    chosen.posting.enabled = False
    chosen.networking.request_timeout = 30
    chosen.networking.connect_timeout = 5
    chosen.watching.chunk_size = 500
    chosen.watching.server_timeout = 300
    chosen.watching.client_timeout = 310
    chosen.watching.inactivity_timeout = 150
    chosen.queueing.idle_timeout = 0.1
    chosen.scanning.disabled = bool(namespaces)
    return chosen


async def watch(
    config: ClusterConfig,
    session: Callable[[], Awaitable[ClientSession]],
    changed: Callable[[JsonObject], None],
    gone: Callable[[TargetKey], None],
    *,
    owns: Callable[[TargetKey], bool],
    namespaces: tuple[str, ...] = (),
) -> None:
    """Watch DriftChecks until cancelled, in all namespaces or the named ones, see ``registry``.

    Raises where kopf gives up, for instance on a watch ERROR other than 410: the caller starts it
    again. Returns on SIGTERM or SIGINT, whose handlers kopf replaces by its own.
    """
    # kopf says each event it takes at INFO; the engine says what came of it.
    logging.getLogger("kopf").setLevel(logging.WARNING)
    logging.getLogger("kopf._cogs.clients.watching").addFilter(_calm)
    tasks = await kopf.spawn_tasks(
        registry=registry(config, session, changed, gone, owns),
        settings=settings(namespaces),
        standalone=True,
        clusterwide=not namespaces,
        namespaces=list(namespaces),
    )
    # Not kopf.operator() or kopf.run_tasks(): when kopf ends they wait 5 s for, and then cancel,
    # every task that was started after it, the engine's own too.
    try:
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    for task in done:
        if not task.cancelled():
            task.result()


def _calm(record: logging.LogRecord) -> bool:
    """Make of a retry, which kopf calls an error and shows as Python sees it, a warning."""
    told = record.getMessage()
    if "will retry" in told:
        record.levelno, record.levelname = logging.WARNING, "WARNING"
        record.msg, record.args = f"kopf: {told.partition(' -> ')[0]}", ()
    return True
