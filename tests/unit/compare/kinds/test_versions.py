"""Which versions of a custom resource can be noted beside each other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from leadsman.compare.kinds.schema import build_schema
from leadsman.compare.kinds.versions import SINGLE, Versions
from leadsman.model.identity import Gvk

if TYPE_CHECKING:
    from leadsman.compare.kinds.nodes import Node

TEXT = {"type": "string"}
NUMBER = {"type": "integer"}
OPEN = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
Properties = dict[str, Any]


def struct(**fields: Any) -> Properties:
    return {"type": "object", "properties": fields}


def named(*keys: str, **fields: Any) -> Properties:
    """A list, whose elements have keys or none."""
    kept = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": [*keys]} if keys else {}
    return {"type": "array", "items": struct(**fields), **kept}


def of(**values: Any) -> Properties:
    """A map."""
    return {"type": "object", "additionalProperties": struct(**values)}


def node(version: str, properties: Properties) -> Node:
    gvk = Gvk("ex.test", version, "Jar")
    said = {"group": gvk.group, "version": version, "kind": gvk.kind}
    schema = {
        "type": "object",
        "x-kubernetes-group-version-kind": [said],
        "properties": {"apiVersion": TEXT, "kind": TEXT, **properties},
    }
    built = build_schema({"components": {"schemas": {f"test.ex.{version}.Jar": schema}}}, gvk)
    assert built is not None
    return built.root


def versions(old: Properties, new: Properties, stored: str = "ex.test/new") -> Versions:
    nodes = {
        f"ex.test/{name}": node(name, fields) for name, fields in {"old": old, "new": new}.items()
    }
    return Versions(nodes, stored)


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"spec": struct(a=TEXT, b=named("a", a=TEXT), c=of(d=NUMBER), e=OPEN)},
        {"spec": OPEN},
    ],
)
def test_versions_that_are_alike_do_not_differ(fields: Properties) -> None:
    assert not versions(fields, fields).differ


# Old, new, a live object as it is read in old and in new, and whether writes to it are noted where
# old is what is noted. Read as old, what only new has may be there.
CASES = {
    "a field more": (struct(a=TEXT), struct(a=TEXT, b=TEXT), {"a": "x"}, {"a": "x"}),
    "that is there": (struct(a=TEXT), struct(a=TEXT, b=TEXT), {"a": "x"}, {"a": "x", "b": "y"}),
    "in a map": (
        struct(m=of(a=TEXT)),
        struct(m=of(a=TEXT, b=TEXT)),
        {"m": {"k": {}}},
        {"m": {"k": {"b": ""}}},
    ),
    "in a list": (
        struct(l=named(a=TEXT)),
        struct(l=named(a=TEXT, b=TEXT)),
        {"l": [{}]},
        {"l": [{"b": ""}]},
    ),
    "in a struct that old has too": (
        struct(s=struct()),
        struct(s=struct(b=TEXT)),
        {"s": {}},
        {"s": {"b": "x"}},
    ),
    "of another type": (struct(a=TEXT), struct(a=NUMBER), {"a": 1}, {"a": 1}),
    "open": (struct(a=TEXT), OPEN, {}, {"b": 1}),
    "other keys": (
        struct(l=named("a", a=TEXT, b=TEXT)),
        struct(l=named("b", a=TEXT, b=TEXT)),
        {"l": [{"a": "x", "b": "y"}]},
        {"l": [{"a": "x", "b": "y"}]},
    ),
}


@pytest.mark.parametrize("case", CASES)
def test_what_a_version_does_not_declare_cannot_be_noted(case: str) -> None:
    old, new, read_old, read_new = CASES[case]
    nodes = versions({"spec": old}, {"spec": new})
    assert nodes.differ
    as_old = {"apiVersion": "ex.test/old", "kind": "Jar", "spec": read_old}
    assert not nodes.are_noted(as_old, ["ex.test/old"])
    as_new = {"apiVersion": "ex.test/new", "kind": "Jar", "spec": read_new}
    is_there = case != "a field more"
    assert nodes.are_noted(as_new, ["ex.test/new", "ex.test/old"]) is not is_there
    # A version that is not served any more is not looked at.
    entries = ["ex.test/older", "", "ex.test/new"]
    assert nodes.are_noted(as_old, entries) is (case != "other keys")


def test_what_lies_in_what_is_not_there_is_not_there() -> None:
    nodes = versions({"spec": struct(s=struct())}, {"spec": struct(s=struct(b=TEXT))})
    live = {"apiVersion": "ex.test/old", "kind": "Jar", "spec": {}}
    assert nodes.are_noted(live, ["ex.test/old"])
    # Where nobody sees whether it is, it may be.
    nodes = versions({}, {"spec": struct(s=struct(b=TEXT))})
    assert not nodes.are_noted({"apiVersion": "ex.test/old"}, ["ex.test/old"])
    # What takes anything takes this.
    nodes = versions({"spec": OPEN}, {"spec": struct(s=struct(b=TEXT))})
    live = {"apiVersion": "ex.test/new", "spec": {"s": {"b": "x"}}}
    assert nodes.are_noted(live, ["ex.test/old"])


def test_a_single_version_is_always_noted() -> None:
    assert SINGLE.are_noted({"apiVersion": "v1", "kind": "Pod"}, ["v1"])


def test_what_is_not_stored_may_be_sent() -> None:
    live = {"apiVersion": "ex.test/new", "spec": {}}
    # Only the old version knows it, and objects are kept in the new one.
    nodes = versions({"spec": struct(b=TEXT)}, {"spec": struct()})
    assert nodes.differ
    assert not nodes.are_noted(live, ["ex.test/new"])


def test_of_the_status_is_there_what_is_stored() -> None:
    live = {"apiVersion": "ex.test/new", "status": {}}
    more = struct(b=TEXT, c=struct(d=TEXT))
    nodes = versions({"status": more}, {"status": struct()})
    assert not nodes.differ
    assert nodes.are_noted(live, ["ex.test/new"])
    filled = struct(b={**TEXT, "default": "x"})
    for old, stored in ((filled, "ex.test/new"), (more, "ex.test/old"), (more, "")):
        nodes = versions({"status": old}, {"status": struct()}, stored)
        assert nodes.differ
        assert not nodes.are_noted(live, ["ex.test/new"])


def test_what_another_version_fills_in_is_known() -> None:
    default = {**TEXT, "default": "60s"}
    nodes = versions({"spec": struct(a=default)}, {"spec": struct(a=TEXT)})
    assert nodes.is_default(("spec", "a"), "60s")
    assert not nodes.is_default(("spec", "a"), "5s")
    assert not nodes.is_default(("spec", "b"), "60s")
    assert not SINGLE.is_default(("spec", "a"), "60s")


def test_what_the_stored_version_does_not_declare_is_not_stored() -> None:
    reference = struct(name=TEXT, namespace=TEXT)
    old = {"spec": struct(ref=reference, refs=named("name", **reference["properties"]), any=OPEN)}
    new = {"spec": struct(ref=struct(name=TEXT), refs=named("name", name=TEXT), any=OPEN)}
    known = versions(old, new)
    full = {"name": "a", "namespace": "b"}
    git = {"metadata": {"labels": {"c": "d"}}, "spec": {"ref": full, "refs": [full], "any": full}}
    short = {"name": "a"}
    stored = {**git, "spec": {"ref": short, "refs": [short], "any": full}}
    live = {"apiVersion": "ex.test/old", "spec": {"ref": short}}
    assert known.storable(git, live) == stored
    assert versions(old, new, stored="").storable(git, live) == git
    assert versions(old, new, stored="ex.test/old").storable(git, live) == git
    # As it was stored while another version was.
    live["spec"] = {"ref": full, "refs": [{"name": "e"}, {"name": "a", "namespace": "f"}]}
    assert known.storable(git, live) == git
