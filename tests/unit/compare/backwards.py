"""Undo what a finding tells, without any of the code that found it."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, Any

from leadsman.model.finding import Op

if TYPE_CHECKING:
    from collections.abc import Iterable

    from leadsman.model.finding import Change, Finding
    from leadsman.model.json import Json, JsonObject


def container_of(document: Json, change: Change) -> tuple[Any, str]:
    """Return what a place is in, and its last token; what is not there is made, empty."""
    tokens = [token.replace("~1", "/").replace("~0", "~") for token in change.path.split("/")[1:]]
    is_element = change.field.endswith("]")
    for token in tokens[:-1]:
        if isinstance(document, dict) and document.get(token) is None:
            # A collection that was left out with its last element.
            document[token] = [] if is_element else {}
        document = document[int(token)] if isinstance(document, list) else document[token]
    return document, tokens[-1]


def apply_backwards(live: JsonObject, changes: Iterable[Change]) -> JsonObject:
    """Return the live object as if the changes had not been made."""
    restored = deepcopy(live)
    # Where each change lies is found before any of them moves an index.
    places = [(change, *container_of(restored, change)) for change in changes]
    for change, parent, last in places:
        if change.op is Op.REPLACE:
            parent[int(last) if isinstance(parent, list) else last] = deepcopy(change.desired)
    added = [place for place in places if place[0].op is Op.ADD]
    for _, parent, last in sorted(added, key=lambda place: _number(place[2]), reverse=True):
        del parent[int(last) if isinstance(parent, list) else last]
    removed = [place for place in places if place[0].op is Op.REMOVE]
    for change, parent, last in sorted(removed, key=lambda place: _number(place[2])):
        if isinstance(parent, list):
            parent.insert(int(last), deepcopy(change.desired))
        else:
            parent[last] = deepcopy(change.desired)
    return restored


def _number(token: str) -> int:
    return int(token) if token.isascii() and token.isdigit() else -1


def changes_of(finding: Finding | None) -> tuple[Change, ...]:
    return () if finding is None else finding.changes
