"""Who may work, however the requests of several processes fall between each other's.

Each process is stepped from one request's departure or arrival to the next, in whatever order
Hypothesis likes. Meanwhile time passes, answers are lost, and processes are killed, frozen, or
started with another number of shards.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, TypeVar

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadsman.app.candidate import COUNT, Candidate, Terms, Waits
from leadsman.engine.scheduling.shards import Shard
from leadsman.errors import KubeError, LeaseLostError
from leadsman.kube.leases import Lease

if TYPE_CHECKING:
    from collections.abc import Coroutine, Generator

T = TypeVar("T")

LOST = True
TERMS = Terms(duration=15, renew=10.0, retry=5.0)


class Turn:
    """Lets whoever steps the coroutine say what comes of a request that is on its way."""

    def __await__(self) -> Generator[None, bool, bool]:
        return (yield)


@dataclass
class Cluster:
    """What the API server has: Leases, each changed only by who has seen the last change."""

    leases: dict[str, Lease] = field(default_factory=dict)
    revision: int = 0
    time: float = 1000.0

    def write(self, lease: Lease) -> Lease | None:
        stored = self.leases.get(lease.name)
        if (stored.version if stored else "") != lease.version:
            return None
        if stored is not None and stored == lease:
            return stored  # a write that changes nothing is none
        self.revision += 1
        made = self.leases[lease.name] = replace(lease, version=str(self.revision))
        return made


class Way:
    """The way to the cluster: a request arrives some time after it was sent, or never."""

    def __init__(self, cluster: Cluster) -> None:
        self._cluster = cluster

    async def list(self) -> dict[str, Lease]:
        await self._pass()
        found = dict(self._cluster.leases)
        await self._pass()
        return found

    async def write(self, lease: Lease) -> Lease | None:
        await self._pass()
        made = self._cluster.write(lease)
        await self._pass()
        return made

    async def _pass(self) -> None:
        if await Turn():
            raise KubeError("ApiServerUnreachable", "lost")


class Process:
    """One process, which stands, works, renews, and begins anew where it has lost its Lease."""

    started = 0

    def __init__(self, cluster: Cluster, shard: Shard, rate: float = 1.0) -> None:
        Process.started += 1
        self.shard = shard
        self.candidate = Candidate(
            Way(cluster),
            shard,
            f"process-{Process.started}",
            TERMS,
            clock=lambda: cluster.time * rate,
            now=lambda: cluster.time,
        )
        self._life: Coroutine[Any, bool, None] = self._live()
        self._life.send(None)  # type: ignore[arg-type]  # a coroutine is started with None

    @property
    def works(self) -> bool:
        return self.candidate.remaining > 0

    def step(self, *, lose: bool = False) -> None:
        self._life.send(lose)

    def end(self) -> None:
        self._life.close()
        self.candidate.until = float("-inf")

    async def _live(self) -> None:
        while True:
            try:
                if await self.candidate.stand() is None:
                    await self._work()
            except KubeError:
                pass
            await Turn()

    async def _work(self) -> None:
        while True:
            await Turn()
            try:
                await self.candidate.renew()
            except KubeError:
                pass
            except LeaseLostError:
                return


@dataclass(frozen=True)
class Burst:
    """Some steps of one process in a row, then a pause; the first step may be something else."""

    slot: int
    first: str
    steps: int
    pause: float


bursts = st.builds(
    Burst,
    slot=st.integers(0, 5),
    first=st.sampled_from(["step"] * 6 + ["lose", "kill", "change"]),
    steps=st.integers(1, 12),
    pause=st.sampled_from([0.0] * 8 + [1.0, 4.0, 9.9, 15.5]),
)
schedules = st.lists(bursts, max_size=60)
# Clocks that do not run equally fast: a tenth between them, where a third would be borne.
rates = st.lists(st.sampled_from([1.0, 0.95, 1.05]), min_size=6, max_size=6)


class Crowd:
    """Six processes, of 2 or 3 shards."""

    def __init__(self, rates: list[float]) -> None:
        self.cluster = Cluster()
        self._rates = rates
        self.processes = [self._start(slot, 2 if slot < 3 else 3) for slot in range(6)]

    def run(self, schedule: list[Burst]) -> None:
        for burst in schedule:
            for number in range(burst.steps):
                self._do(burst.slot, "step" if number else burst.first)
                self.check()
            self.cluster.time += burst.pause

    def replace(self, slot: int, count: int) -> None:
        self.processes[slot].end()
        self.processes[slot] = self._start(slot, count)

    def check(self) -> None:
        """See that no two of those who work may write the same report."""
        at_work = [process.shard for process in self.processes if process.works]
        assert len({shard.count for shard in at_work}) <= 1, at_work
        assert len(set(at_work)) == len(at_work), at_work

    def _start(self, slot: int, count: int) -> Process:
        return Process(self.cluster, Shard(slot % count, count), self._rates[slot])

    def _do(self, slot: int, what: str) -> None:
        process = self.processes[slot]
        if what == "kill":
            self.replace(slot, process.shard.count)
        elif what == "change":
            self.replace(slot, 5 - process.shard.count)
        else:
            process.step(lose=what == "lose")


@settings(max_examples=500)
@given(schedule=schedules, rates=rates)
def test_no_two_work_who_would_write_the_same_report(
    schedule: list[Burst], rates: list[float]
) -> None:
    Crowd(rates).run(schedule)


@given(schedule=schedules, count=st.sampled_from([2, 3]))
def test_in_the_end_each_shard_has_one_who_works(schedule: list[Burst], count: int) -> None:
    """Whatever was before, once all are told the same number; the others stand by."""
    crowd = Crowd([1.0] * 6)
    crowd.run(schedule)
    for slot in range(6):
        crowd.replace(slot, count)
    # Seconds: what was held expires, and races are tried again.
    for _ in range(60):
        for process in crowd.processes:
            process.step()
            process.step()
            crowd.check()
        crowd.cluster.time += 1.0
    at_work = [process.shard for process in crowd.processes if process.works]
    assert sorted(shard.index for shard in at_work) == list(range(count))
    assert crowd.cluster.leases[COUNT].holder == str(count)


# One process at a time, whose requests are answered at once.


def at_once(asking: Coroutine[Any, None, T]) -> T:
    """Have each request arrive, and its answer come back."""
    try:
        while True:
            asking.send(None)
    except StopIteration as done:
        found: T = done.value
        return found


def stand(process: Process) -> Waits | None:
    return at_once(process.candidate.stand())


def renew(process: Process) -> None:
    at_once(process.candidate.renew())


def resign(process: Process) -> None:
    at_once(process.candidate.resign())


@pytest.fixture
def cluster() -> Cluster:
    return Cluster()


def test_the_first_one_works_and_says_so_in_its_lease(cluster: Cluster) -> None:
    process = Process(cluster, Shard(1, 3))
    assert stand(process) is None
    assert process.candidate.remaining == 10.0
    lease = cluster.leases["leadsman-shard-1"]
    assert (lease.holder, lease.seconds) == (process.candidate.identity, 15)
    assert lease.acquired == lease.renewed == "1970-01-01T00:16:40.000000Z"
    assert cluster.leases["leadsman-shards"].holder == "3"
    cluster.time += 5
    renew(process)
    assert process.candidate.remaining == 10.0
    after = cluster.leases["leadsman-shard-1"]
    assert (after.acquired, after.renewed) == (lease.acquired, "1970-01-01T00:16:45.000000Z")
    assert after.transitions == lease.transitions == 0


def test_a_second_one_waits_until_the_lease_is_given_back(cluster: Cluster) -> None:
    first, second = Process(cluster, Shard(0, 1)), Process(cluster, Shard(0, 1))
    assert stand(first) is None
    waits = stand(second)
    assert waits is not None
    assert waits.why == f"the Lease leadsman-shard-0 is held by {first.candidate.identity}"
    resign(first)
    assert not first.works
    assert stand(second) is None
    lease = cluster.leases["leadsman-shard-0"]
    assert (lease.holder, lease.transitions) == (second.candidate.identity, 1)


def test_a_lease_expires_by_the_clock_of_who_waits_from_when_he_saw_it(cluster: Cluster) -> None:
    first, second = Process(cluster, Shard(0, 1)), Process(cluster, Shard(0, 1))
    assert stand(first) is None
    cluster.time += 3600
    # For an hour it has not been renewed, but who has just come does not go by that.
    assert stand(second)
    cluster.time += 14.9
    assert stand(second)
    cluster.time += 0.1
    assert stand(second) is None
    with pytest.raises(LeaseLostError, match="was not renewed in time"):
        renew(first)


def test_who_was_taken_for_dead_finds_out_at_the_next_renewal(cluster: Cluster) -> None:
    process = Process(cluster, Shard(0, 1))
    assert stand(process) is None
    cluster.write(replace(cluster.leases["leadsman-shard-0"], holder="another"))
    with pytest.raises(LeaseLostError, match="is held by another now"):
        renew(process)
    assert not process.works
    resign(process)
    assert cluster.leases["leadsman-shard-0"].holder == "another"


def test_a_lease_that_somebody_has_labelled_is_still_held(cluster: Cluster) -> None:
    process = Process(cluster, Shard(0, 1))
    assert stand(process) is None
    cluster.write(replace(cluster.leases["leadsman-shard-0"], renewed="labelled"))
    cluster.time += 5
    renew(process)
    assert process.candidate.remaining == 10.0


def test_another_number_waits_for_the_last_of_the_former(cluster: Cluster) -> None:
    old = [Process(cluster, Shard(index, 3)) for index in range(3)]
    assert [stand(process) for process in old] == [None] * 3
    new = Process(cluster, Shard(3, 4))
    for process in old:
        waits = stand(new)
        assert waits is not None
        assert waits.why.startswith("3 shards are in force and leadsman-shard-")
        assert waits.why.endswith("this process is shard 3 of 4")
        resign(process)
    assert stand(new) is None
    # And none of the former number comes back.
    waits = stand(Process(cluster, Shard(0, 3)))
    assert waits is not None
    assert waits.why.startswith("4 shards are in force and leadsman-shard-3 is held by")


def test_a_number_that_makes_no_sense_is_replaced_when_nobody_works(cluster: Cluster) -> None:
    process = Process(cluster, Shard(0, 2))
    cluster.write(Lease(COUNT, holder="many"))
    assert stand(process) is None
    assert cluster.leases[COUNT].holder == "2"


# What chance hardly ever brings about.


def test_a_list_from_before_somebody_began_to_work_is_no_ground_for_another_number(
    cluster: Cluster,
) -> None:
    old = Process(cluster, Shard(0, 2))
    assert stand(old) is None
    resign(old)
    new, late = Process(cluster, Shard(0, 3)), Process(cluster, Shard(0, 2))
    # Its list, in which nobody works, is on its way back.
    standing = new.candidate.stand()
    standing.send(None)
    standing.send(None)
    assert stand(late) is None
    waits = at_once(standing)
    assert waits == Waits("another process changes the number of shards", again=True)
    assert cluster.leases[COUNT].holder == "2"


def test_who_was_overtaken_by_another_number_gives_its_lease_back(cluster: Cluster) -> None:
    first, late = Process(cluster, Shard(0, 2)), Process(cluster, Shard(1, 2))
    new = Process(cluster, Shard(0, 3))
    assert stand(first) is None
    resign(first)
    standing = late.candidate.stand()
    standing.send(None)
    standing.send(None)
    # It has seen its number in force; then comes another one, before its own Lease does.
    assert stand(new) is None
    waits = at_once(standing)
    assert waits == Waits("others begin to work at the same time as shard 1 of 2", again=True)
    assert not late.works
    assert cluster.leases["leadsman-shard-1"].holder == ""
    assert new.works


def test_the_time_counts_from_the_request_and_not_from_its_answer(cluster: Cluster) -> None:
    process = Process(cluster, Shard(0, 1))
    standing = process.candidate.stand()
    for _ in range(5):  # the list, the number in force, and its Lease is on its way
        standing.send(None)
    assert "leadsman-shard-0" not in cluster.leases
    cluster.time += 3
    assert at_once(standing) is None
    assert process.candidate.remaining == 7.0
    cluster.time += 5
    renewing = process.candidate.renew()
    renewing.send(None)
    cluster.time += 1
    at_once(renewing)
    assert process.candidate.remaining == 9.0


def test_who_takes_too_long_to_begin_does_not_begin(cluster: Cluster) -> None:
    process = Process(cluster, Shard(0, 1))
    standing = process.candidate.stand()
    for _ in range(5):
        standing.send(None)
    cluster.time += 10
    assert at_once(standing) is not None
    assert cluster.leases["leadsman-shard-0"].holder == ""


def test_a_renewal_that_is_answered_too_late_is_none(cluster: Cluster) -> None:
    process = Process(cluster, Shard(0, 1))
    assert stand(process) is None
    cluster.time += 9
    renewing = process.candidate.renew()
    renewing.send(None)
    renewing.send(None)
    cluster.time += 1
    with pytest.raises(LeaseLostError, match="was not renewed in time"):
        at_once(renewing)


def test_a_renewal_whose_answer_was_lost_is_made_up_for(cluster: Cluster) -> None:
    process = Process(cluster, Shard(0, 1))
    assert stand(process) is None
    cluster.time += 5
    renewing = process.candidate.renew()
    renewing.send(None)
    renewing.send(None)
    with pytest.raises(KubeError):
        renewing.send(LOST)
    cluster.time += 1
    renew(process)
    assert process.candidate.remaining == 10.0


def test_a_lease_of_another_number_that_has_expired_is_taken_from_its_holder(
    cluster: Cluster,
) -> None:
    dead, new = Process(cluster, Shard(1, 2)), Process(cluster, Shard(0, 3))
    assert stand(dead) is None
    assert stand(new)
    cluster.time += 15
    assert stand(new) is None
    assert cluster.leases["leadsman-shard-1"].holder == ""
    # Even if its clock stood still.
    dead.candidate.until = cluster.time + 5
    with pytest.raises(LeaseLostError, match="is held by nobody now"):
        renew(dead)
