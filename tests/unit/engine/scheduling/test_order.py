"""What is handed out next."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from leadsman.engine.scheduling.order import Fair, Urgent


def host(key: str) -> str:
    return key[0]


def taken(order: Fair[str] | Urgent[str]) -> list[str]:
    return list(iter(order.take, None))


def fair(*keys: str, share: int | None = None) -> Fair[str]:
    order = Fair(host, share)
    for key in keys:
        order.add(key)
    return order


def test_groups_take_turns() -> None:
    assert taken(fair("a1", "a2", "a3", "b1", "c1")) == ["a1", "b1", "c1", "a2", "a3"]


def test_a_group_has_no_more_than_its_share() -> None:
    order = fair("a1", "a2", "a3", "b1", share=2)
    assert taken(order) == ["a1", "b1", "a2"]
    assert len(order) == 1
    order.done("b1")
    assert order.take() is None
    order.done("a1")
    assert order.take() == "a3"


def test_what_is_removed_is_not_handed_out() -> None:
    order = fair("a1", "a2", "b1")
    order.remove("a1")
    order.remove("unknown")
    assert taken(order) == ["a2", "b1"]


def test_one_whose_group_changes_meanwhile_is_found() -> None:
    groups = {"x": "old"}
    order = Fair(groups.__getitem__, 1)
    order.add("x")
    groups["x"] = "new"
    assert order.take() == "x"
    order.add("x")
    groups["x"] = "newer"
    order.remove("x")
    assert len(order) == 0
    order.done("x")
    assert not order._busy


def test_what_is_urgent_goes_first() -> None:
    urgent: set[str] = {"c"}
    order: Urgent[str] = Urgent(urgent.__contains__)
    for key in "abc":
        order.add(key)
    assert order.take() == "c"
    order.hurry("b")
    order.hurry("unknown")
    order.add("d")
    assert taken(order) == ["b", "a", "d"]


def test_a_flood_of_what_is_urgent_does_not_keep_the_rest_waiting_for_ever() -> None:
    order: Urgent[int] = Urgent(lambda key: key >= 0)
    for key in (-1, -2):
        order.add(key)
    found = []
    for key in range(12):
        order.add(key)
        found.append(order.take())
    assert found == [0, 1, 2, -1, 3, 4, 5, -2, 6, 7, 8, 9]


@given(st.lists(st.tuples(st.sampled_from(["add", "hurry", "take", "remove"]), st.integers(0, 9))))
def test_nothing_urgent_or_not_is_lost(steps: list[tuple[str, int]]) -> None:
    urgent: set[int] = set()
    order: Urgent[int] = Urgent(urgent.__contains__)
    ready: set[int] = set()
    for step, key in steps:
        if step == "add" and key not in ready:
            order.add(key)
            ready.add(key)
        elif step == "hurry":
            urgent.add(key)
            order.hurry(key)
        elif step == "remove":
            order.remove(key)
            ready.discard(key)
        elif step == "take":
            found = order.take()
            assert found in ready if ready else found is None
            ready.discard(found)
        assert len(order) == len(ready)


_KEYS = st.sampled_from([f"{group}{number}" for group in "ab" for number in range(3)])


@given(st.integers(1, 2), st.lists(st.tuples(st.sampled_from(["add", "take", "done"]), _KEYS)))
def test_nothing_is_lost_and_no_share_is_exceeded(share: int, steps: list[tuple[str, str]]) -> None:
    order = Fair(host, share)
    ready: set[str] = set()
    busy: set[str] = set()
    for step, key in steps:
        if step == "add" and key not in ready | busy:
            order.add(key)
            ready.add(key)
        elif step == "take":
            found = order.take()
            free = {one for one in ready if sum(host(b) == host(one) for b in busy) < share}
            assert (found in free) if free else found is None
            if found is not None:
                ready.discard(found)
                busy.add(found)
        elif step == "done" and key in busy:
            order.done(key)
            busy.discard(key)
        assert len(order) == len(ready)
