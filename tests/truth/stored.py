"""Whether a change was taken: the API server may drop it, or write the same in other words."""

from __future__ import annotations

from decimal import Decimal
from typing import TYPE_CHECKING, Any

from truth.places import GONE, at

if TYPE_CHECKING:
    from truth.mutations import Mutation


def stored(mutation: Mutation, before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Tell whether the API server has stored another meaning at the place of a change."""
    tokens = mutation.tokens
    if mutation.action in {"add", "remove"} and tokens and isinstance(tokens[-1], int):
        tokens = tokens[:-1]
    was, now = at(before, tokens), at(after, tokens)
    if mutation.action == "reorder" and isinstance(now, list):
        return bool(was != now)
    return not _alike(was, now, mutation.field_type)


def _alike(one: Any, other: Any, kind: str) -> bool:
    if one is GONE or other is GONE:
        return one is other
    if kind == "quantity":
        return _amount(str(one)) == _amount(str(other))
    return type(one) is type(other) and bool(one == other)


def _amount(quantity: str) -> Decimal:
    number = quantity.rstrip("numkMGTPEi")
    suffix = quantity[len(number) :]
    if suffix.endswith("i"):
        return Decimal(number) * Decimal(1024) ** " KMGTPE".index(suffix[0])
    power = {"n": -9, "u": -6, "m": -3, "": 0, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
    return Decimal(number).scaleb(power[suffix])
