"""Which fields of the built-in API's Go types keep their zero, per Kubernetes minor version.

The API server writes a pointer's zero value (``automountServiceAccountToken: false``) and leaves
out the zero of a plain field (``hostNetwork: false``): with a pointer absence is another meaning,
without one it is the same. OpenAPI does not tell them apart. ``kept.json`` does, by reflection over
the Go types of ``k8s.io/api``, ``apiextensions-apiserver`` and ``kube-aggregator``; it says of
which versions, and is part of the program like any module.
"""

from __future__ import annotations

import re
import sys
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import orjson

if TYPE_CHECKING:
    from collections.abc import Mapping

_VERSION = re.compile(r"v?(\d+)\.(\d+)", re.ASCII)


def kept_fields(minor: str) -> Mapping[str, frozenset[str]]:
    """Return a version's fields that keep their zero, by the name of their type in OpenAPI.

    ``minor`` is one that ``nearest_minor`` returns. A type without such fields is there, too: one
    that is not there is not known.
    """
    kept: dict[str, frozenset[str]] = {}
    for versions, packages in _read()["kept"].items():
        if minor in versions.split():
            for package, kinds in packages.items():
                for kind, fields in kinds.items():
                    name = sys.intern(f"{package}.{kind}")
                    more = frozenset(map(sys.intern, fields.split()))
                    kept[name] = kept.get(name, frozenset()) | more
    return MappingProxyType(kept)


def nearest_minor(kube_version: str) -> str:
    """Return the known minor version that is nearest to a cluster's, the newest for none."""
    match = _VERSION.match(kube_version)
    known = _minors()
    if match is None:
        return known[-1]
    major, minor = int(match[1]), int(match[2])
    return min(known, key=lambda one: _distance(one, major, minor))


def _distance(known: str, major: int, minor: int) -> tuple[int, int]:
    own_major, own_minor = map(int, known.split("."))
    return abs(own_major - major), abs(own_minor - minor) if own_major == major else -own_minor


@cache
def _minors() -> tuple[str, ...]:
    """Return the versions that are known, oldest first."""
    return tuple(_read()["made from"])


def _read() -> Any:
    """Read the data; it is not kept, being much more than one version's."""
    return orjson.loads((files("leadsman.compare") / "kept.json").read_bytes())
