"""Write DriftReports: when their content changes, and not otherwise."""

from __future__ import annotations

import hashlib
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol

import orjson

from leadsman.errors import KubeError
from leadsman.kube.status import NOT_FOUND
from leadsman.report.driftreport import API_VERSION, build_report, build_status
from leadsman.report.restore import restore

if TYPE_CHECKING:
    from collections.abc import Callable

    from leadsman.model.identity import TargetKey
    from leadsman.model.json import JsonObject
    from leadsman.model.status import TargetStatus


class Applier(Protocol):
    """The part of the API client that writes reports."""

    async def apply(
        self, path: str, body: JsonObject, *, manager: str, force: bool = ...
    ) -> JsonObject:
        """Apply an object server-side and return it; raises KubeError."""


@dataclass(slots=True)
class _Known:
    """What is remembered of a report: its owner, its status' digest, what the next one needs."""

    uid: str
    digest: bytes = b""
    previous: JsonObject = field(default_factory=dict)


class ReportWriter:
    """Keeps one DriftReport per target as its status says; one call per target at a time.

    ``observe`` is called with ``written`` or ``failed`` after each attempt to write.
    """

    def __init__(
        self,
        client: Applier,
        *,
        manager: str = "leadsman",
        now: Callable[[], float] = time.time,
        observe: Callable[[str], None] | None = None,
    ) -> None:
        self._client = client
        self._manager = manager
        self._now = now
        self._observe = observe or (lambda _outcome: None)
        self._known: dict[TargetKey, _Known] = {}

    def adopt(self, report: JsonObject) -> TargetStatus | None:
        """Take over a report as the API server has it; return what it says, see ``restore``.

        A first status that says the same is then not written again, and conditions that do not
        turn keep their times.
        """
        status = restore(report)
        if status is not None:
            told = report["status"]
            self._known[status.key] = _Known(status.uid, _digest(told), told)
        return status

    def forget(self, key: TargetKey) -> None:
        """Remember nothing of the target's report: write it anew even if nothing changes."""
        self._known.pop(key, None)

    async def write(self, status: TargetStatus) -> bool:
        """Bring the target's report up to date; return whether anything had to be written.

        Raises:
            KubeError: the API server refused or could not be reached; the next call tries again.

        """
        known = self._known.get(status.key)
        if known is None or known.uid != status.uid:
            known = None
        built = build_status(status, known.previous if known else None, self._now())
        digest = _digest(built)
        if known is not None and known.digest == digest:
            return False
        if known is not None:
            # A lost answer or a cancellation leaves open what is written.
            known.digest = b""
        try:
            await self._write(status, built, exists=known is not None)
        except KubeError:
            self._observe("failed")
            raise
        self._observe("written")
        # How much was cut cannot be told from what is left, so that a report is kept whole.
        kept = built if "truncated" in built else {"conditions": built["conditions"]}
        self._known[status.key] = _Known(status.uid, digest, kept)
        return True

    async def _write(self, status: TargetStatus, built: JsonObject, *, exists: bool) -> None:
        report = build_report(status)
        namespace, name = report["metadata"]["namespace"], report["metadata"]["name"]
        path = f"/apis/{API_VERSION}/namespaces/{namespace}/driftreports/{name}"
        body = {
            "apiVersion": report["apiVersion"],
            "kind": report["kind"],
            "metadata": {"namespace": namespace, "name": name},
            "status": built,
        }
        if exists:
            try:
                await self._apply(f"{path}/status", body)
            except KubeError as error:
                if error.status != NOT_FOUND:
                    raise  # else somebody has deleted it
            else:
                return
        await self._apply(path, report)
        await self._apply(f"{path}/status", body)

    async def _apply(self, path: str, body: JsonObject) -> None:
        await self._client.apply(path, body, manager=self._manager, force=True)


def _digest(status: JsonObject) -> bytes:
    # Sorted: the API server gives keys back in another order.
    return hashlib.blake2b(
        orjson.dumps(status, option=orjson.OPT_SORT_KEYS), digest_size=16
    ).digest()
