"""managedFields are decoded fully, and never believed further than they say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson
import pytest

from leadsman.compare.owners.ownership import Ownership
from leadsman.compare.paths import Item

if TYPE_CHECKING:
    from leadsman.compare.paths import Steps
    from leadsman.model.json import JsonObject
from unit.compare.samples import TIME, entry, owned, verdict, widget

_WEB = Item(0, 0, (("name", "web"),))
_PORT = Item(0, 0, (("containerPort", 80), ("protocol", "TCP")))
_CONTAINERS: Steps = ("spec", "containers")
_FIELDS = {
    "f:metadata": {"f:finalizers": {".": {}, 'v:"a/b"': {}}},
    "f:spec": {
        "f:args": {},
        "f:containers": {
            'k:{"name":"web"}': {
                ".": {},
                "f:image": {},
                "f:ports": {'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:name": {}}},
            }
        },
    },
}


def names(ownership: Ownership, *steps: Any) -> list[tuple[str, bool]]:
    return [(owner.entry.manager, owner.exact) for owner in ownership.owners(steps)]


def test_fields_keys_values_and_the_place_itself() -> None:
    ownership = Ownership(owned({}, entry("a", _FIELDS)))
    assert names(ownership, *_CONTAINERS, _WEB, "image") == [("a", True)]
    assert names(ownership, *_CONTAINERS, _WEB) == [("a", True)]
    assert names(ownership, *_CONTAINERS, _WEB, "ports") == [("a", False)]
    assert names(ownership, *_CONTAINERS, _WEB, "ports", _PORT, "name") == [("a", True)]
    assert names(ownership, "metadata", "finalizers", Item(0, 0, value="a/b")) == [("a", True)]
    assert names(ownership, *_CONTAINERS) == [("a", False)]
    assert names(ownership, *_CONTAINERS, _WEB, "env") == []
    assert names(ownership, *_CONTAINERS, Item(0, 0, (("name", "x"),))) == []
    # Atomic: owned as a whole, not element by element.
    assert names(ownership, "spec", "args") == [("a", True)]
    assert names(ownership, "spec", "args", Item(0, 0)) == []


def test_keys_in_another_encoding() -> None:
    fields: JsonObject = {
        "f:list": {'k:{"name": "\\u003ca>"}': {".": {}}, "v:1.0": {}, "k:broken": {}}
    }
    ownership = Ownership(owned({}, entry("a", fields)))
    assert names(ownership, "list", Item(0, 0, (("name", "<a>"),))) == [("a", True)]
    assert names(ownership, "list", Item(0, 0, value=1)) == [("a", True)]


def test_each_entry_has_its_own_time() -> None:
    early, late = "2026-01-01T00:00:00Z", "2026-02-01T00:00:00Z"
    ownership = Ownership(
        owned(
            {},
            entry("a", {"f:x": {}}, time=early),
            entry("a", {"f:y": {}}, "Apply", time=late),
            entry("b", {"f:x": {}}, subresource="scale", time=""),
        )
    )
    (first, second) = ownership.owners(("x",))
    assert (first.entry.manager, first.entry.time) == ("a", early)
    assert (second.entry.manager, second.entry.time) == ("b", "")
    assert second.entry.subresource == "scale"
    assert ownership.owners(("y",))[0].entry.operation == "Apply"


def test_the_last_writer_comes_first() -> None:
    ownership = Ownership(
        owned(
            {},
            entry("old", {"f:x": {}}, time="2026-01-01T00:00:00Z"),
            entry("new", {"f:x": {}}, time=TIME),
        )
    )
    assert [name for name, _ in names(ownership, "x")] == ["new", "old"]


@pytest.mark.parametrize(
    "broken",
    [
        None,
        "x",
        {},
        {"manager": "a", "fieldsV1": "x"},
        {"manager": "a", "fieldsType": "FieldsV2", "fieldsV1": {}},
    ],
)
def test_what_cannot_be_read_is_known_to_be_missing(broken: Any) -> None:
    live = {"metadata": {"managedFields": [entry("a", {"f:x": {}}), broken]}}
    ownership = Ownership(live)
    assert not ownership.is_complete
    assert names(ownership, "x") == [("a", True)]


@pytest.mark.parametrize("fields", [None, [], {}, "x"])
def test_without_entries_nothing_is_known(fields: Any) -> None:
    assert not Ownership({"metadata": {"managedFields": fields}}).is_complete
    assert not Ownership({}).is_complete
    assert not Ownership({"metadata": None}).is_complete


@pytest.mark.parametrize(
    "fields",
    [
        {"f:x": {"f:y": 7}, "f:z": None},
        {"x": {}},
        {"f:x": {"k:{": {}}},
        {"f:x": {"k:7": {}}},
        {"f:x": {"v:": {}}},
        {"f:x": {"i:one": {}}},
        {"f:x": {"f:y": []}},
    ],
)
def test_corrupt_parts_own_nothing_and_are_known_to_be_corrupt(fields: JsonObject) -> None:
    ownership = Ownership(owned({}, entry("a", fields)))
    assert not ownership.is_complete
    assert names(ownership, "x", "y") == []
    assert names(ownership, "z") == []


def test_an_element_without_one_of_its_keys() -> None:
    ownership = Ownership(owned({}, entry("a", {"f:x": {'k:{"port":80}': {".": {}}}})))
    port = Item(0, 0, (("port", 80), ("protocol", None)))
    assert names(ownership, "x", port) == [("a", True)]


def test_who_wrote_in_another_version_is_told_where_nobody_else_can_be() -> None:
    live = {
        "apiVersion": "autoscaling/v2",
        "spec": {"minReplicas": 2, "maxReplicas": 3, "metrics": [{"type": "Resource"}]},
    }

    def by(manager: str, version: str, **fields: JsonObject) -> JsonObject:
        tree = {"f:spec": {f"f:{name}": below for name, below in fields.items()}}
        return {**entry(manager, tree), "apiVersion": version}

    here = by("flux", "autoscaling/v2", maxReplicas={}, gone={})
    there = by("eve", "autoscaling/v1", minReplicas={})
    renamed = by("eve", "autoscaling/v1", minReplicas={}, targetCPUUtilizationPercentage={})
    assert Ownership(owned(live, here, there)).elsewhere == []
    (owner,) = Ownership(owned(live, here, renamed)).elsewhere
    assert (owner.entry.manager, owner.exact) == ("eve", False)
    status = {**renamed, "subresource": "status"}
    assert Ownership(owned(live, here, status)).elsewhere == []


def test_the_owner_above() -> None:
    fields: JsonObject = {"f:map": {}, "f:list": {'k:{"name":"a"}': {}}}
    ownership = Ownership(owned({}, entry("m", fields)))
    assert [o.entry.manager for o in ownership.above(("map", "key"))] == ["m"]
    # With a schema a map with an empty entry is owned by itself, without what is in it.
    assert ownership.above(("map", "key"), only_items=True) == []
    item = Item(0, 0, (("name", "a"),))
    assert [o.entry.manager for o in ownership.above(("list", item, "x"), only_items=True)] == ["m"]


def test_last_applied() -> None:
    applied = {
        "metadata": {"finalizers": ["a"]},
        "spec": {"ports": [{"port": 80, "name": "web"}], "args": ["x"], "off": None},
    }
    text = orjson.dumps(applied).decode()
    annotations = {"kubectl.kubernetes.io/last-applied-configuration": text}
    ownership = Ownership({"metadata": {"annotations": annotations}})
    port = Item(0, -1, (("port", 80), ("protocol", "TCP")))
    assert ownership.applied(("spec", "ports", port, "name"))
    assert ownership.applied(("metadata", "finalizers", Item(0, -1, value="a")))
    assert ownership.applied(("spec", "args", Item(0, -1)))
    assert not ownership.applied(("spec", "args", Item(1, -1)))
    assert not ownership.applied(("spec", "ports", port, "targetPort"))
    assert not ownership.applied(("spec", "ports", Item(0, -1, (("port", 81),))))
    assert not ownership.applied(("metadata", "finalizers", Item(0, -1, value="b")))
    assert not ownership.applied(("spec", "args", "x"))


@pytest.mark.parametrize("text", [None, "", "{", "[]", 7])
def test_no_last_applied(text: Any) -> None:
    annotations = {"kubectl.kubernetes.io/last-applied-configuration": text}
    assert not Ownership({"metadata": {"annotations": annotations}}).applied(("spec",))
    assert not Ownership({}).applied(("spec",))


def test_nobody_is_known_where_the_bookkeeping_has_ended() -> None:
    """Then a field without owner may be anybody's, and the former owner did not remove it."""
    git = widget({"parts": [{"name": "a"}], "size": 5})
    fields: JsonObject = {"f:spec": {"f:size": {}, "f:parts": {'k:{"name":"a"}': {".": {}}}}}
    sender = entry("kubectl-client-side-apply", fields) | {"apiVersion": "example.com/v1"}
    kept = owned(widget({"size": 5, "enabled": True}), sender)
    told = verdict(git, kept)
    assert told is not None
    assert [change.path for change in told.changes] == []
    assert [change.path for change in told.excused] == ["/spec/parts/0"]
    ended = owned(widget({"parts": [{"count": 1}], "size": 5, "enabled": True}), sender)
    told = verdict(git, ended)
    assert told is not None
    assert {(change.op, change.path, change.manager) for change in told.changes} == {
        ("add", "/spec/enabled", ""),
        ("add", "/spec/parts/0", ""),
        ("remove", "/spec/parts/0", ""),
    }
