"""``file://`` dependencies: Helm packages them, as ``helm dependency build`` does in each chart.

So Helm itself judges their versions and applies each chart's own ``.helmignore``. The checkout
cannot be written, hence a chart with such dependencies is put together in the scratch folder, of
links to its files and of what Helm has packaged. All charts that depend on nothing that is not yet
packaged are done in one run, so that there are as many runs as dependencies are nested deep.

Source: ``Manager.Build`` and ``tarFromLocalDir`` in Helm's ``pkg/downloader/manager.go``.
"""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import orjson

from leadsman.errors import RenderError
from leadsman.render.chart import CHART_FILE, Chart, Linked, name_in_archive
from leadsman.render.checkout import list_folder
from leadsman.render.messages import scrub, shown
from leadsman.render.threads import in_thread

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from leadsman.render.checkout import Checkout
    from leadsman.render.helm_run import HelmRun

_CHARTS: Final = "charts"
_NAMED: Final = re.compile(r'"n(\d+)" \(repository')


@dataclass(frozen=True, slots=True)
class Assembled:
    """A chart with all its dependencies: where it is, and the folders that this takes."""

    path: Path
    read: tuple[Path, ...] = ()


@dataclass(frozen=True, slots=True)
class _Edge:
    """That one chart depends on another."""

    chart: Chart
    linked: Linked


async def assemble(chart: Chart, checkout: Checkout, helm: HelmRun) -> Assembled:
    """Return the chart's own folder, or one in which its ``file://`` dependencies are, too.

    Raises:
        RenderError: ChartDependenciesMissing where Helm does not take one of them.

    """
    if not chart.linked:
        return Assembled(checkout.root / chart.folder)
    made = helm.scratch / "chart"
    made.mkdir()
    packed: dict[str, Path] = {}
    places: dict[str, Path] = {}
    edges = list(_edges(chart))
    while chart.folder not in places:
        # Those whose dependencies are packaged, which at first are those without any.
        for each in {edge.linked.chart.folder: edge.linked.chart for edge in edges}.values():
            if each.folder not in places and _is_ready(each, packed):
                place = made / str(len(places))
                places[each.folder] = await in_thread(_put_together, each, checkout, packed, place)
        ready = [edge for edge in edges if edge.linked.chart.folder in places]
        for group in _apart([edge for edge in ready if edge.linked.chart.folder not in packed]):
            packed |= await _package(group, places, checkout, helm)
        if _is_ready(chart, packed):
            place = made / str(len(places))
            places[chart.folder] = await in_thread(_put_together, chart, checkout, packed, place)
    return Assembled(places[chart.folder], (made, helm.home))


def _edges(top: Chart) -> Iterator[_Edge]:
    seen = {top.folder}
    waiting = [top]
    while waiting:
        chart = waiting.pop()
        for linked in chart.linked.values():
            yield _Edge(chart, linked)
            if linked.chart.folder not in seen:
                seen.add(linked.chart.folder)
                waiting.append(linked.chart)


def _is_ready(chart: Chart, packed: Mapping[str, Path]) -> bool:
    return all(linked.chart.folder in packed for linked in chart.linked.values())


def _apart(edges: Sequence[_Edge]) -> Iterator[list[_Edge]]:
    """Yield groups in which a chart's name means one folder: archives are told by the name."""
    left = list(edges)
    while left:
        folders: dict[str, str] = {}
        for edge in left:
            folders.setdefault(edge.linked.chart.name, edge.linked.chart.folder)
        taken = set(folders.values())
        yield [edge for edge in left if edge.linked.chart.folder in taken]
        left = [edge for edge in left if edge.linked.chart.folder not in taken]


