"""Whatever is said of a kind or of owners: a verdict or a reason, and drift is found."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadsman.compare.judge import judge
from leadsman.compare.kinds.schema import build_schemas
from leadsman.errors import CompareError
from leadsman.model.finding import State
from leadsman.model.identity import Gvk
from unit.compare.generated import ANYTHING, Kinds
from unit.compare.samples import (
    WIDGET,
    WIDGET_DOCUMENT,
    builtin_document,
    deployment,
    desired,
    entry,
    owned,
    policy,
    served,
    verdict,
    widget,
)

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leadsman.model.json import Json, JsonObject

_SETTINGS = settings(suppress_health_check=list(HealthCheck), max_examples=60)
POLICY = policy()
CONFIG_MAP: JsonObject = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a"}}
DEPLOYMENT = Gvk("apps", "v1", "Deployment")
WIDGETS: JsonObject = {
    "components": {
        "schemas": {
            **builtin_document()["components"]["schemas"],
            **WIDGET_DOCUMENT["components"]["schemas"],
        }
    }
}
_REFERENCES = st.sampled_from(list(WIDGETS["components"]["schemas"])).map(
    lambda name: {"$ref": f"#/components/schemas/{name}"}
)
_JUNK = (
    ANYTHING
    | _REFERENCES
    | st.sampled_from(
        [
            {"$ref": "#/components/schemas/nothing"},
            {"$ref": 7},
            {"allOf": [None]},
            {"type": ["object", "null"]},
            {"type": {}},
            {"x-kubernetes-list-type": "map", "type": "array"},
            {"x-kubernetes-list-map-keys": 5, "type": "array"},
            {"x-kubernetes-list-map-keys": [{}, None, "name"], "type": "array", "items": []},
            {"type": "object", "additionalProperties": 1, "properties": []},
            {"pattern": 7, "format": [], "default": {"a": [1]}},
            10**30,
            1e300,
        ]
    )
)


def reachable(document: JsonObject, name: str) -> set[str]:
    """The components that one leads to."""
    schemas, found, todo = document["components"]["schemas"], set(), [name]
    while todo:
        at = todo.pop()
        if at in found or at not in schemas:
            continue
        found.add(at)
        todo += _references(schemas[at])
    return found


def _references(value: Json) -> Iterator[str]:
    if isinstance(value, dict):
        if isinstance(value.get("$ref"), str):
            yield value["$ref"].rpartition("/")[2]
        for item in value.values():
            yield from _references(item)
    elif isinstance(value, list):
        for item in value:
            yield from _references(item)


def spoiled(
    data: st.DataObject, value: Json, junk: st.SearchStrategy[Any], *, cut: bool = True
) -> Json:
    """Return a copy with junk somewhere, or, with ``cut``, without something."""
    if isinstance(value, dict | list) and value and data.draw(st.integers(0, 6)):
        copy: Any = dict(value) if isinstance(value, dict) else list(value)
        places = list(copy) if isinstance(copy, dict) else list(range(len(copy)))
        at = data.draw(st.sampled_from(places))
        if cut and data.draw(st.integers(0, 9)) == 0:
            del copy[at]
        else:
            copy[at] = spoiled(data, copy[at], junk, cut=cut)
        return copy
    return data.draw(junk)


def spoiled_document(data: st.DataObject, names: list[str]) -> JsonObject:
    schemas = dict(WIDGETS["components"]["schemas"])
    for name in data.draw(st.lists(st.sampled_from(names), min_size=1, max_size=4)):
        if name in schemas:
            schemas[name] = spoiled(data, schemas[name], _JUNK)
    return {"components": {"schemas": schemas}}


POD_PARTS = sorted(
    name
    for name in reachable(WIDGETS, "io.k8s.api.apps.v1.Deployment")
    if name.endswith(
        ("Deployment", "DeploymentSpec", "PodTemplateSpec", "PodSpec", "Container", "ObjectMeta")
    )
)


@given(data=st.data())
@_SETTINGS
def test_a_bad_schema_hides_no_change_of_a_built_in_kind(data: st.DataObject) -> None:
    document = spoiled_document(data, [*POD_PARTS, *POD_PARTS, *WIDGETS["components"]["schemas"]])
    schema = build_schemas(document, (DEPLOYMENT, WIDGET)).get(DEPLOYMENT)
    git = deployment()
    live = served(git)
    live["spec"]["template"]["spec"]["containers"][0]["image"] = "nginx:2"
    judge(desired(git), served(git), schema, POLICY)
    finding = judge(desired(git), live, schema, POLICY)
    assert finding is not None
    assert finding.state is State.MODIFIED


@given(data=st.data())
@_SETTINGS
def test_a_bad_schema_of_a_custom_resource_is_a_verdict(data: st.DataObject) -> None:
    document = spoiled_document(data, ["com.example.v1.Widget"])
    schema = build_schemas(document, (WIDGET,)).get(WIDGET)
    spec = {"size": 5, "parts": [{"name": "a", "count": 1}], "tags": ["x"], "values": {"a": [1]}}
    git = widget(spec)
    assert judge(desired(git), deepcopy(git), schema, POLICY) is None


@pytest.mark.parametrize("name", ["com.example.v1.Widget"])
@pytest.mark.parametrize("junk", [{}, [], None, 7, {"type": "object"}, {"$ref": "#/x"}])
def test_a_definition_that_is_junk(name: str, junk: Json) -> None:
    schemas = {**WIDGETS["components"]["schemas"], name: junk}
    assert build_schemas({"components": {"schemas": schemas}}, (WIDGET,)).get(WIDGET) is None


@given(ANYTHING)
@_SETTINGS
def test_what_is_no_document_is_refused(junk: Json) -> None:
    for document in (junk, {"components": junk}, {"components": {"schemas": junk}}):
        try:
            found = build_schemas(document, (WIDGET,))
        except CompareError:
            continue
        assert found == {}


def test_references_that_lead_to_themselves() -> None:
    ref = {"$ref": "#/components/schemas/a"}
    kind = {"x-kubernetes-group-version-kind": [{"group": "", "version": "v1", "kind": "Loop"}]}
    loop = Gvk("", "v1", "Loop")
    for schema in (
        {**ref},
        {"type": "array", "items": ref},
        {"type": "object", "properties": {"a": ref, "b": {"type": "array", "items": ref}}},
        {"type": "object", "additionalProperties": ref},
        {"allOf": [ref]},
    ):
        document = {"components": {"schemas": {"a": schema, "b": {**schema, **kind}}}}
        for name in ("a", "b"):
            built = {**document["components"]["schemas"]}
            built[name] = {**built[name], **kind}
            found = build_schemas({"components": {"schemas": built}}, (loop,)).get(loop)
            git = {"apiVersion": "v1", "kind": "Loop", "metadata": {"name": "a"}, "a": {"a": [1]}}
            assert judge(desired(git), deepcopy(git), found, POLICY) is None


OWNED = owned(
    {},
    entry("kustomize-controller", {"f:spec": {"f:replicas": {}}}, "Apply"),
    entry("kubectl-label", {"f:metadata": {"f:labels": {"f:eve": {}}}}),
    entry(
        "kubectl-edit",
        {
            "f:spec": {
                "f:template": {
                    "f:spec": {
                        "f:containers": {
                            'k:{"name":"web"}': {
                                "f:env": {".": {}, 'k:{"name":"EVE"}': {".": {}, "f:name": {}}}
                            }
                        }
                    }
                }
            }
        },
    ),
)["metadata"]["managedFields"]
ENV = "/spec/template/spec/containers/0/env"


_NOT_EMPTY = ANYTHING.filter(lambda junk: junk != {} and not isinstance(junk, dict))


@given(data=st.data())
@_SETTINGS
def test_corrupt_owners_hide_nothing(data: st.DataObject) -> None:
    git = deployment()
    live = deepcopy(git)
    live["spec"]["replicas"] = 5
    live["metadata"]["labels"]["eve"] = "x"
    live["spec"]["template"]["spec"]["containers"][0]["env"] = [{"name": "EVE"}]
    # What is taken out leaves no trace; junk in its place does.
    live["metadata"]["managedFields"] = spoiled(data, OWNED, _NOT_EMPTY, cut=False)
    finding = verdict(git, live)
    assert finding is not None
    assert finding.state is State.MODIFIED
    found = {change.path for change in finding.changes}
    assert "/spec/replicas" in found
    assert "/metadata/labels/eve" in found
    assert any(path.startswith(ENV) for path in found)


@given(data=st.data())
@_SETTINGS
def test_owners_of_any_sort_are_a_verdict(data: st.DataObject) -> None:
    git = deployment()
    live = deepcopy(git)
    live["spec"]["replicas"] = 5
    live["metadata"]["labels"]["eve"] = "x"
    live["metadata"]["managedFields"] = data.draw(ANYTHING | st.lists(ANYTHING))
    finding = verdict(git, live)
    assert finding is not None
    assert {change.path for change in finding.changes} == {"/spec/replicas", "/metadata/labels/eve"}
    live["metadata"]["annotations"] = data.draw(ANYTHING)
    assert verdict(git, live) is not None


_TEXTS = st.text(st.characters(codec="utf-8"), max_size=20) | st.sampled_from(
    [
        "\0",
        "\ufeff",
        "\u2028",
        "\u202e",
        "é",
        "e\u0301",
        "\U0001f600",
        "\u200b",
        "a\u0000b",
        "İ",
        "ß",
    ]
)


@given(_TEXTS, _TEXTS)
@_SETTINGS
def test_texts_differ_where_their_characters_do(one: str, other: str) -> None:
    for schemaless in (False, True):
        git = CONFIG_MAP | {"data": {"k": one}}
        live = {**git, "data": {"k": other}}
        assert (verdict(git, live, schemaless=schemaless) is None) is (one == other)
        live = {**git, "data": {"k": one, other or "x": one}}
        finding = verdict(git, live, schemaless=schemaless)
        assert (finding is None) is ((other or "x") == "k")
        if finding is not None:
            orjson.dumps([change.path + change.field for change in finding.changes])


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (1, 1.0, True),
        (0, -0.0, True),
        (1, True, False),
        (0, False, False),
        (0.1 + 0.2, 0.3, False),
        (2**53, 2**53 + 1, False),
        (2**63, float(2**63), True),
        (10**18, 10**18 + 1, False),
        ("1", 1, False),
        ("é", "e\u0301", False),
        (None, "", False),
    ],
)
def test_values_of_no_known_type(one: Json, other: Json, same: bool) -> None:  # noqa: FBT001
    git, live = widget({"values": {"a": one}}), widget({"values": {"a": other}})
    assert (verdict(git, live) is None) is same


@pytest.mark.parametrize("levels", [100, 500, 900])
def test_deep_objects(levels: int) -> None:
    def deep(leaf: Json) -> JsonObject:
        value: Json = leaf
        for level in range(levels):
            value = [value] if level % 3 == 0 else {"a": value}
        return widget({"values": {"a": value}})

    assert verdict(deep(1), deep(1)) is None
    for schemaless in (False, True):
        finding = verdict(deep(1), deep(2), schemaless=schemaless)
        assert finding is not None
        (change,) = finding.changes
        assert (change.desired, change.live) == (1, 2)
    finding = verdict(widget({"values": {}}), deep(1))
    assert finding is not None
    assert finding.state is State.ADDED


def test_wide_objects() -> None:
    values = {f"key-{number}": "x" * 40 for number in range(20_000)}
    git = CONFIG_MAP | {"data": values}
    assert verdict(git, deepcopy(git)) is None
    finding = verdict(git, {**git, "data": values | {"key-7": "y"}})
    assert finding is not None
    assert [change.path for change in finding.changes] == ["/data/key-7"]


def test_the_kinds_of_the_fuzzing_are_there() -> None:
    assert DEPLOYMENT in {Gvk(*kind) for kind in Kinds(builtin_document())}
