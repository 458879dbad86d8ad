"""YAML and JSON as Kubernetes reads them.

``kubectl`` and the API server's other clients read manifests with ``sigs.k8s.io/yaml``: a stream is
cut at lines that begin with ``---``, each piece is decoded by Go's yaml.v2 (YAML 1.1 with rules of
its own) and turned into JSON. PyYAML's loader knows other rules, so only libyaml's parser is taken
from it, and its events are built into values by ``builder.py``.

Source: ``decoder.go`` in ``k8s.io/apimachinery/pkg/util/yaml``.
"""

from __future__ import annotations

import codecs
import json
import re
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import yaml

from leadsman.render.allowance import DOCUMENT, Allowance
from leadsman.render.builder import MAX_DEPTH, Builder, OnDuplicate, YamlError
from leadsman.render.scalars import normal_number

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from leadsman.model.json import Json

_SEPARATOR = re.compile(rb"^---([^\n]*)(?:\n|\Z)", re.MULTILINE)
# Matches wherever it begins, so that it never goes back.
_JSON_STRING = re.compile(rb'"(?:[^"\\]++|\\.?)*+(?:"|\Z)', re.DOTALL)
_JSON_SPACE = re.compile(r"[ \t\r\n]*")


@dataclass(frozen=True, slots=True)
class YamlDocument:
    """One document of a stream and the line on which its content begins, counted from 1.

    ``cut`` is the line of a ``...`` after which something stands that Kubernetes does not read,
    or 0.
    """

    value: Json
    line: int
    cut: int = 0


def parse(
    data: bytes, on_duplicate: OnDuplicate, allowance: Allowance | None = None
) -> list[YamlDocument]:
    """Read a stream of YAML or JSON documents; empty and null ones are left out.

    ``on_duplicate(line, key)`` is called for each key that stands twice in a mapping, of which the
    last wins unless it raises. ``allowance`` is what may be read, together with other streams.
    Raises YamlError, also for more than that.
    """
    allowance = allowance or Allowance()
    if data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        raise YamlError(1, "UTF-16, where Kubernetes reads UTF-8")
    data = data.removeprefix(codecs.BOM_UTF8)
    if not data.lstrip().startswith(b"{"):
        return list(_yaml_stream(data, 1, on_duplicate, allowance))
    before = replace(allowance)
    documents, end, problem = _json_stream(data, on_duplicate, allowance)
    if problem is None:
        return documents
    # After one JSON value the rest may still be YAML (a flow mapping looks like JSON, too); after
    # more of them the stream is JSON for good.
    if len(documents) > 1:
        raise problem
    if not documents:
        allowance.values, allowance.text = before.values, before.text
    rest = data[end:]
    line = data.count(b"\n", 0, end) + 1
    return documents + list(_yaml_stream(rest, line, on_duplicate, allowance))


def _yaml_stream(
    data: bytes, line: int, on_duplicate: OnDuplicate, allowance: Allowance
) -> Iterator[YamlDocument]:
    start = 0
    for separator in _SEPARATOR.finditer(data):
        piece = data[start : separator.start()]
        if piece:
            yield from _yaml_document(piece, line, on_duplicate, allowance)
            line += piece.count(b"\n")
        said = separator[1].strip()
        if said and not said.startswith(b"#"):
            text = said.decode("utf-8", "replace")
            raise YamlError(line, f"only a comment may follow the separator ---, not {text!r}")
        if piece:
            line += 1
            start = separator.end()
        else:
            # The separator stays with what follows, which may then be empty in more ways.
            start = separator.start()
    last = data[start:]
    # A last line without its end gets one, which a block scalar then keeps.
    last = last if last.endswith(b"\n") else last + b"\n"
    yield from _yaml_document(last, line, on_duplicate, allowance)


