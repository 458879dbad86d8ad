"""Which targets an object matters to: asked once for every live change, so it must be a look-up."""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING

from leadsman.model.identity import home_group

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from leadsman.engine.state import TargetState
    from leadsman.live.scope import Scope
    from leadsman.model.identity import ObjectKey, TargetKey


class Index:
    """Objects that targets render or once rendered, and objects that renders depend on."""

    def __init__(self) -> None:
        # Most objects belong to one target: a tuple of one is a third of a set's size.
        self._owners: dict[ObjectKey, tuple[TargetState, ...]] = {}
        self._by_kind: dict[tuple[str, str], set[ObjectKey]] = defaultdict(set)
        self._keys: dict[TargetKey, frozenset[ObjectKey]] = {}
        self._dependents: dict[ObjectKey, set[TargetKey]] = {}
        self._dependencies: dict[TargetKey, frozenset[ObjectKey]] = {}

    def replace(self, state: TargetState) -> None:
        """Take the target's present objects in place of its former ones."""
        before = self._keys.get(state.key, frozenset())
        after = frozenset(state.desired) | frozenset(state.orphans)
        for key in before - after:
            self._disown(key, state)
        for key in after - before:
            self._owners[key] = (*self._owners.get(key, ()), state)
            self._by_kind[key.group, key.kind].add(key)
        if after:
            self._keys[state.key] = after
        else:
            self._keys.pop(state.key, None)

    def depend(self, target: TargetKey, objects: Iterable[ObjectKey]) -> None:
        """Say which objects, such as ConfigMaps of Helm values, the target's render reads."""
        for key in self._dependencies.pop(target, ()):
            dependents = self._dependents[key]
            dependents.discard(target)
            if not dependents:
                del self._dependents[key]
        after = frozenset(objects)
        for key in after:
            self._dependents.setdefault(key, set()).add(target)
        if after:
            self._dependencies[target] = after

    def remove(self, state: TargetState) -> None:
        """Forget the target."""
        for key in self._keys.pop(state.key, frozenset()):
            self._disown(key, state)
        self.depend(state.key, ())

    def owners(self, key: ObjectKey) -> tuple[TargetState, ...]:
        """Return the targets that render the object or once rendered it."""
        return self._owners.get(key, ())

    def concerns(self, target: TargetKey, group: str, kind: str, scope: Scope) -> bool:
        """Tell whether objects of a kind in a scope matter to the target."""
        home = home_group(group, kind)
        return any(
            key.namespace in scope and (key.group, key.kind) == (home, kind)
            for keys in (self._keys, self._dependencies)
            for key in keys.get(target, ())
        )

    def dependents(self, key: ObjectKey) -> Collection[TargetKey]:
        """Return the targets whose render reads the object."""
        return self._dependents.get(key, ())

    def dependencies(self, target: TargetKey) -> Collection[ObjectKey]:
        """Return the objects that the target's render reads."""
        return self._dependencies.get(target, frozenset())

    def keys(self, group: str, kind: str) -> Collection[ObjectKey]:
        """Return the objects of a kind that some target owns."""
        return self._by_kind.get((home_group(group, kind), kind), frozenset())

    def read(self, group: str, kind: str) -> Collection[ObjectKey]:
        """Return the objects of a kind that some target's render reads."""
        return [key for key in self._dependents if (key.group, key.kind) == (group, kind)]

    def _disown(self, key: ObjectKey, state: TargetState) -> None:
        left = tuple(owner for owner in self._owners.get(key, ()) if owner is not state)
        if left:
            self._owners[key] = left
            return
        self._owners.pop(key, None)
        kind = key.group, key.kind
        self._by_kind[kind].discard(key)
        if not self._by_kind[kind]:
            del self._by_kind[kind]
