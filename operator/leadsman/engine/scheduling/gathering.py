"""The first looks after a start: all that is known is rendered before anything is watched.

So the first list of each kind serves all targets. Were the first target to watch at once, what the
list holds of the others would pass by, and be asked for again, target by target.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from leadsman.model.identity import TargetKey

# Seconds after which those that are rendered do not wait for the others any longer.
_PATIENCE = 20.0


class Gathering:
    """Knows of which targets the render is still waited for.

    It begins open; ``expect`` says when the targets are known. ``over`` is called with those that
    are rendered when it ends, and with each other one when it is.
    """

    def __init__(
        self, over: Callable[[Iterable[TargetKey]], None], patience: float = _PATIENCE
    ) -> None:
        self._over = over
        self._patience = patience
        self._expected: set[TargetKey] | None = None
        self._rendered: set[TargetKey] = set()
        self.open = True

    def expect(self, targets: Iterable[TargetKey]) -> None:
        """Wait for these targets and no others."""
        self._expected = set(targets)
        asyncio.get_running_loop().call_later(self._patience, self._end)
        self._look()

    def rendered(self, target: TargetKey) -> None:
        """Take a target that has been rendered, or cannot be, or is gone."""
        if not self.open:
            self._over((target,))
            return
        self._rendered.add(target)
        self._look()

    def _look(self) -> None:
        if self._expected is not None and self._expected <= self._rendered:
            self._end()

    def _end(self) -> None:
        if self.open:
            self.open = False
            self._over(self._rendered)
