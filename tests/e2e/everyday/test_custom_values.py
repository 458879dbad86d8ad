"""Values of custom resources that are read in more than one way."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from e2e.everyday.team import SENT
from harness.jars import define, definition, jar
from harness.waiting import until

if TYPE_CHECKING:
    from e2e.everyday.team import Team

TEXT = {"type": "string"}
OPEN = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
BY_HAND = ("Live", "kubectl-patch")


@pytest.mark.parametrize("way", ["csa", "server-side"])
def test_a_number_becomes_a_text_where_both_may_be(team: Team, way: str) -> None:
    group = f"{team.namespace}.example"
    port = {"x-kubernetes-int-or-string": True, "anyOf": [{"type": "integer"}, TEXT]}
    define(team.plane, group, v1={"port": port})
    team.apply(jar(group, {"port": 8080}), flags=SENT[way])
    assert team.told() == {}
    team.patch(f"jars.{group}/one", {"spec": {"port": "8080"}})
    assert team.told() == {"/spec/port": BY_HAND}


def test_an_empty_list_comes_and_goes_in_an_open_field(team: Team) -> None:
    group = f"{team.namespace}.example"
    define(team.plane, group, v1={"values": OPEN})
    team.apply(jar(group, {"values": {"on": True, "hosts": []}}), flags=("--server-side",))
    assert team.told() == {}
    name = f"jars.{group}/one"
    team.patch(name, {"spec": {"values": {"more": {"paths": []}}}})
    team.patch(name, [{"op": "remove", "path": "/spec/values/hosts"}])
    assert team.told() == {"/spec/values/more": BY_HAND, "/spec/values/hosts": ("Live", "")}


def test_an_empty_list_beside_others_in_an_open_field(team: Team) -> None:
    group = f"{team.namespace}.example"
    define(team.plane, group, v1={"values": OPEN})
    body = jar(group, {"values": {"a": 1}})
    team.apply(body)
    body["spec"]["values"]["hosts"] = []
    team.kubectl("replace", "-f", "-", stdin=json.dumps(body))
    assert team.told() == {"/spec/values/hosts": ("Live", "kubectl-replace")}


def test_null_and_an_empty_map_are_applied_to_an_open_field(team: Team) -> None:
    group = f"{team.namespace}.example"
    define(team.plane, group, v1={"values": OPEN})
    team.apply(jar(group, {"values": {"ingress": {"on": True}}}), flags=("--server-side",))
    team.send("me", jar(group, {"values": {"probe": None, "empty": {}}}))
    who = ("Live", "me")
    assert team.told() == {"/spec/values/probe": who, "/spec/values/empty": who}


def test_a_default_in_a_set_of_objects(team: Team) -> None:
    group = f"{team.namespace}.example"
    item = {
        "type": "object",
        "x-kubernetes-map-type": "atomic",
        "properties": {"name": TEXT, "colour": {"type": "string", "default": "red"}},
    }
    refs = {"type": "array", "x-kubernetes-list-type": "set", "items": item}
    define(team.plane, group, v1={"refs": refs})
    team.apply(jar(group, {"refs": [{"name": "a"}, {"name": "b"}]}))
    assert team.told() == {}


def test_objects_within_an_object(team: Team) -> None:
    group = f"{team.namespace}.example"
    embedded = OPEN | {"x-kubernetes-embedded-resource": True}
    define(team.plane, group, v1=dict.fromkeys(("one", "two", "three"), embedded))
    head = {"apiVersion": "v1", "kind": "ConfigMap"}
    bare: dict[str, Any] = {"name": "x", "labels": {}, "annotations": None}
    spec = {
        "one": {**head, "metadata": {"creationTimestamp": None, "odd": "x"}},
        "two": {**head, "metadata": bare, "data": {"a": None}},
        "three": {**head, "metadata": {}},
    }
    team.apply(jar(group, spec), flags=("--validate=false",))
    assert team.told() == {}


def test_a_rule_of_the_definition_refuses_a_new_object(team: Team) -> None:
    group = f"{team.namespace}.example"
    size = {"type": "integer"}
    define(team.plane, group, v1={"size": size})
    text = "default class not found in the list of classes"
    rule = {"rule": "self < 5", "message": text}
    ruled = definition(group, v1={"size": size | {"x-kubernetes-validations": [rule]}})
    team.plane.kubectl("apply", "-f", "-", stdin=json.dumps(ruled))
    team.git(jar(group, {"size": 7}))
    assert text in until(team.refusal, "the rule to refuse it")


USUAL = {"colour": TEXT, "size": {"type": "integer"}}


def retype(team: Team, group: str) -> None:
    """Make a number of what was a text, while a jar lives that has it; a person paints it then."""
    define(team.plane, group, v1=USUAL | {"mode": {"type": "integer"}})
    team.patch(f"jars.{group}/one", {"spec": {"colour": "blue"}})


@pytest.mark.parametrize("way", ["csa", "server-side"])
def test_what_lives_is_of_another_type(team: Team, way: str) -> None:
    group = f"{team.namespace}.example"
    define(team.plane, group, v1=USUAL | {"mode": TEXT})
    team.apply(jar(group, {"colour": "red", "size": 1}), flags=SENT[way])
    team.patch(f"jars.{group}/one", {"spec": {"mode": "fast"}})
    retype(team, group)
    assert team.told() == {"/spec/colour": ("Live", ""), "/spec/mode": BY_HAND}


@pytest.mark.parametrize("way", ["csa", "server-side"])
def test_what_lives_is_of_another_type_and_git_has_the_new_one(team: Team, way: str) -> None:
    group = f"{team.namespace}.example"
    define(team.plane, group, v1=USUAL | {"mode": TEXT})
    team.apply(jar(group, {"colour": "red", "mode": "fast"}), flags=SENT[way])
    retype(team, group)
    team.git(jar(group, {"colour": "red", "mode": 3}))
    assert team.told() == dict.fromkeys(("/spec/colour", "/spec/mode"), ("Live", ""))


@pytest.mark.parametrize("way", ["csa", "server-side"])
def test_a_list_gets_keys_while_objects_live(team: Team, way: str) -> None:
    group = f"{team.namespace}.example"
    item = {"type": "object", "properties": {"name": TEXT, "value": TEXT}, "required": ["name"]}
    items = {"type": "array", "items": item}
    define(team.plane, group, v1={"items": items})
    sent = [{"name": name, "value": "1"} for name in ("a", "b")]
    team.apply(jar(group, {"items": sent}), flags=SENT[way])
    assert team.told() == {}
    keyed = {"x-kubernetes-list-type": "map", "x-kubernetes-list-map-keys": ["name"]}
    define(team.plane, group, v1={"items": items | keyed})
    patch = [
        {"op": "replace", "path": "/spec/items/0/value", "value": "2"},
        {"op": "add", "path": "/spec/items/-", "value": {"name": "c", "value": "3"}},
    ]
    team.patch(f"jars.{group}/one", patch)
    assert team.told() == {"/spec/items/0/value": BY_HAND, "/spec/items/2": BY_HAND}


OLD = {"interval": TEXT, "timeout": {"type": "string", "default": "60s"}, "implementation": TEXT}
NEW = {"interval": TEXT, "timeout": TEXT, "name": TEXT}


@pytest.mark.parametrize("way", ["csa", "server-side"])
def test_a_default_that_only_the_old_version_has_stays(team: Team, way: str) -> None:
    group = f"{team.namespace}.example"
    define(team.plane, group, v1beta1=OLD, v1=NEW)
    for version in ("v1beta1", "v1"):
        team.apply(jar(group, {"interval": "1m"}, version), flags=SENT[way])
        assert team.told() == {}


def test_only_the_status_differs_between_versions(team: Team) -> None:
    group = f"{team.namespace}.example"
    size = {"interval": TEXT}
    body: Any = definition(group, v1beta1=size, v1=size)
    for version, more in zip(body["spec"]["versions"], ({"checksum": TEXT}, {}), strict=True):
        version["subresources"] = {"status": {}}
        version["schema"]["openAPIV3Schema"]["properties"]["status"] = {
            "type": "object",
            "properties": {"path": TEXT, **more},
        }
    define(team.plane, group, v1beta1=size, v1=size)
    team.plane.kubectl("apply", "-f", "-", stdin=json.dumps(body))
    served = f"/apis/{group}/v1"
    until(lambda: len(team.plane.api.get(served)["resources"]) == 2, "the status to be served")
    team.apply(jar(group, {"interval": "1m"}), flags=("--server-side",))
    name = f"jars.{group}/one"
    team.patch(name, {"status": {"path": "x"}}, "--subresource=status")
    assert team.told() == {}
    team.send("kubectl", jar(group, {"interval": "2m"}))
    assert team.told() == {"/spec/interval": ("Live", "kubectl")}


def test_a_person_changes_what_is_being_deleted(team: Team) -> None:
    group = f"{team.namespace}.example"
    define(team.plane, group, v1={"size": {"type": "integer"}})
    body = jar(group, {"size": 1})
    mine, other = "git.example/x", "controller.example/y"
    body["metadata"]["finalizers"] = [mine]
    team.apply(body, flags=("--server-side",))
    name, flag = f"jars.{group}/one", "--field-manager=controller"
    team.patch(name, {"metadata": {"finalizers": [mine, other]}}, flag)
    team.kubectl("delete", name, "--wait=false")
    team.patch(name, {"metadata": {"finalizers": [other]}}, flag)
    team.patch(name, {"spec": {"size": 2}})
    told = team.told()
    team.patch(name, {"metadata": {"finalizers": None}})
    assert told == {"/spec/size": BY_HAND, "/metadata/finalizers/0": ("Live", "")}
