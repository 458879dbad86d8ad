"""Who is trusted with what."""

from __future__ import annotations

import pytest

from leadsman.compare.owners.managers import Standing, Trust
from leadsman.compare.owners.ownership import Entry
from leadsman.model.identity import Gvk

_DEPLOYMENT = Gvk("apps", "v1", "Deployment")
_HOOKS = Gvk("admissionregistration.k8s.io", "v1", "ValidatingWebhookConfiguration")
_REPLICAS = ".spec.replicas"
_CA_BUNDLE = '.webhooks[name="a.b"].clientConfig.caBundle'


def entry(manager: str, operation: str = "Update", subresource: str = "") -> Entry:
    return Entry(manager, operation, subresource, "", {})


def standing(
    manager: str,
    operation: str = "Update",
    path: str = ".spec.template.spec.hostNetwork",
    gvk: Gvk = _DEPLOYMENT,
) -> Standing:
    return Trust().standing(entry(manager, operation), path, gvk)


@pytest.mark.parametrize(
    "manager",
    ["kustomize-controller", "helm-controller", "helm", "argocd-controller", "kubectl"],
)
def test_what_delivery_applies_was_in_git(manager: str) -> None:
    assert standing(manager, "Apply") is Standing.DELIVERED


@pytest.mark.parametrize("manager", ["helm", "kubectl-client-side-apply", "argocd-controller"])
def test_what_delivery_owns_by_an_update_may_be_a_default(manager: str) -> None:
    assert standing(manager) is Standing.TRUSTED


@pytest.mark.parametrize(
    "path",
    [
        ".metadata.labels.app.kubernetes.io/managed-by",
        ".metadata.labels.kustomize.toolkit.fluxcd.io/name",
        ".metadata.annotations.meta.helm.sh/release-name",
        ".metadata.annotations.argocd.argoproj.io/tracking-id",
        _CA_BUNDLE,
    ],
)
def test_marks_of_delivery_are_not_left_behind(path: str) -> None:
    assert standing("helm", "Apply", path) is Standing.TRUSTED
    assert standing("kubectl-label", "Update", path) is Standing.FOREIGN


@pytest.mark.parametrize(
    ("path", "owner", "other"),
    [
        (".metadata.labels.app.kubernetes.io/managed-by", "helm", "argocd-controller"),
        (".metadata.labels.app.kubernetes.io/instance", "argocd-controller", "helm"),
    ],
)
def test_a_label_that_people_write_too_is_the_mark_of_one_tool(
    path: str, owner: str, other: str
) -> None:
    assert standing(owner, "Apply", path) is Standing.TRUSTED
    assert standing(other, "Apply", path) is Standing.DELIVERED


@pytest.mark.parametrize(
    "path",
    [
        ".metadata.annotations.argocd.argoproj.io/sync-options",
        ".metadata.annotations.kustomize.toolkit.fluxcd.io/prune",
    ],
)
def test_what_people_write_for_a_tool_is_no_mark(path: str) -> None:
    for manager in ("argocd-controller", "kustomize-controller", "kubectl"):
        assert standing(manager, "Apply", path) is Standing.DELIVERED


def test_flux_delivers_by_applying_alone() -> None:
    assert standing("flux", "Apply", ".spec.suspend") is Standing.DELIVERED
    assert standing("flux", "Update", ".spec.suspend") is Standing.FOREIGN


@pytest.mark.parametrize(
    "manager",
    [
        "kubectl",
        "kubectl-edit",
        "k9s",
        "Mozilla",
        "node-fetch",
        "an-operator",
        "",
        "kubectl-create",
    ],
)
def test_people_and_the_unknown_are_foreign(manager: str) -> None:
    assert standing(manager) is Standing.FOREIGN


def test_kubectl_with_a_name_of_its_own_is_foreign_even_when_it_applies() -> None:
    assert standing("alice", "Apply") is Standing.FOREIGN


@pytest.mark.parametrize(
    "manager", ["kube-controller-manager", "kube-scheduler", "kubelet", "kube-apiserver"]
)
def test_the_control_plane_may_add(manager: str) -> None:
    assert standing(manager) is Standing.TRUSTED


