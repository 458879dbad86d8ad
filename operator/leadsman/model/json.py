"""Types of decoded JSON."""

from __future__ import annotations

from typing import Any, TypeAlias

import orjson

# ``Any`` inside on purpose: a recursive alias makes every access a cast and proves nothing about
# documents whose shape only a schema known at run time can tell.
Json: TypeAlias = Any
JsonObject: TypeAlias = dict[str, Any]


def canonical(document: JsonObject) -> bytes:
    """Return the one text of a document, as it is kept: sorted keys, UTF-8, no spaces.

    Raises:
        orjson.JSONEncodeError: it holds what is no JSON, or is nested too deeply.

    """
    # A copy: what orjson returns keeps the whole buffer that it was written into, 4 KiB or more.
    return bytes(memoryview(orjson.dumps(document, option=orjson.OPT_SORT_KEYS)))
