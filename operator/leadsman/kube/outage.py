"""How a watch bears that it fails: when to say so, and when to try again."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from leadsman.kube.status import GONE

if TYPE_CHECKING:
    from collections.abc import Callable

    from leadsman.errors import KubeError

# An API server that restarts is back within seconds, and nothing is missed: not worth a word.
_PATIENCE = 10.0
_DELAY, _LONGEST_DELAY = 0.5, 5.0
# What only a person can mend (no permission, kind not served) is not mended within seconds.
_HELPLESS_DELAY, _LONGEST_HELPLESS_DELAY = 30.0, 300.0


class Outage:
    """Counts failures in a row; ``patience`` in seconds before a lost connection is said."""

    def __init__(
        self, *, patience: float = _PATIENCE, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._patience = patience
        self._clock = clock
        self._tries = 0
        self._since: float | None = None
        self._said = False

    def began(self, error: KubeError) -> bool:
        """Count a failure; tell whether it must be said now, for the first time."""
        self._tries += 1
        if self._since is None:
            self._since = self._clock()
        lasting = not error.retryable or self._clock() - self._since >= self._patience
        if lasting and not self._said:
            self._said = True
            return True
        return False

    def over(self) -> bool:
        """Note that it goes well again; tell whether the failure had been said."""
        said, self._said = self._said, False
        self._since = None
        return said

    def steady(self) -> None:
        """Note that it has gone well for a while: the next failure is a first one."""
        self._tries = 0

    def delay(self, error: KubeError) -> float:
        """Return the seconds until the next try, with jitter against everyone's coming at once."""
        if error.status == GONE and self._tries <= 1:
            return 0.0
        first, longest = (
            (_DELAY, _LONGEST_DELAY)
            if error.retryable
            else (_HELPLESS_DELAY, _LONGEST_HELPLESS_DELAY)
        )
        grown = first * 2.0 ** min(self._tries - 1, 16)
        return min(longest, grown) * random.uniform(0.5, 1.5)  # noqa: S311 - no secret
