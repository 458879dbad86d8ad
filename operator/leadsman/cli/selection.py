"""What ``leadsman check`` was asked to check, as targets."""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from leadsman.errors import LeadsmanError, SpecError
from leadsman.model.identity import TargetKey
from leadsman.model.target import HelmOptions, Target
from leadsman.render.yaml import load_documents
from leadsman.source.local import locate
from leadsman.targets.driftcheck import KIND, target_from

if TYPE_CHECKING:
    import argparse

    from leadsman.app.parts import Parts
    from leadsman.model.json import Json, JsonObject


@dataclass(frozen=True, slots=True)
class Selection:
    """What to check; ``refused`` says of DriftChecks why their spec cannot be carried out."""

    targets: list[Target]
    refused: dict[TargetKey, LeadsmanError] = field(default_factory=dict)


async def selected(options: argparse.Namespace, parts: Parts) -> Selection:
    """Return the targets that the command line names.

    Raises:
        LeadsmanError: none or more than one way to name them was used, a file cannot be read, two
            DriftChecks in files have the same name.
        KubeError: the cluster's DriftChecks cannot be listed.

    """
    ways = bool(options.path) + bool(options.filename) + options.all
    if ways != 1:
        raise SpecError(
            "say what to check, in one way: a PATH, -f FILE, or --all (see leadsman check --help)",
            reason="InvalidArguments",
        )
    if options.path:
        return Selection([_local(options, parts)])
    if options.filename:
        namespace = options.namespace or parts.client.config.namespace
        resources = [item for name in options.filename for item in _read(name, namespace)]
    else:
        namespaces = (options.namespace,) if options.namespace else ()
        resources = await parts.driftchecks(namespaces)
    if not resources:
        raise SpecError("there is no DriftCheck to check", reason="NothingToCheck")
    return _select(resources)


def _select(resources: list[JsonObject]) -> Selection:
    selection = Selection([])
    keys = [
        TargetKey(
            KIND, resource["metadata"].get("namespace", ""), resource["metadata"].get("name", "")
        )
        for resource in resources
    ]
    for key, count in Counter(keys).items():
        if count > 1:
            raise SpecError(
                f"{count} DriftChecks are named {key.namespace}/{key.name}: their results could "
                "not be told apart",
                reason="InvalidArguments",
            )
    for key, resource in zip(keys, resources, strict=True):
        try:
            selection.targets.append(target_from(resource))
        except LeadsmanError as error:
            selection.refused[key] = error
    return selection


def _local(options: argparse.Namespace, parts: Parts) -> Target:
    folder = Path(options.path)
    if not folder.is_dir():
        raise SpecError(f"{options.path} is not a folder", reason="PathNotFound")
    source, path = locate(folder)
    name = folder.resolve().name
    helm = HelmOptions(
        release_name=options.release_name or name, values_files=tuple(options.values)
    )
    chart = (folder / "Chart.yaml").is_file()
    if (options.release_name or options.values) and not chart:
        raise SpecError(
            f"--release-name and --values are for charts, and {options.path} has no Chart.yaml",
            reason="InvalidArguments",
        )
    return Target(
        key=TargetKey("Path", options.namespace or parts.client.config.namespace, options.path),
        source=source,
        path=path,
        render=helm if chart else None,
    )


def _read(name: str, namespace: str) -> list[JsonObject]:
    try:
        text = sys.stdin.read() if name == "-" else Path(name).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise LeadsmanError("FileNotReadable", f"{name}: {error}", retryable=False) from error
    return [
        _placed(document, name, namespace)
        for found in load_documents(text, name)
        if found
        for document in _items(found)
    ]


def _items(document: Json) -> list[Json]:
    """Open what ``kubectl get driftchecks -o yaml`` prints."""
    if isinstance(document, dict) and str(document.get("kind", "")).endswith("List"):
        items = document.get("items")
        return items if isinstance(items, list) else []
    return [document]


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
