"""Flux's real kustomize-controller delivers what it is given, or says why not."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
import yaml

from controlplane.plane import ControlPlane
from harness.flux import FluxError, KustomizeController

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controlplane.toolchain import Tools

# Building the controller is counted in.
pytestmark = pytest.mark.timeout(1200)
MANAGER = "kustomize-controller"
CONFIG_MAPS = "/api/v1/namespaces/shop/configmaps"


@pytest.fixture(scope="module")
def plane(tools: Tools) -> Iterator[ControlPlane]:
    """A cluster of its own, for Flux's CRDs are in it."""
    with ControlPlane(tools) as plane:
        yield plane


@pytest.fixture(scope="module")
def flux(plane: ControlPlane) -> Iterator[KustomizeController]:
    with KustomizeController(plane) as flux:
        yield flux


def manifests(*objects: dict[str, Any]) -> str:
    return yaml.safe_dump_all(objects, sort_keys=False)


def config_map(name: str, **data: str) -> dict[str, Any]:
    metadata = {"name": name, "namespace": "shop"}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data}


NAMESPACE = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}}
ROLE = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "ClusterRole",
    "metadata": {"name": "shop-reader"},
    "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}],
}
CRD = {
    "apiVersion": "apiextensions.k8s.io/v1",
    "kind": "CustomResourceDefinition",
    "metadata": {"name": "tills.shop.example.com"},
    "spec": {
        "group": "shop.example.com",
        "names": {"kind": "Till", "plural": "tills"},
        "scope": "Namespaced",
        "versions": [
            {
                "name": "v1",
                "served": True,
                "storage": True,
                "schema": {
                    "openAPIV3Schema": {
                        "type": "object",
                        "properties": {
                            "spec": {
                                "type": "object",
                                "properties": {"open": {"type": "boolean"}},
                            }
                        },
                    }
                },
            }
        ],
    },
}
TILL = {
    "apiVersion": "shop.example.com/v1",
    "kind": "Till",
    "metadata": {"name": "front", "namespace": "shop"},
    "spec": {"open": True},
}


def test_hundreds_of_objects_of_all_scopes_are_applied_at_once(
    plane: ControlPlane, flux: KustomizeController
) -> None:
    many = [config_map(f"many-{number}", number=str(number)) for number in range(300)]
    # In an order in which they could not be applied one by one.
    revision = flux.deliver("many", manifests(*many, TILL, CRD, ROLE, NAMESPACE))
    assert revision.startswith("main@sha1:")
    assert (
        len(
            plane.api.get(f"{CONFIG_MAPS}?labelSelector=kustomize.toolkit.fluxcd.io/name%3Dmany")[
                "items"
            ]
        )
        == 300
    )
    till = plane.api.get("/apis/shop.example.com/v1/namespaces/shop/tills/front")
    assert till["spec"] == {"open": True}
    assert {
        (entry["manager"], entry["operation"]) for entry in till["metadata"]["managedFields"]
    } == {(MANAGER, "Apply")}
    assert plane.api.get("/apis/rbac.authorization.k8s.io/v1/clusterroles/shop-reader")


def test_a_change_stays_until_the_same_manifests_are_delivered_again(
    plane: ControlPlane, flux: KustomizeController
) -> None:
    # Flux would put a variable's value there if it were told to.
    content = manifests(NAMESPACE, config_map("again", script="echo ${HOME} $$ $1"))
    flux.deliver("again", content)
    plane.api.patch(f"{CONFIG_MAPS}/again", {"data": {"script": "rm"}})
    flux.deliver("other", manifests(config_map("other", a="b")))
    assert plane.api.get(f"{CONFIG_MAPS}/again")["data"] == {"script": "rm"}
    flux.deliver("again", content)
    assert plane.api.get(f"{CONFIG_MAPS}/again")["data"] == {"script": "echo ${HOME} $$ $1"}


def test_what_is_no_longer_there_is_pruned(plane: ControlPlane, flux: KustomizeController) -> None:
    kept, dropped = config_map("kept", a="b"), config_map("dropped", a="b")
    assert flux.deliver("pruned", manifests(NAMESPACE, kept, dropped), revision="v1") == "v1"
    flux.deliver("pruned", manifests(NAMESPACE, kept), revision="v2")
    assert plane.api.find(f"{CONFIG_MAPS}/dropped") is None
    assert plane.api.find(f"{CONFIG_MAPS}/kept") is not None


def test_removing_a_set_removes_its_objects(plane: ControlPlane, flux: KustomizeController) -> None:
    elsewhere = {**NAMESPACE, "metadata": {"name": "elsewhere"}}
    flux.deliver("removed", manifests(elsewhere))
    flux.remove("removed")
    assert plane.api.find("/api/v1/namespaces/elsewhere") is None


def test_one_invalid_object_fails_the_set_and_is_named(
    plane: ControlPlane, flux: KustomizeController
) -> None:
    service = {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": "broken", "namespace": "shop"},
        "spec": {"ports": [{"port": 700000}]},
    }
    with pytest.raises(FluxError, match=r"Service/shop/broken .*Invalid"):
        flux.deliver("invalid", manifests(NAMESPACE, config_map("valid", a="b"), service))
    assert plane.api.find(f"{CONFIG_MAPS}/valid") is None
