"""Custom resources, and their definitions that change."""

from __future__ import annotations

import json
from copy import deepcopy
from typing import TYPE_CHECKING, Any

import pytest

from controlplane.webhook import Converter
from e2e.everyday.team import SENT
from harness.jars import define, jar

if TYPE_CHECKING:
    from e2e.everyday.team import Team


def test_a_definition_gets_a_default_and_a_field_while_objects_live(team: Team) -> None:
    group = f"{team.namespace}.example"
    size, lid = {"size": {"type": "integer"}}, {"lid": {"type": "string"}}
    colour = {"colour": {"type": "string", "default": "red"}}
    define(team.plane, group, v1=size)
    # What the schema does not know is not stored.
    team.apply(jar(group, {"size": 1, "lid": "tin"}), flags=("--validate=false",))
    assert team.told() == {}
    define(team.plane, group, v1=size | colour)
    assert team.told() == {}
    # Now it would be stored, and is not there.
    define(team.plane, group, v1=size | colour | lid)
    told = {"/spec/lid": ("Live", "")}
    assert team.told() == told
    team.kubectl("patch", f"jars.{group}/one", "--type=merge", "-p", '{"spec":{"colour":"blue"}}')
    assert team.told() == told | {"/spec/colour": ("Live", "kubectl-patch")}


@pytest.mark.parametrize("way", SENT)
def test_a_definition_gives_a_field_another_type_while_objects_live(team: Team, way: str) -> None:
    """The API server lets them live on, and notes from then on no more who writes to them."""
    group = f"{team.namespace}.example"
    usual = {"colour": {"type": "string"}, "size": {"type": "integer"}}
    define(team.plane, group, v1=usual | {"mode": {"type": "string"}})
    team.apply(jar(group, {"colour": "red", "mode": "fast"}), flags=SENT[way])
    assert team.told() == {}
    define(team.plane, group, v1=usual | {"mode": {"type": "integer"}})
    patch = [
        {"op": "remove", "path": "/spec/colour"},
        {"op": "add", "path": "/spec/size", "value": 5},
    ]
    team.kubectl("patch", f"jars.{group}/one", "--type=json", "-p", json.dumps(patch))
    # Git's own mode is refused by now, so that DryRun says Rejected.
    told = team.read_only()
    assert told == {"/spec/colour": ("Live", ""), "/spec/size": ("Live", "")}


@pytest.mark.parametrize("version", ["v1beta1", "v1"])
@pytest.mark.parametrize("lid", [{"default": "tin"}, {}])
def test_a_version_that_another_cannot_be_read_as(
    team: Team, version: str, lid: dict[str, str]
) -> None:
    """What v1beta1 owns cannot be noted once v1 has a lid, which only v1 declares."""
    group = f"{team.namespace}.example"
    common = {"colour": {"type": "string"}, "size": {"type": "integer"}}
    newer = common | {"lid": {"type": "string"} | lid, "mode": {"type": "string"}}
    define(team.plane, group, v1beta1=common | {"mode": {"type": "string"}}, v1=newer)
    other, *_ = {"v1beta1", "v1"} - {version}
    team.apply(jar(group, {"colour": "red", "mode": "fast"}, version), flags=("--server-side",))
    assert team.told() == {}
    patch = [
        {"op": "remove", "path": "/spec/colour"},
        {"op": "add", "path": "/spec/size", "value": 5},
        {"op": "replace", "path": "/spec/mode", "value": "slow"},
    ]
    if other == "v1":
        patch.append({"op": "add", "path": "/spec/lid", "value": "iron"})
    team.kubectl("patch", f"jars.{other}.{group}/one", "--type=json", "-p", json.dumps(patch))
    # What v1 declares, v1beta1 can be noted beside.
    who = "" if version == "v1beta1" else "kubectl-patch"
    told = {f"/spec/{name}": ("Live", who) for name in ("size", "mode")}
    assert team.told() == told | {"/spec/colour": ("Live", "")}


@pytest.mark.parametrize("way", SENT)
def test_a_person_sends_what_only_an_old_version_has(team: Team, way: str) -> None:
    """It is not stored, but while it is there the API server notes nobody."""
    group = f"{team.namespace}.example"
    common = {"size": {"type": "integer"}, "colour": {"type": "string"}}
    older = common | {"colour": {"type": "string", "default": "red"}, "lid": {"type": "string"}}
    define(team.plane, group, v1beta1=older, v1=common)
    team.apply(jar(group, {"size": 1}), flags=SENT[way])
    assert team.told() == {}
    patch = json.dumps({"spec": {"size": 9, "lid": "tin", "colour": "blue"}})
    team.kubectl("patch", f"jars.v1beta1.{group}/one", "--type=merge", "-p", patch)
    assert team.told() == {"/spec/size": ("Live", ""), "/spec/colour": ("Live", "")}


@pytest.mark.parametrize("way", SENT)
def test_git_has_what_only_an_old_version_has(team: Team, way: str) -> None:
    """It can't be stored, whatever Git says, so that its absence is no drift."""
    group = f"{team.namespace}.example"
    text = {"type": "string"}
    lid = {"type": "object", "properties": {"name": text}}
    older = {"type": "object", "properties": {"name": text, "namespace": text}}
    define(team.plane, group, v1beta1={"lid": older, "label": text}, v1={"lid": lid})
    spec = {"lid": {"name": "tin", "namespace": "kitchen"}, "label": "jam"}
    team.apply(jar(group, spec, "v1beta1"), flags=SENT[way])
    assert team.told() == {}
    patch = json.dumps({"spec": {"lid": {"name": "iron"}}})
    team.kubectl("patch", f"jars.v1.{group}/one", "--type=merge", "-p", patch)
    (path,) = team.told()
    assert path == "/spec/lid/name"


