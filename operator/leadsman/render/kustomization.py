"""Read a kustomization and all that it refers to, before kustomize does.

Remote references are refused here: kustomize would fetch them with git or HTTP. What is referred to
must be within the repository, and it is noted, since it is what the render depends on.

Source: ``api/types/kustomization.go`` and ``api/internal/target/kusttarget.go`` in kustomize 5.8.
"""

from __future__ import annotations

import posixpath
from collections import deque
from typing import TYPE_CHECKING, Any, Final

from leadsman.errors import RenderError
from leadsman.render.builder import YamlError
from leadsman.render.decoder import parse
from leadsman.render.messages import note, shorten
from leadsman.render.remote import is_remote, looks_remote, refuse_remote, remote_base

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leadsman.model.json import Json, JsonObject
    from leadsman.render.checkout import Checkout

FILE_NAMES: Final = ("kustomization.yaml", "kustomization.yml", "Kustomization")

_FILES: Final = ("crds", "configurations")
_PATCHES: Final = ("patches", "patchesJson6902", "replacements")
_GENERATED: Final = ("configMapGenerator", "secretGenerator")
_PLUGINS: Final = ("generators", "transformers", "validators")
_CHARTS: Final = ("helmCharts", "helmChartInflationGenerator")
# The keys under which the configuration of a built-in plugin names files.
_PLUGIN_PATHS: Final = frozenset({"path", "paths", "file", "files", "env", "envs", "repo"})


def find_kustomization(checkout: Checkout, folder: str) -> str | None:
    """Return the kustomization's file in a folder. Raises RenderError if there are several."""
    found = [name for name in FILE_NAMES if checkout.exists(posixpath.join(folder, name))]
    if len(found) > 1:
        raise RenderError(
            "AmbiguousKustomization",
            f"{folder or '.'} has {' and '.join(found)}: keep one",
            retryable=False,
        )
    return posixpath.join(folder, found[0]) if found else None


def read_kustomization(checkout: Checkout, file: str, warnings: list[str]) -> JsonObject:
    """Read a kustomization's file. Raises RenderError."""
    data = checkout.read(checkout.locate(file))
    try:
        documents = parse(
            data,
            lambda line, key: note(
                warnings,
                f"{file}:{line}: the key {shorten(key)!r} stands twice, kustomize takes the last "
                "one",
            ),
        )
    except YamlError as error:
        raise RenderError(
            error.reason or "InvalidYAML",
            f"{file}:{error.line}: {error.problem}",
            retryable=False,
        ) from error
    body = documents[0].value if documents else {}
    if not isinstance(body, dict):
        raise RenderError("InvalidYAML", f"{file}: is no mapping", retryable=False)
    return body


class Survey:
    """Walks over kustomizations and what they refer to; see ``visit``."""

    def __init__(self, checkout: Checkout) -> None:
        self.warnings: list[str] = []
        self._checkout = checkout
        self._visited: set[str] = set()
        self._waiting: deque[tuple[str, str]] = deque()

    def visit(self, folder: str, file: str, body: JsonObject) -> None:
        """Check a kustomization, given as read, and all that it refers to.

        ``folder`` is located. Raises RenderError for what is remote, outside or not there.
        """
        self._visited.add(folder)
        self._visit(folder, file, body)
        # No recursion, because each may name another, hundreds of times.
        while self._waiting:
            folder, file = self._waiting.popleft()
            self._visit(folder, file, read_kustomization(self._checkout, file, self.warnings))

    def _visit(self, folder: str, file: str, body: JsonObject) -> None:
        fields = lower_keys(body)
        if any(fields.get(name.lower()) for name in _CHARTS):
            raise RenderError(
                "HelmChartsNotSupported",
                f"{file}: helmCharts lets kustomize run Helm, which downloads charts: render the "
                "chart by a target of its own, or commit its output",
                retryable=False,
            )
        for name in ("resources", "bases"):
            for entry in _strings(fields.get(name.lower()), file, name):
                self._resource(folder, file, name, entry)
        for entry in _strings(fields.get("components"), file, "components"):
            refuse_remote(file, "components", entry)
            self._folder(folder, file, "components", entry)
        for name, entry in _files(fields, file):
            self._file(folder, file, name, entry)
        for entry in _strings(fields.get("patchesstrategicmerge"), file, "patchesStrategicMerge"):
            if not _is_inline(entry):
                self._file(folder, file, "patchesStrategicMerge", entry)
        for name in _PLUGINS:
            for entry in _strings(fields.get(name.lower()), file, name):
                self._plugin(folder, file, name, entry)

    def _resource(self, folder: str, file: str, field: str, entry: str) -> None:
        """Take a resource for a file if there is one, else for a folder, as kustomize does."""
        path = posixpath.normpath(posixpath.join(folder, entry))
        if not path.startswith(("/", "../")) and self._checkout.exists(path):
            self._checkout.locate(entry, folder=folder, named_by=f"{file}: {field}")
            return
        refuse_remote(file, field, entry)
        self._folder(folder, file, field, entry)

    def _folder(self, folder: str, file: str, field: str, entry: str) -> None:
        checkout = self._checkout
        # Of a folder only what its kustomization names is read.
        found = self._locate(folder, file, field, entry, note=False)
        if found in self._visited:
            return
        named = find_kustomization(checkout, found)
        if named is None:
            raise RenderError(
                "KustomizationNotFound",
                f"{file}: {field} refers to {found or '.'}, which has no kustomization.yaml",
                retryable=False,
            )
        self._visited.add(found)
        self._waiting.append((found, named))

    def _file(self, folder: str, file: str, field: str, entry: str) -> str:
        refuse_remote(file, field, entry)
        return self._locate(folder, file, field, entry)

    def _locate(self, folder: str, file: str, field: str, entry: str, *, note: bool = True) -> str:
        """Return where an entry leads in the repository."""
        checkout = self._checkout
        try:
            return checkout.locate(entry, folder=folder, named_by=f"{file}: {field}", note=note)
        except RenderError as error:
            first = posixpath.join(folder, entry.partition("/")[0])
            if error.reason != "PathNotFound" or not looks_remote(entry):
                raise
            if checkout.is_folder(first):
                raise
            raise remote_base(file, field, entry) from None

    def _plugin(self, folder: str, file: str, field: str, entry: str) -> None:
        """Check a plugin's configuration, given in place, by a file or by a kustomization."""
        # It may name more files, in ways of its own.
        self._checkout.note("")
        text = entry.encode()
        where = file
        if not _is_inline(entry):
            self._resource(folder, file, field, entry)
            found = self._checkout.locate(entry, folder=folder)
            if self._checkout.is_folder(found):
                return
            text, where = self._checkout.read(found), found
        try:
            documents = parse(text, lambda _line, _key: None)
        except YamlError as error:
            raise RenderError(
                error.reason or "InvalidYAML",
                f"{where}:{error.line}: {error.problem}",
                retryable=False,
            ) from error
        for document in documents:
            if isinstance(document.value, dict) and "Helm" in str(document.value.get("kind")):
                raise RenderError(
                    "HelmChartsNotSupported",
                    f"{where}: lets kustomize run Helm: render the chart by a target of its own",
                    retryable=False,
                )
            for key, value in _plugin_paths(document.value):
                refuse_remote(where, key, value)


