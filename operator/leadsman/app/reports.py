"""The operator's own DriftReports: read at start, watched for somebody deleting them.

Their watch also mends what kopf's leaves open: after a watch that was cut for long, kopf says
nothing of DriftChecks that vanished meanwhile. Their reports are garbage-collected with them, and
a report that goes makes us look whether its DriftCheck is still there.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import aclosing
from typing import TYPE_CHECKING

from leadsman.app.parts import DRIFTCHECKS
from leadsman.errors import KubeError
from leadsman.kube.discovery import ApiResource
from leadsman.kube.status import NOT_FOUND
from leadsman.kube.stream import Deleted, ListStarted, Observed, Synced
from leadsman.kube.watching import KindWatch
from leadsman.report.naming import report_name, target_of
from leadsman.report.restore import restore

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Callable

    from leadsman.engine.engine import Engine
    from leadsman.engine.reporting.reporter import Reporter
    from leadsman.kube.client import Client
    from leadsman.model.identity import TargetKey
    from leadsman.model.json import JsonObject
    from leadsman.model.status import TargetStatus
    from leadsman.report.writer import ReportWriter

log = logging.getLogger(__name__)

_REPORTS = ApiResource("leadsman.dev", "v1alpha1", "DriftReport", "driftreports", namespaced=True)
# Small pages: a report may have 500 KiB.
_PAGE = "50"


async def read_reports(
    client: Client,
    writer: ReportWriter,
    owns: Callable[[TargetKey], bool],
    namespaces: tuple[str, ...] = (),
) -> list[TargetStatus]:
    """Return what was reported before, of this process' targets, and let the writer know it.

    Only the named ``namespaces`` are read, if there are any.

    Raises:
        KubeError: the reports could not be listed.

    """
    statuses = []
    for namespace in namespaces or ("",):
        async with aclosing(_reports(client, namespace)) as reports:
            async for report in reports:
                metadata = report["metadata"]
                if not owns(target_of(metadata["namespace"], metadata["name"])):
                    continue
                status = writer.adopt(report)
                if status is not None:
                    statuses.append(status)
    return statuses


async def _reports(client: Client, namespace: str) -> AsyncGenerator[JsonObject]:
    params = {"limit": _PAGE}
    while True:
        answer = await client.get(_REPORTS.path(namespace), params)
        for item in answer["items"]:
            # The items of a list carry no kind of their own.
            yield {"apiVersion": answer["apiVersion"], "kind": _REPORTS.kind} | item
        if not (token := answer["metadata"].get("continue", "")):
            return
        params = {"limit": _PAGE, "continue": token}


async def read_report(client: Client, key: TargetKey) -> TargetStatus | None:
    """Return what is reported of a target, None if there is no report.

    Raises:
        KubeError: the report could not be read.

    """
    try:
        return restore(await client.get(_REPORTS.path(key.namespace, report_name(key))))
    except KubeError as error:
        if error.status == NOT_FOUND:
            return None
        raise


class ReportWatch:
    """Sees reports of this process' targets go, and finds out why."""

    def __init__(
        self,
        client: Client,
        engine: Engine,
        reporter: Reporter,
        owns: Callable[[TargetKey], bool],
        namespaces: tuple[str, ...] = (),
    ) -> None:
        """Watch in the named ``namespaces``, or in all."""
        self._client = client
        self._engine = engine
        self._reporter = reporter
        self._owns = owns
        self._there: dict[str, set[TargetKey]] = {name: set() for name in namespaces or ("",)}

    async def run(self) -> None:
        """Watch until cancelled."""
        async with asyncio.TaskGroup() as group:
            for namespace, there in self._there.items():
                group.create_task(self._watch(namespace, there))

    async def _watch(self, namespace: str, there: set[TargetKey]) -> None:
        watch = KindWatch(self._client, _REPORTS, namespace, metadata_only=True)
        listed: set[TargetKey] | None = None
        async with aclosing(watch.events()) as events:
            async for event in events:
                match event:
                    case ListStarted():
                        listed = set()
                    case Observed():
                        key = target_of(event.meta.namespace, event.meta.name)
                        if not self._owns(key):
                            continue
                        there.add(key)
                        if listed is not None:
                            listed.add(key)
                    case Synced():
                        vanished = there - (listed or set())
                        there -= vanished
                        listed = None
                        for key in vanished:
                            await self._vanished(key)
                    case Deleted(meta):
                        key = target_of(meta.namespace, meta.name)
                        there.discard(key)
                        await self._vanished(key)
                    case _:
                        pass

    async def _vanished(self, key: TargetKey) -> None:
        if key not in self._engine.states:
            return
        if key.kind == DRIFTCHECKS.kind:
            # What others are is watched by us, and not by kopf.
            try:
                await self._client.get(DRIFTCHECKS.path(key.namespace, key.name))
            except KubeError as error:
                if error.status == NOT_FOUND:
                    self._engine.resource_gone(key)
                    return
                log.warning("%s: %s", key, error.message)
        log.info("the report was deleted and is written again", extra={"target": str(key)})
        self._reporter.rewrite(key)
