"""Turn the types of an OpenAPI v3 document into nodes, those of Go and those of a CRD.

Types are shared between the kinds of one document, and equal nodes are one object: a document of
many megabytes leaves a few hundred kilobytes.
"""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from leadsman.compare.access import mapping, objects
from leadsman.compare.kinds.nodes import ANY, PRUNED, Field, ListType, Node, Origin, Shape
from leadsman.compare.kinds.values import Format
from leadsman.model.finding import ABSENT

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from leadsman.compare.kinds.builtin import GoTypes
    from leadsman.model.json import Json, JsonObject

_REF = "#/components/schemas/"
# What may be a number where the schema says string, or the other way round.
_LOOSE_FORMATS = frozenset({Format.INT_OR_STRING, Format.QUANTITY})

# Component names of the project's own Go types; a CRD's begin with its reversed group.
_GO_PACKAGES = (
    "io.k8s.api.",
    "io.k8s.apimachinery.",
    "io.k8s.apiextensions-apiserver.",
    "io.k8s.kube-aggregator.",
    "io.k8s.metrics.",
)
# Types that encode themselves: what OpenAPI says of them is not their shape.
_SCALARS = {
    "resource.Quantity": Format.QUANTITY,
    "intstr.IntOrString": Format.INT_OR_STRING,
    "v1.Duration": Format.DURATION,
    "v1.Time": Format.SECONDS,
    "v1.MicroTime": Format.INSTANT,
}
_UNTYPED = ("runtime.RawExtension", "v1.FieldsV1", "v1.JSON", "runtime.Unknown", "v1beta1.JSON")
# A schema, or something simpler in its place: looked into as a schema where it is one.
_SCHEMA_OR = ("JSONSchemaPropsOrArray", "JSONSchemaPropsOrBool", "JSONSchemaPropsOrStringArray")

_FORMATS = {
    "byte": Format.BYTES,
    "date-time": Format.INSTANT,
    "duration": Format.DURATION,
    "int-or-string": Format.INT_OR_STRING,
}


