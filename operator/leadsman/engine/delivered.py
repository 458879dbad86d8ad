"""Custom resources of who delivers, and what they name, become targets.

A Kustomization alone says nothing of where its repository is: that is in the source that it names.
What is told of one of the two may come before the other, so both are kept here, the former without
what nobody reads.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Final, Protocol

from leadsman.compare.access import mapping
from leadsman.errors import DeliveryError, LeadsmanError
from leadsman.targets.flux.kustomization import key_of, source_key, target_from
from leadsman.targets.flux.overdue import awaits, stalled
from leadsman.targets.flux.status import delivery_of, depending, lasting

if TYPE_CHECKING:
    from collections.abc import Callable

    from leadsman.engine.state import TargetState
    from leadsman.model.delivery import Complaint, Delivery
    from leadsman.model.identity import TargetKey
    from leadsman.model.json import JsonObject
    from leadsman.model.target import Target

# Who does not want to be looked at says so.
_IGNORED: Final = "leadsman.dev/ignore"


class Recipient(Protocol):
    """The part of the engine that takes targets."""

    states: dict[TargetKey, TargetState]

    def target_changed(
        self,
        key: TargetKey,
        target: Target | None,
        *,
        metadata: JsonObject,
        error: LeadsmanError | None = None,
    ) -> None:
        """Take a target, or why its spec cannot be carried out."""

    def resource_gone(self, key: TargetKey) -> None:
        """Forget a target."""


@dataclass(frozen=True, slots=True)
class _Source:
    """What of a source is read, and how it goes with it."""

    resource: JsonObject
    delivery: Delivery


class Delivered:
    """Flux's Kustomizations as targets of an engine.

    Until ``begin`` nothing is told: what the first lists hold is known as a whole then.
    """

    def __init__(self, engine: Recipient, now: Callable[[], float] = time.time) -> None:
        self._engine = engine
        self._now = now
        self._resources: dict[TargetKey, JsonObject] = {}
        self._deliveries: dict[TargetKey, Delivery] = {}
        self._running: set[TargetKey] = set()
        self._sources: dict[TargetKey, _Source] = {}
        self._users: dict[TargetKey, set[TargetKey]] = {}
        self._unread: dict[str, LeadsmanError] = {}
        # Since when something is awaited of its controller, and who is said to do nothing.
        self._awaited: dict[TargetKey, float] = {}
        self._stalled: dict[TargetKey, Complaint] = {}
        self._begun = False

    def begin(self) -> None:
        """Tell of all that is known, and of each change from now on."""
        self._begun = True
        for key in tuple(self._resources):
            self._tell(key)

    def changed(self, resource: JsonObject) -> None:
        """Take a Kustomization as it is now."""
        key = key_of(resource)
        annotations = (resource.get("metadata") or {}).get("annotations") or {}
        if annotations.get(_IGNORED) == "true":
            self.gone(key)
            return
        self._unlink(key)
        self._resources[key] = _needed(resource)
        delivery = delivery_of(resource)
        self._deliveries[key] = lasting(delivery, self._deliveries.get(key))
        if delivery.running:
            self._running.add(key)
        else:
            self._running.discard(key)
        self._users.setdefault(source_key(resource), set()).add(key)
        if awaits(resource):
            self._awaited.setdefault(key, self._now())
        else:
            self._awaited.pop(key, None)
        self._is_news(key)
        self._tell(key)

    def gone(self, key: TargetKey) -> None:
        """Forget a Kustomization that was deleted."""
        self._unlink(key)
        self._running.discard(key)
        for kept in (self._deliveries, self._awaited, self._stalled):
            kept.pop(key, None)
        if self._resources.pop(key, None) is not None:
            self._engine.resource_gone(key)

    def look(self) -> None:
        """Find those of which nothing is heard any more; to be called now and then."""
        for key in tuple(self._resources):
            if self._is_news(key):
                self._tell(key)

    def source_changed(self, key: TargetKey, source: JsonObject | None) -> None:
        """Take a source as it is now, None where it is gone."""
        before, now = self._sources.get(key), None
        if source is not None:
            delivery = lasting(delivery_of(source), before.delivery if before else None)
            now = _Source({"spec": source.get("spec")}, delivery)
        if now == before:
            return
        if now is None:
            del self._sources[key]
        else:
            self._sources[key] = now
        for user in tuple(self._users.get(key, ())):
            self._tell(user)

    def sources_unread(self, kind: str, error: LeadsmanError | None) -> None:
        """Note why sources of a kind cannot be read, None once they can."""
        if error is None:
            self._unread.pop(kind, None)
        else:
            self._unread[kind] = error
        for source, users in tuple(self._users.items()):
            if source.kind == kind and source not in self._sources:
                for user in tuple(users):
                    self._tell(user)

    @property
    def keys(self) -> frozenset[TargetKey]:
        """The Kustomizations that are known."""
        return frozenset(self._resources)

    @property
    def sources(self) -> frozenset[TargetKey]:
        """The sources that are known."""
        return frozenset(self._sources)

    def _unlink(self, key: TargetKey) -> None:
        before = self._resources.get(key)
        if before is None:
            return
        source = source_key(before)
        users = self._users[source]
        users.discard(key)
        if not users:
            del self._users[source]

    def _is_news(self, key: TargetKey) -> bool:
        """Find out whether its controller has stopped, and tell whether that is other than before.

        What it says of that may change with each look, which is none.
        """
        before = self._stalled.get(key)
        found = stalled(self._resources[key], self._awaited.get(key, 0.0), self._now())
        if found is None:
            self._stalled.pop(key, None)
        elif before is None:
            self._stalled[key] = found
        return (found is None) is not (before is None)

    def _tell(self, key: TargetKey) -> None:
        if not self._begun:
            return
        resource, source = self._resources[key], self._source_of(key)
        metadata, delivery = resource["metadata"], self._delivery(key)
        try:
            target = target_from(resource, source.resource if source is not None else None)
        except LeadsmanError as error:
            is_first = isinstance(error, DeliveryError) and key not in self._engine.states
            if is_first and delivery.complaint is None and key in self._running:
                return  # It is being delivered for the first time.
            said = self._said(resource, error, delivery.complaint)
            self._engine.target_changed(key, None, metadata=metadata, error=said)
            return
        state = self._engine.states.get(key)
        if state is not None and state.target is not None and key in self._running:
            # What comes of it is told at its end.
            target = state.target
        self._engine.target_changed(key, replace(target, delivery=delivery), metadata=metadata)

    def _source_of(self, key: TargetKey) -> _Source | None:
        return self._sources.get(source_key(self._resources[key]))

    def _delivery(self, key: TargetKey) -> Delivery:
        """Return how delivery goes, by all that is known."""
        delivery, source = self._deliveries[key], self._source_of(key)
        if (stopped := self._stalled.get(key)) is not None:
            delivery = replace(delivery, complaint=stopped)
        if source is None:
            return delivery
        return depending(delivery, str(source_key(self._resources[key])), source.delivery)

    def _said(
        self, resource: JsonObject, error: LeadsmanError, complaint: Complaint | None
    ) -> LeadsmanError:
        """Say why nothing can be compared, in the words of who delivers where that is why."""
        if not isinstance(error, DeliveryError):
            return error
        unread = self._unread.get(source_key(resource).kind)
        if error.reason == "SourceNotFound" and unread is not None:
            return DeliveryError(
                "SourceNotReadable", f"{source_key(resource)} cannot be read: {unread.message}"
            )
        if complaint is None:
            return error
        return DeliveryError(complaint.reason, complaint.message, retryable=False)


def _needed(resource: JsonObject) -> JsonObject:
    """Leave out what is not read again and may be large: who set what, and what it has applied."""
    metadata = dict(mapping(resource.get("metadata")))
    metadata.pop("managedFields", None)
    status = dict(mapping(resource.get("status")))
    status.pop("inventory", None)
    return {**resource, "metadata": metadata, "status": status}
