"""Elements of two lists are paired by keys, by value or by order."""

from __future__ import annotations

from typing import Any

import pytest

from leadsman.compare.kinds.nodes import UNKNOWN, Field, Node, Origin, Shape
from leadsman.compare.pairing import pair_by_keys, pair_by_order, pair_by_value
from leadsman.compare.paths import Item

_PORT = Node(
    Shape.OBJECT,
    Origin.GO,
    fields={"port": Field(UNKNOWN), "protocol": Field(UNKNOWN, default="TCP")},
)


def by_keys(desired: Any, live: Any) -> set[tuple[int, int]] | None:
    items = pair_by_keys(desired, live, ("port", "protocol"), _PORT)
    return None if items is None else {(item.desired, item.live) for item in items}


def test_keys_have_defaults() -> None:
    assert by_keys([{"port": 1}], [{"port": 1, "protocol": "TCP"}]) == {(0, 0)}
    assert by_keys([{"port": 1}], [{"port": 1, "protocol": "UDP"}]) == {(0, -1), (-1, 0)}


def test_keys_name_the_element() -> None:
    items = pair_by_keys([{"port": 1, "protocol": "UDP"}], [], ("port", "protocol"), _PORT)
    assert items == [Item(-1, 0, (("port", 1), ("protocol", "UDP")))]


def test_order_says_nothing_where_there_are_keys() -> None:
    one, two, three = ({"port": number} for number in (1, 2, 3))
    assert by_keys([one, two], [three, two, one]) == {(0, 2), (1, 1), (-1, 0)}


def test_two_protocols_on_one_port() -> None:
    git = [{"port": 53}, {"port": 53, "protocol": "UDP"}]
    live = [{"port": 53, "protocol": "UDP"}, {"port": 53, "protocol": "TCP"}]
    assert by_keys(git, live) == {(0, 1), (1, 0)}


def test_equal_keys_are_paired_from_the_end() -> None:
    a, b, c = ({"port": 1, "name": name} for name in "abc")
    # The API server lets the last one win; what it merged away is not missed.
    assert by_keys([a, b], [b, c, {"port": 2}]) == {(0, 0), (1, 1), (-1, 2)}
    assert by_keys([a, b], [b, {"port": 2}]) == {(1, 0), (-1, 1)}
    assert by_keys([b, {"port": 2}], [a, b]) == {(-1, 0), (0, 1), (1, -1)}


@pytest.mark.parametrize("element", ["text", 1, None, [], {"port": {"x": 1}}, {"port": [1]}])
def test_what_has_no_keys_is_not_paired_by_them(element: Any) -> None:
    assert by_keys([element], [{"port": 1}]) is None
    assert by_keys([{"port": 1}], [element]) is None


def test_an_empty_key_is_no_key() -> None:
    assert by_keys([{"port": 0, "protocol": ""}], [{}]) == {(0, 0)}


def test_sets() -> None:
    items = list(pair_by_value(["a", "b", "a"], ["c", "b"]))
    assert {(item.desired, item.live, item.value) for item in items} == {
        (0, -1, "a"),
        (1, 1, "b"),
        (-1, 0, "c"),
    }


def test_sets_of_objects() -> None:
    items = list(pair_by_value([{"x": 1, "y": 2}], [{"y": 2, "x": 1}]))
    assert [(item.desired, item.live) for item in items] == [(0, 0)]


def by_order(desired: str, live: str) -> list[tuple[int, int]]:
    items = pair_by_order(list(desired), list(live), lambda one, other: one == other)
    return sorted((item.desired, item.live) for item in items)


def test_order_pairs_by_place() -> None:
    assert by_order("abc", "acb") == [(0, 0), (1, 1), (2, 2)]


def test_what_was_put_in_or_taken_out_is_one_difference() -> None:
    assert by_order("abc", "axbc") == [(-1, 1)]
    assert by_order("abc", "bc") == [(0, -1)]
    assert by_order("abc", "ab") == [(2, -1)]
    assert by_order("", "ab") == [(-1, 0), (-1, 1)]
    assert by_order("aa", "a") == [(1, -1)]


def test_several_differences() -> None:
    assert by_order("abcd", "axd") == [(1, 1), (2, -1)]


def test_a_zero_is_a_key_like_any_other_in_a_custom_resource() -> None:
    element = Node(
        Shape.OBJECT,
        Origin.CUSTOM,
        fields={"name": Field(UNKNOWN), "index": Field(UNKNOWN, default=1)},
    )
    zero, default = {"name": "a", "index": 0}, {"name": "a"}
    items = pair_by_keys([zero, default], [{"name": "a", "index": 1}], ("name", "index"), element)
    assert items == [
        Item(-1, 0, (("name", "a"), ("index", 0))),
        Item(0, 1, (("name", "a"), ("index", 1))),
    ]


def test_elements_of_a_set_may_be_written_otherwise() -> None:
    def same(one: Any, other: Any) -> bool:
        return bool({"b": 1, **one} == {"b": 1, **other})

    git, live = [{"a": 1}, {"a": 2}], [{"a": 3, "b": 1}, {"a": 1, "b": 1}]
    assert [(item.desired, item.live) for item in pair_by_value(git, live, same)] == [
        (0, 1),
        (1, -1),
        (-1, 0),
    ]
