from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from leadsman.engine.evidence.proofs import question
from leadsman.engine.inquiry import Origin, Question, Tool
from leadsman.model.finding import Cause, Change, Finding, Op, State
from unit.engine.samples import CONFIG_MAP, key


def finding(manager: str = "helm", op: Op = Op.REPLACE) -> Finding:
    change = Change("/data/a", ".data.a", op, cause=Cause.LIVE, manager=manager)
    return Finding(key("a"), CONFIG_MAP, State.MODIFIED, (change,))


def live(labels: Any = None, **annotations: Any) -> dict[str, Any]:
    said = {name.replace("__", "/").replace("_", "-"): text for name, text in annotations.items()}
    managers = ("helm", "kustomize-controller", "argocd-controller", "k9s")
    entries = [{"manager": name, "time": str(time)} for time, name in enumerate(managers)]
    return {"metadata": {"annotations": said, "labels": labels, "managedFields": entries}}


def helm(name: Any = "web", namespace: Any = "shop") -> dict[str, Any]:
    made = live()
    made["metadata"]["annotations"] = {
        "meta.helm.sh/release-name": name,
        "meta.helm.sh/release-namespace": namespace,
    }
    return made


FLUX = {
    "kustomize.toolkit.fluxcd.io/name": "apps",
    "kustomize.toolkit.fluxcd.io/namespace": "flux-system",
}


def test_each_tool_is_asked_by_what_it_notes_in_its_objects() -> None:
    asked = question(finding(), helm())
    assert asked is not None
    assert (asked.origin, asked.times) == (Origin(Tool.HELM, "shop", "web"), frozenset("0"))
    asked = question(finding("kustomize-controller"), live(FLUX))
    assert asked is not None
    assert (asked.origin, asked.times) == (Origin(Tool.FLUX, "flux-system", "apps"), frozenset("1"))
    tracked = live()
    annotations = tracked["metadata"]["annotations"]
    annotations["argocd.argoproj.io/tracking-id"] = "team_web:apps/Deployment:shop/web"
    asked = question(finding("argocd-controller"), tracked)
    assert asked is not None
    assert (asked.origin, asked.times) == (Origin(Tool.ARGO, "team", "web"), frozenset("2"))
    asked = question(finding("argocd-controller"), live({"app.kubernetes.io/instance": "web"}))
    assert asked is not None
    assert asked.origin == Origin(Tool.ARGO, "", "web")


def scaled(manager: str = "", op: Op = Op.REPLACE) -> Finding:
    change = Change("/spec/replicas", ".spec.replicas", op, cause=Cause.LIVE, manager=manager)
    return Finding(key("a"), CONFIG_MAP, State.MODIFIED, (change,))


@pytest.mark.parametrize("op", [Op.REPLACE, Op.ADD])
def test_replicas_that_nobody_is_noted_for_may_be_an_autoscalers(op: Op) -> None:
    found = helm()
    found["metadata"]["generation"] = 7
    assert question(scaled(op=op), found) == Question(None, frozenset(), "7")
    assert question(scaled("kubectl", op), found) is None
    both = replace(finding(), changes=(*finding().changes, *scaled(op=op).changes))
    assert question(both, found) == Question(Origin(Tool.HELM, "shop", "web"), frozenset("0"), "7")


def test_replicas_that_are_gone_are_no_autoscalers() -> None:
    assert question(scaled(op=Op.REMOVE), helm()) is None


def test_nobody_is_asked_of_what_delivery_has_not_written() -> None:
    assert question(None, helm()) is None
    assert question(finding("kubectl-edit"), helm()) is None
    assert question(finding(op=Op.ADD), helm()) is None
    assert question(finding(), live(FLUX)) is None
    assert question(finding(), {}) is None


def test_of_what_is_untold_only_helm_is_asked() -> None:
    assert question(None, helm(), {"helm"}) == question(finding(), helm())
    assert question(None, helm(), {"kubectl-client-side-apply", "argocd-controller"}) is None
    assert question(None, live({"app.kubernetes.io/instance": "web"}), {"helm"}) is None
    assert question(None, live(FLUX), {"kustomize-controller"}) is None


@pytest.mark.parametrize("name", ["ssa", "reconcile"])
def test_what_flux_sends_otherwise_is_not_asked_for(name: str) -> None:
    odd = live(FLUX)
    odd["metadata"]["annotations"] = {f"kustomize.toolkit.fluxcd.io/{name}": "IfNotPresent"}
    assert question(finding("kustomize-controller"), odd) is None


@pytest.mark.parametrize("name", ["", "web,owner!=helm", "../x", "a" * 300, 5, None])
def test_a_name_that_is_none_is_not_asked_for(name: Any) -> None:
    assert question(finding(), helm(name)) is None
    assert question(finding(), helm(namespace=name)) is None
