import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from leadsman.errors import SpecError
from leadsman.model.identity import TargetKey
from leadsman.model.json import Json, JsonObject
from leadsman.model.source import GitRef, GitSource
from leadsman.model.target import (
    HelmOptions,
    IgnoreRule,
    KustomizeOptions,
    ObjectSelector,
    PlainOptions,
    Target,
    ValuesReference,
)
from leadsman.targets.driftcheck import API_VERSION, KIND, target_from

ROOT = Path(__file__).parents[3]
CRD = yaml.safe_load((ROOT / "crds/driftchecks.leadsman.dev.yaml").read_text())
SCHEMA = CRD["spec"]["versions"][0]["schema"]["openAPIV3Schema"]
CASES = yaml.safe_load((Path(__file__).parent / "driftchecks.yaml").read_text())
URL = "https://git.example.org/shop.git"
SHA = "5f0c1c2d3e4f" * 3 + "5f0c"

# Every field of the CRD, each with a value that is not the default.
FULL_SPEC: JsonObject = {
    "url": URL,
    "ref": {"branch": "main", "commit": SHA.upper(), "tag": "", "semver": "", "name": ""},
    "interval": "5m",
    "timeout": "30s",
    "secretRef": {"name": "git"},
    "ignore": "/docs\n",
    "recurseSubmodules": True,
    "suspend": True,
    "path": "./deploy//prod/",
    "targetNamespace": "shop",
    "allowEmpty": True,
    "managers": {"trusted": ["team-operator"]},
    "compare": {
        "added": "Ignore",
        "manager": "team-deployer",
        "ignore": [
            {
                "paths": ["/spec/replicas", "/metadata/annotations/*"],
                "target": {
                    "group": "apps",
                    "version": "v1",
                    "kind": "Deployment",
                    "namespace": "shop",
                    "name": "web-.*",
                    "labelSelector": "app=web",
                    "annotationSelector": "a=b",
                },
                "managers": ["vpa"],
            }
        ],
    },
}
FULL_RENDERERS: JsonObject = {
    "kustomize": {
        "namePrefix": "eu-",
        "nameSuffix": "-1",
        "patches": [
            {
                "patch": "[]",
                "target": {
                    "group": "apps",
                    "version": "v1",
                    "kind": "Deployment",
                    "namespace": "shop",
                    "name": "web",
                    "labelSelector": "app=web",
                    "annotationSelector": "a=b",
                },
            },
            {"patch": "{}"},
        ],
        "images": [
            {"name": "web", "newName": "registry/web", "newTag": "v2", "digest": "sha256:a"}
        ],
        "components": ["../metrics"],
        "ignoreMissingComponents": True,
        "commonMetadata": {"labels": {"team": "a"}, "annotations": {"owner": "b"}},
    },
    "helm": {
        "releaseName": "front",
        "valuesFiles": ["values-prod.yaml", "/shared.yaml"],
        "values": {"replicas": 2, "off": None},
        "valuesFrom": [
            {
                "kind": "Secret",
                "name": "shop",
                "valuesKey": "password",
                "targetPath": "db.password",
                "optional": True,
            }
        ],
        "skipCRDs": True,
        "skipTests": False,
        "kubeVersion": "1.34.2",
        "apiVersions": ["monitoring.coreos.com/v1"],
    },
    "plain": {"recurse": False, "include": ["*.yaml"], "exclude": ["test-*"]},
}


def drift_check(spec: JsonObject) -> JsonObject:
    return {
        "apiVersion": API_VERSION,
        "kind": KIND,
        "metadata": {"name": "shop", "namespace": "team-a", "uid": "1-2", "generation": 7},
        "spec": {"url": URL} | spec,
    }


def test_every_field_arrives() -> None:
    target = target_from(drift_check(FULL_SPEC))
    assert target == Target(
        key=TargetKey("DriftCheck", "team-a", "shop"),
        source=GitSource(
            url=URL,
            ref=GitRef(branch="main", commit=SHA),
            namespace="team-a",
            secret="git",  # noqa: S106 - the name of a Secret
            interval=300.0,
            timeout=30.0,
            ignore="/docs\n",
            recurse_submodules=True,
        ),
        uid="1-2",
        generation=7,
        path="deploy/prod",
        target_namespace="shop",
        allow_empty=True,
        suspended=True,
        report_added=False,
        trusted=("team-operator",),
        manager="team-deployer",
        ignore=(
            IgnoreRule(
                paths=("/spec/replicas", "/metadata/annotations/*"),
                target=ObjectSelector(
                    "apps", "v1", "Deployment", "shop", "web-.*", "app=web", "a=b"
                ),
                managers=("vpa",),
                origin="spec.compare.ignore[0]",
            ),
        ),
    )


def test_every_option_of_kustomize_arrives() -> None:
    spec = {"kustomize": FULL_RENDERERS["kustomize"]}
    assert target_from(drift_check(spec)).render == KustomizeOptions(
        name_prefix="eu-",
        name_suffix="-1",
        patches=tuple(FULL_RENDERERS["kustomize"]["patches"]),
        images=tuple(FULL_RENDERERS["kustomize"]["images"]),
        components=("../metrics",),
        ignore_missing_components=True,
        common_labels={"team": "a"},
        common_annotations={"owner": "b"},
    )


