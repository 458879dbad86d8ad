"""In which order a queue hands out what is ready."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable
from typing import Generic, Protocol, TypeVar

K = TypeVar("K", bound=Hashable)

_NONE = object()
# How many urgent ones go before one of the rest.
_PASS = 3


class Order(Protocol[K]):
    """What is ready; a key is there once."""

    def __len__(self) -> int:
        """Return how many are ready."""

    def add(self, key: K, /) -> None:
        """Take one that is ready and not there."""

    def take(self) -> K | None:
        """Hand one out; None if none may be at present."""

    def remove(self, key: K, /) -> None:
        """Forget one."""

    def done(self, key: K, /) -> None:
        """Note that the work on one that was handed out has ended."""


class Fair(Generic[K]):
    """Groups take turns, and of each at most ``share`` are handed out at once; None: any number.

    So whoever waits for a slow server leaves workers to the others.
    """

    def __init__(
        self, group: Callable[[K], Hashable] = lambda _key: None, share: int | None = None
    ) -> None:
        self._group = group
        self._share = share
        # The group whose turn is next stands first; the keys as a dictionary, to be found in it.
        self._ready: dict[Hashable, dict[K, None]] = {}
        self._groups: dict[K, Hashable] = {}
        self._busy: Counter[Hashable] = Counter()

    def __len__(self) -> int:
        return sum(map(len, self._ready.values()))

    def add(self, key: K) -> None:
        """See ``Order``."""
        self._ready.setdefault(self._group(key), {})[key] = None

    def take(self) -> K | None:
        """See ``Order``."""
        free = (
            group for group in self._ready if self._share is None or self._busy[group] < self._share
        )
        group = next(free, _NONE)
        if group is _NONE:
            return None
        key = next(iter(self._ready[group]))
        self._drop(group, key, turn=True)
        self._groups[key] = group
        self._busy[group] += 1
        return key

    def remove(self, key: K) -> None:
        """See ``Order``."""
        # Its group may be another one than when it came.
        for group, keys in self._ready.items():
            if key in keys:
                self._drop(group, key, turn=False)
                return

    def done(self, key: K) -> None:
        """See ``Order``."""
        group = self._groups.pop(key)
        self._busy[group] -= 1
        if not self._busy[group]:
            del self._busy[group]

    def _drop(self, group: Hashable, key: K, *, turn: bool) -> None:
        keys = self._ready[group]
        del keys[key]
        if turn or not keys:
            del self._ready[group]
            if keys:
                self._ready[group] = keys  # behind all others


class Urgent(Generic[K]):
    """What is urgent goes before what is not, which still has each fourth turn."""

    def __init__(self, is_urgent: Callable[[K], bool]) -> None:
        self._is_urgent = is_urgent
        # How many urgent ones have gone before the rest that waits.
        self._passed = 0
        self._first: dict[K, None] = {}
        self._rest: dict[K, None] = {}

    def __len__(self) -> int:
        return len(self._first) + len(self._rest)

    def add(self, key: K) -> None:
        """See ``Order``."""
        (self._first if self._is_urgent(key) else self._rest)[key] = None

    def hurry(self, key: K) -> None:
        """Put one that waits where it belongs now that it is urgent."""
        if key in self._rest:
            del self._rest[key]
            self._first[key] = None

    def take(self) -> K | None:
        """See ``Order``."""
        is_due = self._passed >= _PASS or not self._first
        keys = self._rest if is_due and self._rest else self._first
        if not keys:
            return None
        self._passed = self._passed + 1 if self._rest and keys is self._first else 0
        key = next(iter(keys))
        del keys[key]
        return key

    def remove(self, key: K) -> None:
        """See ``Order``."""
        self._first.pop(key, None)
        self._rest.pop(key, None)

    def done(self, _key: K) -> None:
        """Nothing depends on it."""
