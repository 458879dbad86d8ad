"""The DriftChecks in files that ``leadsman check -f`` names."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from leadsman.errors import LeadsmanError, SpecError
from leadsman.render.yaml import load_documents
from leadsman.report.text import printable
from leadsman.targets.driftcheck import KIND

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from leadsman.model.json import Json, JsonObject

# Objects named in the note of what was skipped, before it says "and N more".
_NAMED = 5


def read_driftchecks(files: Iterable[str], namespace: str) -> list[JsonObject]:
    """Return the files' DriftChecks; what people keep beside them is skipped with a note.

    ``-`` is standard input. ``namespace`` is that of those that say none.

    Raises:
        LeadsmanError: a file cannot be read, holds something that is no object, or there is no
            DriftCheck at all.

    """
    found: list[JsonObject] = []
    for file in files:
        skipped: list[str] = []
        for document in _documents(file):
            if other := _other_kind(document):
                skipped.append(other)
            else:
                found.append(_placed(document, file, namespace))
        if skipped:
            _note(file, skipped)
    if not found:
        raise SpecError(f"there is no {KIND} in {', '.join(files)}", reason="NothingToCheck")
    return found


def _documents(file: str) -> Iterator[Json]:
    try:
        text = sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LeadsmanError("FileNotReadable", f"{file}: {error}", retryable=False) from error
    for document in load_documents(text, file):
        if document:
            yield from _items(document)


def _items(document: Json) -> Iterator[Json]:
    """Open what ``kubectl get driftchecks -o yaml`` prints."""
    items = document.get("items") if isinstance(document, dict) else None
    if isinstance(items, list) and str(document.get("kind", "")).endswith("List"):
        for item in items:
            yield from _items(item)
    else:
        yield document


def _other_kind(document: Json) -> str:
    """Name an object of another kind; "" for a DriftCheck and for what says no kind."""
    kind = document.get("kind") if isinstance(document, dict) else None
    if not isinstance(kind, str) or kind in {"", KIND}:
        return ""
    metadata = document.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    return f"{kind} {name}" if isinstance(name, str) else kind


def _note(file: str, skipped: list[str]) -> None:
    more = f" and {len(skipped) - _NAMED} more" if len(skipped) > _NAMED else ""
    named = printable(", ".join(skipped[:_NAMED]) + more)
    print(f"leadsman: {file}: skipped what is no {KIND}: {named}", file=sys.stderr)  # noqa: T201 - a CLI


def _placed(document: Json, file: str, namespace: str) -> JsonObject:
    """Return the object with the namespace that is meant; what is no object can't be named."""
    metadata = document.get("metadata") or {} if isinstance(document, dict) else None
    if not isinstance(document, dict) or not isinstance(metadata, dict):
        raise SpecError(f"{file}: holds something that is no DriftCheck, but a list or a text")
    for part in ("name", "namespace"):
        if not isinstance(metadata.get(part) or "", str):
            raise SpecError(f"{file}: metadata.{part} must be a text: put it in quotes")
    placed = metadata | {"namespace": metadata.get("namespace") or namespace}
    return document | {"metadata": placed}
