"""Globs over the files below a folder."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import TYPE_CHECKING

from leadsman.errors import RenderError
from leadsman.expressions import expression

if TYPE_CHECKING:
    from leadsman.expressions import Expression

_TOKEN = re.compile(
    r"(?P<deep>\*\*/?)|(?P<star>\*)|(?P<one>\?)|(?P<set>\[[^\]]+\])|(?P<any>\{[^}]*\})"
)
_RANGE = re.compile(r"(.)-(.)|.", re.DOTALL)


def matches(path: str, patterns: tuple[str, ...]) -> bool:
    """Say whether one of the patterns matches the path or a folder that it is in.

    ``*`` and ``?`` stay within a folder, ``**`` does not, ``{a,b}`` is either. A pattern is about
    the whole path, like ``overlays/*/patch.yaml``; one without a slash about the name at any depth.
    """
    return any(_compiled(pattern).matches(path) for pattern in patterns)


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> Expression:
    text = pattern.removeprefix("./").strip("/")
    anywhere = "/" not in pattern.removeprefix("./").rstrip("/")
    try:
        return expression(f"(?s){'(?:.*/)?' if anywhere else ''}{_regex(text)}(?:/.*)?")
    except ValueError as error:
        raise RenderError(
            "InvalidPattern", f"{pattern!r} is not a glob: {error}", retryable=False
        ) from error


def _regex(pattern: str) -> str:
    parts = []
    end = 0
    for token in _TOKEN.finditer(pattern):
        parts.append(re.escape(pattern[end : token.start()]))
        end = token.end()
        text = token[0]
        if token["deep"]:
            parts.append("(?:.*/)?" if text.endswith("/") else ".*")
        elif token["star"]:
            parts.append("[^/]*")
        elif token["one"]:
            parts.append("[^/]")
        elif token["set"]:
            negated = text[1] in "!^" and len(text) > 3  # noqa: PLR2004 - [!] is the sign itself
            body = _RANGE.sub(_escape_range, text[2 if negated else 1 : -1])
            parts.append(f"[{'^/' if negated else ''}{body}]")
        else:
            choices = "|".join(_regex(choice) for choice in text[1:-1].split(","))
            parts.append(f"(?:{choices})")
    parts.append(re.escape(pattern[end:]))
    return "".join(parts)


def _escape_range(match: re.Match[str]) -> str:
    if match[1] is None:
        return re.escape(match[0])
    return f"{re.escape(match[1])}-{re.escape(match[2])}"