def test_a_target_may_trust_others() -> None:
    trust = Trust(frozenset({"my-pipeline"}))
    for operation in ("Apply", "Update"):
        found = trust.standing(entry("my-pipeline", operation), ".spec.x", _DEPLOYMENT)
        assert found is Standing.TRUSTED
    assert trust.standing(entry("my-pipeline-2"), ".spec.x", _DEPLOYMENT) is Standing.FOREIGN
    assert not trust.may_change(entry("my-pipeline"), _REPLICAS, _DEPLOYMENT)


def test_any_controller_may_keep_its_books() -> None:
    for path in ('.metadata.finalizers[="a/b"]', ".metadata.ownerReferences", _CA_BUNDLE):
        assert standing("an-operator", path=path) is Standing.TRUSTED
        assert standing("kubectl-patch", path=path) is Standing.FOREIGN
        assert Trust().is_usual(path)


def test_limited_trust() -> None:
    assert standing("cert-manager-cainjector", path=_CA_BUNDLE, gvk=_HOOKS) is Standing.TRUSTED
    failure = '.webhooks[name="a.b"].failurePolicy'
    assert standing("cert-manager-cainjector", path=failure, gvk=_HOOKS) is Standing.FOREIGN
    certificate = Gvk("cert-manager.io", "v1", "Certificate")
    assert standing("cert-manager-x", path=".spec.x", gvk=certificate) is Standing.TRUSTED
    assert standing("cert-manager-x", path=".spec.x") is Standing.FOREIGN
    requested = ".metadata.annotations.reconcile.fluxcd.io/requestedAt"
    flux = Gvk("kustomize.toolkit.fluxcd.io", "v1", "Kustomization")
    for manager in ("flux", "kubectl-annotate"):
        assert standing(manager, path=requested, gvk=flux) is Standing.TRUSTED
        assert standing(manager, path=requested) is Standing.FOREIGN


def test_forgotten_owners() -> None:
    assert standing("before-first-apply") is Standing.UNKNOWN
    assert standing("ancient-changes") is Standing.UNKNOWN


def test_usual_fields() -> None:
    trust = Trust()
    assert trust.is_usual(".metadata.annotations.deployment.kubernetes.io/revision")
    assert trust.is_usual(".spec.volumeName")
    assert not trust.is_usual(".metadata.annotations.note")
    assert not trust.is_usual(".rules")


def test_the_autoscaler_may_scale_and_a_person_may_not() -> None:
    trust = Trust()
    controller = entry("kube-controller-manager", subresource="scale")
    assert trust.may_change(controller, _REPLICAS, _DEPLOYMENT)
    assert not trust.may_change(entry("kube-controller-manager"), _REPLICAS, _DEPLOYMENT)
    assert not trust.may_change(controller, ".spec.template.spec.replicas", _DEPLOYMENT)
    assert not trust.may_change(entry("kubectl", subresource="scale"), _REPLICAS, _DEPLOYMENT)


def test_delivery_writes_its_marks_over_what_the_manifest_says() -> None:
    trust = Trust()
    managed = ".metadata.labels.app.kubernetes.io/managed-by"
    assert trust.may_change(entry("helm", "Apply"), managed, _DEPLOYMENT)
    assert not trust.may_change(entry("helm", "Apply"), managed + "x", _DEPLOYMENT)
    assert not trust.may_change(entry("kubectl-edit"), managed, _DEPLOYMENT)
    instance = ".metadata.labels.app.kubernetes.io/instance"
    assert trust.may_change(entry("argocd-controller", "Apply"), instance, _DEPLOYMENT)
    owner = ".metadata.labels.kustomize.toolkit.fluxcd.io/name"
    assert trust.may_change(entry("kustomize-controller", "Apply"), owner, _DEPLOYMENT)


def test_other_fields_that_controllers_may_change() -> None:
    trust = Trust()
    assert trust.may_change(entry("cert-manager-cainjector"), _CA_BUNDLE, _HOOKS)
    revision = ".metadata.annotations.deployment.kubernetes.io/revision"
    assert trust.may_change(entry("kube-controller-manager"), revision, _DEPLOYMENT)
    assert not trust.may_change(entry("kubectl-annotate"), revision, _DEPLOYMENT)
    role = Gvk("rbac.authorization.k8s.io", "v1", "ClusterRole")
    # Of roles that Git has as aggregated, rules are not compared at all.
    assert not trust.may_change(
        entry("clusterrole-aggregation-controller", "Apply"), ".rules", role
    )
