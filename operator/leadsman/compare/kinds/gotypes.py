"""What Go code says of the built-in API's types: which fields keep their zero, what is filled in.

The API server writes a pointer's zero value (``automountServiceAccountToken: false``) and leaves
out the zero of a plain field (``hostNetwork: false``): with a pointer absence is another meaning,
without one it is the same. OpenAPI does not tell them apart. ``kept.json`` does, by reflection over
the Go types of ``k8s.io/api``, ``apiextensions-apiserver`` and ``kube-aggregator``, per Kubernetes
minor version.

OpenAPI says next to nothing of what the API server fills in. ``defaults.json`` does, by running
Kubernetes' defaulting functions and conversions (``pkg/apis/*/v*``) over every kind of one version.

Both say what they were made from, and are part of the program like any module.
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

    from leadsman.model.json import JsonObject

_NONE: frozenset[str] = frozenset()
_VERSION = re.compile(r"v?(\d+)\.(\d+)", re.ASCII)


def kept_fields(minor: str) -> Mapping[str, frozenset[str]]:
    """Return a version's fields that keep their zero, by the name of their type in OpenAPI.

    ``minor`` is one that ``nearest_minor`` returns. A type without such fields is there, too: one
    that is not there is not known.
    """
    kept: dict[str, frozenset[str]] = {}
    for versions, packages in _load("kept.json")["kept"].items():
        if minor in versions.split():
            for package, kinds in packages.items():
                for kind, fields in kinds.items():
                    name = f"{package}.{kind}"
                    before = kept.get(name, _NONE)
                    kept[name] = before.union(map(sys.intern, fields.split())) if fields else before
    return MappingProxyType(kept)


def written_fields() -> Mapping[str, JsonObject]:
    """Return what the API server writes into fields that are not given, by type and field.

    It is the one value that it ever writes there, if only at times.
    """
    written: Mapping[str, JsonObject] = _load("defaults.json")["written"]
    return written


def taken_fields() -> Mapping[str, frozenset[str]]:
    """Return the fields whose value, where it is not given, follows others or the clock."""
    data = _load("defaults.json")
    names = data["derived"].keys() | data["now"].keys()
    return {
        name: frozenset(f"{data['derived'].get(name, '')} {data['now'].get(name, '')}".split())
        for name in names
    }


def timed_fields() -> Mapping[str, frozenset[str]]:
    """Return the fields that hold the time of the write where they are not given, by type."""
    now = _load("defaults.json")["now"]
    return {name: frozenset(fields.split()) for name, fields in now.items()}


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
    return tuple(_load("kept.json")["made from"])


def _load(name: str) -> Any:
    """Read data; it is not held, being much more than what one cluster needs."""
    return orjson.loads((files("leadsman.compare.kinds") / name).read_bytes())
