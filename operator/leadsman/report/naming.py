"""What a target's report is called, and whose a report is.

A DriftCheck's report has its name; that of any other kind has the kind before it, as in
``kustomization.shop``. A DriftCheck whose name looks like that has its own kind before it, so that
no two targets of a namespace share a report.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING, Final

from leadsman.model.identity import TargetKey

if TYPE_CHECKING:
    from collections.abc import Mapping

OWN_KIND: Final = "DriftCheck"
# In which version the kinds of targets are named as owners, and in Events.
API_VERSIONS: Final[Mapping[str, str]] = {
    OWN_KIND: "leadsman.dev/v1alpha1",
    "Kustomization": "kustomize.toolkit.fluxcd.io/v1",
}
_PREFIXES: Final = {f"{kind.lower()}.": kind for kind in API_VERSIONS}
# What a name may have, and the part of it that tells names apart that are cut.
_LONGEST: Final = 253
_HASH: Final = 10


def report_name(key: TargetKey) -> str:
    """Return the name of a target's report, in the target's namespace."""
    prefix = f"{key.kind.lower()}."
    if key.kind == OWN_KIND and not key.name.startswith(tuple(_PREFIXES)):
        return key.name
    name = f"{prefix}{key.name}"
    if len(name) <= _LONGEST:
        return name
    digest = hashlib.sha256(key.name.encode()).hexdigest()[:_HASH]
    return f"{name[: _LONGEST - _HASH - 1]}-{digest}"


def target_of(namespace: str, name: str) -> TargetKey:
    """Return whose a report of this name is; of one whose name was cut nobody can tell."""
    for prefix, kind in _PREFIXES.items():
        if name.startswith(prefix):
            return TargetKey(kind, namespace, name.removeprefix(prefix))
    return TargetKey(OWN_KIND, namespace, name)
