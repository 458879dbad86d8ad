"""Of an OpenAPI document is kept what comparison needs."""

from __future__ import annotations

from typing import Any

import pytest

from leadsman.compare.kinds.builtin import GoTypes
from leadsman.compare.kinds.nodes import ANY, ListType, Node, Origin, Shape
from leadsman.compare.kinds.schema import build_schema, build_schemas
from leadsman.compare.kinds.values import Format
from leadsman.errors import CompareError
from leadsman.model.finding import ABSENT
from leadsman.model.identity import Gvk
from unit.compare.samples import WIDGET, builtin_document, schema_of

_DEPLOYMENT = Gvk("apps", "v1", "Deployment")


def at(gvk: Gvk, path: str) -> Node:
    """Return the node at a path, where [] steps into a list."""
    schema = schema_of(gvk)
    assert schema is not None
    node = schema.root
    for step in path.split("."):
        for part in step.replace("[]", " []").split():
            if part == "[]":
                node = node.element
            else:
                field = node.field(part)
                assert field is not None, part
                node = field.node
    return node


def field_at(gvk: Gvk, path: str) -> Any:
    parent, _, name = path.rpartition(".")
    return at(gvk, parent).field(name)


def test_a_kind_is_found_by_group_version_and_kind() -> None:
    assert build_schema(builtin_document(), _DEPLOYMENT) is not None
    assert build_schema(builtin_document(), Gvk("apps", "v1beta1", "Deployment")) is None
    assert build_schema(builtin_document(), Gvk("", "v1", "Deployment")) is None


def test_lists_of_type_map_set_and_atomic() -> None:
    pod = "spec.template.spec"
    containers = at(_DEPLOYMENT, f"{pod}.containers")
    assert (containers.list_type, containers.keys) == (ListType.MAP, ("name",))
    ports = at(_DEPLOYMENT, f"{pod}.containers[].ports")
    assert ports.keys == ("containerPort", "protocol")
    assert ports.element.fields["protocol"].default == "TCP"
    assert at(_DEPLOYMENT, "metadata.finalizers").list_type is ListType.SET
    assert at(_DEPLOYMENT, f"{pod}.tolerations").list_type is ListType.ATOMIC
    assert at(_DEPLOYMENT, "spec.selector").atomic
    assert not at(_DEPLOYMENT, "metadata.labels").atomic


def test_a_patch_merge_key_counts_where_no_list_type_is_given() -> None:
    def keys(**extension: str) -> tuple[str, ...]:
        document = {
            "components": {
                "schemas": {
                    "io.k8s.api.x.v1.Y": {
                        "type": "object",
                        "x-kubernetes-group-version-kind": [
                            {"group": "x", "version": "v1", "kind": "Y"}
                        ],
                        "properties": {
                            "list": {"type": "array", "items": {"type": "object"}, **extension}
                        },
                    }
                }
            }
        }
        schema = build_schema(document, Gvk("x", "v1", "Y"))
        assert schema is not None
        return schema.root.fields["list"].node.keys

    merge = {
        "x-kubernetes-patch-merge-key": "id",
        "x-kubernetes-patch-strategy": "merge,retainKeys",
    }
    assert keys(**merge) == ("id",)
    assert keys(**{**merge, "x-kubernetes-patch-strategy": "replace"}) == ()
    atomic = keys(**merge, **{"x-kubernetes-list-type": "atomic"})
    assert atomic == ()


def test_formats_of_built_in_types() -> None:
    container = "spec.template.spec.containers[]"
    limits = at(_DEPLOYMENT, f"{container}.resources.limits")
    assert limits.shape is Shape.MAP
    assert limits.values is not None
    assert limits.values.node.format is Format.RESOURCE
    empty_dir = at(_DEPLOYMENT, "spec.template.spec.volumes[].emptyDir.sizeLimit")
    assert empty_dir.format is Format.QUANTITY
    port = at(_DEPLOYMENT, f"{container}.livenessProbe.httpGet.port")
    assert port.format is Format.INT_OR_STRING
    secret = at(Gvk("", "v1", "Secret"), "data")
    assert secret.values is not None
    assert secret.values.node.format is Format.BYTES
    assert at(_DEPLOYMENT, "metadata.creationTimestamp").format is Format.SECONDS


def test_pointers_keep_their_zero() -> None:
    pod = "spec.template.spec"
    assert field_at(_DEPLOYMENT, f"{pod}.automountServiceAccountToken").keeps_zero
    assert not field_at(_DEPLOYMENT, f"{pod}.hostNetwork").keeps_zero
    # Structs: a plain one is always written, a pointer is as it was given.
    assert field_at(_DEPLOYMENT, f"{pod}.securityContext").keeps_zero
    assert not field_at(_DEPLOYMENT, f"{pod}.containers[].resources").keeps_zero
    assert not field_at(_DEPLOYMENT, f"{pod}.nodeSelector").keeps_zero


def test_a_type_that_is_not_known_has_what_openapi_tells() -> None:
    types = GoTypes(kept={}, defaults={}, derived={}, assigned={})
    schema = build_schema(builtin_document(), _DEPLOYMENT, types)
    assert schema is not None
    spec = schema.root.fields["spec"].node
    assert not spec.fields["strategy"].keeps_zero
    pod = spec.fields["template"].node.fields["spec"].node
    assert pod.fields["securityContext"].keeps_zero
    assert not pod.fields["automountServiceAccountToken"].keeps_zero


