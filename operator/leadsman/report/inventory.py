"""The objects of a target in the few bytes that a report has for them.

Base64 of zlib-compressed lines ``group/Kind/namespace/name``, sorted. Where a report cannot list
all objects that are not in sync, the line of each such object goes on with its state and since
when, in seconds since the epoch, separated by tabs: a restart must not take it for news.
"""

from __future__ import annotations

import base64
import binascii
import zlib
from typing import TYPE_CHECKING

from leadsman.model.finding import State, Unlisted
from leadsman.model.identity import Gvk, ObjectKey
from leadsman.report.jsonsize import clean

if TYPE_CHECKING:
    from collections.abc import Iterable

    from leadsman.model.finding import Finding

# Bytes that a report may unpack to, whoever wrote it: some 100,000 objects.
_LARGEST = 8 * 1024 * 1024

_STATES = {state.value: state for state in State}


def encode_inventory(
    inventory: Iterable[ObjectKey], objects: Iterable[Finding | Unlisted] = ()
) -> str:
    """Pack an inventory, with the states of those that are among ``objects``."""
    states = {item.key: f"\t{item.state.value}\t{int(item.since)}" for item in objects}
    lines = sorted(_line(key) + states.get(key, "") for key in inventory)
    if not lines:
        return ""
    return base64.b64encode(zlib.compress(clean("\n".join(lines)).encode(), 6)).decode()


def decode_inventory(packed: object) -> tuple[tuple[ObjectKey, ...], tuple[Unlisted, ...]]:
    """Unpack an inventory and the states in it; what cannot be read is left out."""
    if not isinstance(packed, str) or not packed:
        return (), ()
    try:
        unpacker = zlib.decompressobj()
        raw = unpacker.decompress(base64.b64decode(packed, validate=True), _LARGEST)
        text = raw.decode()
    except (binascii.Error, zlib.error, ValueError):
        return (), ()
    keys: list[ObjectKey] = []
    objects: list[Unlisted] = []
    for line in text.split("\n"):
        written, *state = line.split("\t")
        parts = written.split("/", 3)
        if len(parts) != 4 or not parts[1] or not parts[3]:  # noqa: PLR2004 - see _line
            continue
        key = ObjectKey.of(*parts)
        keys.append(key)
        if len(state) == 2 and state[0] in _STATES and state[1].isdecimal():  # noqa: PLR2004 - as packed
            gvk = Gvk(key.group, "", key.kind)
            objects.append(Unlisted(key, gvk, _STATES[state[0]], float(state[1])))
    return tuple(keys), tuple(objects)


def _line(key: ObjectKey) -> str:
    return f"{key.group}/{key.kind}/{key.namespace}/{key.name}"
