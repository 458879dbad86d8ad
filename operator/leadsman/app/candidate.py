"""Who works: one process for each shard, and only shards of one and the same number.

Each shard has a Lease, ``leadsman-shard-I``, which the process that works as that shard holds. One
more, ``leadsman-shards``, names as its holder the number of shards in force. Processes that were
told another number, as during a rolling update, divide the targets differently, so that none of
them may work while one of the former number does. A process

1. lists the Leases, all as of one moment;
2. if another number than its own is in force, waits as long as any shard's Lease is held; then it
   takes Leases that have expired from their holders, and puts its own number in force, all on
   condition that each Lease is still as it was in that list;
3. takes its shard's Lease, if nobody holds it, on the same condition;
4. changes ``leadsman-shards`` once more, with its own number still in force, on condition that
   nobody else has changed it. Only if that goes well does it work. Else it looks whether its number
   is still in force, and tries step 4 again or gives its Lease back.

**Why no target has two who work on it.** Two of the same number and shard: as with any Lease. Two
of different numbers: be P, of the number N, the one whose step 4 came first. Between that and the
other's step 4 somebody was the first to put another number in force than N. The condition was that
``leadsman-shards`` was as in that process' list; P's step 4 has changed it, so the list is of a
later moment; and P's Lease, taken in step 3, was in it. So P had given it back, or it had expired
and was then taken from P; either way P did not work any more. A count that somebody deletes is put
in force by the same rule. Only deleting a shard's Lease breaks it, until P finds that out.

**When a Lease has expired.** As in client-go's ``leaderelection`` no clocks are compared: it has
expired for who has seen it, and seen it unchanged for as long as it says by the own clock. Its
holder stops ``renew`` seconds after it *sent* its last successful renewal, which is sooner: it
began earlier, and is shorter. What lies between is for clocks that do not run equally fast, and for
a write that was cut off and arrives all the same. A process that was stopped meanwhile, or asleep
with its machine, looks at the clock before each write; only what it had handed to the network
before that may come late, as with all Leases.

Source: client-go ``tools/leaderelection``; KEP-589 for Leases.
"""

from __future__ import annotations

import re
import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from leadsman.errors import LeaseLostError
from leadsman.kube.leases import Lease
from leadsman.times import rfc3339_micro

if TYPE_CHECKING:
    from collections.abc import Callable

    from leadsman.engine.scheduling.shards import Shard


COUNT = "leadsman-shards"
SHARD = "leadsman-shard-"
_SHARD = re.compile(rf"{SHARD}[0-9]+")
# Step 4 is tried again as often as this while other shards come up at the same time.
_TOUCHES = 10


def suspended_too() -> float:
    """Return seconds of a clock that nobody sets, and that goes on while the machine is asleep."""
    clock = getattr(time, "CLOCK_BOOTTIME", None)
    return time.monotonic() if clock is None else time.clock_gettime(clock)


@dataclass(frozen=True, slots=True)
class Terms:
    """How long a Lease is good for (whole seconds), and until when it must have been renewed."""

    duration: int = 15
    renew: float = 10.0
    retry: float = 5.0


@dataclass(frozen=True, slots=True)
class Waits:
    """Why a process does not work; ``again``: it lost a race, and may win at once."""

    why: str
    again: bool = False


class Store(Protocol):
    """Where Leases are, see ``LeaseStore``."""

    async def list(self) -> dict[str, Lease]:
        """Return all Leases by name, as of one moment."""

    async def write(self, lease: Lease) -> Lease | None:
        """Store a Lease unless it has changed."""


