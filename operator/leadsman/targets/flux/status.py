"""What Flux says in the status of its objects: what it applied, what fails, who has paused it.

Source: fluxcd/pkg ``apis/meta`` (conditions, ``history.go``), kustomize-controller
``internal/controller/kustomization_controller.go``, and kstatus: ``Reconciling`` and ``Stalled``
are there only while they are True, ``Ready`` is Unknown while it works.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final

from leadsman.compare.access import mapping, objects
from leadsman.model.delivery import Complaint, Delivery, Suspension
from leadsman.targets.applied import last_attempt
from leadsman.times import seconds_of

if TYPE_CHECKING:
    from leadsman.model.json import JsonObject

# Why somebody has paused it, as people may write it into an annotation.
REASON: Final = "leadsman.dev/suspend-reason"

_RETRYING: Final = "ProgressingWithRetry"


@dataclass(frozen=True, slots=True)
class LastApplied:
    """What was applied last: a source's revision, and the hash of what was built ("" unknown)."""

    revision: str
    digest: str = ""


def last_applied(resource: JsonObject) -> LastApplied | None:
    """Return what a Kustomization has applied last, None if it has not applied anything.

    ``lastAppliedRevision`` only moves when objects are healthy, too. Flux before 2.7 keeps no
    history.
    """
    status = mapping(resource.get("status"))
    if (found := last_attempt(status)) is not None:
        revision, entry = found
        return LastApplied(revision, _text(entry, "digest"))
    revision = _text(status, "lastAppliedRevision")
    return LastApplied(revision) if revision else None


def delivery_of(resource: JsonObject) -> Delivery:
    """Read how it goes with an object of Flux's from its conditions."""
    metadata, spec, status = (
        mapping(resource.get(name)) for name in ("metadata", "spec", "status")
    )
    conditions = {_text(each, "type"): each for each in objects(status.get("conditions"))}
    ready = conditions.get("Ready", {})
    suspended = spec.get("suspend") is True
    return Delivery(
        complaint=_complaint(conditions.get("Stalled", {}), "True") or _complaint(ready, "False"),
        suspension=_suspension(metadata) if suspended else None,
        running=not suspended
        and (
            ready.get("status") not in {"True", "False"}
            or _is_reconciling(conditions.get("Reconciling", {}))
            or status.get("observedGeneration") != metadata.get("generation")
        ),
    )


def lasting(delivery: Delivery, before: Delivery | None) -> Delivery:
    """Leave it at what had failed before while it runs: it fails until it does not.

    That it runs comes and goes with each attempt, and is told nobody.
    """
    complaint = delivery.complaint
    if delivery.running and complaint is None and before is not None:
        complaint = before.complaint
    return replace(delivery, complaint=complaint, running=False)


def depending(delivery: Delivery, name: str, source: Delivery) -> Delivery:
    """Tell of a source what it means for who takes from it: nothing new comes."""
    complaint, suspension = delivery.complaint, delivery.suspension
    if complaint is None and source.complaint is not None:
        said = source.complaint
        complaint = Complaint("SourceFailed", f"{name}: {said.reason}: {said.message}", said.since)
    if suspension is None and source.suspension is not None:
        paused = source.suspension
        why = f"{name} is suspended"
        suspension = replace(paused, why=f"{why}: {paused.why}" if paused.why else why)
    return replace(delivery, complaint=complaint, suspension=suspension)


def _is_reconciling(condition: JsonObject) -> bool:
    """Tell whether it works; what has failed says that it works until it is tried again."""
    return condition.get("status") == "True" and condition.get("reason") != _RETRYING


def _complaint(condition: JsonObject, bad: str) -> Complaint | None:
    if condition.get("status") != bad:
        return None
    return Complaint(
        _text(condition, "reason") or "Failed",
        _text(condition, "message").strip(),
        seconds_of(condition.get("lastTransitionTime")),
    )


def _suspension(metadata: JsonObject) -> Suspension:
    """Tell who has set ``spec.suspend`` last, and what they say of it."""
    owners = [
        entry
        for entry in objects(metadata.get("managedFields"))
        if "f:suspend" in mapping(mapping(entry.get("fieldsV1")).get("f:spec"))
    ]
    last = max(owners, key=lambda entry: _text(entry, "time"), default={})
    return Suspension(
        since=seconds_of(last.get("time")),
        by=_text(last, "manager"),
        why=_text(mapping(metadata.get("annotations")), REASON),
    )


def _text(owner: JsonObject, name: str) -> str:
    value = owner.get(name)
    return value if isinstance(value, str) else ""