def test_what_is_known_of_go_types_is_passed_in() -> None:
    types = GoTypes(
        kept={"io.k8s.api.apps.v1.DeploymentSpec": frozenset({"paused"})},
        defaults={"io.k8s.api.apps.v1.DeploymentSpec": {"replicas": 7}},
        derived={},
        assigned={"io.k8s.api.apps.v1.DeploymentSpec": frozenset({"minReadySeconds"})},
    )
    schema = build_schema(builtin_document(), _DEPLOYMENT, types)
    assert schema is not None
    spec = schema.root.fields["spec"].node
    assert spec.fields["paused"].keeps_zero
    assert spec.fields["replicas"].default == 7
    assert spec.fields["minReadySeconds"].assigned
    assert not spec.fields["replicas"].assigned


def test_zero_defaults_of_openapi_say_nothing() -> None:
    assert field_at(_DEPLOYMENT, "spec.template.spec.containers[].name").default is ABSENT
    assert field_at(_DEPLOYMENT, "spec.strategy").default is ABSENT


def test_a_type_that_contains_itself() -> None:
    crd = Gvk("apiextensions.k8s.io", "v1", "CustomResourceDefinition")
    props = at(crd, "spec.versions[].schema.openAPIV3Schema")
    assert at(crd, "spec.versions[].schema.openAPIV3Schema.properties.a.properties.b") is props
    # A schema, or something simpler in its place.
    assert at(crd, "spec.versions[].schema.openAPIV3Schema.items") is props
    assert at(crd, "spec.versions[].schema.openAPIV3Schema.default") is ANY
    assert props.is_loose


def test_only_what_has_untyped_parts_is_loose() -> None:
    schema = schema_of(_DEPLOYMENT)
    assert schema is not None
    assert not schema.root.is_loose
    widget = schema_of(WIDGET)
    assert widget is not None
    assert widget.root.is_loose
    assert not at(WIDGET, "spec.parts").is_loose


def test_custom_resources() -> None:
    spec = at(WIDGET, "spec")
    assert spec.origin is Origin.CUSTOM
    assert all(field.keeps_zero for field in spec.fields.values())
    assert spec.fields["size"].default == 3
    assert spec.fields["note"].nullable
    assert spec.fields["limits"].default == {"cpu": "1"}
    formats = {name: spec.fields[name].node.format for name in ("timeout", "retry", "memory")}
    assert formats == {
        "timeout": Format.DURATION,
        "retry": Format.DURATION,
        "memory": Format.QUANTITY,
    }
    assert spec.fields["port"].node.format is Format.PLAIN
    assert spec.fields["at"].node.format is Format.INSTANT
    assert at(WIDGET, "metadata").origin is Origin.GO


def test_unknown_fields_are_pruned_unless_the_schema_keeps_them() -> None:
    assert at(WIDGET, "spec").field("unheard-of") is None
    assert at(WIDGET, "spec.self").field("anything") is None
    values = at(WIDGET, "spec.values").field("anything")
    assert values is not None
    assert values.node is ANY


def test_types_are_shared_between_kinds() -> None:
    gvks = [Gvk("apps", "v1", kind) for kind in ("Deployment", "StatefulSet", "DaemonSet")]
    schemas = build_schemas(builtin_document(), gvks)
    pods = {id(schemas[gvk].root.fields["spec"].node.fields["template"].node) for gvk in gvks}
    assert len(pods) == 1


def test_equal_nodes_are_one() -> None:
    spec = at(_DEPLOYMENT, "spec")
    assert spec.fields["replicas"].node is spec.fields["minReadySeconds"].node


@pytest.mark.parametrize(
    "document", [None, [], {}, {"components": None}, {"components": {"schemas": []}}]
)
def test_what_is_no_openapi_is_an_error(document: Any) -> None:
    with pytest.raises(CompareError) as caught:
        build_schema(document, _DEPLOYMENT)
    assert caught.value.reason == "BadSchema"


def test_a_default_may_be_anything() -> None:
    defaults = (10**30, [{"a": 10**30}], {"a": [1]}, True, 1)
    properties = {f"p{n}": {"default": default} for n, default in enumerate(defaults)}
    schema = {
        "type": "object",
        "x-kubernetes-group-version-kind": [
            {"group": WIDGET.group, "version": WIDGET.version, "kind": WIDGET.kind}
        ],
        "properties": properties,
    }
    built = build_schema({"components": {"schemas": {"x": schema}}}, WIDGET)
    assert built is not None
    found = [built.root.fields[name].default for name in properties]
    assert list(map(repr, found)) == list(map(repr, defaults))


@pytest.mark.parametrize(
    "spec",
    [
        {"$ref": "#/components/schemas/gone"},
        {"$ref": 7},
        {"allOf": "x"},
        {"allOf": [{}, {}]},
        None,
        [],
        {"type": 1},
        {},
    ],
)
def test_a_type_that_makes_no_sense_is_unknown(spec: Any) -> None:
    document = {
        "components": {
            "schemas": {
                "broken": None,
                "a.v1.K": {
                    "x-kubernetes-group-version-kind": [
                        {"group": "a", "version": "v1", "kind": "K"},
                        "nonsense",
                    ],
                    "type": "object",
                    "properties": {"spec": spec, "list": {"type": "array", "items": None}},
                },
            }
        }
    }
    schema = build_schema(document, Gvk("a", "v1", "K"))
    assert schema is not None
    assert schema.root.fields["spec"].node.shape in {Shape.ANY, Shape.SCALAR}
    assert schema.root.fields["list"].node.element is ANY
