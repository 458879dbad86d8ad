"""What ``leadsman check`` was asked to check, as targets."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from leadsman.app.reports import read_report
from leadsman.cli.files import read_driftchecks
from leadsman.errors import KubeError, LeadsmanError, SpecError
from leadsman.model.identity import TargetKey
from leadsman.model.target import HelmOptions, Target
from leadsman.source.local import locate
from leadsman.targets.driftcheck import KIND, target_from

if TYPE_CHECKING:
    import argparse

    from leadsman.app.parts import Parts
    from leadsman.kube.client import Client
    from leadsman.model.json import JsonObject
    from leadsman.model.status import TargetStatus


@dataclass(frozen=True, slots=True)
class Selection:
    """What to check; ``refused`` says of DriftChecks why their spec cannot be carried out.

    ``reported`` are the reports of those that are suspended, whose revision is the one to check.
    """

    targets: list[Target]
    refused: dict[TargetKey, LeadsmanError] = field(default_factory=dict)
    reported: list[TargetStatus] = field(default_factory=list)


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
        resources = read_driftchecks(options.filename, namespace)
    else:
        namespaces = (options.namespace,) if options.namespace else ()
        resources = await parts.driftchecks(namespaces)
    if not resources:
        raise SpecError("there is no DriftCheck to check", reason="NothingToCheck")
    return await _with_reports(_select(resources), parts.client)


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


async def _with_reports(selection: Selection, client: Client) -> Selection:
    """Add what was reported of suspended targets; refuse those of which nobody can tell."""
    targets = []
    for target in selection.targets:
        try:
            report = await read_report(client, target.key) if target.suspended else None
        except KubeError as error:
            selection.refused[target.key] = error
            continue
        targets.append(target)
        if report is not None:
            selection.reported.append(report)
    return replace(selection, targets=targets)


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
