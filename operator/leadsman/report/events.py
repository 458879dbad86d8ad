"""Events on a target: what a change of its status is worth saying, and saying it once."""

from __future__ import annotations

import hashlib
import logging
import re
import time
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from leadsman.errors import KubeError
from leadsman.kube.client import JSON, MERGE_PATCH
from leadsman.model.finding import DRIFTED_STATES, Cause, Change, Finding, State
from leadsman.report.conditions import summary_text
from leadsman.report.driftreport import API_VERSION
from leadsman.report.jsonsize import clean
from leadsman.report.text import finding_text, object_text
from leadsman.report.times import rfc3339, rfc3339_micro
from leadsman.report.truncate import TRUNCATED, field_name, worst_first

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from leadsman.model.identity import Gvk, ObjectKey, TargetKey
    from leadsman.model.json import Json, JsonObject
    from leadsman.model.status import Failure, TargetStatus

log = logging.getLogger(__name__)

# Objects named one by one when many drift or recover at once.
_MOST = 20

_DRIFT = frozenset({Cause.LIVE, Cause.LEFT_BEHIND})
_FIELDWISE = frozenset({State.MODIFIED, State.ADDED})
_FAILED = {"source": ("SourceFailed", "Fetch"), "render": ("RenderFailed", "Render")}

