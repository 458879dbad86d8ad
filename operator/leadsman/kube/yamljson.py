"""Write JSON that a YAML 1.1 parser reads as the same document.

The API server takes what is applied server-side for YAML, of which JSON is nearly a part, but not
quite. Measured on 1.37 (its parser is go.yaml.in/yaml): some characters are refused unless they are
escaped ("control characters are not allowed"), U+0085 is read as a line break and folded into a
space, escaped surrogate pairs are refused while the characters that they mean are not, and a key of
more than 1,023 characters is not recognized as one unless it is marked with ``?``.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from leadsman.model.json import Json

# Outside of a string, JSON has none of them: all may be escaped in the text as a whole.
_REFUSED = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
# The parser counts the quotes and the bytes of escapes, of which a character may have six.
_LONG = 1000
_MAY_BE_LONG = (_LONG - 2) // 6


def plain(document: Json) -> bytes:
    """Return a document as JSON.

    Raises:
        RecursionError: it is nested too deeply to be written.

    """
    try:
        return orjson.dumps(document)
    except orjson.JSONEncodeError:
        # Some hundred levels are too deep for it, and numbers beyond 64 bits too large.
        return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def encode(document: Json) -> bytes:
    """Return a JSON document so that YAML says the same.

    Raises:
        RecursionError: it is nested too deeply to be written.

    """
    is_marked = _has_long_key(document)
    text = "".join(_marked(document)) if is_marked else plain(document).decode()
    return _escaped(text).encode()


def _escaped(text: str) -> str:
    return _REFUSED.sub(lambda found: f"\\u{ord(found[0]):04x}", text)


def _has_long_key(document: Json) -> bool:
    # Looked for in the document: in its text, every quote within a long string may begin a key.
    todo = [document]
    while todo:
        value = todo.pop()
        if isinstance(value, dict):
            if any(len(key) >= _MAY_BE_LONG and len(_written(key)) >= _LONG for key in value):
                return True
            todo += [item for item in value.values() if isinstance(item, dict | list)]
        elif isinstance(value, list):
            todo += [item for item in value if isinstance(item, dict | list)]
    return False


def _marked(value: Json) -> list[str]:
    """Write with a mark before each long key, which leaves it no JSON."""
    parts: list[str] = []
    # Texts are written as they are, values when their turn comes.
    todo: list[tuple[bool, Json]] = [(False, value)]
    while todo:
        is_text, item = todo.pop()
        if is_text:
            parts.append(item)
        elif isinstance(item, dict):
            todo.append((True, "}"))
            for index, (key, member) in enumerate(reversed(item.items())):
                todo += [(True, ",")] if index else []
                todo.append((False, member))
                todo.append((True, _key(key)))
            todo.append((True, "{"))
        elif isinstance(item, list):
            todo.append((True, "]"))
            for index, member in enumerate(reversed(item)):
                todo += [(True, ",")] if index else []
                todo.append((False, member))
            todo.append((True, "["))
        else:
            parts.append(json.dumps(item, ensure_ascii=False))
    return parts


def _key(key: str) -> str:
    written = _written(key)
    return f"? {written} : " if len(written) >= _LONG else f"{written}:"


def _written(key: str) -> str:
    return _escaped(json.dumps(key, ensure_ascii=False))
