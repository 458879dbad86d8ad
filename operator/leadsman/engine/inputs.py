"""What a look at a target depends on, and when the next one is due."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadsman.model.source import LocalSource
from leadsman.model.target import HelmOptions

if TYPE_CHECKING:
    from leadsman.kube.discovery import Discovery
    from leadsman.model.source import Commit
    from leadsman.model.target import Target
    from leadsman.render.renderer import ValuesDocument


def may_be_chart(target: Target) -> bool:
    """Say whether the render may ask for the cluster's version and kinds, as charts do."""
    return target.render is None or isinstance(target.render, HelmOptions)


def interval(target: Target | None) -> float:
    """Return after how many seconds a target is looked at though nothing seems to have changed."""
    if target is None or isinstance(target.source, LocalSource):
        return 3600.0
    return target.source.interval


def inputs_of(
    target: Target,
    commit: Commit | None,
    values: tuple[ValuesDocument, ...],
    discovery: Discovery,
) -> tuple[object, ...]:
    """Return all that a render depends on; equal inputs render the same."""
    source = target.source
    tree: object = source
    if not isinstance(source, LocalSource):
        tree = (source.url, source.ignore, source.recurse_submodules)
    return (
        commit.sha if commit is not None else "",
        tree,
        target.path,
        target.render,
        target.target_namespace,
        target.allow_empty,
        target.flux,
        values,
        (discovery.kube_version, discovery.api_versions) if may_be_chart(target) else (),
    )
