"""What Flux and Argo CD say in their custom resources that they applied, and when."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator

    from leadsman.model.json import JsonObject

# Of a Kustomization's spec: what makes something else of Git's objects.
_TRANSFORMS = (
    "patches",
    "images",
    "components",
    "postBuild",
    "commonMetadata",
    "namePrefix",
    "nameSuffix",
    "kubeConfig",
)
# The same of an Application's source.
_OVERRIDES = ("helm", "kustomize", "plugin", "chart")
# How an attempt of Flux's ends after all objects have been applied.
_APPLIED = frozenset({"ReconciliationSucceeded", "HealthCheckFailed", "PruneFailed"})
_RETRYING = "ProgressingWithRetry"
_EVER = "0001-01-01T00:00:00Z"


@dataclass(frozen=True, slots=True)
class Applied:
    """One delivery: the commits (``sha``) of its sources and from when to when it went.

    ``running``: it has begun and is not over.
    """

    source: str
    commits: frozenset[str]
    begun: str = ""
    ended: str = ""
    running: bool = False


def applied_by_flux(kustomization: JsonObject, *, is_known: bool = False) -> Applied | None:
    """Read a Kustomization of Flux; None where it does not say what it applied.

    Each reconciliation sends every object in a dry run, and again if that would change it: what was
    written before the last one ended is as it had been sent. One that patches what it finds in Git
    tells nothing of Git, unless it ``is_known`` that what is wanted is what it applied last,
    whatever it does now. Source: kustomize-controller, ``api/v1/kustomization_types.go``.
    """
    metadata, spec = _object(kustomization, "metadata"), _object(kustomization, "spec")
    status = _object(kustomization, "status")
    source = f"Flux Kustomization {metadata.get('namespace')}/{metadata.get('name')}"
    conditions = {str(one.get("type")): one for one in _objects(status, "conditions")}
    suspended = bool(spec.get("suspend"))
    if not is_known and (suspended or any(spec.get(name) for name in _TRANSFORMS)):
        return None
    ready = conditions.get("Ready", {})
    reconciling = conditions.get("Reconciling", {})
    if not suspended and (
        # What has failed says that it works until it is tried again.
        (reconciling.get("status") == "True" and reconciling.get("reason") != _RETRYING)
        or ready.get("status") == "Unknown"
        or status.get("observedGeneration") != metadata.get("generation")
    ):
        return Applied(source, frozenset(), running=True)
    if is_known:
        return _last(source, status)
    revision = str(status.get("lastAppliedRevision", ""))
    if ready.get("status") != "True" or status.get("lastAttemptedRevision") != revision:
        return None
    ended = str(ready.get("lastTransitionTime", ""))
    history = list(_objects(status, "history"))[:1]
    if history and history[0].get("lastReconciledStatus") == "ReconciliationSucceeded":
        ended = max(ended, str(history[0].get("lastReconciled", "")))
    return Applied(f"{source} at {revision}", frozenset({_sha(revision)}), _EVER, ended)


def last_attempt(status: JsonObject) -> tuple[str, JsonObject] | None:
    """Return the revision and the entry of Flux's last attempt that applied everything.

    However healthy that was; None before Flux 2.7, which keeps no history, and where there is none.
    """
    for entry in _objects(status, "history"):
        revision = str(_object(entry, "metadata").get("revision", ""))
        if revision and entry.get("lastReconciledStatus") in _APPLIED:
            return revision, entry
    return None


def _last(source: str, status: JsonObject) -> Applied | None:
    found = last_attempt(status)
    if found is None:
        return None
    revision, entry = found
    ended = str(entry.get("lastReconciled", ""))
    return Applied(f"{source} at {revision}", frozenset({_sha(revision)}), _EVER, ended)


def applied_by_argo(application: JsonObject) -> Applied | None:
    """Read an Application of Argo CD; None where it does not say what it applied.

    What is written while a sync runs is what the sync sent. Source: argo-cd,
    ``pkg/apis/application/v1alpha1/types.go``.
    """
    metadata, spec = _object(application, "metadata"), _object(application, "spec")
    sources = [_object(spec, "source"), *_objects(spec, "sources")]
    if any(one.get(name) for one in sources for name in _OVERRIDES):
        return None
    operation = _object(_object(application, "status"), "operationState")
    name = f"Argo CD Application {metadata.get('namespace')}/{metadata.get('name')}"
    phase, sync = operation.get("phase"), _object(_object(operation, "operation"), "sync")
    if phase in {"Running", "Terminating"}:
        return Applied(name, frozenset(), running=True)
    if phase != "Succeeded" or sync.get("dryRun") or sync.get("resources"):
        return None
    result = _object(operation, "syncResult")
    revisions = [result.get("revision"), *_list(result, "revisions")]
    commits = frozenset(one for one in revisions if isinstance(one, str) and one)
    begun, ended = (str(operation.get(word, "")) for word in ("startedAt", "finishedAt"))
    return Applied(f"{name} at {', '.join(sorted(commits))}", commits, begun, ended)


def _sha(revision: str) -> str:
    """Return the commit of a revision: ``main@sha1:<commit>``, or the older ``main/<commit>``."""
    return revision.rpartition("@")[2].rpartition(":")[2].rpartition("/")[2]


def _object(owner: JsonObject, name: str) -> JsonObject:
    value = owner.get(name)
    return value if isinstance(value, dict) else {}


def _list(owner: JsonObject, name: str) -> list[Any]:
    value = owner.get(name)
    return value if isinstance(value, list) else []


def _objects(owner: JsonObject, name: str) -> Iterator[JsonObject]:
    return (item for item in _list(owner, name) if isinstance(item, dict))
