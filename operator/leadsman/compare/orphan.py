"""The verdict on an object that Git has dropped and that still lives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from leadsman.compare.access import mapping
from leadsman.compare.ignore import covering
from leadsman.model.finding import Finding, IgnoredChange, State

if TYPE_CHECKING:
    from leadsman.compare.policy import Policy
    from leadsman.model.identity import Gvk, ObjectKey
    from leadsman.model.json import JsonObject

# Annotations by which an object's owner tells the tool that delivers it to leave it behind. Source:
# ``ResourcePolicyAnno`` in Helm, ``Prune`` in Flux's kustomize-controller, Argo CD's sync options.
_KEEP = {
    "helm.sh/resource-policy": "keep",
    "kustomize.toolkit.fluxcd.io/prune": "disabled",
    "argocd.argoproj.io/sync-options": "Prune=false",
}


def judge_orphan(key: ObjectKey, gvk: Gvk, live: JsonObject, policy: Policy) -> Finding:
    """Judge an object that lives, by rules that are about whole objects and by what it says."""
    metadata = mapping(live.get("metadata"))
    rule = covering(policy.rules, key, gvk, metadata)
    if rule is not None:
        return _kept(key, gvk, rule.name)
    annotations = mapping(metadata.get("annotations"))
    for name, value in _KEEP.items():
        said = annotations.get(name)
        if isinstance(said, str) and value in map(str.strip, said.split(",")):
            return _kept(key, gvk, f"annotation {name}: {value}")
    return Finding(
        key=key,
        gvk=gvk,
        state=State.ORPHANED,
        message="Git no longer renders it, and it still lives",
    )


def _kept(key: ObjectKey, gvk: Gvk, rule: str) -> Finding:
    return Finding(key=key, gvk=gvk, state=State.IN_SYNC, ignored=(IgnoredChange("", rule),))
