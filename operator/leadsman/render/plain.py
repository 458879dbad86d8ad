"""Plain manifests: a folder's YAML and JSON files as they are, like ``kubectl apply -R -f``."""

from __future__ import annotations

import posixpath
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from leadsman.errors import RenderError
from leadsman.render.allowance import Allowance
from leadsman.render.checkout import walk
from leadsman.render.documents import Documents, Manifest
from leadsman.render.globs import matches
from leadsman.render.kustomization import FILE_NAMES
from leadsman.render.yaml import read_manifests

if TYPE_CHECKING:
    import os
    from collections.abc import Iterator

    from leadsman.model.target import PlainOptions
    from leadsman.render.checkout import Checkout

_CHART = "Chart.yaml"
_SUFFIXES = (".yaml", ".yml", ".json")
# As Flux leaves them out of what it fetches.
_FORGES_OWN = frozenset({".git", ".github", ".gitlab"})
_CONFIGURATION = "kustomize.config.k8s.io/"


@dataclass(frozen=True, slots=True)
class PlainPlan:
    """What is to be read: a located folder or file."""

    kind: ClassVar[str] = "Plain"

    path: str
    options: PlainOptions

    def key(self) -> list[object]:
        """Return what the result depends on besides files."""
        return [self.path, self.options]


def plan_plain(checkout: Checkout, path: str, options: PlainOptions) -> PlainPlan:
    """Note what a located folder or file depends on."""
    checkout.note(path)
    if checkout.is_folder(path):
        for _ in checkout.links(path):
            pass  # that there are any is noted
    return PlainPlan(path, options)


def read_plain(plan: PlainPlan, checkout: Checkout) -> Documents:
    """Read all manifests, in the order of the files' names.

    Raises:
        RenderError: a file is not YAML, or holds something that is no manifest.

    """
    path, options = plan.path, plan.options
    warnings: list[str] = []
    manifests: list[Manifest] = []
    allowance = Allowance()
    files = _files(checkout, path, options, warnings) if checkout.is_folder(path) else [path]
    for file in files:
        found, said = read_manifests(checkout.read(checkout.locate(file)), file, allowance)
        warnings += said
        manifests += _checked(found, warnings)
    return Documents(tuple(manifests), tuple(warnings))


def _files(
    checkout: Checkout, top: str, options: PlainOptions, warnings: list[str]
) -> Iterator[str]:
    """Yield the files that are asked for."""

    def wanted(path: str, entry: os.DirEntry[str]) -> bool:
        """Say whether a folder, relative to ``top``, is looked into."""
        if not options.recurse or matches(path, options.exclude) or entry.name in _FORGES_OWN:
            return False
        full = posixpath.join(top, path)
        kind = _rendered_otherwise(checkout, full)
        if kind:
            warnings.append(f"{full} is left out: it holds a {kind}, which is a target of its own")
        return not kind

    for path, entry in walk(checkout.root / top, wanted):
        if matches(path, options.exclude) or entry.name in _FORGES_OWN:
            continue
        full = posixpath.join(top, path)
        if _included(path, options):
            if checkout.is_folder(checkout.locate(full)):
                continue  # a link to a folder, which kubectl does not follow either
            if entry.name in FILE_NAMES:
                warnings.append(f"{full} is left out: plain manifests were asked for")
            else:
                yield full


def _included(path: str, options: PlainOptions) -> bool:
    return matches(path, options.include) if options.include else path.endswith(_SUFFIXES)


def _rendered_otherwise(checkout: Checkout, folder: str) -> str:
    root = checkout.root / folder
    if (root / _CHART).is_file():
        return "Helm chart"
    if any((root / name).is_file() for name in FILE_NAMES):
        return "kustomization"
    return ""


def _checked(found: list[Manifest], warnings: list[str]) -> Iterator[Manifest]:
    for manifest in found:
        body = manifest.body
        if not isinstance(body, dict) or "kind" not in body or "apiVersion" not in body:
            raise RenderError(
                "NotAManifest",
                f"{manifest} is no manifest, it has no apiVersion and kind: exclude the file "
                "(spec.plain.exclude) or move it to another folder",
                retryable=False,
            )
        if str(body["apiVersion"]).startswith(_CONFIGURATION):
            warnings.append(f"{manifest} is left out: it configures kustomize, not a cluster")
        else:
            yield manifest
