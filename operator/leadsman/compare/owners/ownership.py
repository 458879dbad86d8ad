"""Read from ``metadata.managedFields`` who set which field, and when they last wrote.

Source: KEP-555 and structured-merge-diff, ``fieldpath/serialize.go``: a FieldsV1 document is a tree
whose keys are ``f:name``, ``k:{"key":"value"}`` and ``v:value``, with ``.`` for the place itself.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import orjson

from leadsman.compare.access import mapping
from leadsman.compare.kinds.nodes import UNKNOWN, ListType, Origin, Shape
from leadsman.compare.kinds.typed import is_tracked
from leadsman.compare.kinds.versions import SINGLE
from leadsman.compare.owners.fieldset import all_there, decoded, is_readable
from leadsman.compare.owners.manifest import at
from leadsman.compare.rewrites.normalize import LAST_APPLIED
from leadsman.model.finding import ABSENT

if TYPE_CHECKING:
    from collections.abc import Sequence

    from leadsman.compare.kinds.nodes import Node
    from leadsman.compare.kinds.versions import Versions
    from leadsman.compare.paths import Item, Step, Steps
    from leadsman.model.json import Json, JsonObject

# As the API server writes times; only these can be compared as texts.
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of managedFields: what one manager set in one way, when it last did.

    ``api_version`` is the version in whose names ``fields`` are written.
    """

    manager: str
    operation: str
    subresource: str
    time: str
    fields: JsonObject
    api_version: str = ""

    def may_be_since(self, time: str) -> bool:
        """Tell whether it may have been written since; through ``scale`` it gets no time."""
        return not self.time or self.time >= time


@dataclass(frozen=True, slots=True)
class Owner:
    """An entry that owns a place, or, if not ``exact``, only what ``below`` has of it."""

    entry: Entry
    exact: bool
    below: JsonObject = field(default_factory=dict)


class Ownership:
    """The owners of one live object's fields; read only when somebody asks.

    ``entries`` are those of managedFields that can be read; ``node`` is what is known of the kind,
    ``versions`` of its versions, as ``Schema`` has them.
    """

    __slots__ = ("_applied", "_complete", "_elsewhere", "_live", "_node", "entries", "versions")

    def __init__(
        self,
        live: JsonObject,
        node: Node = UNKNOWN,
        versions: Versions = SINGLE,
    ) -> None:
        self._live = live
        self._node = node
        self.versions = versions
        self._applied: Json = ABSENT
        self._elsewhere: list[Owner] | None = None
        given = mapping(live.get("metadata")).get("managedFields")
        given = given if isinstance(given, list) else []
        self.entries = [entry for entry in map(_entry, given) if entry is not None]
        self._complete: bool | None = None
        if not given or len(self.entries) != len(given):
            self._complete = False

    @property
    def is_complete(self) -> bool:
        """Whether all are noted and can be read.

        If not, a field without owner need not be the API server's, and who is noted may be who
        wrote long ago.
        """
        if self._complete is None:
            self._complete = (
                all(entry.fields and is_readable(entry.fields) for entry in self.entries)
                and is_tracked(self._live, self._node)
                and self.versions.are_noted(
                    self._live, [entry.api_version for entry in self.entries]
                )
            )
        return self._complete

    @property
    def elsewhere(self) -> list[Owner]:
        """Who owns places that are not in the object as it was read, the last writer first.

        They wrote it in another version, in which these places have other names.
        """
        if self._elsewhere is None:
            version = self._live.get("apiVersion")
            self._elsewhere = [
                Owner(entry, exact=False)
                for entry in self.entries
                if entry.api_version not in {"", version}
                and entry.subresource != "status"
                and not all_there(entry.fields, self._live)
            ]
            self._elsewhere.sort(key=lambda owner: owner.entry.time, reverse=True)
        return self._elsewhere

    def is_first_write(self, entry: Entry) -> bool:
        """Tell whether an entry's only write is that which created the object.

        The API server notes the owners before it notes the creation. A generation that has grown
        needs somebody who wrote.
        """
        metadata = mapping(self._live.get("metadata"))
        created, generation = metadata.get("creationTimestamp"), metadata.get("generation", 1)
        if not isinstance(created, str) or not TIME.fullmatch(created) or entry.time > created:
            return False
        return generation == 1 or any(
            other is not entry and other.subresource != "status" and other.may_be_since(created)
            for other in self.entries
        )

    @property
    def is_unwritten(self) -> bool:
        """Whether nothing but the object's status was ever written since it was made."""
        generation = mapping(self._live.get("metadata")).get("generation", 1)
        return generation == 1 and all(
            entry.subresource == "status" or self.is_first_write(entry) for entry in self.entries
        )

    @property
    def is_built_in(self) -> bool:
        """Whether the object is of a type of Kubernetes' own."""
        return self._node.origin is Origin.GO

    def is_member(self, steps: Steps) -> bool:
        """Tell whether a place is one of a built-in type's map or keyed list, each its own."""
        node = parent = self._node
        for step in steps:
            parent = node
            if isinstance(step, str):
                field = node.field(step)
                if field is None:
                    return False
                node = field.node
            else:
                node = node.element
        is_map = parent.shape is Shape.MAP and not parent.atomic
        is_list = parent.shape is Shape.LIST and parent.list_type is not ListType.ATOMIC
        return parent.origin is Origin.GO and (is_map or is_list)

    def owners(self, steps: Steps) -> list[Owner]:
        """Return who owns a place or something below it, the one who wrote last first."""
        owners = []
        for entry in self.entries:
            fields = _descend(entry.fields, steps)
            if fields is not None:
                owners.append(Owner(entry, exact=not fields or "." in fields, below=fields))
        owners.sort(key=lambda owner: owner.entry.time, reverse=True)
        return owners

    def above(self, steps: Steps, *, only_items: bool = False) -> list[Owner]:
        """Return who owns the nearest place above as a whole.

        Without a schema every place may be owned so. With one (``only_items``) what is atomic is
        known, and only elements of lists are left, which are owned so where a key comes twice.
        """
        owners = []
        for entry in self.entries:
            for length in range(len(steps) - 1, 0, -1):
                fields = _descend(entry.fields, steps[:length])
                if fields is not None:
                    if not fields and not (only_items and isinstance(steps[length - 1], str)):
                        owners.append(Owner(entry, exact=True))
                    break
        owners.sort(key=lambda owner: owner.entry.time, reverse=True)
        return owners

    def unfolded(self, steps: Steps) -> list[Owner]:
        """Return who has sent a Secret's key as ``stringData``, which is stored as ``data``.

        They own it under that name only, as long as they apply, whatever becomes of the data.
        """
        sent = _as_string(self._live, steps)
        return self.owners(sent) if sent else []

    def writers_since(self, steps: Steps, time: str) -> list[Entry]:
        """Return who may have written since, in what a place's topmost field holds."""
        top = f"f:{steps[0]}"
        return [each for each in self.entries if top in each.fields and each.may_be_since(time)]

    def is_null(self, steps: Steps) -> bool:
        """Tell whether null is stored at a place."""
        return self.in_manifest(self._live, steps) is None

    def applied(self, steps: Steps, value: Json = ABSENT) -> bool:
        """Tell whether kubectl's last-applied annotation has a place, and if given, that value."""
        found = self.in_manifest(self.last_applied(), steps)
        return found is not ABSENT and value in (ABSENT, found)

    def in_manifest(self, manifest: Json, steps: Steps) -> Json:
        """Return what a manifest of this object, as it was sent, has at a place, or ABSENT."""
        found = at(manifest, steps)
        sent = _as_string(self._live, steps) if found is ABSENT else ()
        return at(manifest, sent) if sent else found

    def last_applied(self) -> Json:
        """Return what kubectl's annotation says was applied, None where it cannot be read."""
        if self._applied is ABSENT:
            metadata = mapping(self._live.get("metadata"))
            text = mapping(metadata.get("annotations")).get(LAST_APPLIED)
            try:
                self._applied = orjson.loads(text) if isinstance(text, str) else None
            except orjson.JSONDecodeError:
                self._applied = None
        return self._applied


