"""What a render is asked with, besides the target and its checkout."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class ClusterFacts:
    """What a render must know of the cluster.

    ``kube_version`` is like ``v1.37.2``, ``api_versions`` like ``apps/v1`` and
    ``apps/v1/Deployment``; empty: what Helm assumes. ``scope(group, kind)`` is True for namespaced
    kinds, False for cluster-scoped ones, None where it is not known.
    """

    kube_version: str = ""
    api_versions: tuple[str, ...] = ()
    scope: Callable[[str, str], bool | None] = lambda _group, _kind: None


@dataclass(frozen=True, slots=True)
class ValuesDocument:
    """The text of one ConfigMap's or Secret's key that holds Helm values, or a variable's value.

    ``target_path`` empty: a YAML document of values, else one value for that path, or the variable
    of that name. ``secret``: it comes from a Secret, so nothing of it may be shown.
    """

    text: str
    target_path: str = ""
    secret: bool = False