def _yaml_document(
    piece: bytes, line: int, on_duplicate: OnDuplicate, allowance: Allowance
) -> Iterator[YamlDocument]:
    """Read the first document of a piece; yield nothing where there is none, or a null."""
    _take(allowance, line, DOCUMENT, 0)
    builder = Builder(line, on_duplicate, allowance)
    cut = 0
    try:
        parser = yaml.CSafeLoader(piece)
        next_event: Callable[[], Any] = parser.get_event
        next_event()  # the stream's start
        if type(next_event()) is yaml.StreamEndEvent:
            return
        event = next_event()
        while type(event) is not yaml.DocumentEndEvent:
            builder.feed(event)
            event = next_event()
        if event.explicit and event.start_mark is not None:
            cut = _cut(parser, line + event.start_mark.line)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise YamlError(
            line + (mark.line if mark else 0), error.problem or error.context or "not YAML"
        ) from None
    except yaml.reader.ReaderError as error:
        at = piece.count(b"\n", 0, error.position)
        raise YamlError(line + at, str(error.reason)) from None
    if builder.value is not None:
        yield YamlDocument(builder.value, builder.line, cut)


def _cut(parser: yaml.CSafeLoader, line: int) -> int:
    try:
        follows = type(parser.get_event()) is not yaml.StreamEndEvent
    except yaml.YAMLError:
        follows = True
    return line if follows else 0


def _take(allowance: Allowance, line: int, values: int, text: int) -> None:
    try:
        allowance.take(values, text)
    except ValueError as error:
        raise YamlError(line, str(error), "RenderTooLarge") from None


def _json_stream(
    data: bytes, on_duplicate: OnDuplicate, allowance: Allowance
) -> tuple[list[YamlDocument], int, YamlError | None]:
    """Read JSON values up to the end or the first problem; return them and where they end."""
    # Each value follows one of these; they are counted beforehand, since the decoder is not asked.
    bare = _JSON_STRING.sub(b"", data)
    _take(allowance, 1, sum(bare.count(sign) for sign in (b"{", b"[", b",", b":")), len(data))
    line = 1

    def pairs(items: list[tuple[str, Json]]) -> dict[str, Json]:
        found = dict(items)
        if len(found) < len(items):
            for key, count in Counter(key for key, _ in items).items():
                if count > 1:
                    on_duplicate(line, key)
        return found

    decoder = json.JSONDecoder(
        object_pairs_hook=pairs,
        parse_int=lambda digits: normal_number(int(digits)),
        parse_float=lambda digits: normal_number(float(digits)),
        parse_constant=_refuse_constant,
    )
    documents: list[YamlDocument] = []
    text = data.decode("utf-8", "surrogateescape")
    at = end = 0
    try:
        while (at := _skip_space(text, at)) < len(text):
            line = text.count("\n", 0, at) + 1
            value, at = decoder.raw_decode(text, at)
            documents.append(YamlDocument(_clean(value, 0), line))
            end = at
    except json.JSONDecodeError as error:
        return documents, _bytes(text[:end]), YamlError(error.lineno, error.msg)
    except (ValueError, RecursionError) as error:
        return documents, _bytes(text[:end]), YamlError(line, str(error))
    return [item for item in documents if item.value is not None], len(data), None


def _bytes(text: str) -> int:
    return len(text.encode("utf-8", "surrogateescape"))


def _skip_space(text: str, at: int) -> int:
    match = _JSON_SPACE.match(text, at)
    return match.end() if match else at


def _refuse_constant(name: str) -> float:
    raise ValueError(f"{name} is not a JSON number")


def _clean(value: Json, depth: int) -> Json:
    """Replace what is no Unicode by U+FFFD, as Go's decoder does.

    Raises ValueError for what is nested too deeply.
    """
    if depth > MAX_DEPTH:
        raise ValueError(f"nested deeper than {MAX_DEPTH} levels")
    if isinstance(value, str):
        if value.isascii():
            return value
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, dict):
        return {_clean(key, depth): _clean(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list):
        return [_clean(item, depth + 1) for item in value]
    return value
