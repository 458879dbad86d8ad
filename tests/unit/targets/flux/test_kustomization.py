from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from leadsman.errors import DeliveryError, LeadsmanError, SpecError
from leadsman.model.identity import TargetKey
from leadsman.model.source import GitRef, GitSource
from leadsman.model.target import (
    FluxBuild,
    KustomizeOptions,
    ObjectSelector,
    VariablesReference,
)
from leadsman.targets.flux.kustomization import key_of, source_key, target_from

SHA = "1d75b6b4f5a43980cb4e09e82c9520e9fae63a39"
READY = {"type": "Ready", "status": "True", "reason": "ReconciliationSucceeded"}
KUSTOMIZATION: Any = {
    "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
    "kind": "Kustomization",
    "metadata": {"name": "shop", "namespace": "apps", "uid": "u", "generation": 1},
    "spec": {
        "interval": "5m",
        "path": "./deploy/../deploy/prod",
        "prune": True,
        "sourceRef": {"kind": "GitRepository", "name": "shop", "namespace": "flux-system"},
    },
    "status": {
        "observedGeneration": 1,
        "conditions": [READY],
        "history": [
            {
                "digest": "sha256:aa",
                "lastReconciledStatus": "ReconciliationSucceeded",
                "metadata": {"revision": f"main@sha1:{SHA}"},
            }
        ],
    },
}
SOURCE: Any = {
    "spec": {
        "interval": "1m",
        "url": "ssh://git@git.example.com/shop",
        "ref": {"branch": "main"},
        "secretRef": {"name": "deploy-key"},
        "timeout": "20s",
        "ignore": "/docs",
        "recurseSubmodules": True,
        "verify": {"mode": "HEAD", "secretRef": {"name": "keys"}},
    }
}


def changed(place: str, value: Any, whole: Any = KUSTOMIZATION) -> Any:
    made = deepcopy(whole)
    *above, last = place.split(".")
    at = made
    for name in above:
        at = at[name]
    at[last] = value
    return made


def test_it_is_what_was_applied_last() -> None:
    target = target_from(KUSTOMIZATION, SOURCE)
    assert target.key == TargetKey("Kustomization", "apps", "shop") == key_of(KUSTOMIZATION)
    assert target.source == GitSource(
        url="ssh://git@git.example.com/shop",
        ref=GitRef(name="main", commit=SHA),
        namespace="flux-system",
        secret="deploy-key",  # noqa: S106 - its name
        interval=300.0,
        timeout=20.0,
        ignore="/docs",
        recurse_submodules=True,
    )
    assert (target.uid, target.generation, target.path) == ("u", 1, "deploy/prod")
    assert target.render == KustomizeOptions()
    assert target.flux == FluxBuild("shop", "apps", digest="sha256:aa")
    assert target.manager == "kustomize-controller"


def test_every_field_that_renders_is_taken() -> None:
    patch = {"patch": "[]", "target": {"kind": "Service"}}
    image = {"name": "web", "newName": "mirror/web", "newTag": "2", "digest": "sha256:bb"}
    resource = deepcopy(KUSTOMIZATION)
    resource["spec"] |= {
        "namePrefix": "pre-",
        "nameSuffix": "-suf",
        "targetNamespace": "prod",
        "patches": [patch, {"patch": "x"}],
        "images": [image],
        "components": ["../c"],
        "ignoreMissingComponents": True,
        "commonMetadata": {"labels": {"a": "b"}, "annotations": {"c": "d"}},
        "buildMetadata": ["originAnnotations"],
        "postBuild": {
            "substitute": {"one": "1"},
            "substituteFrom": [
                {"kind": "ConfigMap", "name": "cm"},
                {"kind": "Secret", "name": "s", "optional": True},
            ],
            "substituteStrategy": "Always",
        },
        "ignore": [
            {"paths": ["/spec/replicas"], "target": {"kind": "Deployment", "labelSelector": "a=b"}}
        ],
    }
    target = target_from(resource, SOURCE)
    assert target.target_namespace == "prod"
    assert target.render == KustomizeOptions(
        name_prefix="pre-",
        name_suffix="-suf",
        patches=(patch, {"patch": "x"}),
        images=(image,),
        components=("../c",),
        ignore_missing_components=True,
        common_labels={"a": "b"},
        common_annotations={"c": "d"},
        build_metadata=("originAnnotations",),
    )
    assert target.flux == FluxBuild(
        "shop",
        "apps",
        variables={"one": "1"},
        variables_from=(
            VariablesReference("ConfigMap", "cm"),
            VariablesReference("Secret", "s", optional=True),
        ),
        always=True,
        digest="sha256:aa",
    )
    rule = target.ignore[-1]
    assert rule.paths == ("/spec/replicas",)
    assert rule.target == ObjectSelector(kind="Deployment", label_selector="a=b")


