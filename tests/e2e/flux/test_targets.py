"""A Kustomization of Flux is a target: what it says of itself, and what has drifted meanwhile."""

from __future__ import annotations

import json
import os
import signal
from typing import TYPE_CHECKING, Any

import pytest

from controlplane.api import ApiError
from e2e.flux.conftest import config
from e2e.flux.test_build import files_of, named
from harness.flux import KUSTOMIZATIONS, SOURCES
from harness.waiting import a_second_later, until

if TYPE_CHECKING:
    from collections.abc import Callable

    from e2e.flux.conftest import Delivery
    from harness.checks import Report

# Building the controller is counted in.
pytestmark = pytest.mark.timeout(1200)
FILES = {"kustomization.yaml": named("web.yaml"), "web.yaml": config("web", text="one")}


def test_it_is_in_sync_and_owns_its_report(begin: Callable[..., Delivery]) -> None:
    delivery = begin(files_of("kustomize"))
    report = delivery.check.wait_verdict("InSync")
    assert report.status["summary"]["total"] == 3
    assert report.status["revision"] == delivery.revision
    assert report.body["spec"]["target"] == {"kind": "Kustomization", "name": delivery.check.name}
    (owner,) = report.body["metadata"]["ownerReferences"]
    kustomization = delivery.flux.kustomization(delivery.check.name)
    assert (owner["kind"], owner["apiVersion"], owner["uid"]) == (
        "Kustomization",
        kustomization["apiVersion"],
        kustomization["metadata"]["uid"],
    )
    value = delivery.check.operator.value
    assert value("leadsman_target_objects", **delivery.check.labels, state="InSync") == 3


def test_drift_while_it_is_suspended(begin: Callable[..., Delivery]) -> None:
    delivery = begin(FILES)
    check = delivery.check
    check.wait_verdict("InSync")
    delivery.flux.patch(check.name, suspend=True)
    check.plane.api.patch(
        f"{KUSTOMIZATIONS}/{check.name}",
        {"metadata": {"annotations": {"leadsman.dev/suspend-reason": "the shop is moved"}}},
    )

    def suspended(report: Report) -> bool:
        message = str(report.conditions["Suspended"]["message"])
        return message.startswith("by kubectl-edit: the shop is moved")

    report = check.wait(suspended, "the suspension")
    assert report.status["suspended"] is True
    since = next(
        entry["time"]
        for entry in delivery.flux.kustomization(check.name)["metadata"]["managedFields"]
        if entry["manager"] == "kubectl-edit"
    )
    assert report.status["suspendedSince"] == since
    assert report.verdict == "InSync"
    delivery.kubectl("patch", "cm/web", "-p", '{"data":{"text":"two"}}')
    report = check.wait_verdict("Drifted")
    change = report.changes("ConfigMap", "web")["/data/text"]
    assert (change["desired"], change["live"], change["manager"]) == ("one", "two", "kubectl-patch")
    # Git goes on meanwhile, and nothing of it is applied.
    delivery.commit({"web.yaml": config("web", text="three")})
    delivery.flux.patch(check.name, suspend=None)
    assert delivery.again() == ""
    report = check.wait(
        lambda report: (
            report.verdict == "InSync" and report.status["revision"] == delivery.revision
        ),
        "the new revision in sync",
    )
    assert report.status["suspended"] is False
    story = ["Suspended", "DriftDetected", "Resumed", "DriftResolved"]
    until(lambda: len(check.events(*story)) == len(story), "its Events")
    told = [event["reason"] for event in check.events()]
    # Flux may undo the change before its own word that it goes on has come.
    assert (told[:2], sorted(told)) == (story[:2], sorted(story))


def test_a_build_that_fails_is_told_with_flux_own_words(begin: Callable[..., Delivery]) -> None:
    delivery = begin(FILES)
    check = delivery.check
    check.wait_verdict("InSync")
    before = delivery.revision
    assert delivery.apply({"kustomization.yaml": named("web.yaml", "gone.yaml")}) != ""
    report = check.wait(
        lambda report: report.conditions["Ready"]["reason"] == "BuildFailed", "the failure"
    )
    ready = report.conditions["Ready"]
    assert ready["message"].startswith("delivery: kustomize build failed")
    assert (report.verdict, report.status["revision"]) == ("InSync", before)
    value = check.operator.value
    labels = {**check.labels, "stage": "delivery", "reason": "BuildFailed"}
    assert value("leadsman_target_failing", **labels) == 1
    # Drift is told all the same, and while it is tried again it goes on failing.
    delivery.kubectl("patch", "cm/web", "-p", '{"data":{"text":"two"}}')
    report = check.wait_verdict("Drifted")
    assert report.conditions["Ready"]["reason"] == "BuildFailed"
    assert delivery.again() != ""
    assert delivery.apply({"kustomization.yaml": named("web.yaml")}) == ""
    check.wait(
        lambda report: (
            report.verdict == "InSync" and report.conditions["Ready"]["status"] == "True"
        ),
        "all well again",
    )
    failed = check.events("DeliveryFailed")
    assert len(failed) == 1
    assert "BuildFailed" in failed[0]["note"]


def test_what_is_refused_by_the_api_server(begin: Callable[..., Delivery]) -> None:
    delivery = begin(FILES)
    delivery.check.wait_verdict("InSync")
    body = json.loads(config("bad"))
    body["data"] = {"not a key": "x"}
    files = {"kustomization.yaml": named("web.yaml", "bad.yaml"), "bad.yaml": json.dumps(body)}
    assert delivery.apply(files).startswith("ReconciliationFailed")
    report = delivery.check.wait(
        lambda report: report.conditions["Ready"]["reason"] == "ReconciliationFailed",
        "the failure",
    )
    assert "ConfigMap" in report.conditions["Ready"]["message"]


