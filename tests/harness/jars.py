"""A custom resource whose definition is whatever a test needs."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from harness.waiting import until

if TYPE_CHECKING:
    from controlplane.plane import ControlPlane

# Properties of a jar's spec.
Properties = dict[str, Any]


def definition(
    group: str, conversion: dict[str, Any] | None = None, **versions: Properties
) -> dict[str, Any]:
    """Return the definition of jars in some versions, the last of which is stored."""
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"jars.{group}"},
        "spec": {
            "group": group,
            "names": {"kind": "Jar", "plural": "jars"},
            "scope": "Namespaced",
            "conversion": conversion or {"strategy": "None"},
            "versions": [
                {
                    "name": name,
                    "served": True,
                    "storage": name == list(versions)[-1],
                    "schema": {
                        "openAPIV3Schema": {
                            "type": "object",
                            "properties": {"spec": {"type": "object", "properties": spec}},
                        }
                    },
                }
                for name, spec in versions.items()
            ],
        },
    }


def jar(group: str, spec: Any, version: str = "v1") -> dict[str, Any]:
    """Return a jar named ``one``."""
    return {
        "apiVersion": f"{group}/{version}",
        "kind": "Jar",
        "metadata": {"name": "one"},
        "spec": spec,
    }


def define(
    plane: ControlPlane,
    group: str,
    conversion: dict[str, Any] | None = None,
    **versions: Properties,
) -> None:
    """Have jars served in some versions, and described as they are defined."""

    def published(version: str) -> set[str]:
        if f"apis/{group}/{version}" not in plane.api.get("/openapi/v3")["paths"]:
            return set()
        document = plane.api.get(f"/openapi/v3/apis/{group}/{version}")
        schemas = document["components"]["schemas"].items()
        (found,) = [schema for name, schema in schemas if name.endswith(".Jar")]
        return set(found["properties"]["spec"]["properties"])

    plane.kubectl("apply", "-f", "-", stdin=json.dumps(definition(group, conversion, **versions)))
    plane.kubectl("wait", "--for=condition=Established", f"crd/jars.{group}")
    for version, spec in versions.items():
        until(
            lambda name=version, spec=spec: published(name) == set(spec),  # type: ignore[misc]
            f"the schema of {version} is published",
        )