@pytest.mark.parametrize(
    ("path", "folder"),
    [("", ""), ("./", ""), ("/", ""), ("//a", "a"), ("../../a", "a"), ("a/b/", "a/b")],
)
def test_a_path_stays_within_the_repository(path: str, folder: str) -> None:
    assert target_from(changed("spec.path", path), SOURCE).path == folder


@pytest.mark.parametrize(
    ("revision", "ref"),
    [
        (f"main@sha1:{SHA}", GitRef(name="main", commit=SHA)),
        (f"v1@2@sha1:{SHA}", GitRef(name="v1@2", commit=SHA)),
        (f"sha1:{SHA}", GitRef(commit=SHA)),
        (f"main@sha256:{'a' * 64}", GitRef(name="main", commit="a" * 64)),
    ],
)
def test_a_revision_names_a_commit(revision: str, ref: GitRef) -> None:
    resource = changed("status", {"lastAppliedRevision": revision})
    source = target_from(resource, SOURCE).source
    assert isinstance(source, GitSource)
    assert source.ref == ref


def test_its_source_is_in_its_own_namespace_unless_said_otherwise() -> None:
    assert source_key(KUSTOMIZATION) == TargetKey("GitRepository", "flux-system", "shop")
    resource = changed("spec.sourceRef", {"kind": "GitRepository", "name": "other"})
    assert source_key(resource) == TargetKey("GitRepository", "apps", "other")


@pytest.mark.parametrize(
    ("resource", "source", "kind", "reason", "said"),
    [
        (changed("status", {}), SOURCE, DeliveryError, "NotApplied", "not applied"),
        (KUSTOMIZATION, None, DeliveryError, "SourceNotFound", "GitRepository flux-system/shop"),
        (
            changed("status", {"lastAppliedRevision": "latest@sha256:x"}),
            SOURCE,
            DeliveryError,
            "RevisionNotKnown",
            "latest@sha256:x",
        ),
        (changed("spec.kubeConfig", {}), SOURCE, SpecError, "NotSupported", "spec.kubeConfig"),
        (changed("spec.decryption", {}), SOURCE, SpecError, "NotSupported", "spec.decryption"),
        (
            changed("spec.sourceRef.kind", "Bucket"),
            SOURCE,
            SpecError,
            "NotSupported",
            "spec.sourceRef: Bucket",
        ),
        (
            KUSTOMIZATION,
            changed("spec.include", [{}], SOURCE),
            SpecError,
            "NotSupported",
            "spec.include",
        ),
        (changed("spec.patches", [1]), SOURCE, SpecError, "InvalidSpec", "spec.patches[0]"),
    ],
)  # fmt: skip
def test_what_cannot_be_done_is_said(
    resource: Any, source: Any, kind: type[LeadsmanError], reason: str, said: str
) -> None:
    with pytest.raises(kind) as raised:
        target_from(resource, source)
    assert raised.value.reason == reason
    assert said in raised.value.message
