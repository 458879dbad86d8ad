"""What a place in an object is, read from the API server's OpenAPI v3 as it is published.

Written apart from Leadsman's own reading of it: the judge must not share the defendant's mistakes.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

_REF = "#/components/schemas/"
# They are written as the one or the other, of which only a schema has places to change.
_SCHEMA_OR = ("JSONSchemaPropsOrArray", "JSONSchemaPropsOrBool", "JSONSchemaPropsOrStringArray")


@dataclass(frozen=True, slots=True)
class Type:
    """A place's schema, and the name of the component it belongs to with the way from there."""

    schema: dict[str, Any]
    name: str
    components: dict[str, Any]

    @property
    def properties(self) -> dict[str, Any]:
        """The named fields of an object."""
        found: dict[str, Any] = self.schema.get("properties") or {}
        return found

    @property
    def kind(self) -> str:
        """One of object, map, list, quantity, int-or-string, any, or a JSON type."""
        if self.name.endswith("resource.Quantity"):
            return "quantity"
        if self.name.endswith("IntOrString") or self.schema.get("x-kubernetes-int-or-string"):
            return "int-or-string"
        if self.schema.get("x-kubernetes-preserve-unknown-fields") and not self.properties:
            return "any"
        if self.schema.get("additionalProperties"):
            return "map"
        said = str(self.schema.get("type", "any"))
        form = str(self.schema.get("format", ""))
        if said == "string" and form in {"date-time", "byte"}:
            return form
        return {"array": "list"}.get(said, said)

    @property
    def keys(self) -> tuple[str, ...]:
        """What tells the elements of a list apart, () where nothing does."""
        if self.schema.get("x-kubernetes-list-type") in {None, "map"}:
            return tuple(self.schema.get("x-kubernetes-list-map-keys") or ())
        return ()

    @property
    def order(self) -> str:
        """``free`` for sets and maps, ``fixed`` for atomic lists, ``doubtful`` in between."""
        if self.schema.get("x-kubernetes-list-type") in {"map", "set"}:
            return "free"
        return "doubtful" if self.schema.get("x-kubernetes-patch-merge-key") else "fixed"

    @property
    def is_whole(self) -> bool:
        """Whether it is owned and replaced as a whole."""
        if self.kind == "list":
            return self.order != "free"
        return self.schema.get("x-kubernetes-map-type") == "atomic"

    def field(self, name: str) -> Type:
        """The type of a field, or of a map's values."""
        schema = self.properties.get(name)
        if schema is None:
            rest = self.schema.get("additionalProperties")
            schema = rest if isinstance(rest, dict) else {}
        return self._resolved(schema, f"{self.name}.{name}")

    @property
    def element(self) -> Type:
        """The type of a list's elements."""
        return self._resolved(self.schema.get("items") or {}, f"{self.name}[]")

    def _resolved(self, schema: dict[str, Any], name: str) -> Type:
        reference = schema.get("$ref")
        parts: list[dict[str, Any]] = schema.get("allOf") or []
        if reference is None and len(parts) == 1:
            reference = parts[0].get("$ref")
        if reference is None:
            return Type(schema, name, self.components)
        component = reference.removeprefix(_REF)
        if component.endswith(_SCHEMA_OR):
            component = component.rpartition(".")[0] + ".JSONSchemaProps"
        merged = {**self.components.get(component, {}), **_extensions(schema)}
        return Type(merged, component, self.components)


def _extensions(schema: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in schema.items() if key.startswith("x-kubernetes-")}


def root_type(document: dict[str, Any], group: str, version: str, kind: str) -> Type | None:
    """Return the type of a kind, None where the document does not describe it."""
    components = document["components"]["schemas"]
    wanted = {"group": group, "version": version, "kind": kind}
    for name, schema in components.items():
        if wanted in (schema.get("x-kubernetes-group-version-kind") or ()):
            return Type(schema, name, components)
    return None
