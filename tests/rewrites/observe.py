"""What the API server made of an object: every place that reads back otherwise than it was sent."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from leadsman.compare.kinds.builtin import go_types

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truth.apitypes import Type

ABSENT: Any = type("Absent", (), {"__repr__": lambda _: "absent"})()
METADATA = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"
# Maps whose keys are names that the API server or its controllers give a meaning to.
_NAMED_KEYS = (f"{METADATA}.labels", f"{METADATA}.annotations")


@dataclass(frozen=True, slots=True)
class Rewrite:
    """One place: ``owner`` is the type that ``field`` belongs to, as OpenAPI names it."""

    owner: str
    field: str
    form: str
    sent: Any
    read: Any
    kind: str = ""

    @property
    def place(self) -> str:
        """The place in whatever kind it may be."""
        return f"{self.owner}.{self.field}" if self.field else self.owner

    @property
    def change(self) -> str:
        """What became of what, by class: ``zero -> absent``."""
        return f"{_class(self.sent)} -> {_class(self.read)}"

    def __str__(self) -> str:
        return f"{self.place}: {self.change} ({self.kind}: {self.sent!r:.80} -> {self.read!r:.80})"


def observe(sent: dict[str, Any], read: dict[str, Any], root: Type) -> Iterator[Rewrite]:
    """Compare an object as it was sent with what was read back, byte for byte."""
    kind = f"{sent['apiVersion']} {sent['kind']}"
    # A status is a controller's as a whole: all that is told is whether there is one.
    one, other = ({**body, "status": bool(body.get("status"))} for body in (sent, read))
    for found in _object(one, other, root):
        yield Rewrite(found.owner, found.field, found.form, found.sent, found.read, kind)


def _inside(
    sent: dict[str, Any], read: dict[str, Any], own: Type, place: tuple[str, str]
) -> Iterator[Rewrite]:
    if own.kind == "map":
        return _map(sent, read, own, ".".join(filter(None, place)))
    return _object(sent, read, own)


def _object(sent: dict[str, Any], read: dict[str, Any], own: Type) -> Iterator[Rewrite]:
    for key in {**sent, **read}:
        yield from _value(
            sent.get(key, ABSENT), read.get(key, ABSENT), own.field(key), (own.name, key)
        )


def _map(sent: dict[str, Any], read: dict[str, Any], own: Type, place: str) -> Iterator[Rewrite]:
    for key in {**sent, **read}:
        name = f"[{key}]" if place in _NAMED_KEYS else "[*]"
        value = own.field(key)
        yield from _value(sent.get(key, ABSENT), read.get(key, ABSENT), value, (place + name, ""))


def _value(sent: Any, read: Any, own: Type, place: tuple[str, str]) -> Iterator[Rewrite]:
    if type(sent) is type(read) and sent == read:
        return
    if isinstance(sent, dict) and isinstance(read, dict):
        yield from _inside(sent, read, own, place)
    elif isinstance(sent, list) and isinstance(read, list):
        pairs = _pairs(sent, read, own.keys)
        if pairs is None:
            yield Rewrite(*place, "list", sent, read)
            return
        for one, other in pairs:
            inner = ".".join(filter(None, place)) + "[]"
            yield from _value(one, other, own.element, (inner, ""))
    elif sent in (ABSENT, None) and isinstance(read, dict) and read and _is_always_there(place):
        yield from _inside({}, read, own, place)
    else:
        yield Rewrite(*place, own.kind, sent, read)


def _is_always_there(place: tuple[str, str]) -> bool:
    """Tell whether a field is a struct of its own, which is written whatever is in it."""
    owner, field = place
    kept = go_types().kept.get(owner)
    return kept is not None and bool(field) and field not in kept


def _pairs(sent: list[Any], read: list[Any], keys: tuple[str, ...]) -> list[tuple[Any, Any]] | None:
    """Pair elements by their keys, or by their place in lists of one length."""
    if keys and all(isinstance(one, dict) for one in (*sent, *read)):
        rest = list(read)
        pairs = []
        for one in sent:
            other = next((each for each in rest if _agree(one, each, keys)), ABSENT)
            pairs.append((one, other))
            if other is not ABSENT:
                rest.remove(other)
        return pairs + [(ABSENT, each) for each in rest]
    return list(zip(sent, read, strict=True)) if len(sent) == len(read) else None


def _agree(one: dict[str, Any], other: dict[str, Any], keys: tuple[str, ...]) -> bool:
    return all(one[key] == other.get(key) for key in keys if key in one)


def _class(value: Any) -> str:
    if value is ABSENT:
        return "absent"
    if value is None:
        return "null"
    if value in ({}, []):
        return "empty"
    if value is False or value in (0, ""):
        return "zero"
    return "value"
