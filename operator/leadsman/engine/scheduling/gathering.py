"""The first looks after a start: all that is known is rendered before anything is watched.

So the first list of each kind serves all targets. Were the first target to watch at once, what the
list holds of the others would pass by, and be asked for again, target by target. Who waits for a
Git server or a chart that is slow is not waited for once the others are rendered.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from leadsman.model.identity import TargetKey

# Seconds after which those that are rendered do not wait for the others any longer, however many
# still come, and seconds without any that make the others late.
_PATIENCE = 20.0
_PAUSE = 1.0

# Has something called after so many seconds, and returns what can take that back.
Later: TypeAlias = "Callable[[float, Callable[[], None]], asyncio.TimerHandle]"


class Gathering:
    """Knows of which targets the render is still waited for.

    It begins open; ``expect`` says when the targets are known. ``over`` is called with those that
    are rendered when it ends, and with each other one when it is. It ends when all are rendered,
    when some are and for ``pause`` seconds no other was, or ``patience`` seconds after ``expect``.
    """

    def __init__(
        self,
        over: Callable[[Iterable[TargetKey]], None],
        *,
        patience: float = _PATIENCE,
        pause: float = _PAUSE,
        later: Later | None = None,
    ) -> None:
        """``later`` None: as the running loop does it."""
        self._over = over
        self._patience = patience
        self._pause = pause
        self._later = later
        self._pausing: asyncio.TimerHandle | None = None
        self._expected: set[TargetKey] | None = None
        self._rendered: set[TargetKey] = set()
        self.open = True

    def expect(self, targets: Iterable[TargetKey]) -> None:
        """Wait for these targets and no others."""
        self._expected = set(targets)
        self._end_after(self._patience)
        self._look()

    def rendered(self, target: TargetKey) -> None:
        """Take a target that has been rendered, or cannot be, or is gone."""
        if not self.open:
            self._over((target,))
            return
        self._rendered.add(target)
        self._look()

    def _look(self) -> None:
        if self._expected is None:
            return
        if self._expected <= self._rendered:
            self._end()
        elif self._rendered:
            if self._pausing is not None:
                self._pausing.cancel()
            self._pausing = self._end_after(self._pause)

    def _end_after(self, seconds: float) -> asyncio.TimerHandle:
        return (self._later or asyncio.get_running_loop().call_later)(seconds, self._end)

    def _end(self) -> None:
        if self.open:
            self.open = False
            self._over(self._rendered)
