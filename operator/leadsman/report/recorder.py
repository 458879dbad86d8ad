"""Write Events (events.k8s.io/v1): each once, in order, and as often as it takes."""

from __future__ import annotations

import hashlib
import logging
import re
import time
from collections import OrderedDict, deque
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from leadsman.errors import KubeError
from leadsman.kube.client import JSON, MERGE_PATCH
from leadsman.kube.status import NOT_FOUND
from leadsman.report.events import NOTE_LIMIT
from leadsman.report.jsonsize import clean
from leadsman.report.naming import API_VERSIONS
from leadsman.times import rfc3339_micro

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    from leadsman.model.identity import TargetKey
    from leadsman.model.json import Json, JsonObject
    from leadsman.report.events import EventSpec

log = logging.getLogger(__name__)

# Bytes; a limit of ValidateEvent in k8s.io/kubernetes pkg/apis/core/validation/events.go.
_INSTANCE = 128
# When a field was set, or drift began: another time makes no other Event of what comes and goes.
_TIMES = re.compile(r"([0-9]{4}-[0-9]{2}-[0-9]{2}T)?[0-9]{2}:[0-9]{2}:[0-9]{2}Z")
# A DNS subdomain has 253 characters; a dot and 16 digits of a digest follow the target's name.
_NAME = 253 - 17
# Events that are remembered for counting up.
_REMEMBERED = 4096
# Events of one target that wait to be written; then the oldest are given up.
_WAITING = 200


async def _at_once() -> None:
    """Wait for nothing."""


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
    """Writes Events; one that comes again soon counts up the former.

    ``instance`` is this process' name, ``window`` the seconds within which an Event counts as the
    same. ``observe`` is called with the reason of each that was written. What can go better another
    time waits for the next call; what is refused for good is logged and given up.
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
        self._waiting: dict[TargetKey, deque[tuple[EventSpec, float]]] = {}

    def hold(self, target: TargetKey, specs: Iterable[EventSpec]) -> None:
        """Have Events of a target wait to be written; they tell the time of this call."""
        now = self._now()
        waiting = self._waiting.setdefault(target, deque(maxlen=_WAITING))
        waiting.extend((spec, now) for spec in specs)

    def waiting(self) -> tuple[TargetKey, ...]:
        """Return the targets of which Events wait."""
        return tuple(self._waiting)

    async def emit(
        self, target: TargetKey, turn: Callable[[], Awaitable[None]] = _at_once
    ) -> KubeError | None:
        """Write what waits of the target's Events; return why some still wait.

        One call per target at a time. ``turn`` is awaited before each.
        """
        waiting = self._waiting.get(target)
        while waiting:
            await turn()
            spec, moment = waiting[0]
            try:
                await self._emit(spec, moment)
            except KubeError as error:
                if error.retryable:
                    return error
                log.warning(
                    "the Event %s of %s could not be written: %s",
                    spec.reason,
                    spec.target,
                    error.message,
                    extra={"target": str(spec.target), "reason": error.reason},
                )
            else:
                self._observe(spec.reason)
            # It may have been given up meanwhile, for newer ones.
            if waiting and waiting[0] == (spec, moment):
                waiting.popleft()
        self.forget(target)
        return None

    def forget(self, target: TargetKey) -> None:
        """Give up what waits of a target that is gone."""
        self._waiting.pop(target, None)

    async def _emit(self, spec: EventSpec, now: float) -> None:
        # The one that was said the longest ago stands first.
        while self._series and (
            len(self._series) >= _REMEMBERED
            or next(iter(self._series.values())).last + self._window < now
        ):
            self._series.popitem(last=False)
        path = f"/apis/events.k8s.io/v1/namespaces/{spec.target.namespace}/events"
        said = replace(spec, note=_TIMES.sub("", spec.note))
        series = self._series.get(said)
        if series is not None and await self._count(path, series, now):
            self._series.move_to_end(said)
            return
        body = event_body(spec, instance=self._instance, now=now)
        try:
            await self._client.request("POST", path, body=body, content_type=JSON)
        except KubeError as error:
            # The name holds the time: what is there is this very Event, whose answer was lost.
            if error.reason != "AlreadyExists":
                raise
        self._series[said] = _Series(body["metadata"]["name"], now)
        self._series.move_to_end(said)

    async def _count(self, path: str, series: _Series, now: float) -> bool:
        """Say an Event once more; False if it has expired."""
        told = {"count": series.count + 1, "lastObservedTime": rfc3339_micro(now)}
        try:
            await self._client.request(
                "PATCH", f"{path}/{series.name}", body={"series": told}, content_type=MERGE_PATCH
            )
        except KubeError as error:
            if error.status != NOT_FOUND:
                raise
            return False
        series.count += 1
        series.last = now
        return True


def event_body(spec: EventSpec, *, instance: str, now: float) -> JsonObject:
    """Return the Event as it is created; ``now`` in seconds since the epoch is part of its name."""
    target = spec.target
    moment = rfc3339_micro(now)
    parts = (str(target), spec.uid, spec.reason, spec.note, str(spec.related), moment)
    digest = hashlib.blake2b(clean("\0".join(parts)).encode(), digest_size=8).hexdigest()
    note = clean(spec.note).encode()
    if len(note) > NOTE_LIMIT:
        note = f"{note[: NOTE_LIMIT - 3].decode('utf-8', 'ignore')}…".encode()
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
            "apiVersion": API_VERSIONS[target.kind],
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
