"""How a change is written: the requests by which people and tools bring one into the cluster."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

from truth.places import GONE, at, tokens_of

if TYPE_CHECKING:
    from random import Random

    from truth.apitypes import Type
    from truth.cluster import Cluster
    from truth.material import Manifest
    from truth.mutations import Mutation

PATCH, UPDATE, APPLY = "patch", "update", "apply"
# Not a request: a delivery in the same way and name as the first.
ANOTHER_FILE = "another file"


def choose(mutation: Mutation, root: Type, rng: Random) -> str:
    """Return one of the ways in which a change can be written."""
    able = [PATCH, UPDATE]
    if _can_be_applied(mutation, root):
        able.append(APPLY)
    return rng.choice(able)


async def write(
    hand: str,
    mutation: Mutation,
    manager: str,
    cluster: Cluster,
    one: Manifest,
    root: Type,
) -> dict[str, Any] | None:
    """Make a change in a manager's name; return what was stored, None where it was refused."""
    if hand == PATCH:
        return await cluster.patch(one, [mutation.operation], manager)
    live = await cluster.get(one)
    if live is None:
        return None
    try:
        wanted = changed(live, mutation.operation)
    except LookupError:
        return None  # what was changed before has taken the place away
    if hand == UPDATE:
        return await cluster.update(one, wanted, manager)
    return await cluster.apply(one, excerpt(wanted, mutation.tokens, root), manager)


def changed(document: Any, operation: dict[str, Any]) -> Any:
    """Return a document after one operation of a JSON patch, RFC 6902: add, remove or replace.

    Raises LookupError where there is no such place.
    """
    document = copy.deepcopy(document)
    *above, last = tokens_of(operation["path"], document)
    parent = at(document, tuple(above))
    if parent is GONE:
        raise LookupError(operation["path"])
    if operation["op"] == "remove":
        del parent[last]
    elif isinstance(parent, list) and operation["op"] == "add":
        parent.insert(int(last), operation["value"])
    else:
        parent[last] = operation["value"]
    return document


def excerpt(document: dict[str, Any], tokens: tuple[str | int, ...], root: Type) -> dict[str, Any]:
    """Return what one applies to own a place and nothing else: it, and what leads there."""
    head = {
        key: document["metadata"][key]
        for key in ("name", "namespace")
        if key in document["metadata"]
    }
    found: dict[str, Any] = {
        "apiVersion": document["apiVersion"],
        "kind": document["kind"],
        "metadata": head,
    }
    inside = _excerpt(document, tokens, root)
    for key, value in inside.items():
        found[key] = {**head, **value} if key == "metadata" else value
    return found


def _excerpt(value: Any, tokens: tuple[str | int, ...], kind: Type) -> Any:
    if not tokens or kind.is_whole:
        return value
    token, rest = tokens[0], tokens[1:]
    if isinstance(value, dict):
        return {token: _excerpt(value[token], rest, kind.field(str(token)))}
    if kind.keys:
        element = value[token]
        keys = {key: element[key] for key in kind.keys if key in element}
        inside = _excerpt(element, rest, kind.element)
        return [{**keys, **inside}]
    # The one value of a set; what has no schema is owned as a whole, too.
    return [value[token]] if kind.order == "free" else value


def _can_be_applied(mutation: Mutation, root: Type) -> bool:
    """Tell whether somebody who does not own a place can do that to it by applying.

    What one leaves out stays, be it a field, a list's element or the value of a set.
    """
    if mutation.is_renaming or mutation.action == "remove":
        return False
    kind = root
    for token in mutation.tokens:
        if kind.is_whole:
            return True
        kind = kind.element if isinstance(token, int) else kind.field(token)
    changes_set = isinstance(mutation.tokens[-1], int) and not isinstance(
        mutation.place.value, dict
    )
    return mutation.action == "add" or not (changes_set or mutation.action == "reorder")
