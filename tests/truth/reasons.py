"""Why peers say otherwise than the API server: the first reason that holds of a fault.

Each follows from how a tool compares, as its source says (``peers/``); what none explains is
``UNEXPLAINED``, and has to be looked at.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from truth.outcome import FALSE_ALARM, MISSED, WRONG_PATH, Fault

if TYPE_CHECKING:
    from collections.abc import Callable

UNEXPLAINED = "unexplained"
_ARGO = frozenset({"argo", "argo-server-side"})
_KUBECTL = frozenset({"kubectl", "kubectl-server-side"})
# By a strategic merge of last-applied, Git and live.
_MERGING = frozenset({"kubectl", "argo"})
_OWN = "/metadata/annotations/argocd.argoproj.io~1"
_MANAGED_BY = "app.kubernetes.io~1managed-by"
# Written by controllers into what is one value for the API server, or has Git's own name.
_CONTROLLED = re.compile(r"ClusterRole /rules|Node /spec/taints(/.*)?")


class _Reason(NamedTuple):
    sorts: frozenset[str]
    why: str
    holds: Callable[[Fault], bool]


def reason(fault: Fault) -> str:
    """Return why a peer said what it said, ``UNEXPLAINED`` where no reason holds."""
    held = (one.why for one in _REASONS if fault.sort in one.sorts and one.holds(fault))
    return next(held, UNEXPLAINED)


def _is_open(fault: Fault) -> bool:
    return not fault.is_of_git and not fault.is_within


def _is_told_beside(fault: Fault) -> bool:
    """Tell whether something is told of the list that the place is in, at another element."""
    parts = fault.place.split("/")
    lists = ["/".join(parts[:end]) for end in range(2, len(parts)) if parts[end].isdigit()]
    return any(path == one or path.startswith(f"{one}/") for one in lists for path in fault.paths)


def _is_controlled(fault: Fault) -> bool:
    kind = fault.kind.rpartition(" ")[2]
    return all(_CONTROLLED.fullmatch(f"{kind} {path}") for path in fault.paths)


def _is_of_helm(fault: Fault) -> bool:
    return fault.way.startswith("helm") and fault.paths == (f"/metadata/labels/{_MANAGED_BY}",)


_CHANGED = frozenset({MISSED, WRONG_PATH})
_REASONS = (
    _Reason(
        frozenset({MISSED}),
        "a hook, which Argo CD runs and does not compare",
        lambda fault: fault.who in _ARGO and fault.is_hook,
    ),
    _Reason(
        _CHANGED,
        "Git has nothing there, and no more is compared than Git has",
        _is_open,
    ),
    _Reason(
        frozenset({WRONG_PATH}),
        "told at another element of the same list",
        _is_told_beside,
    ),
    _Reason(
        _CHANGED,
        "Git leaves the value to the API server, which keeps what somebody chose",
        lambda fault: fault.is_blank,
    ),
    _Reason(
        frozenset({MISSED}),
        "Argo CD's own annotation",
        lambda fault: fault.who in _ARGO and fault.place.startswith(_OWN),
    ),
    _Reason(
        frozenset({MISSED}),
        "a merge patch tells ports apart by their number, not by their protocol",
        lambda fault: (
            fault.who in _MERGING and fault.action == "remove" and "/ports/" in fault.place
        ),
    ),
    _Reason(
        frozenset({FALSE_ALARM}),
        "rules or taints of Git's that a controller writes",
        _is_controlled,
    ),
    _Reason(
        frozenset({FALSE_ALARM}),
        "the dry run counts a generation more, and nothing else differs",
        lambda fault: fault.who in _KUBECTL and fault.paths == ("/metadata/generation",),
    ),
    _Reason(
        frozenset({FALSE_ALARM}),
        "Helm has written over Git's label",
        _is_of_helm,
    ),
    _Reason(
        frozenset({FALSE_ALARM}),
        "null or empty in Git, stored as what the way of delivery makes of it",
        lambda fault: fault.is_blank,
    ),
    _Reason(
        frozenset({FALSE_ALARM}),
        "what the API server fills in or rewrites, which is not asked",
        lambda fault: fault.who == "argo",
    ),
)
