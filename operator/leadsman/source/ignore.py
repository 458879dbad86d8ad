"""Which files of a repository are left out, by gitignore patterns as Flux applies them.

Patterns are git's (gitignore(5)). What they do is Flux's: each file is judged on its own and the
last pattern that fits it, or a folder above it, decides; so unlike in git a file can be brought
back from an excluded folder. Source: fluxcd/pkg ``sourceignore`` and ``artifact/storage``.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

IGNORE_FILE = ".sourceignore"
MOST_PATTERNS = 1000

_VCS = ".git/ .gitignore .gitmodules .gitattributes"
_DEFAULTS = (
    "*.jpg *.jpeg *.gif *.png *.wmv *.flv *.tar.gz *.zip "
    ".github/ .circleci/ .travis.yml .gitlab-ci.yml appveyor.yml .drone.yml cloudbuild.yaml "
    "codeship-services.yml codeship-steps.yml "
    "**/.goreleaser.yml **/.sops.yaml **/.flux.yaml"
)
# Go has no names for character classes, git has these.
_CLASSES = {
    "alnum": "a-zA-Z0-9",
    "alpha": "a-zA-Z",
    "blank": r" \t",
    "cntrl": r"\x00-\x1f\x7f",
    "digit": "0-9",
    "graph": r"\x21-\x7e",
    "lower": "a-z",
    "print": r"\x20-\x7e",
    "punct": r"!-/:-@\[-`{-~",
    "space": r"\s",
    "upper": "A-Z",
    "xdigit": "0-9A-Fa-f",
}


@dataclass(frozen=True, slots=True)
class Pattern:
    """One pattern: ``expression`` matches the whole path of a file that it is about."""

    expression: str
    brings_back: bool


@dataclass(frozen=True, slots=True)
class Matcher:
    """Tells which files are left out; made by ``matcher``."""

    runs: tuple[tuple[re.Pattern[str], bool], ...]

    def excludes(self, path: str) -> bool:
        """Tell whether a file, or a link, at a path from the repository's root is left out."""
        for expression, brings_back in self.runs:
            if expression.match(path):
                return not brings_back
        return False


def matcher(ignore_files: Mapping[str, str], spec: str | None) -> Matcher:
    """Return what applies to a checkout.

    ``ignore_files`` maps a folder (``""`` for the root) to the text of its ``.sourceignore``,
    ``spec`` is the source's own ``ignore``. The default patterns apply where neither has any.

    Raises:
        ValueError: there are more than ``MOST_PATTERNS``.
    """
    patterns: list[Pattern] = []
    for folder in sorted(ignore_files, key=lambda folder: folder.split("/") if folder else []):
        patterns += parse_patterns(ignore_files[folder], folder)
    in_files = len(patterns)
    patterns += parse_patterns(spec or "")
    if len(patterns) > MOST_PATTERNS:
        raise ValueError(_too_many(len(patterns) - in_files, in_files))
    if not patterns:
        patterns = _words(_DEFAULTS)
    # Neighbours that decide alike are one expression: few matches per file. The last go first.
    runs = [
        (re.compile("|".join(p.expression for p in run), re.DOTALL), brings_back)
        for brings_back, run in groupby(_words(_VCS) + patterns, key=lambda p: p.brings_back)
    ]
    return Matcher(tuple(reversed(runs)))


def _too_many(in_spec: int, in_files: int) -> str:
    more = f"more than the {MOST_PATTERNS} that are allowed"
    if in_spec and in_files:
        return (
            f"spec.ignore has {in_spec} patterns and {IGNORE_FILE} files have {in_files}, "
            f"together {more}"
        )
    if in_spec:
        return f"spec.ignore has {in_spec} patterns, {more}"
    return f"{IGNORE_FILE} files have {in_files} patterns, {more}"


def _words(patterns: str) -> list[Pattern]:
    return list(parse_patterns("\n".join(patterns.split())))


def parse_patterns(text: str, folder: str = "") -> Iterable[Pattern]:
    """Read the lines of an ignore file that lies in ``folder``."""
    for line in text.removeprefix("\ufeff").split("\n"):
        if (pattern := _parse(line.removesuffix("\r"), folder)) is not None:
            yield pattern


