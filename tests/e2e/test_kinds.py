"""Our own objects of every built-in kind: all can be created, and no kind is left out."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import kinds
from controlplane.plane import ControlPlane
from leadsman.compare.kinds.builtin import go_types

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controlplane.toolchain import Tools


@pytest.fixture(scope="module")
def plane(tools: Tools) -> Iterator[ControlPlane]:
    """A cluster of its own: the objects are of cluster scope too, and change what is let in."""
    with ControlPlane(tools) as plane:
        plane.create_namespace("shop")
        yield plane


def _served(plane: ControlPlane) -> set[tuple[str, str]]:
    """What can be created and read back, as apiVersion and kind."""
    groups = plane.api.get("/apis")["groups"]
    versions = ["v1", *(item["groupVersion"] for group in groups for item in group["versions"])]
    return {
        (version, resource["kind"])
        for version in versions
        for resource in plane.api.get(f"/{'apis' if '/' in version else 'api'}/{version}")[
            "resources"
        ]
        if "/" not in resource["name"] and {"create", "get"} <= set(resource["verbs"])
    }


def test_every_built_in_kind_has_an_object_that_can_be_created(plane: ControlPlane) -> None:
    served = _served(plane)
    objects = list(kinds.documents("shop"))
    assert {(item["apiVersion"], item["kind"]) for item in objects} == served
    for text in kinds.manifests("shop").values():
        plane.kubectl("apply", "--server-side", "-n", "shop", "-f", "-", stdin=text)


def test_every_go_type_that_the_api_server_publishes_is_known(plane: ControlPlane) -> None:
    kept = go_types(plane.api.get("/version")["gitVersion"]).kept
    packages = {name.rpartition(".")[0] for name in kept}
    for path in plane.api.get("/openapi/v3")["paths"]:
        if not path.startswith(("api/", "apis/")):
            continue
        schemas = plane.api.get(f"/openapi/v3/{path}")["components"]["schemas"]
        for name, schema in schemas.items():
            if name.rpartition(".")[0] in packages and "properties" in schema:
                assert kept[name] <= schema["properties"].keys(), name
