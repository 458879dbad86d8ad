from __future__ import annotations

from copy import deepcopy
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from leadsman.compare.rewrites.lineage import converted, is_convertible
from leadsman.model.identity import Gvk, ObjectKey, sharing_groups

if TYPE_CHECKING:
    from leadsman.model.json import Json, JsonObject

INGRESS = Gvk("extensions", "v1beta1", "Ingress")
BUDGET = Gvk("policy", "v1beta1", "PodDisruptionBudget")
INGRESS_V1 = Gvk("networking.k8s.io", "v1", "Ingress")


@pytest.mark.parametrize(
    ("source", "result", "known"),
    [
        (INGRESS, INGRESS_V1, True),
        (INGRESS, Gvk("networking.k8s.io", "v1beta1", "Ingress"), True),
        (INGRESS_V1, INGRESS, False),
        (INGRESS, Gvk("apps", "v1", "Deployment"), False),
        (Gvk("batch", "v1", "CronJob"), Gvk("batch", "v1beta1", "CronJob"), True),
        (Gvk("", "v1", "Route"), Gvk("route.openshift.io", "v1", "Route"), True),
        (Gvk("example.com", "v1", "Widget"), Gvk("example.com", "v2", "Widget"), False),
        (
            Gvk("flowcontrol.apiserver.k8s.io", "v1alpha1", "PriorityLevelConfiguration"),
            Gvk("flowcontrol.apiserver.k8s.io", "v1", "PriorityLevelConfiguration"),
            True,
        ),
    ],
)
def test_old_versions_become_new_ones(source: Gvk, result: Gvk, *, known: bool) -> None:
    assert is_convertible(source, result) is known


def test_a_conversion_changes_nothing_that_it_was_given() -> None:
    body = {
        "apiVersion": "extensions/v1beta1",
        "kind": "Ingress",
        "spec": {
            "backend": {"serviceName": "web", "servicePort": 80},
            "rules": [{"http": {"paths": [{"backend": {"serviceName": "web"}}]}}],
        },
    }
    before = deepcopy(body)
    after = converted(body, INGRESS, INGRESS_V1)
    assert body == before
    assert after == {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "spec": {
            "defaultBackend": {"service": {"name": "web", "port": {"number": 80}}},
            "rules": [
                {
                    "http": {
                        "paths": [
                            {
                                "backend": {"service": {"name": "web"}},
                                "pathType": "ImplementationSpecific",
                            }
                        ]
                    }
                }
            ],
        },
    }


@pytest.mark.parametrize("junk", [None, 1, "x", [], [None, 1], {}, {"a": 1}])
def test_what_is_no_manifest_is_left_to_the_comparison(junk: Json) -> None:
    for source, result in (
        (INGRESS, INGRESS_V1),
        (BUDGET, replace(BUDGET, version="v1")),
        (
            Gvk("autoscaling", "v2beta1", "HorizontalPodAutoscaler"),
            Gvk("autoscaling", "v2", "HorizontalPodAutoscaler"),
        ),
        (
            Gvk("apiextensions.k8s.io", "v1beta1", "CustomResourceDefinition"),
            Gvk("apiextensions.k8s.io", "v1", "CustomResourceDefinition"),
        ),
    ):
        for field in ("rules", "backend", "metrics", "versions", "conversion", "selector"):
            body: JsonObject = {"kind": source.kind, "spec": {field: junk}}
            assert converted(body, source, result)["apiVersion"] == result.api_version
            body = {"kind": source.kind, "spec": junk}
            assert converted(body, source, result)["spec"] == junk


def test_an_object_has_one_name_in_all_groups_that_serve_it() -> None:
    assert ObjectKey.of("extensions", "Ingress", "shop", "web") == ObjectKey(
        "networking.k8s.io", "Ingress", "shop", "web"
    )
    assert ObjectKey.of("extensions", "Other", "", "x").group == "extensions"
    assert sharing_groups("apps", "Deployment") == ("apps", "extensions")
    assert sharing_groups("extensions", "Deployment") == ("extensions", "apps")
    assert sharing_groups("", "ConfigMap") == ("",)
