"""Which file each object comes from, by a build of the kustomization apart.

Kustomize says it in an annotation, if asked. In the build itself the annotation would change what
is rendered: a replacement may copy it, a patch may find annotations where there are none.
"""

from __future__ import annotations

import posixpath
from typing import TYPE_CHECKING, Final

from leadsman.render.builder import YamlError
from leadsman.render.decoder import parse

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from leadsman.model.json import Json, JsonObject

_ANNOTATION: Final = "config.kubernetes.io/origin"
_FIELD: Final = "buildMetadata"
_OPTION: Final = "originAnnotations"


def asks_for_origins(body: JsonObject) -> bool:
    """Say whether a kustomization itself asks for the annotations."""
    return _OPTION in _options(body.get(_field(body)))


def with_origins(body: JsonObject, *, instead: bool = False) -> JsonObject:
    """Return a kustomization that asks for the annotations, too, or ``instead`` of others."""
    field = _field(body)
    others = [] if instead else _options(body.get(field))
    return {**body, field: [*others, _OPTION]}


def read_origins(output: bytes, kinds: Sequence[str], links: Mapping[str, str]) -> list[str]:
    """Return each object's file, relative to the kustomization, "" where it is not known.

    ``output`` is the build's with annotations, ``kinds`` are those of the objects in the one
    without, ``links`` map names that stand for others in the kustomization to those.
    """
    try:
        found = [item.value for item in parse(output, lambda _line, _key: None)]
    except YamlError:
        found = []
    if [kind_of(body) for body in found] != list(kinds):
        return [""] * len(kinds)
    return [_file(body, links) for body in found]


def kind_of(body: Json) -> str:
    """Return a manifest's kind, "" if it has none."""
    return str(body.get("kind", "")) if isinstance(body, dict) else ""


def _field(body: JsonObject) -> str:
    """Return the name that the field has: Go's JSON decoder takes it in any case."""
    return next((name for name in body if name.lower() == _FIELD.lower()), _FIELD)


def _options(value: Json) -> list[Json]:
    return list(value) if isinstance(value, list) else []


def _file(body: Json, links: Mapping[str, str]) -> str:
    metadata = body.get("metadata") if isinstance(body, dict) else None
    annotations = metadata.get("annotations") if isinstance(metadata, dict) else None
    text = annotations.get(_ANNOTATION) if isinstance(annotations, dict) else None
    if not isinstance(text, str):
        return ""
    try:
        documents = parse(text.encode(), lambda _line, _key: None)
    except YamlError:
        return ""
    # The repository may set the annotation itself, to anything.
    origin = documents[0].value if documents else None
    path = origin.get("path") or origin.get("configuredIn") if isinstance(origin, dict) else None
    if not isinstance(path, str):
        return ""
    first, *below = path.split("/")
    return posixpath.join(links.get(first, first), *below)
