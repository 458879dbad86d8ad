"""Folders of manifests, charts and kustomizations to deliver: pinned, our own, or named."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import yaml

import kinds
from inputs import INPUTS, corpus, real_input
from leadsman.model.target import HelmOptions, PlainOptions
from truth.material import OWN

if TYPE_CHECKING:
    import random
    from collections.abc import Iterator
    from pathlib import Path

    from leadsman.model.target import RenderOptions

_KUSTOMIZATIONS = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_YAML = frozenset({".yaml", ".yml", ".json"})
# Switches of a chart that are turned over, one at a time and three at a time.
_SWITCHES, _COMBINED = 40, 10


@dataclass(frozen=True, slots=True)
class Case:
    """What a target names: a folder and how it is rendered; ``name`` is unique."""

    name: str
    root: Path
    path: str
    render: RenderOptions | None = field(default=None, hash=False)
    namespace: str = ""

    @property
    def place(self) -> str:
        """The namespace of objects that name none."""
        if self.namespace:
            return self.namespace
        letters = "".join(letter if letter.isalnum() else "-" for letter in self.name.lower())
        return f"t-{letters}"[:40].strip("-")


def own() -> Iterator[Case]:
    """Yield our own objects of every built-in kind that can be created."""
    yield Case(OWN, kinds.HERE, "", PlainOptions(), namespace=kinds.NAMESPACE)


def pinned(rng: random.Random, names: tuple[str, ...] = tuple(INPUTS)) -> Iterator[Case]:
    """Yield the cases of the pinned inputs, charts with several sets of values."""
    for name in names:
        root, known = real_input(name), INPUTS[name]
        for chart, path in known.charts.items():
            yield from _chart(f"{name}-{chart}", root, path, rng)
        for base, path in known.kustomizations.items():
            yield Case(f"{name}-{base}", root, path)
        for file, path in known.plain.items():
            yield Case(f"{name}-{file}", root, path, PlainOptions())


def more(rng: random.Random, per_input: int) -> Iterator[Case]:
    """Yield what else the pinned inputs hold: examples, tests, other bases; some of each."""
    for name in INPUTS:
        cases = list(found(real_input(name), f"{name}-all", rng))
        rng.shuffle(cases)
        yield from cases[:per_input]


def shared(rng: random.Random) -> Iterator[Case]:
    """Yield the cases of the folder that LEADSMAN_CORPUS names, if it does."""
    folder = corpus()
    if folder is None:
        return
    for repository in sorted((folder / "repos").iterdir()):
        yield from found(repository, repository.name, rng)
    yield from found(folder / "rendered", "rendered", rng)
    # Of the pairs, what is in Git: the other half is what some cluster made of it.
    yield from (case for case in found(folder / "pairs", "pairs", rng) if "-config" in case.path)


def found(root: Path, name: str, rng: random.Random) -> Iterator[Case]:
    """Yield what a folder holds: charts, kustomizations, and files that belong to neither."""
    todo = [root]
    while todo:
        folder = todo.pop()
        path = folder.relative_to(root).as_posix().removeprefix(".")
        label = f"{name}-{path}".strip("-").replace("/", "-")
        if (folder / "Chart.yaml").is_file():
            yield from _chart(label, root, path, rng)
            continue
        below = sorted(item for item in folder.iterdir() if not item.name.startswith("."))
        todo += [item for item in below if item.is_dir() and not item.is_symlink()]
        if any((folder / one).is_file() for one in _KUSTOMIZATIONS):
            yield Case(label, root, path)
            continue
        for item in below:
            if item.is_file() and item.suffix in _YAML:
                file = item.relative_to(root).as_posix()
                yield Case(f"{label}-{item.stem}", root, file, PlainOptions())


def _chart(name: str, root: Path, path: str, rng: random.Random) -> Iterator[Case]:
    """Yield a chart with its own values, and with switches in them turned over."""

    def case(label: str, values: dict[str, Any]) -> Case:
        return Case(label, root, path, HelmOptions(release_name="web", values=values))

    yield case(name, {})
    try:
        values = yaml.safe_load((root / path / "values.yaml").read_text())
    except (OSError, yaml.YAMLError):
        return
    switches = list(_switches(values))
    rng.shuffle(switches)
    for number, (keys, state) in enumerate(switches[:_SWITCHES]):
        yield case(f"{name}-{number}", _nested([(keys, not state)]))
    for number in range(_COMBINED if len(switches) > 3 else 0):
        turned = [(keys, not state) for keys, state in rng.sample(switches, 3)]
        yield case(f"{name}-c{number}", _nested(turned))


def _switches(values: Any, keys: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], bool]]:
    if isinstance(values, bool):
        yield keys, values
    elif isinstance(values, dict):
        for key, value in values.items():
            yield from _switches(value, (*keys, str(key)))


def _nested(settings: list[tuple[tuple[str, ...], Any]]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for keys, value in settings:
        place = values
        for key in keys[:-1]:
            place = place.setdefault(key, {})
        place[keys[-1]] = value
    return values
