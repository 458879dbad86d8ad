"""A real MutatingAdmissionPolicy, and what is told of what it does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from harness.waiting import until

if TYPE_CHECKING:
    from controlplane.plane import ControlPlane
    from harness.checks import Check

LABEL = "example.com/mirrored"
POLICIES = "/apis/admissionregistration.k8s.io/v1/mutatingadmissionpolicies"
# As a mirror of images does: what is not the mirror's becomes so. What is deprecated goes.
MUTATIONS = """\
[JSONPatch{op: "add", path: "/data/added", value: "by policy"}]
+ (has(object.data.image) && object.data.image == "web:1"
   ? [JSONPatch{op: "replace", path: "/data/image", value: "mirror/web:1"}] : [])
+ (has(object.data.gone) ? [JSONPatch{op: "remove", path: "/data/gone"}] : [])
"""
POLICY: Any = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "MutatingAdmissionPolicy",
    "metadata": {"name": "mirror"},
    "spec": {
        "failurePolicy": "Fail",
        "reinvocationPolicy": "Never",
        "matchConstraints": {
            "objectSelector": {"matchLabels": {LABEL: "yes"}},
            "resourceRules": [
                {
                    "apiGroups": [""],
                    "apiVersions": ["v1"],
                    "operations": ["CREATE", "UPDATE"],
                    "resources": ["configmaps"],
                }
            ],
        },
        "mutations": [{"patchType": "JSONPatch", "jsonPatch": {"expression": MUTATIONS}}],
    },
}
BINDING: Any = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "MutatingAdmissionPolicyBinding",
    "metadata": {"name": "mirror"},
    "spec": {"policyName": "mirror"},
}


def config(name: str, image: str = "web:1", **data: str) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "labels": {LABEL: "yes"}},
        "data": {"image": image, "gone": "x", "same": "y", **data},
    }


def mirror(plane: ControlPlane) -> None:
    """Put the policy in place; return when it works."""
    plane.api.create(POLICIES, POLICY)
    plane.api.create(f"{POLICIES.removesuffix('policies')}policybindings", BINDING)
    path = "/api/v1/namespaces/default/configmaps?dryRun=All"
    until(lambda: "added" in plane.api.create(path, config("probe"))["data"], "the policy")


def excused(check: Check) -> dict[tuple[str, str], dict[str, Any]]:
    status = check.report().status
    return {
        (item["name"], change["path"]): change
        for item in status.get("excused", ())
        for change in item["changes"]
    }
