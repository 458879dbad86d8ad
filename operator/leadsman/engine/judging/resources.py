"""Find the resource that each object of a target is read by; say of others why there is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from leadsman.compare.access import mapping
from leadsman.live.definitions import DEFINITION
from leadsman.model.finding import State

if TYPE_CHECKING:
    from collections.abc import Iterable

    from leadsman.engine.judging.observer import Observer
    from leadsman.engine.state import TargetState
    from leadsman.kube.discovery import ApiResource, Discovery
    from leadsman.model.desired import DesiredObject
    from leadsman.model.identity import Gvk, ObjectKey


class Resources:
    """Knows how the kinds of a target's objects are served."""

    def __init__(self, discovery: Discovery, observer: Observer) -> None:
        self._discovery = discovery
        self._observer = observer

    def find(self, state: TargetState) -> dict[Gvk, ApiResource]:
        """Find the resource of each kind; an object of a kind without one is Unverifiable."""
        resources: dict[Gvk, ApiResource] = {}
        state.unserved.clear()
        for key, desired in state.desired.items():
            gvk = desired.gvk
            resource = resources.get(gvk) or self._discovery.resource(gvk)
            if resource is None:
                state.unserved.add(key)
            elif not resource.readable:
                self._observer.unverifiable(
                    state,
                    desired,
                    "KindNotReadable",
                    f"{gvk} cannot be read back: the API server offers no get, list and watch",
                )
            else:
                resources[gvk] = resource
        for key, gvk in list(state.orphans.items()):
            served = self._orphan_resource(gvk)
            if served is None:
                state.forget(key)
                continue
            served_gvk, resource = served
            state.orphans[key] = served_gvk
            resources[served_gvk] = resource
        return resources

    def tell_unserved(self, state: TargetState) -> None:
        """Judge objects of kinds that are not served: none lives whose definition is missing."""
        definitions = _defined_kinds(state.desired.values()) if state.unserved else {}
        for key in state.unserved:
            desired = state.desired[key]
            definition = definitions.get((desired.gvk.group, desired.gvk.kind))
            found = state.findings.get(definition) if definition is not None else None
            if found is not None and found.state is State.MISSING:
                message = f"the kind is not served: {definition}, which Git has too, is missing"
                self._observer.missing(state, key, message)
            else:
                message = f"the cluster does not serve {desired.gvk}"
                self._observer.unverifiable(state, desired, "KindNotServed", message)

    def _orphan_resource(self, gvk: Gvk) -> tuple[Gvk, ApiResource] | None:
        """Return how an orphan's kind is served now; its own version may be gone or unknown."""
        resource = self._discovery.resource(gvk) if gvk.version else None
        if resource is not None:
            return gvk, resource
        found = self._discovery.readable(gvk)
        return next(((resource.gvk, resource) for resource in found), None)


def _defined_kinds(items: Iterable[DesiredObject]) -> dict[tuple[str, str], ObjectKey]:
    """Return the kinds, by group and name, that definitions among the objects define."""
    defined: dict[tuple[str, str], ObjectKey] = {}
    for item in items:
        if (item.key.group, item.key.kind) == (DEFINITION.group, DEFINITION.kind):
            spec = mapping(mapping(orjson.loads(item.body)).get("spec"))
            defined[str(spec.get("group")), str(mapping(spec.get("names")).get("kind"))] = item.key
    return defined
