"""What differs inside two values that are already known to differ, for showing it only."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, TypeAlias

import orjson

from leadsman.model.finding import ABSENT
from leadsman.report.embedded import decoded, described, readable, structure

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leadsman.model.json import Json

_Path: TypeAlias = "tuple[str | int, ...]"

# DeepDiff needs milliseconds for a page of JSON and seconds for a book; in bytes of both together.
_LARGEST = 8_000
# A text in JSON in base64 in YAML is as much as anybody reads.
_LAYERS = 4
# Fields that hold bytes, which the API server writes as base64.
_BINARY = re.compile(r".*(\.binaryData\b.*|\.caBundle)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Part:
    """A place inside two values and what stands there; ABSENT is "not there".

    ``path`` is "" for the whole of a text. ``decoded``: it is read from base64.
    """

    path: str
    before: Json
    after: Json
    decoded: bool = False


def parts(desired: Json, live: Json, field: str = "") -> list[Part]:
    """Return what differs inside of two values; ``field`` is where they stand.

    Texts that are JSON, YAML or base64 of text on both sides are looked into, and so are texts in
    these. Empty where the values themselves tell it.
    """
    try:
        return _parts(desired, live, _LAYERS, binary=_BINARY.fullmatch(field) is not None)
    except RecursionError:  # nested too deep to be compared
        return []


def nested_changes(desired: Json, live: Json) -> list[tuple[str, Json, Json]]:
    """Return path, desired and live value of each place that differs in two structures.

    Empty where the two are not structures of one kind.
    """
    found = [(path, before, after) for path, before, after in _places(desired, live) if path]
    found.sort(key=lambda item: [(isinstance(step, str), step) for step in item[0]])
    return [(_written(path), before, after) for path, before, after in found]


def _parts(desired: Json, live: Json, layers: int, *, binary: bool) -> list[Part]:
    if not layers or type(desired) is not type(live):
        return []
    if isinstance(desired, dict | list):
        return _inner(nested_changes(desired, live), layers)
    if not isinstance(desired, str):
        return []
    raw = decoded(desired), decoded(live)
    if raw[0] is not None and raw[1] is not None:
        return _unpacked(raw[0], raw[1], layers, binary=binary)
    before, after = structure(desired), structure(live)
    if before is None or after is None:
        return []
    return _inner(nested_changes(before, after), layers)


def _unpacked(before: bytes, after: bytes, layers: int, *, binary: bool) -> list[Part]:
    """Look into what was base64: a text, or bytes of which no more than their size is told.

    Of a field that is not known to hold bytes, only texts count: words may look like base64.
    """
    if before == after:
        return []
    texts = readable(before), readable(after)
    if texts[0] is not None and texts[1] is not None:
        found = _parts(*texts, layers - 1, binary=False) or [Part("", *texts)]
    elif binary:
        found = [Part("", described(before), described(after))]
    else:
        return []
    return [replace(part, decoded=True) for part in found]


def _inner(places: list[tuple[str, Json, Json]], layers: int) -> list[Part]:
    """Look into the texts that differ in a structure."""
    found: list[Part] = []
    for path, before, after in places:
        inner = _parts(before, after, layers - 1, binary=False) if isinstance(before, str) else []
        found += [replace(part, path=_joined(path, part.path)) for part in inner] or [
            Part(path, before, after)
        ]
    return found


def _joined(path: str, inner: str) -> str:
    return f"{path}: {inner}" if inner else path


def _places(desired: Json, live: Json) -> Iterator[tuple[_Path, Json, Json]]:
    """Narrow two structures down to where they differ, without recursion.

    Lists are aligned where they are short, else by what is the same at their beginning and end.
    """
    todo: list[tuple[_Path, Json, Json]] = [((), desired, live)]
    while todo:
        path, before, after = todo.pop()
        if before == after and type(before) is type(after):
            continue
        if isinstance(before, dict) and isinstance(after, dict):
            for key in before.keys() | after.keys():
                pair = before.get(key, ABSENT), after.get(key, ABSENT)
                todo.append(((*path, key), *pair))
        elif isinstance(before, list) and isinstance(after, list):
            aligned = _aligned(before, after) if len(before) != len(after) else None
            if aligned is not None:
                yield from (((*path, *inner), *pair) for inner, *pair in aligned)
            else:
                todo += (((*path, *inner), *pair) for inner, *pair in _by_ends(before, after))
        else:
            yield path, before, after


def _by_ends(before: list[Json], after: list[Json]) -> Iterator[tuple[_Path, Json, Json]]:
    """Pair the elements of two lists from the first that differs to the last."""
    head, shortest = 0, min(len(before), len(after))
    while head < shortest and before[head] == after[head]:
        head += 1
    tail = 0
    while tail < shortest - head and before[-1 - tail] == after[-1 - tail]:
        tail += 1
    ends = len(before) - tail, len(after) - tail
    for index in range(head, max(ends)):
        yield (
            (index,),
            before[index] if index < ends[0] else ABSENT,
            after[index] if index < ends[1] else ABSENT,
        )


def _aligned(before: list[Json], after: list[Json]) -> list[tuple[_Path, Json, Json]] | None:
    """Find which elements of two lists are the same ones, None if that would take too long."""
    try:
        if len(orjson.dumps(before)) + len(orjson.dumps(after)) > _LARGEST:
            return None
    except TypeError:  # what is no JSON is not looked into
        return None
    # Imported late: few changes need it, and where numpy is installed that comes along, with 0.1 s
    # and 20 MiB.
    from deepdiff import DeepDiff  # noqa: PLC0415 - see above
    from deepdiff.helper import NotPresent  # noqa: PLC0415 - see above

    found: list[tuple[_Path, Json, Json]] = []
    tree = DeepDiff(before, after, view="tree", threshold_to_diff_deeper=0)
    for levels in tree.values():
        for level in levels:
            gone, new = (isinstance(side, NotPresent) for side in (level.t1, level.t2))
            path = tuple(level.path(output_format="list"))
            found.append((path, ABSENT if gone else level.t1, ABSENT if new else level.t2))
    return found


def _written(path: _Path) -> str:
    """Write a path as the API server does: ``[0].ports[1].name``."""
    written = (
        f"[{step}]"
        if isinstance(step, int)
        else f".{step}"
        if step.replace("-", "").replace("_", "").isalnum()
        else f'["{step}"]'
        for step in path
    )
    return "".join(written).removeprefix(".")