# Limits of ValidateEvent in k8s.io/kubernetes pkg/apis/core/validation/events.go; bytes.
_NOTE = 1024
_INSTANCE = 128
# When a field was set, or drift began: another time makes no other Event of what comes and goes.
_TIMES = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T)?[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
# Events that are remembered for counting up.
_REMEMBERED = 4096
# A DNS subdomain has 253 characters; a dot and 16 digits of a digest follow the target's name.
_NAME = 253 - 17


@dataclass(frozen=True, slots=True)
class EventSpec:
    """One Event on ``target``; ``related`` and ``gvk`` are the object it is about, if one."""

    target: TargetKey
    uid: str
    reason: str
    action: str
    note: str
    warning: bool = False
    related: ObjectKey | None = None
    gvk: Gvk | None = None


def events_between(previous: TargetStatus | None, current: TargetStatus) -> tuple[EventSpec, ...]:
    """Return what is new in ``current``; None before it is a target never reported of.

    A status that was read back from a report serves as ``previous`` too. Drift is news once per
    object, and once more per field that joins it.
    """
    return (
        *_health(previous, current),
        *_suspension(previous, current),
        *_drift(previous, current),
    )


def _health(previous: TargetStatus | None, current: TargetStatus) -> Iterator[EventSpec]:
    before = previous.failure if previous is not None else None
    failure = current.failure
    if failure is not None and (before is None or _gist(before) != _gist(failure)):
        reason, action = _FAILED.get(failure.stage, ("CompareFailed", "Compare"))
        yield _spec(current, reason, action, f"{failure.reason}: {failure.message}", warning=True)
    elif failure is None and before is not None:
        note = f"{before.reason} is over: {current.verdict.value}: {summary_text(current)}"
        yield _spec(current, "Recovered", "Compare", note.rstrip(": "))


def _gist(failure: Failure) -> tuple[str, str, str]:
    # Without numbers: "after 30.1 s" and "after 30.2 s" are the same news.
    # Cleaned, as it is when it was read back from a report.
    message = clean(failure.message[:_NOTE])
    return failure.stage, failure.reason, re.sub(r"[0-9]+", "0", message[:_NOTE])


def _suspension(previous: TargetStatus | None, current: TargetStatus) -> Iterator[EventSpec]:
    was = previous is not None and bool(previous.suspended_since)
    if current.suspended_since and not was:
        note = "Git is followed no further; live is still compared with the last revision"
        yield _spec(current, "Suspended", "Suspend", note)
    elif was and not current.suspended_since:
        yield _spec(current, "Resumed", "Resume", "Git is followed again")


def _drift(previous: TargetStatus | None, current: TargetStatus) -> Iterator[EventSpec]:
    old = {item.key: item for item in previous.findings} if previous is not None else {}
    detected = []
    now = {item.key: item for item in current.findings}
    for item in worst_first(now[key] for key in now if now[key].state in DRIFTED_STATES):
        fresh = _fresh(old.get(item.key), item)
        if fresh is not None:
            detected.append((item, fresh))
    for item, fresh in detected[:_MOST]:
        note = finding_text(item, changes=fresh)
        yield _spec(current, "DriftDetected", "Compare", note, warning=True, about=item)
    if len(detected) > _MOST:
        note = f"and {len(detected) - _MOST} more objects drifted: see the DriftReport"
        yield _spec(current, "DriftDetected", "Compare", note, warning=True)
    # What can't be compared any more, or would be refused, has not resolved.
    resolved = worst_first(
        item
        for item in old.values()
        if item.state in DRIFTED_STATES
        and (item.key not in now or now[item.key].state is State.IN_SYNC)
    )
    for item in resolved[:_MOST]:
        since = f"; it had drifted since {rfc3339(item.since)}" if rfc3339(item.since) else ""
        note = f"{object_text(item.key)} is no longer {_AS.get(item.state, 'drifted')}{since}"
        yield _spec(current, "DriftResolved", "Compare", note, about=item)
    if len(resolved) > _MOST:
        note = f"and {len(resolved) - _MOST} more objects are no longer drifted"
        yield _spec(current, "DriftResolved", "Compare", note)


_AS = {State.MISSING: "missing", State.ORPHANED: "orphaned"}


def _fresh(before: Finding | None, now: Finding) -> tuple[Change, ...] | None:
    """Return the changes that are news of a drifted object, or None if nothing is."""
    drifting = tuple(change for change in now.changes if change.cause in _DRIFT)
    if before is None or before.state not in DRIFTED_STATES:
        return drifting
    if now.state not in _FIELDWISE:
        return None if before.state is now.state else drifting
    if before.state not in _FIELDWISE:
        return drifting
    if before.reason == TRUNCATED:
        return None  # which fields were known before a restart cannot be told
    known = {field_name(change) for change in before.changes if change.cause in _DRIFT}
    return tuple(change for change in drifting if field_name(change) not in known) or None


def _spec(
    status: TargetStatus,
    reason: str,
    action: str,
    note: str,
    *,
    warning: bool = False,
    about: Finding | None = None,
) -> EventSpec:
    related, gvk = (about.key, about.gvk) if about is not None else (None, None)
    return EventSpec(status.key, status.uid, reason, action, note, warning, related, gvk)


class Requester(Protocol):
    """The part of the API client that writes Events."""

    async def request(
        self, method: str, path: str, *, body: JsonObject | None = ..., content_type: str = ...
    ) -> Json:
        """Send JSON and return the answer; raises KubeError."""


@dataclass(slots=True)
class _Series:
    """An Event that has been written: its name, when it last was said and how often."""

    name: str
    last: float
    count: int = 1


class EventRecorder:
    """Writes Events (events.k8s.io/v1); one that comes again soon counts up the former.

    ``instance`` is this process' name, ``window`` the seconds within which an Event counts as the
    same. An Event that cannot be written is logged, never raised. ``observe`` is called with the
    reason of each that was written.
    """

    def __init__(
        self,
        client: Requester,
        *,
        instance: str,
        now: Callable[[], float] = time.time,
        window: float = 600.0,
        observe: Callable[[str], None] | None = None,
    ) -> None:
        self._client = client
        self._instance = instance[:_INSTANCE] or "leadsman"
        self._now = now
        self._window = window
        self._observe = observe or (lambda _reason: None)
        self._series: OrderedDict[EventSpec, _Series] = OrderedDict()

    async def emit(self, specs: Iterable[EventSpec]) -> None:
        """Write the Events, one after another."""
        for spec in specs:
            try:
                await self._emit(spec)
            except KubeError as error:
                log.warning(
                    "the Event %s of %s could not be written: %s",
                    spec.reason,
                    spec.target,
                    error.message,
                    extra={"target": str(spec.target), "reason": error.reason},
                )
            else:
                self._observe(spec.reason)

    async def _emit(self, spec: EventSpec) -> None:
        now = self._now()
        # The one that was said the longest ago stands first.
        while self._series and (
            len(self._series) >= _REMEMBERED
            or next(iter(self._series.values())).last + self._window < now
        ):
            self._series.popitem(last=False)
        path = f"/apis/events.k8s.io/v1/namespaces/{spec.target.namespace}/events"
        said = replace(spec, note=_TIMES.sub("", spec.note))
        series = self._series.pop(said, None)
        if series is not None and await self._count(path, series, now):
            self._series[said] = series
            return
        body = event_body(spec, instance=self._instance, now=now)
        try:
            await self._client.request("POST", path, body=body, content_type=JSON)
        except KubeError as error:
            # The name holds the time: what is there is this very Event, whose answer was lost.
            if error.reason != "AlreadyExists":
                raise
        self._series[said] = _Series(body["metadata"]["name"], now)

    async def _count(self, path: str, series: _Series, now: float) -> bool:
        """Say an Event once more; False if it has expired."""
        series.count += 1
        series.last = now
        told = {"count": series.count, "lastObservedTime": rfc3339_micro(now)}
        try:
            await self._client.request(
                "PATCH", f"{path}/{series.name}", body={"series": told}, content_type=MERGE_PATCH
            )
        except KubeError as error:
            if error.reason != "NotFound":
                raise
            return False
        return True


def event_body(spec: EventSpec, *, instance: str, now: float) -> JsonObject:
    """Return the Event as it is created; ``now`` in seconds since the epoch is part of its name."""
    target = spec.target
    moment = rfc3339_micro(now)
    parts = (str(target), spec.uid, spec.reason, spec.note, str(spec.related), moment)
    digest = hashlib.blake2b(clean("\0".join(parts)).encode(), digest_size=8).hexdigest()
    note = clean(spec.note).encode()
    if len(note) > _NOTE:
        note = f"{note[: _NOTE - 3].decode('utf-8', 'ignore')}…".encode()
    body: JsonObject = {
        "apiVersion": "events.k8s.io/v1",
        "kind": "Event",
        "metadata": {
            "namespace": target.namespace,
            "name": f"{target.name[:_NAME].rstrip('.-')}.{digest}",
        },
        "eventTime": moment,
        "reportingController": "leadsman.dev/leadsman",
        "reportingInstance": instance,
        "type": "Warning" if spec.warning else "Normal",
        "reason": spec.reason,
        "action": spec.action,
        "note": note.decode(),
        "regarding": {
            "apiVersion": API_VERSION,
            "kind": target.kind,
            "namespace": target.namespace,
            "name": target.name,
            "uid": spec.uid,
        },
    }
    if spec.related is not None and spec.gvk is not None:
        body["related"] = {
            "apiVersion": spec.gvk.api_version,
            "kind": spec.related.kind,
            "namespace": spec.related.namespace,
            "name": spec.related.name,
        }
    return body