def lower_keys(fields: JsonObject) -> JsonObject:
    """Return the fields by names in lower case: Go's JSON decoder takes them in any case."""
    return {name.lower(): value for name, value in fields.items()}


def _files(fields: dict[str, Any], file: str) -> Iterator[tuple[str, str]]:
    """Yield the files that a kustomization names, each with its field."""
    for name in _FILES:
        for entry in _strings(fields.get(name.lower()), file, name):
            yield name, entry
    openapi = fields.get("openapi")
    if isinstance(openapi, dict) and isinstance(openapi.get("path"), str):
        yield "openapi.path", openapi["path"]
    for name in _PATCHES:
        for item in _mappings(fields.get(name.lower())):
            if isinstance(item.get("path"), str) and item["path"]:
                yield f"{name}[].path", item["path"]
    for name in _GENERATED:
        for item in _mappings(fields.get(name.lower())):
            yield from _generator_files(item, file, name)


def _generator_files(generator: JsonObject, file: str, name: str) -> Iterator[tuple[str, str]]:
    for entry in _strings(generator.get("files"), file, f"{name}[].files"):
        # key=path, or a path whose last part is the key
        yield f"{name}[].files", entry if is_remote(entry) else entry.partition("=")[2] or entry
    for entry in _strings(generator.get("envs"), file, f"{name}[].envs"):
        yield f"{name}[].envs", entry
    if isinstance(generator.get("env"), str) and generator["env"]:
        yield f"{name}[].env", generator["env"]


def _is_inline(entry: str) -> bool:
    """Say whether an entry is a document in place, and no path."""
    try:
        documents = parse(entry.encode(), lambda _line, _key: None)
    except YamlError:
        return "\n" in entry
    return any(isinstance(document.value, dict) for document in documents)


def _plugin_paths(value: Json, key: str = "") -> Iterator[tuple[str, str]]:
    """Yield the strings that a plugin's configuration has under keys that name files."""
    if isinstance(value, dict):
        for name, item in value.items():
            yield from _plugin_paths(item, name)
    elif isinstance(value, list):
        for item in value:
            yield from _plugin_paths(item, key)
    elif isinstance(value, str) and key.lower() in _PLUGIN_PATHS:
        yield key, value.partition("=")[2] if "=" in value.partition("://")[0] else value


def _strings(value: Json, file: str, field: str) -> list[str]:
    entries = [] if value is None else value
    if not isinstance(entries, list) or not all(isinstance(entry, str) for entry in entries):
        raise RenderError(
            "InvalidKustomization", f"{file}: {field} is no list of strings", retryable=False
        )
    return entries


def _mappings(value: Json) -> list[JsonObject]:
    items = value if isinstance(value, list) else []
    return [lower_keys(item) for item in items if isinstance(item, dict)]
