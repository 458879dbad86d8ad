from __future__ import annotations

from leadsman.errors import KubeError
from leadsman.kube.outage import Outage

LOST = KubeError("ApiServerUnreachable", "connection refused")
EXPIRED = KubeError("Expired", "too old", status=410)
FORBIDDEN = KubeError("Forbidden", "no", status=403, retryable=False)
NOT_SERVED = KubeError("NotFound", "no such kind", status=404, retryable=False)


class Clock:
    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


def test_what_nobody_mends_by_waiting_is_said_at_once_and_once() -> None:
    outage = Outage()
    assert outage.began(NOT_SERVED)
    assert not outage.began(NOT_SERVED)
    assert outage.over()
    assert not outage.over()
    assert outage.began(NOT_SERVED)


def test_a_refusal_is_said_at_once_where_it_never_went_well() -> None:
    outage = Outage()
    assert outage.began(FORBIDDEN)
    assert not outage.began(FORBIDDEN)
    assert outage.over()


def test_a_refusal_after_an_outage_is_doubted_for_a_while() -> None:
    """An API server that has just started has not read its roles yet."""
    clock = Clock()
    outage = Outage(patience=10, clock=clock)
    outage.over()
    assert not outage.began(LOST)
    clock.now = 15.0
    assert outage.began(LOST)
    assert not outage.began(FORBIDDEN)
    assert outage.delay(FORBIDDEN) <= 7.5
    clock.now = 24.9
    assert not outage.began(FORBIDDEN)
    clock.now = 25.0
    assert outage.began(FORBIDDEN), "that nothing answers was said, this was not"
    assert not outage.began(FORBIDDEN)
    assert 15 <= outage.delay(FORBIDDEN) <= 90
    assert outage.over()
    assert not outage.began(FORBIDDEN), "and is doubted anew"


def test_a_refusal_that_is_doubted_and_passes_is_never_said() -> None:
    outage = Outage()
    outage.over()
    assert not outage.began(FORBIDDEN)
    assert not outage.over()


def test_a_lost_connection_is_said_when_it_lasts() -> None:
    clock = Clock()
    outage = Outage(patience=10, clock=clock)
    assert not outage.began(LOST)
    clock.now = 9.9
    assert not outage.began(LOST)
    clock.now = 10.0
    assert outage.began(LOST)
    assert outage.over()


def test_after_it_went_well_patience_begins_anew() -> None:
    clock = Clock()
    outage = Outage(patience=10, clock=clock)
    outage.began(LOST)
    assert not outage.over()
    clock.now = 20.0
    assert not outage.began(LOST)


def delays(outage: Outage, error: KubeError, tries: int) -> list[float]:
    found = []
    for _ in range(tries):
        outage.began(error)
        found.append(outage.delay(error))
    return found


def test_delays_grow_with_jitter_up_to_a_limit() -> None:
    found = delays(Outage(), LOST, 100)
    assert 0.25 <= found[0] <= 0.75
    assert 0.5 <= found[1] <= 1.5
    assert all(2.5 <= delay <= 7.5 for delay in found[10:])
    assert len(set(found)) > 90
    helpless = delays(Outage(), NOT_SERVED, 20)
    assert 15 <= helpless[0] <= 45
    assert all(150 <= delay <= 450 for delay in helpless[10:])


def test_an_expired_watch_lists_at_once_but_not_again_and_again() -> None:
    outage = Outage()
    first, second = delays(outage, EXPIRED, 2)
    assert first == 0
    assert second >= 0.5
    outage.steady()
    assert delays(outage, EXPIRED, 1) == [0]
