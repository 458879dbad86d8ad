"""What ``leadsman check`` was asked to check, as targets."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from leadsman.app.reports import read_report
from leadsman.cli.files import read_driftchecks
from leadsman.cli.local import FLAGS, local_target
from leadsman.errors import KubeError, LeadsmanError, SpecError
from leadsman.model.identity import TargetKey
from leadsman.targets.driftcheck import KIND, target_from

if TYPE_CHECKING:
    import argparse

    from leadsman.app.parts import Parts
    from leadsman.kube.client import Client
    from leadsman.model.json import JsonObject
    from leadsman.model.status import TargetStatus
    from leadsman.model.target import Target


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
        return Selection([local_target(options, parts.client.config.namespace)])
    if given := [flag for name, flag in FLAGS.items() if getattr(options, name)]:
        raise SpecError(
            f"{' and '.join(given)} {'are' if given[1:] else 'is'} for a PATH: a DriftCheck says "
            "such things itself",
            reason="InvalidArguments",
        )
    if options.filename:
        namespace = options.namespace or parts.client.config.namespace
        resources = read_driftchecks(options.filename, namespace)
    else:
        namespaces = (options.namespace,) if options.namespace else ()
        found = {each["metadata"]["uid"]: each async for each in parts.driftchecks(namespaces)}
        resources = list(found.values())
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
