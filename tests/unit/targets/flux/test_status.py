from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from leadsman.model.delivery import Complaint, Delivery, Suspension
from leadsman.targets.flux.status import LastApplied, delivery_of, last_applied

REVISION = "main@sha1:1d75b6b4f5a43980cb4e09e82c9520e9fae63a39"
NEWER = "main@sha1:2d75b6b4f5a43980cb4e09e82c9520e9fae63a39"
# As kustomize-controller v1.9.5 wrote them.
WELL: Any = {
    "metadata": {"name": "shop", "namespace": "flux-system", "generation": 2},
    "spec": {"path": "./", "prune": True},
    "status": {
        "conditions": [
            {
                "lastTransitionTime": "2026-11-26T22:03:26Z",
                "message": f"Applied revision: {REVISION}",
                "observedGeneration": 2,
                "reason": "ReconciliationSucceeded",
                "status": "True",
                "type": "Ready",
            }
        ],
        "history": [
            {
                "digest": "sha256:aa",
                "lastReconciled": "2026-11-26T22:03:28Z",
                "lastReconciledStatus": "ReconciliationSucceeded",
                "metadata": {"revision": REVISION},
            }
        ],
        "lastAppliedRevision": REVISION,
        "lastAttemptedRevision": REVISION,
        "observedGeneration": 2,
    },
}
FAILED: Any = {
    **WELL,
    "status": {
        **WELL["status"],
        "conditions": [
            {
                "lastTransitionTime": "2026-11-26T22:13:28Z",
                "message": "Building manifests for revision x with a timeout of 30s",
                "reason": "ProgressingWithRetry",
                "status": "True",
                "type": "Reconciling",
            },
            {
                "lastTransitionTime": "2026-11-26T22:13:28Z",
                "message": "kustomize build failed: no such file\n",
                "reason": "BuildFailed",
                "status": "False",
                "type": "Ready",
            },
        ],
    },
}
COMPLAINT = Complaint("BuildFailed", "kustomize build failed: no such file", 1795731208.0)


def conditions(*given: tuple[str, str, str]) -> Any:
    made = deepcopy(WELL)
    made["status"]["conditions"] = [
        {"type": kind, "status": status, "reason": reason, "message": "said"}
        for kind, status, reason in given
    ]
    return made


def test_what_goes_well() -> None:
    assert delivery_of(WELL) == Delivery()
    assert last_applied(WELL) == LastApplied(REVISION, "sha256:aa")


def test_what_has_failed_is_no_longer_running() -> None:
    assert delivery_of(FAILED) == Delivery(COMPLAINT)


@pytest.mark.parametrize(
    ("resource", "running", "reason"),
    [
        (conditions(), True, ""),
        (conditions(("Ready", "Unknown", "Progressing")), True, ""),
        (conditions(("Ready", "True", "x"), ("Reconciling", "True", "Progressing")), True, ""),
        (conditions(("Ready", "False", "HealthCheckFailed")), False, "HealthCheckFailed"),
        (conditions(("Ready", "False", "x"), ("Stalled", "True", "NoPath")), False, "NoPath"),
        ({**WELL, "metadata": {**WELL["metadata"], "generation": 3}}, True, ""),
        ({"metadata": {"generation": 1}}, True, ""),
    ],
)  # fmt: skip
def test_how_it_goes(resource: Any, *, running: bool, reason: str) -> None:
    delivery = delivery_of(resource)
    assert delivery.running is running
    assert (delivery.complaint.reason if delivery.complaint else "") == reason


def test_who_has_suspended_it_since_when_and_why() -> None:
    resource = deepcopy(FAILED)
    resource["spec"]["suspend"] = True
    resource["metadata"]["generation"] = 3
    resource["metadata"]["annotations"] = {"leadsman.dev/suspend-reason": "moving house"}
    resource["metadata"]["managedFields"] = [
        {"manager": "flux", "time": "2026-11-26T22:00:00Z", "fieldsV1": {"f:spec": {"f:path": {}}}},
        {
            "manager": "kubectl-edit",
            "time": "2026-11-26T22:13:28Z",
            "fieldsV1": {"f:spec": {"f:suspend": {}}},
        },
    ]
    suspension = Suspension(1795731208.0, "kubectl-edit", "moving house")
    assert delivery_of(resource) == Delivery(COMPLAINT, suspension)
    del resource["metadata"]["managedFields"]
    assert delivery_of(resource).suspension == Suspension(why="moving house")


def attempt(status: str, revision: str, digest: str) -> Any:
    return {
        "digest": digest,
        "lastReconciledStatus": status,
        "metadata": {"revision": revision},
    }


@pytest.mark.parametrize(
    ("history", "found"),
    [
        ([attempt("HealthCheckFailed", NEWER, "sha256:bb")], LastApplied(NEWER, "sha256:bb")),
        ([attempt("PruneFailed", NEWER, "sha256:bb")], LastApplied(NEWER, "sha256:bb")),
        (
            [
                attempt("ReconciliationFailed", NEWER, "sha256:bb"),
                attempt("ReconciliationSucceeded", REVISION, "sha256:aa"),
            ],
            LastApplied(REVISION, "sha256:aa"),
        ),
        ([], LastApplied(REVISION)),
        ([{"odd": 1}, "odd"], LastApplied(REVISION)),
    ],
)
def test_what_was_applied_last(history: Any, found: LastApplied) -> None:
    resource = deepcopy(WELL)
    resource["status"]["history"] = history
    assert last_applied(resource) == found


def test_what_has_never_been_applied() -> None:
    assert (
        last_applied({"status": {"history": [attempt("ReconciliationFailed", NEWER, "x")]}}) is None
    )
    assert last_applied({}) is None
