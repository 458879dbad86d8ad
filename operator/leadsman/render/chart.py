"""A chart in the repository: its dependencies, its values files, where its output comes from."""

from __future__ import annotations

import gzip
import io
import posixpath
import re
import tarfile
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from leadsman.errors import RenderError
from leadsman.render.builder import YamlError
from leadsman.render.checkout import list_folder
from leadsman.render.decoder import parse
from leadsman.render.remote import is_remote, without_credentials

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from leadsman.model.json import JsonObject
    from leadsman.render.checkout import Checkout

CHART_FILE: Final = "Chart.yaml"
_REQUIREMENTS: Final = "requirements.yaml"
_LOCKS: Final = ("Chart.lock", "requirements.lock")
# Charts are nested a few deep, and each level costs a run of Helm.
_DEEPEST: Final = 20
_ARCHIVE: Final = ".tgz"
_LARGEST_ARCHIVE: Final = 32 << 20
_VERSION_SUFFIX: Final = re.compile(r"-v?\d[^/]*$")
_LOCAL: Final = "file://"


@dataclass(frozen=True, slots=True)
class Linked:
    """A dependency that is another folder of the repository (``file://``).

    ``name`` and the range of ``version`` are what it must have to be taken.
    """

    name: str
    version: str
    chart: Chart


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart at a located folder.

    ``vendored`` maps the name of each chart in ``charts/`` to its folder or archive, ``linked``
    what a ``file://`` dependency is called to it, ``aliases`` what any dependency is called to its
    name.
    """

    folder: str
    name: str
    version: str = ""
    vendored: dict[str, str] = field(default_factory=dict)
    linked: dict[str, Linked] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)


def read_chart(checkout: Checkout, folder: str) -> Chart:
    """Read the chart in a located folder, and see that its dependencies are there.

    So are those of a ``file://`` dependency, and so on. What is in ``charts/`` Helm takes as it is.

    Raises:
        RenderError: ChartInvalid, ChartDependenciesMissing, PathOutside.

    """
    return _read(checkout, folder, (), {})


def _read(
    checkout: Checkout, folder: str, above: tuple[str, ...], known: dict[str, Chart]
) -> Chart:
    """Read a chart once; ``above`` are the charts that depend on it by ``file://``."""
    if folder in known:
        return known[folder]
    file = posixpath.join(folder, CHART_FILE)
    if folder in above:
        raise _invalid(file, "it depends on itself, by file:// dependencies")
    if len(above) > _DEEPEST:
        raise _missing(f"{file}: file:// dependencies are nested more than {_DEEPEST} deep")
    checkout.note(folder)
    for link in checkout.links(folder):
        # Helm reads what it leads to; of one that leads nowhere it says so itself.
        checkout.resolve(link)
    metadata = _metadata(checkout, folder)
    chart = Chart(
        folder,
        str(metadata.get("name", "")),
        str(metadata.get("version", "")),
        vendored=dict(_vendored(checkout, folder)),
    )
    locked = _locked(checkout, folder)
    missing = []
    for dependency in _dependencies(metadata, file):
        name = str(dependency.get("name", ""))
        called = str(dependency.get("alias") or name)
        version = str(dependency.get("version") or "")
        chart.aliases[called] = name
        repository = str(dependency.get("repository") or "")
        if name in chart.vendored:
            continue
        if repository.startswith(_LOCAL):
            found = checkout.locate(
                repository.removeprefix(_LOCAL),
                folder=folder,
                named_by=f"{file}: dependency {name}",
            )
            inner = _read(checkout, found, (*above, folder), known)
            chart.linked[called] = Linked(name, locked.get(name, version), inner)
        else:
            missing.append(f"{name} {version} ({without_credentials(repository)})".strip())
    if missing:
        raise _missing(
            f"{file} names dependencies that are not in {posixpath.join(folder, 'charts')}: "
            f"{', '.join(missing)}. Rendering has no network: run 'helm dependency build "
            f"{folder or '.'}' and commit what it puts there"
        )
    known[folder] = chart
    return chart


def values_file(checkout: Checkout, folder: str, name: str) -> str:
    """Return the located path of a values file, relative to the chart or, with ``/``, to the root.

    Raises RenderError.
    """
    if is_remote(name):
        raise RenderError(
            "RemoteValuesFile",
            f"the values file {without_credentials(name)} is not in the repository: rendering has "
            "no network, so copy it into the repository",
            retryable=False,
        )
    try:
        found = checkout.locate(
            name.lstrip("/"),
            folder="" if name.startswith("/") else folder,
            named_by=f"values file {name}",
        )
    except RenderError as error:
        if error.reason == "PathNotFound":
            error.reason = "ValuesFileMissing"
        raise
    if checkout.is_folder(found):
        raise RenderError("ValuesFileMissing", f"{found} is a folder", retryable=False)
    return found


