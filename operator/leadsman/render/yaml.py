"""YAML files as Kubernetes reads them, with errors for people.

What is read, and how, is in ``decoder.py``. Two things Kubernetes lets pass are refused or told
here, because what they mean depends on the reader: duplicate keys, and what follows a ``...``.
"""

from __future__ import annotations

import io
from itertools import islice
from typing import TYPE_CHECKING

from leadsman.errors import RenderError
from leadsman.render.builder import YamlError
from leadsman.render.decoder import YamlDocument, parse
from leadsman.render.documents import Manifest
from leadsman.render.messages import shorten

if TYPE_CHECKING:
    from leadsman.model.json import Json
    from leadsman.render.allowance import Allowance


def load_documents(text: str | bytes, file: str) -> list[Json]:
    """Return the documents of a YAML or JSON file; ``file`` names it in errors.

    Raises:
        RenderError: as ``read_manifests``.

    """
    data = text.encode() if isinstance(text, str) else text
    return [manifest.body for manifest in read_manifests(data, file)[0]]


def read_manifests(
    data: bytes, file: str, allowance: Allowance | None = None
) -> tuple[list[Manifest], list[str]]:
    """Read a YAML or JSON file; return its documents and warnings.

    ``allowance`` is what may be read, together with other files.

    Raises:
        RenderError: InvalidYAML, DuplicateKey, TemplateInManifest or RenderTooLarge, with file and
            line.

    """

    def refuse(line: int, key: str) -> None:
        raise RenderError(
            "DuplicateKey",
            f"{file}:{line}: the key {shorten(key)!r} stands twice in the same mapping, so that "
            "what Git asks for depends on the reader: remove one",
            retryable=False,
        )

    try:
        found = parse(data, refuse, allowance)
    except YamlError as error:
        raise _invalid(data, file, error) from error
    return [Manifest(item.value, file, item.line) for item in found], [
        _cut_warning(file, item) for item in found if item.cut
    ]


def _invalid(data: bytes, file: str, error: YamlError) -> RenderError:
    # The problem shows where the template's value is used, or a line later.
    first = max(error.line - 2, 0)
    around = islice(io.BytesIO(data), first, error.line + 1)
    line = next((number for number, text in enumerate(around, first + 1) if b"{{" in text), 0)
    if line and not error.reason:
        return RenderError(
            "TemplateInManifest",
            f"{file}:{line}: holds a template ({{{{ ... }}}}), which plain manifests cannot: "
            "render the chart that it belongs to, or exclude the file",
            retryable=False,
        )
    return RenderError(
        error.reason or "InvalidYAML", f"{file}:{error.line}: {error.problem}", retryable=False
    )


def _cut_warning(file: str, document: YamlDocument) -> str:
    return (
        f"{file}:{document.cut}: what follows '...' is not read, by kubectl neither: "
        "separate documents by '---'"
    )