def _as_string(live: JsonObject, steps: Steps) -> Steps:
    """Return where in a manifest a Secret's data stands as text, () for any other place."""
    is_secret = live.get("kind") == "Secret" and live.get("apiVersion") == "v1"
    return ("stringData", *steps[1:]) if is_secret and steps[:1] == ("data",) else ()


def _entry(value: Json) -> Entry | None:
    """Read one entry, None if it cannot be read."""
    if not isinstance(value, dict):
        return None
    fields = value.get("fieldsV1")
    if not isinstance(fields, dict) or value.get("fieldsType", "FieldsV1") != "FieldsV1":
        return None
    manager, operation, subresource, time, version = (
        text if isinstance(text := value.get(name), str) else ""
        for name in ("manager", "operation", "subresource", "time", "apiVersion")
    )
    return Entry(manager, operation, subresource, time, fields, version)


def _descend(fields: JsonObject, steps: Sequence[Step]) -> JsonObject | None:
    """Follow steps into a tree of fields, None where it does not go that far."""
    for step in steps:
        below = fields.get(f"f:{step}") if isinstance(step, str) else _element(fields, step)
        if not isinstance(below, dict):
            return None
        fields = below
    return fields


def _element(fields: JsonObject, item: Item) -> Json:
    identity: Json = item.value
    if item.keys:
        # A key that an element has not is not in its name.
        prefix, identity = "k:", {key: value for key, value in item.keys if value is not None}
    elif item.value is not ABSENT:
        prefix = "v:"
    else:
        return fields.get(f"i:{item.index}")
    direct = fields.get(prefix + orjson.dumps(identity, option=orjson.OPT_SORT_KEYS).decode())
    if direct is not None:
        return direct
    # Another encoder may escape more, or write a number in another way.
    for key, below in fields.items():
        if key.startswith(prefix) and decoded(key[len(prefix) :]) == identity:
            return below
    return None
