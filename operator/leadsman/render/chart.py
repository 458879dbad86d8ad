"""A chart in the repository: its dependencies, its values files, where its output comes from."""

from __future__ import annotations

import gzip
import io
import os
import posixpath
import re
import tarfile
import zlib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from leadsman.errors import RenderError
from leadsman.render.builder import YamlError
from leadsman.render.checkout import list_folder
from leadsman.render.decoder import parse
from leadsman.render.remote import is_remote, without_credentials

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leadsman.model.json import JsonObject
    from leadsman.render.checkout import Checkout

CHART_FILE: Final = "Chart.yaml"
_REQUIREMENTS: Final = "requirements.yaml"
_ARCHIVE: Final = ".tgz"
_LARGEST_ARCHIVE: Final = 32 << 20
_VERSION_SUFFIX: Final = re.compile(r"-v?\d[^/]*$")
_LOCAL: Final = "file://"


@dataclass(frozen=True, slots=True)
class Chart:
    """A chart at a located folder.

    ``vendored`` maps the name of each chart in ``charts/`` to its folder or archive, ``linked`` the
    name of each dependency that is another folder of the repository (``file://``) to that folder,
    ``aliases`` what a dependency is called to its name.
    """

    folder: str
    name: str
    vendored: dict[str, str] = field(default_factory=dict)
    linked: dict[str, str] = field(default_factory=dict)
    aliases: dict[str, str] = field(default_factory=dict)


def read_chart(checkout: Checkout, folder: str, above: tuple[str, ...] = ()) -> Chart:
    """Read the chart in a located folder, and see that its dependencies are there.

    ``above`` are the charts that depend on it by ``file://``.

    Raises:
        RenderError: ChartInvalid, ChartDependenciesMissing, PathOutside.

    """
    if folder in above:
        raise _invalid(
            posixpath.join(folder, CHART_FILE), "it depends on itself, by file:// dependencies"
        )
    checkout.inputs.add(folder)
    for link in checkout.links(folder):
        # Helm reads what it leads to; of one that leads nowhere it says so itself.
        if os.path.exists(checkout.root / link):  # noqa: PTH110 - a Path's would be the same
            checkout.locate(link)
    file = posixpath.join(folder, CHART_FILE)
    metadata = _mapping(checkout, file)
    requirements = posixpath.join(folder, _REQUIREMENTS)
    if (checkout.root / requirements).is_file():
        metadata = {**metadata, **_mapping(checkout, requirements)}
    chart = Chart(folder, str(metadata.get("name", "")), vendored=dict(_vendored(checkout, folder)))
    missing = []
    for dependency in _dependencies(metadata, file):
        name = str(dependency.get("name", ""))
        chart.aliases[str(dependency.get("alias") or name)] = name
        repository = str(dependency.get("repository") or "")
        if name in chart.vendored:
            continue
        if repository.startswith(_LOCAL):
            chart.linked[name] = checkout.locate(
                repository.removeprefix(_LOCAL),
                folder=folder,
                named_by=f"{file}: dependency {name}",
            )
            read_chart(checkout, chart.linked[name], (*above, folder))
        else:
            version = dependency.get("version", "")
            missing.append(f"{name} {version} ({without_credentials(repository)})".strip())
    if missing:
        raise RenderError(
            "ChartDependenciesMissing",
            f"{file} names dependencies that are not in {posixpath.join(folder, 'charts')}: "
            f"{', '.join(missing)}. Rendering has no network: run 'helm dependency build "
            f"{folder or '.'}' and commit what it puts there",
            retryable=False,
        )
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
        below = chart.vendored.get(name) or chart.linked.get(name)
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
            yield _name_in_archive(checkout, path), path
        elif (checkout.root / path / CHART_FILE).is_file():
            metadata = _mapping(checkout, posixpath.join(path, CHART_FILE))
            yield str(metadata.get("name", "")), path


def _name_in_archive(checkout: Checkout, path: str) -> str:
    """Return the name of the chart in an archive, or what its file is called if it cannot be read.

    Helm says itself what is wrong with an archive.
    """
    try:
        with gzip.GzipFile(checkout.root / path) as packed:
            content = io.BytesIO(packed.read(_LARGEST_ARCHIVE))
        with tarfile.open(fileobj=content) as archive:
            for member in archive:
                top, _, rest = member.name.partition("/")
                if rest == CHART_FILE and top and (file := archive.extractfile(member)):
                    documents = parse(file.read(), lambda _line, _key: None)
                    return str(documents[0].value["name"])
    except (OSError, EOFError, zlib.error, tarfile.TarError, YamlError, LookupError, TypeError):
        pass  # the file's name will do
    return _VERSION_SUFFIX.sub("", posixpath.basename(path).removesuffix(_ARCHIVE))


def _mapping(checkout: Checkout, file: str) -> JsonObject:
    try:
        documents = parse(checkout.read(checkout.locate(file)), lambda _line, _key: None)
    except YamlError as error:
        raise _invalid(f"{file}:{error.line}", error.problem) from error
    body = documents[0].value if documents else {}
    if not isinstance(body, dict):
        raise _invalid(file, "is no mapping")
    return body


def _invalid(where: str, problem: str) -> RenderError:
    return RenderError("ChartInvalid", f"{where}: {problem}", retryable=False)
