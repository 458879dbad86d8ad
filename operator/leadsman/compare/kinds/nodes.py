"""What is known of each place in an object, reduced to what comparison needs."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import TYPE_CHECKING

from leadsman.compare.kinds.values import Format
from leadsman.model.finding import ABSENT

if TYPE_CHECKING:
    from leadsman.compare.kinds.builtin import Derive
    from leadsman.model.json import Json


class Shape(Enum):
    """What kind of value a node describes."""

    OBJECT = "object"  # with named fields
    MAP = "map"  # any key, all values alike
    LIST = "list"
    SCALAR = "scalar"
    ANY = "any"  # nothing is known


class ListType(Enum):
    """How elements of a list are told apart, ``x-kubernetes-list-type``."""

    ATOMIC = "atomic"
    SET = "set"
    MAP = "map"


class Origin(Enum):
    """What the API server does with values that say nothing: null, zero, empty."""

    GO = "go"  # built-in types: leaves out what Go's encoder leaves out
    CUSTOM = "custom"  # custom resources: keeps all but null
    UNKNOWN = "unknown"  # no schema: empty is taken for absent, zero is not


@dataclass(slots=True, eq=False)
class Node:
    """One place in a document; not changed any more once its schema is built.

    ``atomic``: an object or map that is owned and replaced as a whole. ``is_open``: fields that
    the schema does not name are kept, not pruned. ``is_loose``: something below has no known
    type, so that true and 1 may stand in the same place. ``type`` is the JSON type of a custom
    resource's scalar, "" where others may stand there.
    """

    shape: Shape
    origin: Origin
    fields: dict[str, Field] = field(default_factory=dict)
    values: Field | None = None
    items: Node | None = None
    list_type: ListType = ListType.ATOMIC
    keys: tuple[str, ...] = ()
    format: Format = Format.PLAIN
    type: str = ""
    atomic: bool = False
    is_open: bool = False
    is_loose: bool = False

    def field(self, name: str) -> Field | None:
        """Return what is known of a field or key, None if it is not known and would be pruned."""
        known = self.fields.get(name) or self.values
        return known or (UNTYPED if self.is_open else None)

    @property
    def element(self) -> Node:
        """What is known of a list's elements."""
        return self.items or (self if self.shape is Shape.ANY else ANY)


@dataclass(slots=True, eq=False)
class Field:
    """A node in its place in an object.

    ``keeps_zero``: a zero or empty value is stored, so that its absence means something else.
    ``default`` is what the API server writes where nothing is given, ``derive`` the same where it
    depends on the field's siblings; ``assigned``: it picks a value of its own choice.
    """

    node: Node
    keeps_zero: bool = True
    nullable: bool = False
    default: Json = ABSENT
    derive: Derive | None = None
    assigned: bool = False


# What x-kubernetes-preserve-unknown-fields keeps in a custom resource, exactly as it came.
ANY = Node(Shape.ANY, Origin.CUSTOM, is_open=True, is_loose=True)
UNTYPED = Field(ANY, nullable=True)
# The same, but of what is an object nothing is kept: what ``additionalProperties: true`` takes.
PRUNED = Node(Shape.ANY, Origin.CUSTOM, is_loose=True)

# An object whose kind has no schema at all.
UNKNOWN = Node(Shape.ANY, Origin.UNKNOWN, is_open=True, is_loose=True)
UNKNOWN.values = Field(UNKNOWN)
