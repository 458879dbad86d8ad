"""How a watch bears that it fails: when to say so, and when to try again."""

from __future__ import annotations

import random
import time
from typing import TYPE_CHECKING

from leadsman.kube.status import FORBIDDEN, GONE

if TYPE_CHECKING:
    from collections.abc import Callable

    from leadsman.errors import KubeError

# An API server that restarts is back within seconds, and nothing is missed: not worth a word.
_PATIENCE = 10.0
_DELAY, _LONGEST_DELAY = 0.5, 5.0
# What only a person can mend (no permission, kind not served) is not mended within seconds.
_HELPLESS_DELAY, _LONGEST_HELPLESS_DELAY = 30.0, 300.0


class Outage:
    """Counts failures in a row; ``patience`` in seconds before a lost connection is said.

    A refusal is doubted for as long, and not said if it went well before: an API server that has
    just started refuses everybody until it has read its roles.
    """

    def __init__(
        self, *, patience: float = _PATIENCE, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._patience = patience
        self._clock = clock
        self._tries = self._helpless_tries = 0
        self._since: float | None = None
        self._refused_since: float | None = None
        self._went_well = False
        self._said = self._helpless_said = False

    def began(self, error: KubeError) -> bool:
        """Count a failure; tell whether it must be said now, for the first time.

        That only a person can help is said though it was said before that nothing answers.
        """
        now = self._clock()
        self._since = now if self._since is None else self._since
        if error.status != FORBIDDEN:
            self._refused_since = None
        elif self._refused_since is None:
            self._refused_since = now
        helpless = not error.retryable
        doubtful = helpless and self._doubtful(now)
        self._tries += 1
        self._helpless_tries += helpless and not doubtful
        if helpless:
            due = not self._helpless_said and not (doubtful and self._went_well)
        else:
            due = not self._said and now - self._since >= self._patience
        self._said = self._said or due
        self._helpless_said = self._helpless_said or (due and helpless)
        return due

    def over(self) -> bool:
        """Note that it goes well again; tell whether the failure had been said."""
        said = self._said
        self._said = self._helpless_said = False
        self._since = self._refused_since = None
        self._went_well = True
        return said

    def steady(self) -> None:
        """Note that it has gone well for a while: the next failure is a first one."""
        self._tries = self._helpless_tries = 0

    def delay(self, error: KubeError) -> float:
        """Return the seconds until the next try, with jitter against everyone's coming at once."""
        if error.status == GONE and self._tries <= 1:
            return 0.0
        if error.retryable or self._doubtful(self._clock()):
            tries, first, longest = self._tries, _DELAY, _LONGEST_DELAY
        else:
            tries = self._helpless_tries
            first, longest = _HELPLESS_DELAY, _LONGEST_HELPLESS_DELAY
        grown = first * 2.0 ** min(max(0, tries - 1), 16)
        return min(longest, grown) * random.uniform(0.5, 1.5)  # noqa: S311 - no secret

    def _doubtful(self, now: float) -> bool:
        """Tell whether it is refused, and not for long."""
        return self._refused_since is not None and now - self._refused_since < self._patience
