"""Which entry of ``docs/rewrites.json`` accounts for what the API server made of a value.

Of an entry count ``changes`` (class of what was sent -> class of what was read), and either the
``places`` it names or the ``fact`` that decides, which is a function here.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from leadsman.compare.kinds.builtin import go_types
from leadsman.compare.kinds.values import Format, same_scalar
from rewrites.observe import METADATA, Rewrite

if TYPE_CHECKING:
    from collections.abc import Callable

REWRITES = Path(__file__).parents[2] / "docs" / "rewrites.json"


@dataclass(slots=True)
class Entry:
    """One kind of rewrite; ``seen`` are the places where it was met."""

    name: str
    reason: str
    source: str
    rule: str
    changes: tuple[str, ...]
    places: tuple[str, ...] = ()
    fact: str = ""
    seen: set[str] = field(default_factory=set)

    def accounts_for(self, rewrite: Rewrite) -> bool:
        """Tell whether a rewrite is of this kind."""
        if rewrite.change not in self.changes:
            return False
        if self.fact:
            return FACTS[self.fact](rewrite)
        return rewrite.place in self.places

    def unseen(self) -> list[str]:
        """What of it was not met."""
        wanted = set(self.places) or {self.fact}
        return [] if self.fact and self.seen else sorted(wanted - self.seen)


@cache
def _entries() -> tuple[dict[str, Any], ...]:
    return tuple(json.loads(REWRITES.read_text())["rewrites"])


def entries() -> list[Entry]:
    """Read the list anew, with nothing seen yet."""
    return [
        Entry(**{**one, "changes": tuple(one["changes"]), "places": tuple(one.get("places", ()))})
        for one in _entries()
    ]


def explain(rewrite: Rewrite, known: list[Entry]) -> Entry | None:
    """Return the first entry that accounts for a rewrite, and note that it was met."""
    for entry in known:
        if entry.accounts_for(rewrite):
            entry.seen.add(rewrite.place)
            return entry
    return None


def _default(rewrite: Rewrite) -> bool:
    fields = go_types().defaults.get(rewrite.owner, {})
    return rewrite.field in fields and fields[rewrite.field] == rewrite.read


def _derived(rewrite: Rewrite) -> bool:
    rule = go_types().derived.get(rewrite.owner, {}).get(rewrite.field)
    return rule is not None


def _assigned(rewrite: Rewrite) -> bool:
    return rewrite.field in go_types().assigned.get(rewrite.owner, ())


def _not_kept(rewrite: Rewrite) -> bool:
    kept = go_types().kept.get(rewrite.owner)
    return kept is not None and rewrite.field not in kept


def _is_struct(rewrite: Rewrite) -> bool:
    return _not_kept(rewrite) and rewrite.form == "object"


def _spelling(form: str, reader: Format) -> Callable[[Rewrite], bool]:
    def same(rewrite: Rewrite) -> bool:
        return rewrite.form == form and same_scalar(rewrite.sent, rewrite.read, reader)

    return same


def _custom(rewrite: Rewrite) -> bool:
    return not rewrite.owner.startswith("io.k8s.")


def _template_label(rewrite: Rewrite) -> bool:
    labels = (f"{METADATA}.labels", "io.k8s.api.core.v1.ReplicationControllerSpec.selector")
    return rewrite.kind in {
        "v1 ReplicationController",
        "batch/v1 Job",
    } and rewrite.place.startswith(labels)


FACTS: dict[str, Callable[[Rewrite], bool]] = {
    "default": _default,
    "derived": _derived,
    "assigned": _assigned,
    "not kept": _not_kept,
    "struct": _is_struct,
    "quantity": _spelling("quantity", Format.QUANTITY),
    "resource": _spelling("quantity", Format.RESOURCE),
    "date-time": _spelling("date-time", Format.SECONDS),
    "instant": _spelling("date-time", Format.INSTANT),
    "bytes": _spelling("byte", Format.BYTES),
    "custom": _custom,
    "any": lambda _: True,
    "template label": _template_label,
    "status": lambda rewrite: rewrite.field == "status",
}