def source_file(checkout: Checkout, chart: Chart, source: str) -> str:
    """Return the file in the repository that Helm's ``# Source:`` names.

    It begins with the chart's name; a dependency is found by its name or alias, in an archive only
    up to that.
    """
    parts = source.split("/")[1:]
    while len(parts) > 2 and parts[0] == "charts":  # noqa: PLR2004 - charts, name, file
        name = chart.aliases.get(parts[1], parts[1])
        linked = chart.linked.get(parts[1])
        below = chart.vendored.get(name)
        if linked is not None:
            chart, parts = linked.chart, parts[2:]
            continue
        if below is None:
            break
        if below.endswith(_ARCHIVE):
            return below
        parts = parts[2:]
        metadata = _mapping(checkout, posixpath.join(below, CHART_FILE))
        chart = Chart(
            below,
            name,
            vendored=dict(_vendored(checkout, below)),
            aliases={
                str(item.get("alias") or item.get("name")): str(item.get("name"))
                for item in _dependencies(metadata, below)
            },
        )
    return posixpath.join(chart.folder, *parts)


def name_in_archive(path: Path) -> str:
    """Return the name of the chart in an archive, or what its file is called if it cannot be read.

    Helm says itself what is wrong with an archive.
    """
    # A malformed archive makes tarfile raise almost anything.
    with (
        suppress(Exception),
        gzip.GzipFile(path) as packed,
        tarfile.open(fileobj=io.BytesIO(packed.read(_LARGEST_ARCHIVE))) as archive,
    ):
        for member in archive:
            top, _, rest = member.name.partition("/")
            if rest == CHART_FILE and top and member.isfile():
                file = archive.extractfile(member)
                documents = parse(file.read() if file else b"", lambda _line, _key: None)
                return str(documents[0].value["name"])
    return _VERSION_SUFFIX.sub("", path.name.removesuffix(_ARCHIVE))


def _metadata(checkout: Checkout, folder: str) -> JsonObject:
    """Return what Chart.yaml says, with the dependencies of a requirements.yaml."""
    metadata = _mapping(checkout, posixpath.join(folder, CHART_FILE))
    requirements = posixpath.join(folder, _REQUIREMENTS)
    if (checkout.root / requirements).is_file():
        metadata = {**metadata, **_mapping(checkout, requirements)}
    return metadata


def _locked(checkout: Checkout, folder: str) -> dict[str, str]:
    """Return the versions that the lock files hold by name: 'helm dependency build' asks them."""
    versions = {}
    for name in _LOCKS:
        file = posixpath.join(folder, name)
        if (checkout.root / file).is_file():
            for item in _dependencies(_mapping(checkout, file), file):
                versions[str(item.get("name"))] = str(item.get("version"))
    return versions


def _dependencies(metadata: JsonObject, file: str) -> list[JsonObject]:
    found = metadata.get("dependencies") or []
    if not isinstance(found, list) or not all(isinstance(item, dict) for item in found):
        raise _invalid(file, "the dependencies are no list of mappings")
    return found


def _vendored(checkout: Checkout, folder: str) -> Iterator[tuple[str, str]]:
    """Yield the name and the place of each chart in a chart's ``charts/``, as Helm loads them."""
    charts = posixpath.join(folder, "charts")
    if not checkout.is_folder(charts):
        return
    for entry in list_folder(checkout.root / charts):
        path = posixpath.join(charts, entry.name)
        if entry.name.startswith(("_", ".")):
            continue
        if entry.name.endswith(_ARCHIVE):
            yield name_in_archive(checkout.root / path), path
        elif (checkout.root / path / CHART_FILE).is_file():
            metadata = _mapping(checkout, posixpath.join(path, CHART_FILE))
            yield str(metadata.get("name", "")), path


def _mapping(checkout: Checkout, file: str) -> JsonObject:
    try:
        documents = parse(checkout.read(checkout.locate(file)), lambda _line, _key: None)
    except YamlError as error:
        raise RenderError(
            error.reason or "ChartInvalid",
            f"{file}:{error.line}: {error.problem}",
            retryable=False,
        ) from error
    body = documents[0].value if documents else {}
    if not isinstance(body, dict):
        raise _invalid(file, "is no mapping")
    return body


def _missing(problem: str) -> RenderError:
    return RenderError("ChartDependenciesMissing", problem, retryable=False)


def _invalid(where: str, problem: str) -> RenderError:
    return RenderError("ChartInvalid", f"{where}: {problem}", retryable=False)
