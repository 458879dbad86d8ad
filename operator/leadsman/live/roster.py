"""The objects of one kind, kept so that news can be told from repetition."""

from __future__ import annotations

from dataclasses import dataclass
from types import MappingProxyType
from typing import TYPE_CHECKING

from leadsman.kube.stream import Deleted, ListStarted, Observed, Synced

if TYPE_CHECKING:
    from collections.abc import Callable, Hashable, Mapping

    from leadsman.kube.objects import ObjectMeta
    from leadsman.kube.watching import WatchEvent


@dataclass(frozen=True, slots=True)
class News:
    """Names of what an event shows to be there for the first time, other than before, or gone."""

    appeared: frozenset[str] = frozenset()
    changed: frozenset[str] = frozenset()
    gone: frozenset[str] = frozenset()

    def __bool__(self) -> bool:
        return bool(self.appeared or self.changed or self.gone)


class Roster:
    """The objects of a watch by name, each with what marks it as other than before.

    ``synced``: a list has been read to its end.
    """

    def __init__(self, mark: Callable[[ObjectMeta], Hashable]) -> None:
        self.synced = False
        self._mark = mark
        self._known: dict[str, Hashable] = {}
        self._listed: set[str] | None = None

    def __contains__(self, name: str) -> bool:
        return name in self._known

    @property
    def marks(self) -> Mapping[str, Hashable]:
        """What marks each object, by name."""
        return MappingProxyType(self._known)

    def take(self, event: WatchEvent) -> News:
        """Take an event in; what was not in a whole list is gone with its end."""
        match event:
            case ListStarted():
                self._listed = set()
            case Observed(meta):
                return self._observed(meta)
            case Deleted(meta) if meta.name in self._known:
                del self._known[meta.name]
                return News(gone=frozenset({meta.name}))
            case Synced():
                listed, self._listed, self.synced = self._listed or set(), None, True
                gone = frozenset(self._known.keys() - listed)
                for name in gone:
                    del self._known[name]
                return News(gone=gone)
            case _:
                pass
        return News()

    def _observed(self, meta: ObjectMeta) -> News:
        if self._listed is not None:
            self._listed.add(meta.name)
        named = frozenset({meta.name})
        is_known, before = meta.name in self._known, self._known.get(meta.name)
        now = self._known[meta.name] = self._mark(meta)
        if not is_known:
            return News(appeared=named)
        return News() if before == now else News(changed=named)