def test_every_option_of_helm_arrives_and_null_values_stay() -> None:
    spec = {"helm": FULL_RENDERERS["helm"]}
    assert target_from(drift_check(spec)).render == HelmOptions(
        release_name="front",
        values_files=("values-prod.yaml", "/shared.yaml"),
        values={"replicas": 2, "off": None},
        values_from=(ValuesReference("Secret", "shop", "password", "db.password", optional=True),),
        skip_crds=True,
        skip_tests=False,
        kube_version="1.34.2",
        api_versions=("monitoring.coreos.com/v1",),
    )


def test_every_option_of_plain_arrives() -> None:
    spec = {"plain": FULL_RENDERERS["plain"]}
    assert target_from(drift_check(spec)).render == PlainOptions(
        recurse=False, include=("*.yaml",), exclude=("test-*",)
    )


def test_the_samples_above_hold_every_field_of_the_crd() -> None:
    properties = SCHEMA["properties"]["spec"]["properties"]
    assert _paths_of_schema(properties) == _paths_of_value(FULL_SPEC | FULL_RENDERERS)


@pytest.mark.parametrize(
    "spec",
    [
        {},
        {"ref": {}},
        {"kustomize": {}},
        {"kustomize": {"commonMetadata": {}}},
        {"helm": {"valuesFrom": [{"kind": "Secret", "name": "a"}]}},
        {"plain": {}},
        {"managers": {}},
        {"compare": {}},
        {"compare": {"ignore": [{"paths": ["/spec"], "target": {}}]}},
    ],
)
def test_what_is_not_set_is_what_the_crd_defaults_it_to(spec: JsonObject) -> None:
    bare = drift_check(spec)
    defaulted = copy.deepcopy(bare)
    _set_defaults(SCHEMA, defaulted)
    assert defaulted != bare, "the CRD has defaults"
    assert target_from(defaulted) == target_from(bare)


def test_without_anything_set_detection_decides() -> None:
    target = target_from(drift_check({}))
    assert target.render is None
    assert target.source == GitSource(
        url=URL, namespace="team-a", interval=60.0, timeout=60.0, ignore=None
    )
    assert target.report_added


def test_an_empty_ignore_replaces_the_default_patterns() -> None:
    source = target_from(drift_check({"ignore": ""})).source
    assert isinstance(source, GitSource)
    assert source.ignore == ""


@pytest.mark.parametrize("path", [None, "", ".", "./", "/", "//"])
def test_the_root_has_one_form(path: str | None) -> None:
    assert target_from(drift_check({"path": path})).path == ""


@pytest.mark.parametrize("path", ["deploy/prod", "./deploy/prod", "/deploy/prod/", "deploy/./prod"])
def test_a_path_has_one_form(path: str) -> None:
    assert target_from(drift_check({"path": path})).path == "deploy/prod"


@pytest.mark.parametrize("case", CASES["accepted"], ids=lambda case: case["name"])
def test_a_valid_spec_is_accepted(case: JsonObject) -> None:
    assert target_from(drift_check(case["spec"])).key.name == "shop"


@pytest.mark.parametrize("case", CASES["refused"], ids=lambda case: case["name"])
def test_an_invalid_spec_is_refused_with_the_field_that_is_wrong(case: JsonObject) -> None:
    resource = drift_check(case["spec"])
    if "leadsman" not in case:
        assert target_from(resource).key.name == "shop"
        return
    with pytest.raises(SpecError) as caught:
        target_from(resource)
    assert case["leadsman"] in caught.value.message
    assert "glpat-secret" not in caught.value.message


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"kind": "Deployment"}, "not a DriftCheck"),
        ({"apiVersion": "leadsman.dev/v9"}, "not a DriftCheck"),
        ({"metadata": {}}, "metadata.name: must be set"),
        ({"metadata": []}, "metadata.name: must be set"),
        ({"metadata": "shop"}, "metadata: must be an object"),
        ({"spec": None}, "spec.url: must be set"),
        ({"spec": [1]}, "spec: must be an object, not a list"),
    ],
)
def test_what_is_no_driftcheck_is_refused(change: JsonObject, message: str) -> None:
    with pytest.raises(SpecError) as caught:
        target_from(drift_check({}) | change)
    assert message in caught.value.message


def test_the_resource_is_left_as_it_was() -> None:
    resource = drift_check(FULL_SPEC | {"helm": FULL_RENDERERS["helm"]})
    before = copy.deepcopy(resource)
    target_from(resource)
    assert resource == before


def _set_defaults(schema: JsonObject, value: Json) -> None:
    """Do what the API server does with the defaults of a structural schema."""
    if isinstance(value, list):
        for item in value:
            _set_defaults(schema["items"], item)
    elif isinstance(value, dict):
        for name, field in schema.get("properties", {}).items():
            if "default" in field and value.get(name) is None:
                value[name] = field["default"]
            if name in value:
                _set_defaults(field, value[name])


def _paths_of_schema(properties: JsonObject, prefix: str = "") -> set[str]:
    paths = set()
    for name, field in properties.items():
        inner: dict[str, Any] = field.get("items", field).get("properties", {})
        paths |= _paths_of_schema(inner, f"{prefix}.{name}") if inner else {f"{prefix}.{name}"}
    return paths


def _paths_of_value(value: JsonObject, prefix: str = "") -> set[str]:
    free = {".helm.values", ".kustomize.commonMetadata.labels"}
    free.add(".kustomize.commonMetadata.annotations")
    paths: set[str] = set()
    for name, field in value.items():
        path = f"{prefix}.{name}"
        items = field if isinstance(field, list) else [field]
        objects = [item for item in items if isinstance(item, dict)]
        if objects and path not in free:
            paths = paths.union(*(_paths_of_value(item, path) for item in objects))
        else:
            paths.add(path)
    return paths
