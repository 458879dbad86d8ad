"""Whether a controller of Flux's still works: what it should have done by now, and has not.

No condition tells of a controller that has stopped, since it is the controller that writes them.
Source: ``GetTimeout`` in kustomize-controller ``api/v1/kustomization_types.go``; ``history`` is
there since Flux 2.7.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from leadsman.compare.access import mapping, objects
from leadsman.model.delivery import Complaint
from leadsman.targets.spec import parse_duration
from leadsman.times import rfc3339, seconds_of

if TYPE_CHECKING:
    from leadsman.model.json import JsonObject

REASON: Final = "DeliveryStalled"
# So many intervals may pass: reconciliations wait for each other.
_INTERVALS: Final = 3
# Seconds in which a controller takes up what it is asked for, beside those that the work may take.
_TAKES_UP: Final = 120.0
_SHORTEST_TIMEOUT: Final = 30.0
_REQUESTED: Final = "reconcile.fluxcd.io/requestedAt"


def awaits(resource: JsonObject) -> str:
    """Say what a controller has not taken up yet, "" where there is nothing."""
    metadata, spec, status = (
        mapping(resource.get(name)) for name in ("metadata", "spec", "status")
    )
    if spec.get("suspend") is True:
        return ""
    generation, observed = metadata.get("generation"), status.get("observedGeneration")
    if generation != observed:
        return f"its spec has been changed (generation {generation}; {observed or 0} was observed)"
    asked = mapping(metadata.get("annotations")).get(_REQUESTED)
    if isinstance(asked, str) and asked != status.get("lastHandledReconcileAt"):
        return f"a reconciliation was requested ({asked})"
    return ""


def stalled(resource: JsonObject, awaited: float, now: float) -> Complaint | None:
    """Return that nothing is done of what should be, None where that is not so.

    ``awaited`` is since when (seconds since the epoch) it ``awaits`` something, 0 for nothing.
    """
    spec, status = mapping(resource.get("spec")), mapping(resource.get("status"))
    if spec.get("suspend") is True:
        return None
    interval = _duration(spec.get("interval"))
    timeout = _duration(spec.get("timeout")) if "timeout" in spec else interval - _SHORTEST_TIMEOUT
    timeout = max(timeout, _SHORTEST_TIMEOUT)
    if awaited and now > awaited + timeout + _TAKES_UP:
        said = f"{awaits(resource)}, and Flux has done nothing about it since"
        return Complaint(REASON, f"{said}: does its controller run?", awaited)
    last = max((seconds_of(e.get("lastReconciled")) for e in _history(status)), default=0.0)
    if last and interval and now > last + _INTERVALS * interval + timeout:
        said = f"was reconciled last at {rfc3339(last)}, though its interval is {spec['interval']}"
        return Complaint(REASON, f"{said}: does its controller run?", last + interval)
    return None


def _history(status: JsonObject) -> list[JsonObject]:
    return objects(status.get("history"))


def _duration(value: object) -> float:
    try:
        return parse_duration(str(value))
    except ValueError:
        return 0.0
