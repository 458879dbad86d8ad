"""What ``leadsman check PATH`` is about: a folder or file as it is on disk."""

from __future__ import annotations

import posixpath
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from leadsman.errors import SourceError, SpecError
from leadsman.model.identity import TargetKey
from leadsman.model.source import LocalSource
from leadsman.model.target import HelmOptions, Target
from leadsman.render.chart import CHART_FILE
from leadsman.render.kustomization import FILE_NAMES
from leadsman.source.local import locate

if TYPE_CHECKING:
    import argparse

    from leadsman.model.status import TargetStatus

KIND = "Path"

# The options that say something of a PATH, by their names in the parsed command line.
FLAGS = {
    "root": "--root",
    "release_name": "--release-name",
    "values": "--values",
    "target_namespace": "--target-namespace",
    "allow_empty": "--allow-empty",
}
# What messages name where a DriftCheck asks for the check.
_FIELDS = {"spec.allowEmpty": "--allow-empty", "spec.helm.releaseName": "--release-name"}


def local_target(options: argparse.Namespace, namespace: str) -> Target:
    """Return the target that the command line makes of its PATH.

    ``namespace`` is the context's, for where the command line says none.

    Raises:
        LeadsmanError: something that it names is not there, or options contradict each other.

    """
    path = _meant(Path(options.path))
    chart = (path / "Chart.yaml").is_file()
    if (options.release_name or options.values) and not chart:
        raise SpecError(
            f"--release-name and --values are for charts, and {options.path} has no Chart.yaml",
            reason="InvalidArguments",
        )
    source, within = _placed(path, options.root)
    helm = HelmOptions(
        release_name=options.release_name or path.resolve().name, values_files=tuple(options.values)
    )
    return Target(
        key=TargetKey(KIND, options.namespace or namespace, options.path),
        source=source,
        path=within,
        render=helm if chart else None,
        target_namespace=options.target_namespace,
        allow_empty=options.allow_empty,
    )


def _meant(path: Path) -> Path:
    """Return the folder where a file is named that stands for its folder."""
    return path.parent if path.is_file() and path.name in {CHART_FILE, *FILE_NAMES} else path


def with_flags(status: TargetStatus) -> TargetStatus:
    """Let the failure of a PATH advise what can be typed, not what a DriftCheck may say."""
    failure = status.failure
    if failure is None or status.key.kind != KIND:
        return status
    message = failure.message
    for field, flag in _FIELDS.items():
        message = message.replace(field, flag)
    if failure.reason == "PathOutside":
        message += "; name with --root a folder that holds it too"
    return replace(status, failure=replace(failure, message=message))


def _placed(path: Path, root: str) -> tuple[LocalSource, str]:
    """Return the folder beyond which nothing is read, and where in it the path is."""
    real = path.resolve()
    if not real.exists():
        raise SourceError("PathNotFound", f"{path} is not there", retryable=False)
    if not root:
        source, within = locate(real if real.is_dir() else real.parent)
        return source, within if real.is_dir() else posixpath.join(within, real.name)
    top = Path(root).resolve()
    if not top.is_dir():
        raise SourceError("PathNotFound", f"--root {root} is not a folder", retryable=False)
    if not real.is_relative_to(top):
        raise SpecError(f"{path} is not in --root {root}", reason="InvalidArguments")
    relative = real.relative_to(top).as_posix()
    return LocalSource(top), "" if relative == "." else relative
