"""How a change is written in somebody's name."""

from __future__ import annotations

from typing import Any

import pytest

from truth.apitypes import Type
from truth.hands import changed, excerpt

PORTS = {
    "type": "array",
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["port", "protocol"],
    "items": {
        "type": "object",
        "properties": {name: {"type": "string"} for name in ("port", "protocol", "name")},
    },
}
ARGUMENTS = {"type": "array", "x-kubernetes-list-type": "atomic", "items": {"type": "string"}}
NAMES = {"type": "array", "x-kubernetes-list-type": "set", "items": {"type": "string"}}
SPEC = {"type": "object", "properties": {"ports": PORTS, "args": ARGUMENTS, "names": NAMES}}
ROOT = Type({"type": "object", "properties": {"spec": SPEC}}, "Thing", {})
HEAD = {"apiVersion": "v1", "kind": "Thing", "metadata": {"name": "a", "namespace": "b"}}


def thing() -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Thing",
        "metadata": {**HEAD["metadata"], "uid": "c", "labels": {"x/y": "1", "z": "2"}},  # type: ignore[dict-item]
        "spec": {
            "ports": [{"port": "1", "protocol": "T", "name": "o"}, {"port": "2", "protocol": "U"}],
            "args": ["one", "two"],
            "names": ["n", "m"],
        },
    }


@pytest.mark.parametrize(
    ("operation", "place", "then"),
    [
        ({"op": "replace", "path": "/spec/args/1", "value": "x"}, "args", ["one", "x"]),
        ({"op": "add", "path": "/spec/args/-", "value": "x"}, "args", ["one", "two", "x"]),
        ({"op": "add", "path": "/spec/args/0", "value": "x"}, "args", ["x", "one", "two"]),
        ({"op": "remove", "path": "/spec/args/0"}, "args", ["two"]),
        ({"op": "add", "path": "/spec/new", "value": 1}, "new", 1),
    ],
)
def test_one_operation(operation: dict[str, Any], place: str, then: Any) -> None:
    before = thing()
    assert changed(before, operation)["spec"][place] == then
    assert before == thing()


def test_a_key_is_unescaped() -> None:
    operation = {"op": "remove", "path": "/metadata/labels/x~1y"}
    assert changed(thing(), operation)["metadata"]["labels"] == {"z": "2"}


@pytest.mark.parametrize(
    ("tokens", "spec"),
    [
        (
            ("spec", "ports", 0, "name"),
            {"ports": [{"port": "1", "protocol": "T", "name": "o"}]},
        ),
        (("spec", "ports", 1), {"ports": [{"port": "2", "protocol": "U"}]}),
        (("spec", "args", 1), {"args": ["one", "two"]}),
        (("spec", "names", 1), {"names": ["m"]}),
    ],
)
def test_what_is_applied_owns_one_place(tokens: tuple[str | int, ...], spec: Any) -> None:
    assert excerpt(thing(), tokens, ROOT) == {**HEAD, "spec": spec}


def test_a_label_that_is_applied_stands_beside_the_name() -> None:
    found = excerpt(thing(), ("metadata", "labels", "z"), ROOT)
    assert found["metadata"] == {"name": "a", "namespace": "b", "labels": {"z": "2"}}