def repaint(jar: dict[str, Any], version: str) -> dict[str, Any]:
    """Convert a jar as webhooks do: what is flat in v1beta1 has a place of its own in v1."""
    made = deepcopy(jar)
    spec = made["spec"]
    if version.endswith("/v1"):
        paint = {name: spec.pop(name) for name in ("colour", "gloss") if name in spec}
        if paint:
            spec["paint"] = paint
    else:
        spec |= spec.pop("paint", {})
    return made


@pytest.mark.parametrize("way", SENT)
def test_a_webhook_makes_one_version_of_another(team: Team, way: str) -> None:
    group = f"{team.namespace}.example"
    text = {"type": "string"}
    paint = {"colour": text, "gloss": text}
    own = {"size": {"type": "integer", "default": 3}, "lid": text, "label": text}
    v1 = own | {"paint": {"type": "object", "properties": paint}}
    with Converter(repaint) as webhook:
        define(team.plane, group, webhook.conversion, v1beta1=own | paint, v1=v1)
        sent = {"colour": "red", "lid": "tin", "label": "jam"}
        team.apply(jar(group, sent, "v1beta1"), flags=SENT[way])
        assert team.told() == {}
        patch = [
            {"op": "replace", "path": "/spec/paint/colour", "value": "blue"},
            {"op": "add", "path": "/spec/paint/gloss", "value": "high"},
            {"op": "replace", "path": "/spec/label", "value": "jelly"},
            {"op": "remove", "path": "/spec/lid"},
        ]
        name = f"jars.v1.{group}/one"
        team.kubectl("patch", name, "--type=json", "-p", json.dumps(patch))
        who = ("Live", "kubectl-patch")
        told = dict.fromkeys(("/spec/colour", "/spec/gloss", "/spec/label"), who)
        assert team.told() == told | {"/spec/lid": ("Live", "")}
        # Delivered in the one version, and written in Git in the other.
        in_v1 = {"paint": {"colour": "blue", "gloss": "high"}, "label": "jelly"}
        (team.folder / "all.yaml").write_text(json.dumps(jar(group, in_v1)))
        assert team.told() == {}
        team.kubectl("delete", f"crd/jars.{group}")


NULLS = {
    "open": {"type": "string", "nullable": True},
    "given": {"type": "string", "nullable": True, "default": "red"},
    "never": {"type": "string", "default": "red"},
}


@pytest.mark.parametrize(
    ("command", "former"),
    [
        ("create", None),
        ("apply", None),
        ("apply", "x"),
        ("apply --server-side", None),
        ("apply --server-side", "x"),
    ],
)
def test_null_in_git(team: Team, command: str, former: str | None) -> None:
    group = f"{team.namespace}.example"
    define(team.plane, group, v1=NULLS)
    if former is not None:
        before = jar(group, dict.fromkeys(NULLS, former))
        team.kubectl(*command.split(), "-f", "-", stdin=json.dumps(before))
    (team.folder / "all.yaml").write_text(json.dumps(jar(group, dict.fromkeys(NULLS))))
    team.kubectl(*command.split(), "-f", str(team.folder))
    assert team.told() == {}
    # To kubectl apply, null is the word to remove a field, after which the default is right.
    for given, is_drift in (("blue", True), ("red", command != "apply")):
        patch = {"spec": {"open": "x", "given": given}}
        team.kubectl("patch", f"jars.{group}/one", "--type=merge", "-p", json.dumps(patch))
        told = {"/spec/open": ("Live", "kubectl-patch")}
        if is_drift:
            told["/spec/given"] = ("Live", "kubectl-patch")
        assert team.told() == told, given


def test_null_in_a_list(team: Team) -> None:
    """kubectl leaves it out when it creates, and the API server when it merges."""
    group = f"{team.namespace}.example"
    element = {"type": "object", "properties": {"a": {"type": "string", "nullable": True}}}
    items = {"type": "array", "items": element}
    define(team.plane, group, v1={"items": items, "size": {"type": "integer"}})
    for size in (1, 2):
        team.apply(jar(group, {"items": [{"a": None}, {"a": "x"}], "size": size}))
        assert team.told() == {}
    patch = {"spec": {"items": [{"a": "y"}, {"a": "x"}]}}
    team.kubectl("patch", f"jars.{group}/one", "--type=merge", "-p", json.dumps(patch))
    assert team.told() == {"/spec/items/0/a": ("Live", "kubectl-patch")}


def test_an_object_of_one_and_a_half_megabytes(team: Team) -> None:
    group = f"{team.namespace}.example"
    define(team.plane, group, v1={"lines": {"type": "array", "items": {"type": "string"}}})
    large = jar(group, {"lines": [f"line {number}" for number in range(115_200)]})
    assert len(json.dumps(large, separators=(",", ":"))) > 1_500_000
    team.apply(large, flags=("--server-side",))
    assert team.told() == {}
    place = "/spec/lines/115199"
    patch = [{"op": "replace", "path": place, "value": "other"}]
    team.kubectl("patch", f"jars.{group}/one", "--type=json", "-p", json.dumps(patch))
    assert team.told() == {place: ("Live", "kubectl-patch")}
