"""From manifests to desired objects: lists opened, names checked, namespaces set.

Source: ``FlattenListVisitor`` and ``SetNamespace`` in ``k8s.io/cli-runtime/pkg/resource``,
``unstructuredJSONScheme`` in apimachinery for items that do not say their kind.
"""

from __future__ import annotations

import hashlib
import re
import sys
from collections.abc import Callable, Iterable, Iterator
from typing import TYPE_CHECKING, Final

from leadsman.errors import RenderError
from leadsman.model.desired import DesiredObject, Rendered
from leadsman.model.identity import Gvk, ObjectKey
from leadsman.model.json import canonical
from leadsman.render.documents import Documents, Manifest
from leadsman.render.messages import shorten

if TYPE_CHECKING:
    from leadsman.model.json import JsonObject

_CRD_GROUP: Final = "apiextensions.k8s.io"
_CRD_KIND: Final = "CustomResourceDefinition"
_DIGEST_BYTES: Final = 16
_LONGEST_NAME: Final = 253
# Its names are bound by no length.
_RBAC: Final = "rbac.authorization.k8s.io"
_LONGEST_LABEL: Final = 63
_LABEL: Final = re.compile(r"[a-z0-9](?:[-a-z0-9]*[a-z0-9])?")
_LABEL_RULE: Final = "up to 63 of a-z, 0-9 and -, and no - at the ends"

Scope = Callable[[str, str], bool | None]


def assemble(documents: Documents, *, renderer: str, namespace: str, scope: Scope) -> Rendered:
    """Make objects of what a renderer yields, without duplicates: the last one counts.

    ``namespace`` is that of namespaced objects that name none; cluster-scoped ones lose theirs.
    Where nobody knows a kind's scope, neither the cluster nor a CRD among the manifests, an object
    stays as it is written. Raises RenderError for what is no object.
    """
    warnings = list(documents.warnings)
    flat = [item for manifest in documents.manifests for item in _flatten(manifest)]
    defined = dict(_defined_scopes(item.body for item in flat))
    objects: dict[ObjectKey, DesiredObject] = {}
    for manifest in flat:
        body = manifest.body
        gvk = Gvk.parse(body["apiVersion"], body["kind"])
        metadata = _metadata(manifest, warnings)
        if metadata is None:
            continue
        known = scope(gvk.group, gvk.kind)
        namespaced = defined.get((gvk.group, gvk.kind)) if known is None else known
        placed = _place(metadata, namespace, namespaced=namespaced)
        _check_names(manifest, gvk, placed)
        where = sys.intern(placed.get("namespace", ""))
        key = ObjectKey.of(gvk.group, gvk.kind, where, placed["name"])
        former = objects.pop(key, None)
        if former is not None:
            warnings.append(
                f"{key} is rendered twice, by {former.file} and by {manifest.file}: "
                "the last one counts"
            )
        text = canonical({**body, "metadata": placed})
        digest = hashlib.sha256(text).digest()[:_DIGEST_BYTES]
        objects[key] = DesiredObject(key, gvk, text, digest, manifest.file)
    return Rendered(tuple(objects.values()), renderer, tuple(dict.fromkeys(warnings)))


def _flatten(manifest: Manifest) -> Iterator[Manifest]:
    """Yield the object, or what is in it if it is a list."""
    body = manifest.body
    if not isinstance(body, dict):
        raise _no_object(manifest, "is no mapping")
    for field in ("apiVersion", "kind"):
        if not isinstance(body.get(field), str) or not body[field]:
            raise _no_object(manifest, f"has no {field}")
    items = body.get("items")
    if not body["kind"].endswith("List") or not isinstance(items, list):
        yield manifest
        return
    for item in items:
        if isinstance(item, dict) and "kind" not in item and body["kind"] != "List":
            # A typed list says it for all.
            item = {  # noqa: PLW2901 - the item, completed
                "apiVersion": body["apiVersion"],
                "kind": body["kind"].removesuffix("List"),
                **item,
            }
        yield from _flatten(Manifest(item, manifest.file, manifest.line))


def _metadata(manifest: Manifest, warnings: list[str]) -> JsonObject | None:
    """Return the object's metadata; None for one whose name the API server would make up."""
    metadata = manifest.body.get("metadata")
    if not isinstance(metadata, dict):
        raise _no_object(manifest, "has no metadata")
    what = f"{manifest.body['kind']} of {manifest.body['apiVersion']}"
    for field in ("name", "namespace"):
        value = metadata.get(field)
        if value is not None and not isinstance(value, str):
            raise _no_object(
                manifest, f"{what}: metadata.{field} is {value!r} and no string: put it in quotes"
            )
    if metadata.get("name"):
        return metadata
    if metadata.get("generateName"):
        warnings.append(
            f"{manifest}: a {manifest.body['kind']} has generateName and no name, so there is "
            "nothing to compare it with: left out"
        )
        return None
    raise _no_object(manifest, f"{what} has no metadata.name")


def _check_names(manifest: Manifest, gvk: Gvk, metadata: JsonObject) -> None:
    """Refuse names that the API server takes for no kind; they stand in its URLs.

    Source: ``IsValidPathSegmentName`` in apimachinery's ``pkg/api/validation/path``,
    ``IsDNS1123Label`` and ``DNS1123SubdomainMaxLength`` in its ``pkg/util/validation``.
    """
    name, namespace = metadata["name"], metadata.get("namespace", "")
    if name in {".", ".."} or "/" in name or "%" in name:
        problem = f"metadata.name {name!r} can be no name: '.', '..', '/' and '%' are not allowed"
    elif len(name) > _LONGEST_NAME and gvk.group != _RBAC:
        problem = f"metadata.name {name!r} is longer than {_LONGEST_NAME} characters"
    elif (gvk.group, gvk.kind) == ("", "Namespace") and not _is_label(name):
        problem = f"metadata.name {name!r} can be no namespace: {_LABEL_RULE}"
    elif namespace and not _is_label(namespace):
        problem = f"{name!r} has metadata.namespace {namespace!r}, which can be none: {_LABEL_RULE}"
    else:
        return
    raise _no_object(manifest, f"{gvk.kind} of {manifest.body['apiVersion']}: {problem}")


def _is_label(name: str) -> bool:
    return len(name) <= _LONGEST_LABEL and _LABEL.fullmatch(name) is not None


def _place(metadata: JsonObject, default: str, *, namespaced: bool | None) -> JsonObject:
    namespace = metadata.get("namespace") or (default if namespaced else "")
    placed = {name: value for name, value in metadata.items() if name != "namespace"}
    if namespace and namespaced is not False:
        placed["namespace"] = namespace
    return placed


def _defined_scopes(bodies: Iterable[JsonObject]) -> Iterator[tuple[tuple[str, str], bool]]:
    """Yield the kinds that CRDs among the objects define, and whether they are namespaced."""
    for body in bodies:
        if body["kind"] != _CRD_KIND or not body["apiVersion"].startswith(f"{_CRD_GROUP}/"):
            continue
        spec = body.get("spec")
        if isinstance(spec, dict) and isinstance(names := spec.get("names"), dict):
            kind = str(spec.get("group")), str(names.get("kind"))
            yield kind, spec.get("scope") == "Namespaced"


def _no_object(manifest: Manifest, problem: str) -> RenderError:
    return RenderError("InvalidObject", f"{manifest}: {shorten(problem)}", retryable=False)
