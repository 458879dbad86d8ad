from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from leadsman.targets.applied import applied_by_argo, applied_by_flux

SHA = "1d75b6b4f5a43980cb4e09e82c9520e9fae63a39"
REVISION = f"main@sha1:{SHA}"
# As kustomize-controller v1.9.5 wrote it.
KUSTOMIZATION: Any = {
    "metadata": {"name": "shop", "namespace": "flux-system", "generation": 1},
    "spec": {"path": "./", "prune": True},
    "status": {
        "conditions": [
            {
                "lastTransitionTime": "2026-11-26T22:03:26Z",
                "message": f"Applied revision: {REVISION}",
                "observedGeneration": 1,
                "reason": "ReconciliationSucceeded",
                "status": "True",
                "type": "Ready",
            }
        ],
        "history": [
            {
                "firstReconciled": "2026-11-26T22:03:26Z",
                "lastReconciled": "2026-11-26T22:03:28Z",
                "lastReconciledDuration": "250.183042ms",
                "lastReconciledStatus": "ReconciliationSucceeded",
                "metadata": {"revision": REVISION},
            }
        ],
        "lastAppliedRevision": REVISION,
        "lastAttemptedRevision": REVISION,
        "observedGeneration": 1,
    },
}
APPLICATION: Any = {
    "metadata": {"name": "shop", "namespace": "argocd"},
    "spec": {"source": {"repoURL": "https://git.example.com/shop", "path": "."}},
    "status": {
        "operationState": {
            "phase": "Succeeded",
            "operation": {"sync": {"revision": SHA}},
            "startedAt": "2026-11-26T22:03:26Z",
            "finishedAt": "2026-11-26T22:03:28Z",
            "syncResult": {"revision": SHA},
        }
    },
}


def changed(whole: Any, place: str, value: Any) -> Any:
    made = deepcopy(whole)
    *above, last = place.split(".")
    at = made
    for name in above:
        at = at[int(name)] if isinstance(at, list) else at.setdefault(name, {})
    at[last] = value
    return made


def test_flux_tells_the_commit_and_until_when() -> None:
    applied = applied_by_flux(KUSTOMIZATION)
    assert applied is not None
    assert applied.source == f"Flux Kustomization flux-system/shop at {REVISION}"
    assert (applied.commits, applied.ended) == (frozenset({SHA}), "2026-11-26T22:03:28Z")
    older = applied_by_flux(changed(KUSTOMIZATION, "status.history", []))
    assert older is not None
    assert older.ended == "2026-11-26T22:03:26Z"


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("spec.suspend", True),
        ("spec.patches", [{"patch": "x"}]),
        ("spec.postBuild", {"substitute": {"a": "b"}}),
        ("spec.images", [{"name": "web"}]),
        ("status.lastAttemptedRevision", "main@sha1:other"),
        ("status.conditions.0.status", "False"),
    ],
)
def test_flux_tells_nothing(place: str, value: Any) -> None:
    assert applied_by_flux(changed(KUSTOMIZATION, place, value)) is None


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("metadata.generation", 2),
        ("status.conditions.0.status", "Unknown"),
        ("status.conditions", [{"type": "Reconciling", "status": "True"}]),
    ],
)
def test_flux_is_at_work(place: str, value: Any) -> None:
    applied = applied_by_flux(changed(KUSTOMIZATION, place, value))
    assert applied is not None
    assert (applied.running, applied.commits) == (True, frozenset())


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("spec.suspend", True),
        ("spec.patches", [{"patch": "x"}]),
        ("status.lastAttemptedRevision", "main@sha1:other"),
        ("status.conditions.0.status", "False"),
        ("status.history.0.lastReconciledStatus", "HealthCheckFailed"),
    ],
)
def test_what_is_known_to_be_as_it_was_applied_is_so_whatever_flux_does(
    place: str, value: Any
) -> None:
    applied = applied_by_flux(changed(KUSTOMIZATION, place, value), is_known=True)
    assert applied is not None
    assert (applied.commits, applied.ended) == (frozenset({SHA}), "2026-11-26T22:03:28Z")


def test_what_has_failed_is_not_at_work_though_it_says_so() -> None:
    conditions = [
        {"type": "Reconciling", "status": "True", "reason": "ProgressingWithRetry"},
        {"type": "Ready", "status": "False", "reason": "BuildFailed"},
    ]
    failed = changed(KUSTOMIZATION, "status.conditions", conditions)
    assert applied_by_flux(failed) is None
    known = applied_by_flux(failed, is_known=True)
    assert known is not None
    assert not known.running
    suspended = changed(failed, "metadata.generation", 7)
    suspended["spec"]["suspend"] = True
    assert applied_by_flux(suspended, is_known=True) == known


def test_argo_tells_the_commit_and_the_time() -> None:
    applied = applied_by_argo(APPLICATION)
    assert applied is not None
    assert applied.source == f"Argo CD Application argocd/shop at {SHA}"
    assert applied.commits == {SHA}
    assert (applied.begun, applied.ended) == ("2026-11-26T22:03:26Z", "2026-11-26T22:03:28Z")
    several = changed(APPLICATION, "status.operationState.syncResult", {"revisions": [SHA, "b"]})
    applied = applied_by_argo(several)
    assert applied is not None
    assert applied.commits == {SHA, "b"}


@pytest.mark.parametrize(
    ("place", "value"),
    [
        ("status.operationState.phase", "Failed"),
        ("status.operationState", None),
        ("status.operationState.operation.sync.dryRun", True),
        ("status.operationState.operation.sync.resources", [{"kind": "Service", "name": "web"}]),
        ("spec.source.helm", {"parameters": []}),
        ("spec.sources", [{"chart": "web"}]),
    ],
)
def test_argo_tells_nothing(place: str, value: Any) -> None:
    assert applied_by_argo(changed(APPLICATION, place, value)) is None


def test_argo_is_at_work() -> None:
    applied = applied_by_argo(changed(APPLICATION, "status.operationState.phase", "Running"))
    assert applied is not None
    assert applied.running


@pytest.mark.parametrize("odd", [{}, {"status": []}, {"spec": 5, "status": {"conditions": {}}}])
def test_what_cannot_be_read_tells_nothing(odd: Any) -> None:
    assert applied_by_argo(odd) is None
    found = applied_by_flux(odd)
    assert found is None or not found.commits
