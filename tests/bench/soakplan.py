"""What happens in a soak, and when: made from a seed, so that it can be played again."""

from __future__ import annotations

import random
from dataclasses import dataclass
from enum import StrEnum
from operator import itemgetter
from typing import TYPE_CHECKING, Final, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bench.fleet import Fleet

# Live changes a second.
_RATE: Final = 10.0
# Seconds between two of each.
_COMMITS: Final = 12.0
_RESTARTS: Final = 60.0
# The last part of the time has no restarts: memory is looked at then.
CALM: Final = 0.4


# A target's number, and that of an application in it.
Application: TypeAlias = tuple[int, int]


class Act(StrEnum):
    """What may happen."""

    CHANGE = "change"
    DELETE = "delete"
    RESTORE = "restore"
    COMMIT = "commit"
    STOP_OPERATOR = "stop the operator"
    KILL_OPERATOR = "kill the operator"
    RESTART_APISERVER = "restart the API server"


RESTARTS: Final = (Act.STOP_OPERATOR, Act.KILL_OPERATOR, Act.RESTART_APISERVER)
_LIVE: Final = {Act.CHANGE: 7, Act.DELETE: 1, Act.RESTORE: 3}


@dataclass(frozen=True, slots=True, order=True)
class Step:
    """Something that happens so many seconds after the start, to an application of a target.

    ``number`` is another one each time: what a change sets is nothing that was there before.
    """

    at: float
    number: int
    act: Act
    target: int
    application: int
    kind: str

    @property
    def place(self) -> Application:
        """Whose step it is."""
        return self.target, self.application


def plan(fleet: Fleet, seconds: float, seed: int, kinds: tuple[str, ...]) -> Iterator[Step]:
    """Yield all steps in their order."""
    chance = random.Random(seed)  # noqa: S311 - no secret
    times: list[tuple[float, Act | None]] = [
        *((at, None) for at in _times(chance, seconds, 1.0 / _RATE)),
        *((at, Act.COMMIT) for at in _times(chance, seconds, _COMMITS)),
        *_restarts(seconds * (1.0 - CALM)),
    ]
    for number, (at, act) in enumerate(sorted(times, key=itemgetter(0))):
        yield Step(
            at,
            number,
            act or chance.choices([*_LIVE], [*_LIVE.values()])[0],
            chance.randrange(fleet.targets),
            chance.randrange(fleet.applications),
            chance.choice(kinds),
        )


def _times(chance: random.Random, seconds: float, apart: float) -> list[float]:
    """Return times at which something happens that has no memory, so many seconds apart."""
    found, now = [], chance.expovariate(1.0 / apart)
    while now < seconds:
        found.append(now)
        now += chance.expovariate(1.0 / apart)
    return found


def _restarts(seconds: float) -> Iterator[tuple[float, Act]]:
    """Yield restarts of each sort in turns, at least one of each, evenly over the time."""
    count = max(len(RESTARTS), round(seconds / _RESTARTS))
    for number in range(count):
        yield seconds * (number + 0.5) / count, RESTARTS[number % len(RESTARTS)]
