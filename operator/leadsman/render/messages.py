"""What a program says, made fit for a person who knows the repository and not this machine."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping
    from pathlib import Path

_LONGEST: Final = 2000
_MOST_WARNINGS: Final = 1000
_MASK: Final = "***"
_NO_CHARACTER: Final = re.compile("[\ud800-\udfff]")
_SCRATCH: Final = re.compile(r"\S*leadsman-render-[^/\s'\"`]*")


def scrub(text: str, names: Mapping[Path, str]) -> str:
    """Replace folders and files of this machine by what they stand for, and cut what is long.

    ``names`` maps an absolute path to the path within the repository or to words.
    """
    for path in sorted(names, key=lambda path: len(str(path)), reverse=True):
        name = names[path]
        for real in {str(path), os.path.realpath(path)}:
            text = text.replace(f"{real}/", f"{name}/" if name else "")
            text = text.replace(real, name or ".")
    return shorten(_SCRATCH.sub("(scratch)", text).strip())


def shorten(text: str) -> str:
    """Cut what is too long for a message."""
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} [...]"


def note(warnings: list[str], text: str) -> None:
    """Add a warning, unless it is the last one again, or there are too many for anybody to read."""
    if len(warnings) < _MOST_WARNINGS and (said := shorten(text)) not in warnings[-1:]:
        warnings.append(said)


def mask(text: str, secrets: Collection[str]) -> str:
    """Hide what no message may hold, also where it stands on several lines."""
    lines = {line.strip() for secret in secrets for line in secret.splitlines()}
    for secret in sorted({*secrets, *lines}, key=len, reverse=True):
        if len(secret) > 1:
            text = text.replace(secret, _MASK)
    return text


def shown(name: str) -> str:
    """Return a text with file names in it as it can be written anywhere.

    What is no UTF-8 in a name, and hence no character, is replaced.
    """
    return _NO_CHARACTER.sub("\ufffd", name)
