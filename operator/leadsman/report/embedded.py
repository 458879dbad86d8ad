"""What a text holds: JSON, YAML, or base64 of text, read for showing it only."""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import TYPE_CHECKING

import orjson
import yaml

if TYPE_CHECKING:
    from leadsman.model.json import Json

# Characters; what takes longer to read than to look at is shown by its lines.
_LONGEST_JSON = 2 * 1024 * 1024
_LONGEST_YAML = 128 * 1024
_DEEPEST = 64
# Shorter texts are base64 by chance.
_SHORTEST_BASE64 = 16
_BASE64 = re.compile(r"[A-Za-z0-9+/\s]++={0,2}\s*+")


def structure(text: str) -> Json:
    """Return the object or list that a text is in JSON or YAML, None if it is neither.

    YAML's scalars stay texts: what differs is shown as it was written.
    """
    start = text.lstrip()[:1]
    if start in {"{", "["} and len(text) <= _LONGEST_JSON:
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            pass
    if "\n" not in text.strip() or len(text) > _LONGEST_YAML:
        return None
    try:
        return _yaml(text)
    except (yaml.YAMLError, ValueError):
        return None


def _yaml(text: str) -> Json:
    """Read one YAML document, without recursion; None for one that refers to itself.

    Aliases make a short text as large as they like.
    """
    root: list[Json] = []
    # Where a value goes next; a mapping is a list of keys and values until it ends.
    stack: list[list[Json]] = [root]
    documents = 0
    for event in yaml.parse(text, Loader=yaml.CBaseLoader):
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
        if isinstance(event, yaml.AliasEvent) or documents > 1 or len(stack) > _DEEPEST:
            return None
        if isinstance(event, yaml.ScalarEvent):
            stack[-1].append(event.value)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            stack.append([])
        elif isinstance(event, yaml.SequenceEndEvent):
            items = stack.pop()
            stack[-1].append(items)
        elif isinstance(event, yaml.MappingEndEvent):
            pairs = stack.pop()
            keys = pairs[::2]
            if not all(isinstance(key, str) for key in keys):
                return None
            stack[-1].append(dict(zip(keys, pairs[1::2], strict=True)))
    found = root[0] if root else None
    return found if isinstance(found, dict | list) else None


def decoded(text: str) -> bytes | None:
    """Return what a text is the base64 of, None if it is none or may be so by chance."""
    if len(text) < _SHORTEST_BASE64 or not _BASE64.fullmatch(text):
        return None
    packed = "".join(text.split())
    try:
        return base64.b64decode(packed + "=" * (-len(packed) % 4), validate=True)
    except binascii.Error:
        return None


def readable(raw: bytes) -> str | None:
    """Return bytes as the text that they are, None if they are none."""
    try:
        text = raw.decode()
    except UnicodeDecodeError:
        return None
    is_text = all(part.isprintable() for part in text.split())
    return text if is_text else None


def described(raw: bytes) -> str:
    """Tell bytes that are no text apart."""
    digest = hashlib.sha256(raw).hexdigest()[:12]
    return f"{len(raw)} bytes, sha256 {digest}"