class Candidate:
    """One process that wants to work as a shard, and does while it holds the shard's Lease.

    ``identity`` is this process' alone. ``clock`` never goes back, ``now`` is for people. All
    methods raise KubeError where the API server could not be asked; call again.
    """

    def __init__(
        self,
        store: Store,
        shard: Shard,
        identity: str,
        terms: Terms,
        *,
        clock: Callable[[], float] = suspended_too,
        now: Callable[[], float] = time.time,
    ) -> None:
        self.shard = shard
        self.identity = identity
        self.lease = f"{SHARD}{shard.index}"
        # Until when this process may work; by ``clock``.
        self.until = float("-inf")
        self._store = store
        self._terms = terms
        self._clock = clock
        self._now = now
        self._held: Lease | None = None
        self._seen: dict[str, tuple[str, float]] = {}

    @property
    def remaining(self) -> float:
        """The seconds for which this process may work, 0 or less where it may not."""
        return self.until - self._clock()

    async def stand(self) -> Waits | None:
        """Try once to begin to work; return why not, None if it may."""
        leases = await self._look()
        count = leases.get(COUNT) or Lease(COUNT)
        if count.holder != str(self.shard.count):
            changed = await self._put_in_force(count, leases)
            if isinstance(changed, Waits):
                return changed
            count = changed
        mine = leases.get(self.lease) or Lease(self.lease)
        if mine.holder not in {"", self.identity} and not self._expired(mine):
            return Waits(f"the Lease {self.lease} is held by {mine.holder}")
        sent = self._clock()
        self._held = await self._store.write(self._taken(mine))
        if self._held is None:
            return Waits(f"another process has changed the Lease {self.lease}", again=True)
        if await self._confirm(count) and self._clock() < sent + self._terms.renew:
            self.until = sent + self._terms.renew
            return None
        await self.resign()
        return Waits(f"others begin to work at the same time as {self.shard}", again=True)

    async def renew(self) -> None:
        """Prolong the time for which this process may work.

        Raises:
            LeaseLostError: it may not work any more.

        """
        sent = self._clock()
        if self._held is None or sent >= self.until:
            raise self._lost("was not renewed in time")
        renewed = await self._store.write(self._taken(self._held))
        if renewed is None:
            # Perhaps by this process itself, whose answer was lost; or somebody has labelled it.
            held = (await self._store.list()).get(self.lease)
            if held is None or held.holder != self.identity:
                holder = "nobody" if held is None else held.holder or "nobody"
                self.until = float("-inf")
                raise self._lost(f"is held by {holder} now")
            self._held = held
            renewed = await self._store.write(self._taken(held))
        if renewed is not None:
            self._held = renewed
            if self._clock() >= self.until:
                raise self._lost("was not renewed in time")
            self.until = sent + self._terms.renew

    async def resign(self) -> None:
        """Stop working and give the Lease back, if it is this process' or might be."""
        self.until = float("-inf")
        held = (await self._store.list()).get(self.lease)
        if held is not None and held.holder == self.identity:
            await self._store.write(self._freed(held))
        self._held = None

    async def _look(self) -> dict[str, Lease]:
        """List the Leases, and note since when each of them is as it is."""
        leases = await self._store.list()
        now = self._clock()
        before = self._seen
        self._seen = {
            name: before[name]
            if name in before and before[name][0] == lease.version
            else (lease.version, now)
            for name, lease in leases.items()
        }
        return leases

    def _expired(self, lease: Lease) -> bool:
        seen = self._seen.get(lease.name)
        seconds = lease.seconds or self._terms.duration
        return seen is not None and self._clock() - seen[1] >= seconds

    async def _put_in_force(self, count: Lease, leases: dict[str, Lease]) -> Lease | Waits:
        """Put this process' number of shards in force, where nobody works by another one."""
        held = [
            lease
            for name, lease in sorted(leases.items())
            if _SHARD.fullmatch(name) and lease.holder not in {"", self.identity}
        ]
        for lease in held:
            if not self._expired(lease):
                return Waits(
                    f"{count.holder or 'an unknown number of'} shards are in force and "
                    f"{lease.name} is held by {lease.holder}; this process is {self.shard}"
                )
        race = Waits("another process changes the number of shards", again=True)
        for lease in held:
            # So that its holder, should he come back, finds it taken.
            freed = await self._store.write(self._freed(lease))
            if freed is None:
                return race
            leases[lease.name] = freed
        now = rfc3339_micro(self._now())
        new = replace(
            count,
            holder=str(self.shard.count),
            seconds=self._terms.duration,
            acquired=now,
            renewed=now,
            transitions=count.transitions + 1,
        )
        return await self._store.write(new) or race

    async def _confirm(self, count: Lease) -> bool:
        """Change the count's Lease, with the own number in force before and after."""
        for _ in range(_TOUCHES):
            # Each time a new number: a write that changes nothing has no new resourceVersion.
            touched = replace(
                count, renewed=rfc3339_micro(self._now()), transitions=count.transitions + 1
            )
            if await self._store.write(touched) is not None:
                return True
            found = (await self._store.list()).get(COUNT)
            if found is None or found.holder != str(self.shard.count):
                return False
            count = found
        return False

    def _taken(self, lease: Lease) -> Lease:
        now = rfc3339_micro(self._now())
        renewed = replace(lease, seconds=self._terms.duration, renewed=now)
        if lease.holder == self.identity:
            return renewed
        changes = lease.transitions + bool(lease.version)
        return replace(renewed, holder=self.identity, acquired=now, transitions=changes)

    def _freed(self, lease: Lease) -> Lease:
        now = rfc3339_micro(self._now())
        return replace(lease, holder="", seconds=1, acquired=now, renewed=now)

    def _lost(self, how: str) -> LeaseLostError:
        return LeaseLostError(
            f"the Lease {self.lease} {how}: another process may work as {self.shard}, so this one "
            "stops, and is a standby once it is started again"
        )