def _parse(line: str, folder: str) -> Pattern | None:
    if line.startswith("#"):
        return None
    line = _strip_spaces(line)
    brings_back = line.startswith("!")
    line = line.removeprefix("!")
    only_folders = line.endswith("/")
    line = line.removesuffix("/")
    anchored = "/" in line
    line = line.removeprefix("/")
    if not line:
        return None
    body = _translate_path(line, anchored=anchored)
    if body is None:
        return None
    below = f"{re.escape(folder)}/" if folder else ""
    # A pattern that fits a folder decides for all that is in it.
    rest = "/.+" if only_folders else "(?:/.+)?"
    return Pattern(rf"(?:{below}{body}{rest})\Z", brings_back)


def _strip_spaces(line: str) -> str:
    """Drop trailing spaces but one that a backslash keeps."""
    stripped = line.rstrip(" ")
    escaped = (len(stripped) - len(stripped.rstrip("\\"))) % 2
    return line[: len(stripped) + escaped]


def _translate_path(pattern: str, *, anchored: bool) -> str | None:
    """Turn a pattern into a regular expression for paths; None if it can match nothing.

    Every group is atomic and takes the shortest stretch that fits: after ``*`` or ``**`` no later
    stretch can fit where the first does not, so time stays linear whatever a repository asks for.
    """
    runs: list[list[str]] = [[]]
    for segment in pattern.split("/"):
        if segment != "**" or not anchored:
            translated = _translate_segment(segment)
            if translated is None:
                return None
            runs[-1].append(translated)
        elif runs[-1] or len(runs) == 1:
            runs.append([])
    if not anchored:
        runs.insert(0, [])
    first, *others = ["/".join(run) for run in runs]
    if not others:
        return first
    head = f"{first}/" if first else ""
    *middle, last = others
    body = head + "".join(f"(?>(?:[^/]+/)*?{run}/)" for run in middle)
    return body + (f"(?>(?:[^/]+/)*?{last}(?=/|\\Z))" if last else ".+")


def _translate_segment(segment: str) -> str | None:
    """Turn a segment into a regular expression; None if it can match nothing."""
    chunks = [""]
    at = 0
    while at < len(segment):
        character = segment[at]
        at += 1
        if character == "*":
            if chunks[-1] or len(chunks) == 1:
                chunks.append("")
        elif character == "?":
            chunks[-1] += "[^/]"
        elif character == "[":
            found = _translate_class(segment, at)
            if found is None:
                return None
            chunks[-1] += found[0]
            at = found[1]
        else:
            if character == "\\":
                if at == len(segment):
                    return None
                character = segment[at]
                at += 1
            chunks[-1] += re.escape(character)
    first, *others = chunks
    if not others:
        return first
    *middle, last = others
    return f"{first}{''.join(f'(?>[^/]*?{chunk})' for chunk in middle)}[^/]*{last}"


def _translate_class(segment: str, at: int) -> tuple[str, int] | None:
    """Translate ``[...]`` from behind its bracket; return also where it ends."""
    negated = segment[at : at + 1] in {"!", "^"}
    at += negated
    start = at
    items: list[str] = []
    while at < len(segment) and (segment[at] != "]" or at == start):
        if named := re.compile(r"\[:(\w+):\]").match(segment, at):
            if named[1] not in _CLASSES:
                return None
            items.append(_CLASSES[named[1]])
            at = named.end()
            continue
        low, at = _class_character(segment, at)
        if segment[at : at + 1] == "-" and segment[at + 1 : at + 2] not in {"", "]"}:
            high, at = _class_character(segment, at + 1)
            if low <= high:
                items.append(f"{re.escape(low)}-{re.escape(high)}")
        else:
            items.append(re.escape(low))
    if at >= len(segment):
        return None
    inside = "".join(items)
    if not inside:
        return ("[^/]" if negated else "(?!)"), at + 1
    return f"(?!/)[{'^' if negated else ''}{inside}]", at + 1


def _class_character(segment: str, at: int) -> tuple[str, int]:
    if segment[at] == "\\" and at + 1 < len(segment):
        at += 1
    return segment[at], at + 1
