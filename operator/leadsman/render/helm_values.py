"""The values of a release as files that Helm reads, the weakest first.

Values from the cluster may be Secrets, so no error says a word of what is in them.
"""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import orjson

from leadsman.errors import RenderError
from leadsman.render.builder import YamlError
from leadsman.render.decoder import parse
from leadsman.render.values import merge, set_value

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from leadsman.model.json import Json, JsonObject
    from leadsman.render.checkout import Checkout
    from leadsman.render.request import ValuesDocument

# Shorter texts are no secrets, and hiding them would leave nothing to read.
_SHORTEST_SECRET: Final = 4


@dataclass(frozen=True, slots=True)
class ValueFiles:
    """``paths`` for Helm, ``names`` for messages, ``secrets`` that no message may hold."""

    paths: tuple[Path, ...]
    names: dict[Path, str]
    secrets: frozenset[str] = field(repr=False)


def write_values(
    folder: Path,
    checkout: Checkout,
    files: Sequence[str],
    documents: Sequence[ValuesDocument],
    own: JsonObject,
) -> ValueFiles:
    """Write what is in no file of the repository into a new folder.

    ``files`` are located values files, ``documents`` lie over them, ``own`` over all.

    Raises:
        RenderError: ValuesInvalid.

    """
    folder.mkdir()
    last = folder / "values.json"
    read = [_read(document, number) for number, document in enumerate(documents, 1)]
    secrets = frozenset(_texts([document.text for document in documents] + read))
    if not any(document.target_path for document in documents):
        names = {}
        for number, values in enumerate(read, 1):
            path = folder / f"{number}.json"
            path.write_bytes(orjson.dumps(values))
            names[path] = _name(number)
        if own:
            last.write_bytes(orjson.dumps(own))
            names[last] = "values"
        return ValueFiles((*(checkout.root / file for file in files), *names), names, secrets)
    # A value for a path lies over all before it and under all after it, so all is merged here.
    merged: JsonObject = {}
    for file in files:
        merged = merge(merged, _mapping(checkout.read(file), file))
    for number, (document, values) in enumerate(zip(documents, read, strict=True), 1):
        merged = _set(merged, document, number) if document.target_path else merge(merged, values)
    last.write_bytes(orjson.dumps(merge(merged, own)))
    return ValueFiles((last,), {last: "values"}, secrets)


def secret_texts(documents: Sequence[ValuesDocument]) -> frozenset[str]:
    """Return the single values of those documents that are Secrets; a broken one has none."""
    found: set[str] = set()
    for document in documents:
        if not document.secret:
            continue
        found.update(_texts(document.text))
        values: Json = document.text
        if not document.target_path:
            values = None
            with suppress(RenderError):
                values = _read(document, 0)
        for text in _texts(values):
            found.add(text)
            # Templates indent what has several lines, as a key in PEM.
            found.update(line for each in text.splitlines() for line in _texts(each))
    return frozenset(found)


def _read(document: ValuesDocument, number: int) -> JsonObject:
    return {} if document.target_path else _mapping(document.text.encode(), _name(number))


def _set(values: JsonObject, document: ValuesDocument, number: int) -> JsonObject:
    try:
        return set_value(values, document.target_path, document.text)
    except ValueError as error:
        raise _invalid(f"{_name(number)}: targetPath {document.target_path}: {error}") from None


def _mapping(data: bytes, where: str) -> JsonObject:
    merged: JsonObject = {}
    try:
        documents = parse(data, lambda _line, _key: None)
    except YamlError as error:
        if error.reason:
            raise RenderError(error.reason, f"{where}: {error.problem}", retryable=False) from None
        raise _invalid(f"{where}: line {error.line} is not YAML") from None
    for document in documents:
        if not isinstance(document.value, dict):
            raise _invalid(f"{where} is no mapping")
        merged = merge(merged, document.value)
    return merged


def _texts(value: Json) -> Iterator[str]:
    if isinstance(value, dict):
        for item in value.values():
            yield from _texts(item)
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    elif value is not None and not isinstance(value, bool):
        text = str(value).strip()
        if len(text) >= _SHORTEST_SECRET:
            yield text


def _name(number: int) -> str:
    return f"valuesFrom (number {number})"


def _invalid(problem: str) -> RenderError:
    return RenderError("ValuesInvalid", problem, retryable=False)