def _put_together(
    chart: Chart, checkout: Checkout, packed: Mapping[str, Path], place: Path
) -> Path:
    """Return the chart's folder, or a new one of links with what it depends on packaged."""
    original = checkout.root / chart.folder
    if not chart.linked:
        return original
    charts = place / _CHARTS
    charts.mkdir(parents=True)
    for entry in list_folder(original):
        if entry.name != _CHARTS:
            (place / entry.name).symlink_to(entry.path)
    if (original / _CHARTS).is_dir():
        for entry in list_folder(original / _CHARTS):
            (charts / entry.name).symlink_to(entry.path)
    for linked in chart.linked.values():
        archive = packed[linked.chart.folder]
        (charts / archive.name).unlink(missing_ok=True)
        (charts / archive.name).symlink_to(archive)
    return place


async def _package(
    edges: Sequence[_Edge], places: Mapping[str, Path], checkout: Checkout, helm: HelmRun
) -> dict[str, Path]:
    """Have Helm package what the edges lead to, as dependencies of a chart made for that."""
    folder = await in_thread(_ask, edges, places, helm.home)
    outcome = await helm(
        ["dependency", "build", str(folder)], (checkout.root, helm.scratch / "chart")
    )
    if outcome.status != 0:
        names = {place: shown(name) for name, place in places.items()}
        raise _refused(edges, scrub(outcome.stderr, {checkout.root: "", folder: "", **names}))
    archives = await in_thread(_archives, folder / _CHARTS)
    found = {}
    for edge in edges:
        chart = edge.linked.chart
        if chart.name not in archives:
            raise RenderError(
                "ChartDependenciesMissing",
                f"{shown(chart.folder)}: Helm has not packaged the chart {chart.name!r}",
                retryable=False,
            )
        found[chart.folder] = archives[chart.name]
    return found


def _ask(edges: Sequence[_Edge], places: Mapping[str, Path], home: Path) -> Path:
    """Write that chart and return its folder."""
    home.mkdir(exist_ok=True)
    folder = Path(tempfile.mkdtemp(dir=home))
    dependencies = []
    for number, edge in enumerate(edges):
        # By a link, since a folder's name may be one that no file of Helm's can hold.
        (folder / str(number)).symlink_to(places[edge.linked.chart.folder])
        dependencies.append(
            {
                "name": f"n{number}",
                "version": edge.linked.version,
                "repository": f"file://{number}",
            }
        )
    metadata = {
        "apiVersion": "v2",
        "name": "dependencies",
        "version": "0.0.0",
        "dependencies": dependencies,
    }
    (folder / CHART_FILE).write_bytes(orjson.dumps(metadata))
    return folder


def _archives(folder: Path) -> dict[str, Path]:
    """Map each packaged chart's name to its archive."""
    paths = [folder / entry.name for entry in list_folder(folder)]
    return {name_in_archive(path): path for path in paths}


def _refused(edges: Sequence[_Edge], said: str) -> RenderError:
    """Make an error of what Helm says, with the dependencies named as in the repository."""
    wrong = [edges[int(number)] for number in _NAMED.findall(said) if int(number) < len(edges)]
    if wrong:
        text = "; ".join(
            f"{_file(edge.chart)} asks for {edge.linked.name} {edge.linked.version}, and "
            f"{shown(edge.linked.chart.folder)} is version {edge.linked.chart.version}"
            for edge in wrong
        )
        text += (
            ": change one of them, or run 'helm dependency update' where a lock file is out of date"
        )
    else:
        lines = [line for line in said.splitlines() if line.startswith("Error: ")]
        text = "\n".join(lines).removeprefix("Error: ") or "failed"
        files = ", ".join(sorted({_file(edge.chart) for edge in edges}))
        for number, edge in reversed(list(enumerate(edges))):
            text = re.sub(rf'"n{number}"', f'"{edge.linked.name}"', text)
        text = f"the file:// dependencies of {files} cannot be packaged: {text}"
    return RenderError("ChartDependenciesMissing", text, retryable=False)


def _file(chart: Chart) -> str:
    return shown(f"{chart.folder}/{CHART_FILE}".lstrip("/"))