class NodeBuilder:
    """Turns components into nodes; a component that is under way is found by name."""

    def __init__(self, schemas: Mapping[str, Any], types: GoTypes) -> None:
        self._schemas = schemas
        self._types = types
        self._named: dict[str, Node] = {}
        self._nodes: dict[object, Node] = {}
        self._fields: dict[object, Field] = {}

    def root(self, name: str) -> Node:
        """Return what is known of the kind that a component describes."""
        schema = self._schemas[name]
        properties = mapping(schema.get("properties"))
        is_go = name.startswith(_GO_PACKAGES) or any(
            _reference(value) for key, value in properties.items() if key != "metadata"
        )
        return self._component(name, is_go=is_go)

    def finish(self) -> None:
        """Find what is loose, which cannot be known of a type that is under way."""
        nodes = [*self._named.values(), *self._nodes.values()]
        changed = True
        while changed:
            changed = False
            for node in nodes:
                if not node.is_loose and any(child.is_loose for child in _children(node)):
                    node.is_loose = changed = True

    def _component(self, name: str, *, is_go: bool = True) -> Node:
        known = self._named.get(name)
        if known is not None:
            return known
        if name.endswith(_SCHEMA_OR):
            return self._component(name.rpartition(".")[0] + ".JSONSchemaProps")
        form = _SCALARS.get(".".join(name.split(".")[-2:])) if name.startswith("io.k8s.") else None
        if form is not None:
            return self._scalar(form, Origin.GO)
        schema = self._schemas.get(name)
        if name.endswith(_UNTYPED) or not isinstance(schema, dict):
            return ANY
        if schema.get("type") != "object" or "additionalProperties" in schema:
            # A list or map that holds itself has no end; there are no such types.
            self._named[name] = ANY
            try:
                return self._inline(schema, Origin.GO if is_go else Origin.CUSTOM)
            finally:
                del self._named[name]
        origin = Origin.GO if is_go else Origin.CUSTOM
        node = Node(Shape.OBJECT, origin)
        self._named[name] = node
        node.atomic = schema.get("x-kubernetes-map-type") == "atomic"
        node.is_open = node.is_loose = schema.get("x-kubernetes-preserve-unknown-fields") is True
        owner = name if is_go else ""
        node.fields.update(self._properties(schema, origin, owner))
        return node

    def _properties(
        self, schema: JsonObject, origin: Origin, owner: str = ""
    ) -> Iterator[tuple[str, Field]]:
        for name, value in mapping(schema.get("properties")).items():
            if name == "managedFields" and owner.endswith(".meta.v1.ObjectMeta"):
                continue  # It is never compared, and would make every object loose.
            yield sys.intern(name), self._field(mapping(value), origin, owner, name)

    def _field(self, schema: JsonObject, origin: Origin, owner: str, name: str) -> Field:
        node = self._node(schema, origin)
        default = schema.get("default", ABSENT)
        if origin is Origin.CUSTOM:
            return self._shared(node, nullable=schema.get("nullable") is True, default=default)
        kept = self._types.kept.get(owner)
        if kept is None:
            # Of a type that nobody knows, OpenAPI tells at least which structs are always written.
            keeps_zero = node.shape is Shape.OBJECT and "default" not in schema
        else:
            keeps_zero = name in kept
        if not default:
            # The zero of a field that is always written.
            default = ABSENT
        return self._shared(
            node,
            keeps_zero=keeps_zero,
            default=self._types.defaults.get(owner, {}).get(name, default),
            derive=self._types.derived.get(owner, {}).get(name),
            assigned=name in self._types.assigned.get(owner, ()),
        )

    def _node(self, schema: JsonObject, origin: Origin) -> Node:
        reference = _reference(schema)
        if not reference:
            return self._inline(schema, origin)
        node = self._component(reference)
        own = schema.get("x-kubernetes-map-type")
        if own and node.shape is Shape.OBJECT and node.atomic is not (own == "atomic"):
            # The place has another say than the type; the fields may yet be filled in.
            return self._unique(replace(node, atomic=own == "atomic"), of=reference)
        return node

    def _inline(self, schema: JsonObject, origin: Origin) -> Node:
        kind = schema.get("type")
        if kind == "array":
            return self._list(schema, origin)
        if kind == "object" or "properties" in schema or "additionalProperties" in schema:
            return self._object(schema, origin)
        form = _format(schema)
        if kind is None and form is Format.PLAIN:
            return ANY
        is_typed = origin is Origin.CUSTOM and form not in _LOOSE_FORMATS
        if origin is Origin.CUSTOM and form is Format.INT_OR_STRING:
            form = Format.PLAIN  # It is stored as it comes, and "80" may be another word than 80.
        return self._scalar(form, origin, str(kind) if is_typed and kind else "")

    def _object(self, schema: JsonObject, origin: Origin) -> Node:
        is_open = schema.get("x-kubernetes-preserve-unknown-fields") is True
        node = Node(
            Shape.OBJECT,
            origin,
            atomic=schema.get("x-kubernetes-map-type") == "atomic",
            is_open=is_open,
            is_loose=is_open,
        )
        node.fields.update(self._properties(schema, origin))
        if schema.get("x-kubernetes-embedded-resource") is True:
            for name in ("apiVersion", "kind", "metadata"):
                node.fields.setdefault(name, Field(ANY))
        rest = schema.get("additionalProperties")
        if isinstance(rest, dict):
            node.values = self._map_value(rest, origin)
        elif rest is True:
            node.values = Field(PRUNED if origin is Origin.CUSTOM and not is_open else ANY)
        elif origin is Origin.GO and not node.fields:
            return ANY
        if node.values is not None and not node.fields:
            node.shape = Shape.MAP
        return self._unique(node)

    def _map_value(self, schema: JsonObject, origin: Origin) -> Field:
        """Describe a map's values, of which also the zero ones are stored."""
        node = self._node(schema, origin)
        if origin is Origin.GO and node.format is Format.QUANTITY:
            node = self._scalar(Format.RESOURCE, origin)
        default = schema.get("default", ABSENT) if origin is Origin.CUSTOM else ABSENT
        return self._shared(node, nullable=schema.get("nullable") is True, default=default)

    def _list(self, schema: JsonObject, origin: Origin) -> Node:
        named = schema.get("x-kubernetes-list-map-keys")
        keys = (
            tuple(sys.intern(str(key)) for key in named if key) if isinstance(named, list) else ()
        )
        declared = schema.get("x-kubernetes-list-type")
        merge_key = schema.get("x-kubernetes-patch-merge-key")
        if declared is None and merge_key and not keys:
            strategies = str(schema.get("x-kubernetes-patch-strategy", "")).split(",")
            keys = (sys.intern(str(merge_key)),) if "merge" in strategies else ()
        kind = ListType.ATOMIC
        if declared == "set":
            kind = ListType.SET
        elif keys and (declared is None or declared == "map"):
            kind = ListType.MAP
        items = self._node(mapping(schema.get("items")), origin)
        return self._unique(Node(Shape.LIST, origin, items=items, list_type=kind, keys=keys))

    def _scalar(self, form: Format, origin: Origin, kind: str = "") -> Node:
        return self._unique(Node(Shape.SCALAR, origin, format=form, type=kind))

    def _unique(self, node: Node, *, of: str = "") -> Node:
        """Return the one node that is like this one; those below are unique already.

        ``of`` is the component that it is a variant of, whose fields need not be known yet.
        """
        fields = of or tuple((name, id(child)) for name, child in node.fields.items())
        below = (fields, id(node.values), id(node.items))
        own = (node.shape, node.origin, node.list_type, node.keys, node.format, node.type)
        return self._nodes.setdefault((own, below, node.atomic, node.is_open), node)

    def _shared(self, node: Node, *, default: Json = ABSENT, **rest: Any) -> Field:
        text = None if default is ABSENT else repr(default)  # as text, 1 and True differ
        made = Field(node, default=default, **rest)
        key = (id(node), text, made.keeps_zero, made.nullable, made.derive, made.assigned)
        return self._fields.setdefault(key, made)


def _children(node: Node) -> Iterator[Node]:
    for child in node.fields.values():
        yield child.node
    if node.values is not None:
        yield node.values.node
    if node.items is not None:
        yield node.items


def _reference(schema: Json) -> str:
    """Return the component that a property is, directly or as its only ``allOf``."""
    if not isinstance(schema, dict):
        return ""
    reference = schema.get("$ref")
    if reference is None:
        parts = objects(schema.get("allOf"))
        reference = parts[0].get("$ref") if len(parts) == 1 else None
    return reference.removeprefix(_REF) if isinstance(reference, str) else ""


def _format(schema: JsonObject) -> Format:
    pattern = str(schema.get("pattern", ""))
    if "[KMGTPE]i" in pattern:
        # What controller-gen writes for a quantity.
        return Format.QUANTITY
    if schema.get("x-kubernetes-int-or-string") is True:
        return Format.INT_OR_STRING
    if schema.get("type") == "string" and "ms|s|m|h" in pattern:
        return Format.DURATION
    return _FORMATS.get(str(schema.get("format", "")), Format.PLAIN)
