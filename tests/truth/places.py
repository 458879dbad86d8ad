"""Places in a live object: where they are, what they are, and what Git has there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truth.apitypes import Type

# Not Git's to say: identity, what the API server keeps, what controllers report.
_UNTOUCHED = frozenset({"apiVersion", "kind", "status"})
_METADATA = frozenset({"labels", "annotations"})


class _Gone:
    def __repr__(self) -> str:
        return "GONE"


GONE = _Gone()


@dataclass(frozen=True, slots=True)
class Place:
    """A value in a live object.

    ``tokens`` are a JSON pointer's, with indices as numbers; ``desired`` is what Git has there,
    GONE if nothing; ``whole`` is the number of leading tokens up to what is owned as a whole, -1
    where nothing is, and ``within`` what Git has there; ``is_key``: it is what tells an element of
    a list apart.
    """

    tokens: tuple[str | int, ...]
    value: Any
    type: Type
    desired: Any
    whole: int
    is_key: bool = False
    within: Any = GONE

    @property
    def unit(self) -> int:
        """The number of leading tokens up to what is owned as a whole, itself included, or -1."""
        # Lists that nobody describes are atomic.
        is_whole = self.type.is_whole or (self.type.kind == "any" and isinstance(self.value, list))
        return len(self.tokens) if self.whole < 0 and self.tokens and is_whole else self.whole

    @property
    def pointer(self) -> str:
        """The place as RFC 6901 writes it."""
        return pointer(self.tokens)


def pointer(tokens: tuple[str | int, ...]) -> str:
    """Write a JSON pointer."""
    return "".join("/" + str(token).replace("~", "~0").replace("/", "~1") for token in tokens)


def tokens_of(path: str, document: Any) -> tuple[str | int, ...]:
    """Read a JSON pointer into a document, whose lists' indices are numbers, ``-`` their end."""
    tokens: list[str | int] = []
    for part in path.split("/")[1:]:
        plain = part.replace("~1", "/").replace("~0", "~")
        inside = at(document, tuple(tokens))
        if isinstance(inside, list) and plain == "-":
            tokens.append(len(inside))
        else:
            tokens.append(int(plain) if isinstance(inside, list) and plain.isdigit() else plain)
    return tuple(tokens)


def at(document: Any, tokens: tuple[str | int, ...]) -> Any:
    """Return what is at a place, GONE if nothing."""
    for token in tokens:
        try:
            document = document[token]
        except (KeyError, IndexError, TypeError):
            return GONE
    return document


def places(live: dict[str, Any], desired: dict[str, Any], root: Type) -> Iterator[Place]:
    """Yield every place of a live object that Git may have a say in, from the top down."""
    todo: list[tuple[Place, tuple[str, ...]]] = [(Place((), live, root, desired, -1), ())]
    while todo:
        place, keys = todo.pop()
        yield place
        todo += ((below, place.type.keys) for below in _below(place, keys))


def _below(place: Place, keys: tuple[str, ...]) -> Iterator[Place]:
    """Yield what is right below a place; ``keys`` tell it apart if it is an element of a list."""
    kind = place.type
    whole = place.unit
    within = place.desired if whole == len(place.tokens) else place.within
    if isinstance(place.value, dict):
        for key, value in place.value.items():
            if _is_ours(place.tokens, key):
                wanted = place.desired.get(key, GONE) if isinstance(place.desired, dict) else GONE
                yield Place(
                    (*place.tokens, key), value, kind.field(key), wanted, whole, key in keys, within
                )
    elif isinstance(place.value, list):
        element = kind.element
        for index, value in enumerate(place.value):
            wanted = _counterpart(place, value, index)
            yield Place((*place.tokens, index), value, element, wanted, whole, within=within)


def _is_ours(tokens: tuple[str | int, ...], key: str) -> bool:
    if not tokens:
        return key not in _UNTOUCHED
    return tokens != ("metadata",) or key in _METADATA


def _counterpart(place: Place, value: Any, index: int) -> Any:
    """Return Git's element for a live one: of the same key, value or index."""
    desired = place.desired
    if not isinstance(desired, list):
        return GONE
    kind = place.type
    if kind.keys and isinstance(value, dict):
        element = kind.element
        wanted = _identity(value, kind.keys, element)
        for one in desired:
            if isinstance(one, dict) and _identity(one, kind.keys, element) == wanted:
                return one
        return GONE
    if kind.order == "free":
        return value if value in desired else GONE
    return desired[index] if len(desired) == len(place.value) else GONE


def _identity(value: dict[str, Any], keys: tuple[str, ...], element: Type) -> list[Any]:
    return [value.get(key) or element.properties.get(key, {}).get("default") for key in keys]
