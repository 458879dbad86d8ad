"""Objects made from the schemas that an API server publishes, as a person might write them.

It reads OpenAPI on its own, not through the code that is tested.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import strategies as st

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from leadsman.model.json import Json, JsonObject

    Draw = Callable[[st.SearchStrategy[Any]], Any]

_REF = "#/components/schemas/"
_DEEPEST = 9
_NAMES = ("a", "b", "web", "x.y/z", "a~b", "é", "1")
_WORDS = ("", "a", "b", "web", "TCP", "Always", "é", "e\u0301", "1", "true", "null", "10")
_SPECIAL: dict[str, tuple[Json, ...]] = {
    "resource.Quantity": ("1", 1, "1000m", "0.5", "500m", "1Gi", "1024Mi", "0", 2.5, "1e3", "1k"),
    "intstr.IntOrString": (0, 1, 80, "80", "http", "25%", ""),
    "v1.Duration": ("1m", "60s", "1h0m0s", "0s"),
    "v1.Time": ("2026-01-02T03:04:05Z", "2026-01-02T04:04:05+01:00", "2027-01-01T00:00:00Z", None),
    "v1.MicroTime": ("2026-01-02T03:04:05.000000Z", "2026-01-02T03:04:05.100000Z"),
}
_FORMATS: dict[tuple[str | None, str | None], tuple[Json, ...]] = {
    ("boolean", None): (False, True),
    ("integer", None): (0, 1, 2, 80, 2**31 - 1),
    ("number", None): (0, 0.5, 1, 1.0, -0.0),
    ("string", "byte"): ("", "YQ==", "YWJj", "YWI="),
    ("string", "date-time"): _SPECIAL["v1.MicroTime"],
    ("string", None): _WORDS,
}
_UNTYPED = ("runtime.RawExtension", "v1.FieldsV1", "v1.JSON")
# What is not compared, or made here.
_ROOT = ("apiVersion", "kind", "metadata", "status")
_OR = ("OrArray", "OrBool", "OrStringArray")

_SCALARS = st.none() | st.booleans() | st.integers(-1, 2) | st.sampled_from([0.5, 1.0, *_WORDS])
ANYTHING = st.recursive(
    _SCALARS,
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(_NAMES), inner, max_size=3)
    ),
    max_leaves=6,
)


class Kinds:
    """The kinds of a document, and objects of them."""

    def __init__(self, document: JsonObject) -> None:
        self._schemas: JsonObject = document["components"]["schemas"]

    def __iter__(self) -> Iterator[tuple[str, str, str]]:
        """Yield group, version and kind of whatever has metadata."""
        for schema in self._schemas.values():
            for kind in schema.get("x-kubernetes-group-version-kind", ())[:1]:
                if "metadata" in schema.get("properties", {}) and not kind["kind"].endswith("List"):
                    yield kind["group"], kind["version"], kind["kind"]

    def objects(self, group: str, version: str, kind: str) -> st.SearchStrategy[JsonObject]:
        """Objects of one kind, some fields of it each."""
        wanted = {"group": group, "version": version, "kind": kind}
        schema = next(
            schema
            for schema in self._schemas.values()
            if wanted in schema.get("x-kubernetes-group-version-kind", ())
        )

        @st.composite
        def make(draw: Draw) -> JsonObject:
            body = self._fields(
                draw, schema, 0, without=("apiVersion", "kind", "metadata", "status")
            )
            labels = st.dictionaries(st.sampled_from(_NAMES), st.sampled_from(_WORDS), max_size=2)
            return {
                "apiVersion": f"{group}/{version}" if group else version,
                "kind": kind,
                "metadata": {"name": "a", "labels": draw(labels), "annotations": draw(labels)},
                **body,
            }

        return make()

    def _fields(
        self, draw: Draw, schema: JsonObject, depth: int, without: tuple[str, ...] = ()
    ) -> JsonObject:
        names = [name for name in schema.get("properties", {}) if name not in without]
        if not names or depth > _DEEPEST:
            return {}
        # The deeper, the fewer: there are kinds with thousands of places.
        most = 6 if depth < 2 else 3
        chosen = draw(st.lists(st.sampled_from(names), unique=True, max_size=most, min_size=1))
        return {name: self._value(draw, schema["properties"][name], depth + 1) for name in chosen}

    def _value(self, draw: Draw, schema: JsonObject, depth: int) -> Json:
        name = self._reference(schema)
        short = ".".join(name.split(".")[-2:])
        if short in _SPECIAL and name.startswith("io.k8s."):
            return draw(st.sampled_from(_SPECIAL[short]))
        if short in _UNTYPED and name.startswith("io.k8s."):
            return draw(ANYTHING)
        if name.endswith(_OR):
            name = name.rpartition(".")[0] + ".JSONSchemaProps"
        if name:
            schema = self._schemas[name]
        if draw(st.integers(0, 19)) == 0:
            return None
        if schema.get("type") == "object" or "properties" in schema:
            return self._object(draw, schema, depth)
        if schema.get("type") == "array":
            return self._list(draw, schema, depth)
        return self._scalar(draw, schema)

    def _object(self, draw: Draw, schema: JsonObject, depth: int) -> Json:
        rest = schema.get("additionalProperties")
        if isinstance(rest, dict):
            keys = draw(st.lists(st.sampled_from(_NAMES), unique=True, max_size=2))
            return {key: self._value(draw, rest, depth + 1) for key in keys}
        made = self._fields(draw, schema, depth)
        if schema.get("x-kubernetes-preserve-unknown-fields"):
            made |= draw(st.dictionaries(st.sampled_from(_NAMES), ANYTHING, max_size=2))
        return made

    def _list(self, draw: Draw, schema: JsonObject, depth: int) -> Json:
        items = [
            self._value(draw, schema["items"], depth + 1) for _ in range(draw(st.integers(0, 3)))
        ]
        kind = schema.get("x-kubernetes-list-type")
        keys = schema.get("x-kubernetes-list-map-keys") or (
            [schema["x-kubernetes-patch-merge-key"]]
            if kind is None and "merge" in schema.get("x-kubernetes-patch-strategy", "")
            else []
        )
        if kind == "set":
            return list({repr(item): item for item in items}.values())
        if not keys:
            return [item for item in items if item is not None]
        named = {}
        places = self._resolved(schema["items"]).get("properties", {})
        for item in items:
            if isinstance(item, dict):
                for key in keys:
                    # Given always: a key that is left out has a default or none at all.
                    item[key] = self._key(draw, places.get(key, {}))
                named[tuple(item[key] for key in keys)] = item
        return list(named.values())

    def _key(self, draw: Draw, schema: JsonObject) -> Json:
        kind = self._resolved(schema).get("type")
        return (
            draw(st.integers(1, 3)) if kind == "integer" else draw(st.sampled_from(("x", "y", "z")))
        )

    def _scalar(self, draw: Draw, schema: JsonObject) -> Json:
        kind, form = schema.get("type"), schema.get("format")
        if "enum" in schema:
            return draw(st.sampled_from(schema["enum"]))
        if kind is None and (schema.get("x-kubernetes-int-or-string") or "anyOf" in schema):
            return draw(st.sampled_from(_SPECIAL["intstr.IntOrString"]))
        known = _FORMATS.get((kind, form)) or _FORMATS.get((kind, None))
        return draw(ANYTHING if known is None else st.sampled_from(known))

    def _resolved(self, schema: JsonObject) -> JsonObject:
        name = self._reference(schema)
        return self._schemas.get(name, schema) if name else schema

    @staticmethod
    def _reference(schema: JsonObject) -> str:
        parts = schema.get("allOf") or [schema]
        return str(parts[0].get("$ref", "")).removeprefix(_REF) if len(parts) == 1 else ""


@st.composite
def blended(draw: Draw, one: Json, other: Json) -> Json:
    """A value between two: some of each, some left out, lists in another order."""
    choice = draw(st.integers(0, 9))
    if isinstance(one, dict) and isinstance(other, dict) and choice < 9:
        made = {}
        for key in [*one, *(key for key in other if key not in one)]:
            if key in one and key in other:
                made[key] = draw(blended(one[key], other[key]))
            elif draw(st.integers(0, 3)):
                made[key] = one.get(key, other.get(key))
        return made
    if isinstance(one, list) and isinstance(other, list) and choice < 6:
        kept = [item for item in one if draw(st.integers(0, 4))]
        return draw(st.permutations(kept))
    return one if choice < 5 else other
