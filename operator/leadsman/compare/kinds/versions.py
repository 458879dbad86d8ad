"""Whether what is noted of a custom resource in one version can stand beside another version.

Each entry of managedFields is in the names of a version. To note a write, the API server turns the
object that was written into the version of each entry. Where a definition has ``conversion: None``
only the ``apiVersion`` is exchanged: what the other version does not declare cannot be read then,
the write is stored, and managedFields stay as they were.

Source: ``Updater.update`` in structured-merge-diff's ``merge/update.go``, ``nopConverter`` in
apiextensions-apiserver, ``FieldManager.UpdateNoErrors`` in apimachinery.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from leadsman.compare.kinds.nodes import ANY, Field, ListType, Node, Origin, Shape
from leadsman.compare.kinds.typed import fits
from leadsman.model.finding import ABSENT

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from leadsman.compare.paths import Step
    from leadsman.model.json import Json, JsonObject


@dataclass(frozen=True, slots=True)
class Versions:
    """What is known of a kind in all versions that are served, by apiVersion.

    One becomes another by its name alone. ``stored`` is the one that objects are kept in, "" if
    that is not known. What it does not declare is there while a request lasts that sends it, which
    is enough for the request not to be noted; of the status nobody can send it along.
    """

    nodes: Mapping[str, Node]
    stored: str = ""

    @property
    def differ(self) -> bool:
        """Whether an object of one version might not be readable as another."""
        kept = self._kept
        return not all(
            _is_readable(_Place(ABSENT, None, kept, writer, noted))
            for writer in self.nodes.values()
            for noted in self.nodes.values()
        )

    def are_noted(self, live: JsonObject, entries: Iterable[str]) -> bool:
        """Tell whether whoever writes is noted, whatever the version in which he does.

        ``entries`` are the versions of managedFields. What the version in which ``live`` was read
        does not show may be there.
        """
        read = self.nodes.get(str(live.get("apiVersion")))
        value = ABSENT if read is None else live
        return all(
            _is_readable(_Place(value, read, self._kept, writer, self.nodes[noted]))
            for noted in set(entries) & self.nodes.keys()
            for writer in self.nodes.values()
        )

    def storable(self, desired: JsonObject, live: JsonObject) -> JsonObject:
        """Return what is left of Git's object when it is stored.

        Objects are read from the store by the schema of the stored version, which prunes what it
        does not declare. What is there for all that was stored while another version was, and is
        compared. Source: ``schemaCoercingDecoder`` in apiextensions-apiserver.
        """
        stored = self.nodes.get(self.stored)
        if stored is None or self.stored == live.get("apiVersion"):
            return desired
        # Schemas do not say what is in it.
        metadata = {key: desired[key] for key in desired.keys() & {"metadata"}}
        rest = {key: desired[key] for key in desired.keys() - {"metadata"}}
        if _stored(rest, stored, (), frozenset()) == rest:
            return desired
        kept: JsonObject = _stored(rest, stored, (), frozenset(_places(live)))
        return metadata | kept

    def is_default(self, steps: Sequence[Step], value: Json) -> bool:
        """Tell whether any version fills in a value at a place."""
        return any(
            field is not None and field.default == value
            for field in (_at(node, steps) for node in self.nodes.values())
        )

    @property
    def _kept(self) -> Node:
        """What may be there: anything, but in the status only what is stored."""
        stored = self.nodes.get(self.stored)
        status = None if stored is None else stored.fields.get("status")
        if status is None:
            return ANY
        return Node(Shape.OBJECT, Origin.CUSTOM, fields={"status": status}, is_open=True)


# A kind of one version, or of versions that are alike.
SINGLE = Versions({})


@dataclass(frozen=True, slots=True)
class _Place:
    """A value, ABSENT where it is not shown, and what is known of its place.

    In the version that was ``read`` (None where that does not show it), that is ``kept`` (None
    where nothing is), that somebody writes in, and that an entry is in.
    """

    value: Json
    read: Node | None
    kept: Node | None
    writer: Node
    noted: Node


def _stored(
    value: Json, node: Node, place: tuple[str, ...], there: frozenset[tuple[str, ...]]
) -> Any:
    """Return what a version stores of a value, and what is ``there`` whether or not it does."""
    if isinstance(value, dict) and node.shape is not Shape.ANY:
        below = {key: (node.field(key), (*place, key)) for key in value}
        return {
            key: value[key] if known is None else _stored(value[key], known.node, inside, there)
            for key, (known, inside) in below.items()
            if known is not None or inside in there
        }
    if isinstance(value, list) and node.shape is Shape.LIST:
        return [_stored(item, node.element, (*place, ""), there) for item in value]
    return value


def _places(live: JsonObject) -> Iterator[tuple[str, ...]]:
    """Yield where something lives, all elements of a list in one place."""
    todo: list[tuple[tuple[str, ...], Json]] = [((), live)]
    while todo:
        place, value = todo.pop()
        yield place
        if isinstance(value, dict):
            todo += (((*place, key), item) for key, item in value.items())
        elif isinstance(value, list):
            todo += (((*place, ""), item) for item in value)


def _is_readable(root: _Place) -> bool:
    todo = [root]
    while todo:
        place = todo.pop()
        value, writer, noted = place.value, place.writer, place.noted
        if writer is noted or value is None or noted.shape is Shape.ANY:
            continue
        if value is not ABSENT and not fits(value, noted):
            return False
        if value is ABSENT and (writer.shape is not noted.shape or writer.type != noted.type):
            return False
        if writer.shape is Shape.LIST and noted.shape is Shape.LIST:
            if not _are_alike(writer, noted):
                return False
            todo += _elements(place)
            continue
        below = _fields(place)
        if below is None:
            return False
        todo += below
    return True


def _are_alike(writer: Node, noted: Node) -> bool:
    """Tell whether lists name their elements alike."""
    is_named = ListType.MAP in (writer.list_type, noted.list_type)
    return not is_named or (writer.list_type, writer.keys) == (noted.list_type, noted.keys)


def _elements(place: _Place) -> Iterator[_Place]:
    read = None if place.read is None else place.read.element
    kept = None if place.kept is None else place.kept.element
    values = place.value if isinstance(place.value, list) else []
    if place.value is ABSENT:
        read, values = None, [ABSENT]
    for value in values:
        yield _Place(value, read, kept, place.writer.element, place.noted.element)


def _fields(place: _Place) -> list[_Place] | None:
    """Return the fields that may be there in the written version, None if one is not declared."""
    read, writer, noted = place.read, place.writer, place.noted
    known = place.value if isinstance(place.value, dict) else {}
    is_shown = read is not None and read.is_open
    if writer.is_open and not noted.is_open and not is_shown and place.kept is not None:
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
        kept = place.kept.field(name) if place.kept is not None else None
        if item is ABSENT and (
            shown is not None  # it would be seen
            or (kept is None and field.default is ABSENT)
        ):
            continue
        declared = noted.field(name)
        if declared is None:
            return None
        places.append(_Place(item, _node(shown), _node(kept), field.node, declared.node))
    if place.value is ABSENT and writer.values is not None and place.kept is not None:
        if noted.values is None:
            return places if noted.is_open else None
        below = place.kept.values
        kept_below = below.node if below is not None else (ANY if place.kept is ANY else None)
        places.append(_Place(ABSENT, None, kept_below, writer.values.node, noted.values.node))
    return places


def _at(node: Node, steps: Sequence[Step]) -> Field | None:
    field: Field | None = None
    for step in steps:
        field = node.field(step) if isinstance(step, str) else Field(node.element)
        if field is None:
            return None
        node = field.node
    return field


def _node(field: Field | None) -> Node | None:
    return None if field is None else field.node