def test_who_wants_not_to_be_looked_at_and_who_is_gone(begin: Callable[..., Delivery]) -> None:
    delivery = begin(FILES)
    check = delivery.check
    check.wait_verdict("InSync")
    path = f"{KUSTOMIZATIONS}/{check.name}"

    def annotate(value: str | None) -> None:
        check.plane.api.patch(path, {"metadata": {"annotations": {"leadsman.dev/ignore": value}}})

    def is_known() -> bool:
        return bool(check.operator.series("leadsman_target_objects", **check.labels))

    annotate("true")
    until(lambda: not is_known(), "its series to go")
    annotate(None)
    until(is_known, "its series to come back")
    delivery.flux.remove(check.name)
    until(lambda: not is_known(), "its series to go")
    # Its report is collected with it.
    until(lambda: not check.report().body, "its report to go")


def test_a_source_that_goes_and_comes_back(begin: Callable[..., Delivery]) -> None:
    delivery = begin(FILES)
    check = delivery.check
    check.wait_verdict("InSync")
    source = check.plane.api.get(f"{SOURCES}/{check.name}")
    check.plane.api.delete(f"{SOURCES}/{check.name}")
    check.wait(lambda report: report.conditions["Ready"]["reason"] == "SourceNotFound", "no source")
    for name in ("resourceVersion", "uid", "creationTimestamp", "managedFields"):
        source["metadata"].pop(name)
    check.plane.api.create(SOURCES, source)
    check.wait(lambda report: report.conditions["Ready"]["status"] == "True", "the source")


def test_a_source_that_fails_or_is_suspended(begin: Callable[..., Delivery]) -> None:
    delivery = begin(FILES)
    check = delivery.check
    check.wait_verdict("InSync")
    path = f"{SOURCES}/{check.name}"
    condition = {
        "type": "Ready",
        "status": "False",
        "reason": "GitOperationFailed",
        "message": "authentication required",
        "lastTransitionTime": "2026-11-26T22:13:28Z",
    }
    # As source-controller would.
    check.plane.api.patch(f"{path}/status", {"status": {"conditions": [condition]}})
    report = check.wait(
        lambda report: report.conditions["Ready"]["reason"] == "SourceFailed", "the failure"
    )
    assert report.conditions["Ready"]["message"] == (
        f"delivery: GitRepository {check.namespace}/{check.name}: GitOperationFailed: "
        "authentication required"
    )
    assert report.verdict == "InSync"
    check.plane.api.patch(f"{path}?fieldManager=kubectl-edit", {"spec": {"suspend": True}})
    report = check.wait(
        lambda report: report.conditions["Suspended"]["status"] == "True", "the suspension"
    )
    said = f"by kubectl-edit: GitRepository {check.namespace}/{check.name} is suspended; "
    assert report.conditions["Suspended"]["message"].startswith(said)


@pytest.mark.parametrize(
    ("spec", "said"),
    [
        ({"kubeConfig": {"secretRef": {"name": "x"}}}, "spec.kubeConfig"),
        ({"decryption": {"provider": "sops"}}, "spec.decryption"),
        ({"sourceRef": {"kind": "OCIRepository", "name": "x"}}, "spec.sourceRef"),
    ],
)
def test_what_leadsman_cannot_do_is_said_by_the_fields_name(
    begin: Callable[..., Delivery], spec: dict[str, Any], said: str
) -> None:
    delivery = begin(FILES)
    delivery.check.wait_verdict("InSync")
    delivery.flux.patch(delivery.check.name, suspend=True, **spec)
    report = delivery.check.wait(
        lambda report: report.conditions["Ready"]["reason"] == "NotSupported", "the refusal"
    )
    assert report.verdict == "Unknown"
    assert said in report.conditions["Ready"]["message"]


def test_a_controller_that_has_stopped_is_found(begin: Callable[..., Delivery]) -> None:
    delivery = begin(FILES, interval="1s", timeout="30s")
    check = delivery.check
    check.wait_verdict("InSync")
    os.kill(delivery.flux.pid, signal.SIGSTOP)
    try:
        report = check.wait(
            lambda report: report.conditions["Ready"]["reason"] == "DeliveryStalled",
            "the controller to be missed",
            timeout=90.0,
        )
        assert report.verdict == "InSync"
        assert "though its interval is 1s" in report.conditions["Ready"]["message"]
    finally:
        os.kill(delivery.flux.pid, signal.SIGCONT)
    check.wait(lambda report: report.conditions["Ready"]["status"] == "True", "that it goes on")


def test_after_a_restart_it_goes_on(begin: Callable[..., Delivery]) -> None:
    delivery = begin(FILES)
    check = delivery.check
    check.wait_verdict("InSync")
    delivery.kubectl("patch", "cm/web", "-p", '{"data":{"text":"two"}}')
    since = check.wait_verdict("Drifted").status["driftSince"]
    version = check.report().version
    a_second_later()
    check.operator.stop()
    check.operator.start()
    check.operator.wait_ready()
    report = check.report()
    assert (report.verdict, report.status["driftSince"]) == ("Drifted", since)
    assert report.version == version
    with pytest.raises(ApiError):
        check.plane.api.get(
            f"/apis/leadsman.dev/v1alpha1/namespaces/{check.namespace}/driftreports/{check.name}"
        )
