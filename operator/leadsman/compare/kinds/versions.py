"""Whether what is noted of a custom resource in one version can stand beside another version.

Each entry of managedFields is in the names of a version. To note a write, the API server turns the
object that was written into the version of each entry. Where a definition has ``conversion: None``
only the ``apiVersion`` is exchanged: what the other version does not declare cannot be read then,
the write is stored, and managedFields stay as they were.

Source: ``Updater.update`` in structured-merge-diff's ``merge/update.go``, ``nopConverter`` in
apiextensions-apiserver, ``FieldManager.UpdateNoErrors`` in apimachinery.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadsman.compare.kinds.nodes import ListType, Node, Shape
from leadsman.compare.kinds.typed import fits
from leadsman.model.finding import ABSENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping

    from leadsman.model.json import Json, JsonObject

# What is known of a place in the version that was read (None where that does not show it), in the
# one that is written and in the one that an entry is in.
_Place = tuple["Json", "Node | None", Node, Node]


def differ(versions: Mapping[str, Node]) -> bool:
    """Tell whether an object of one version might not be readable as another."""
    return not all(
        _is_readable((ABSENT, None, writer, noted))
        for writer in versions.values()
        for noted in versions.values()
    )


def are_noted(live: JsonObject, versions: Mapping[str, Node], entries: Iterable[str]) -> bool:
    """Tell whether whoever writes is noted, whatever the version in which he does.

    ``versions`` are the kinds of all versions that are served, by apiVersion, where one becomes
    another by its name alone; ``entries`` the versions of managedFields. What the version in which
    ``live`` was read does not show may be there.
    """
    read = versions.get(str(live.get("apiVersion")))
    kept = [versions[version] for version in set(entries) if version in versions]
    value = ABSENT if read is None else live
    return all(
        _is_readable((value, read, writer, noted)) for writer in versions.values() for noted in kept
    )


def _is_readable(root: _Place) -> bool:
    todo = [root]
    while todo:
        value, read, writer, noted = todo.pop()
        if writer is noted or value is None or noted.shape is Shape.ANY:
            continue
        if value is not ABSENT and not fits(value, noted):
            return False
        is_seen = read is not None and value is not ABSENT
        if not is_seen and (writer.shape is not noted.shape or writer.type != noted.type):
            return False
        if writer.shape is Shape.LIST and noted.shape is Shape.LIST:
            if not _are_alike(writer, noted):
                return False
            todo += _elements(value, read, writer, noted)
            continue
        places = _fields(value, read, writer, noted)
        if places is None:
            return False
        todo += places
    return True


def _are_alike(writer: Node, noted: Node) -> bool:
    """Tell whether lists name their elements alike."""
    is_named = ListType.MAP in (writer.list_type, noted.list_type)
    return not is_named or (writer.list_type, writer.keys) == (noted.list_type, noted.keys)


def _elements(value: Json, read: Node | None, writer: Node, noted: Node) -> Iterator[_Place]:
    if isinstance(value, list):
        below = None if read is None else read.element
        for item in value:
            yield item, below, writer.element, noted.element
    elif value is ABSENT:
        yield ABSENT, None, writer.element, noted.element


def _fields(value: Json, read: Node | None, writer: Node, noted: Node) -> list[_Place] | None:
    """Return the fields that may be there in the written version, None if one is not declared."""
    known = value if isinstance(value, dict) else {}
    if writer.is_open and not noted.is_open and not (read is not None and read.is_open):
        return None  # Anything may be there.
    names = dict.fromkeys(writer.fields)
    if writer.values is not None or writer.is_open:
        names.update(dict.fromkeys(known))
    places: list[_Place] = []
    for name in names:
        field = writer.field(name)
        if field is None:
            continue
        item = known.get(name, ABSENT)
        shown = read.field(name) if read is not None else None
        if item is ABSENT and shown is not None:
            continue  # It would be seen.
        declared = noted.field(name)
        if declared is None:
            return None
        places.append((item, None if shown is None else shown.node, field.node, declared.node))
    if value is ABSENT and writer.values is not None:
        if noted.values is None:
            return None if not noted.is_open else places
        places.append((ABSENT, None, writer.values.node, noted.values.node))
    return places
