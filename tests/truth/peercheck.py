"""Each peer says of a few changes what is known of the tool, and kubectl's what kubectl says."""

from __future__ import annotations

import contextlib
import json
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from controlplane.plane import ControlPlane
from harness.flux import KustomizeController
from truth.peers import NAMES, Peer

if TYPE_CHECKING:
    from collections.abc import Iterator

    from truth.peers import Answer

Object = dict[str, Any]
MERGE = "merge-patch+json"
STRATEGIC = "strategic-merge-patch+json"
CORE, GROUP = "/api/v1/namespaces/default", "example.com"
# What the real kubectl is asked, for the peers that speak for it.
DIFF = {
    "kubectl": ("diff",),
    "kubectl-server-side": ("diff", "--server-side", "--force-conflicts"),
}


@dataclass(frozen=True, slots=True)
class Case:
    """An object, where it is, and a change of it, with the path that a tool must name.

    Without a path it must find nothing: none of these tools sees what somebody adds.
    """

    desired: Object
    url: str
    patch: Object | None = None
    path: str = ""
    patch_type: str = MERGE


def thing(api_version: str, kind: str, name: str, **fields: Any) -> Object:
    metadata = {"name": name, "namespace": "default"}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}


def cluster_thing(api_version: str, kind: str, name: str, **fields: Any) -> Object:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, **fields}


LABELS = {"app": "web"}
CONTAINER = {
    "name": "web",
    "image": "example.com/web:1",
    "resources": {"limits": {"cpu": "1000m"}},
    "ports": [{"containerPort": 80}],
}
DEPLOYMENT = thing(
    "apps/v1",
    "Deployment",
    "web",
    spec={
        "replicas": 2,
        "selector": {"matchLabels": LABELS},
        "template": {"metadata": {"labels": LABELS}, "spec": {"containers": [CONTAINER]}},
    },
)
WEB = "/apis/apps/v1/namespaces/default/deployments/web"
SECRET = thing("v1", "Secret", "key", stringData={"a": "b"}, type="Opaque")
ROLE = cluster_thing(
    "rbac.authorization.k8s.io/v1",
    "ClusterRole",
    "reader",
    rules=[{"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}],
)
READER = "/apis/rbac.authorization.k8s.io/v1/clusterroles/reader"
SCHEMA = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
CRD = cluster_thing(
    "apiextensions.k8s.io/v1",
    "CustomResourceDefinition",
    f"tills.{GROUP}",
    spec={
        "group": GROUP,
        "names": {"kind": "Till", "plural": "tills", "singular": "till", "listKind": "TillList"},
        "scope": "Namespaced",
        "versions": [
            {"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": SCHEMA}}
        ],
    },
)
TILLS = f"/apis/apiextensions.k8s.io/v1/customresourcedefinitions/tills.{GROUP}"
TILL = thing(f"{GROUP}/v1", "Till", "front", spec={"open": True, "drawers": ["a", "b"]})
FRONT = f"/apis/{GROUP}/v1/namespaces/default/tills/front"


def pod(**spec: Any) -> Object:
    return {"spec": {"template": {"spec": spec}}}


CASES = {
    "deployment": Case(DEPLOYMENT, WEB),
    "label added": Case(DEPLOYMENT, WEB, {"metadata": {"labels": {"team": "till"}}}),
    "replicas": Case(DEPLOYMENT, WEB, {"spec": {"replicas": 3}}, "/spec/replicas"),
    "image": Case(
        DEPLOYMENT,
        WEB,
        pod(containers=[{"name": "web", "image": "other"}]),
        "/spec/template/spec/containers/0/image",
        STRATEGIC,
    ),
    "container added": Case(
        DEPLOYMENT, WEB, pod(containers=[{"name": "second", "image": "i"}]), patch_type=STRATEGIC
    ),
    "secret": Case(SECRET, f"{CORE}/secrets/key"),
    "secret's data": Case(SECRET, f"{CORE}/secrets/key", {"data": {"a": "Yw=="}}, "/data/a"),
    "role": Case(ROLE, READER),
    "role's rules": Case(ROLE, READER, {"rules": []}, "/rules"),
    # Not there when the peers were started.
    "crd": Case(CRD, TILLS),
    "custom resource": Case(TILL, FRONT),
    "its field": Case(TILL, FRONT, {"spec": {"open": None}}, "/spec/open"),
    "its list": Case(TILL, FRONT, {"spec": {"drawers": ["b", "a"]}}, "/spec/drawers/0"),
}


def deliver(plane: ControlPlane, flux: KustomizeController, manager: str, desired: Object) -> None:
    """Apply an object in the way in which the API server notes this manager."""
    text = json.dumps(desired)
    if manager == "kustomize-controller":
        flux.deliver(desired["metadata"]["name"], text)
    else:
        options = ["--server-side"] if manager == "kubectl" else []
        plane.kubectl("apply", *options, "-f", "-", stdin=text)


def remove(plane: ControlPlane, flux: KustomizeController, manager: str, case: Case) -> None:
    if manager == "kustomize-controller":
        flux.remove(case.desired["metadata"]["name"])
    else:
        plane.kubectl("delete", "-f", "-", stdin=json.dumps(case.desired))


def wrong(plane: ControlPlane, peer: Peer, case: Case, manager: str, answer: Answer) -> str:
    """What is wrong with an answer, or nothing."""
    if answer.error or answer.drift != bool(case.path):
        return f"it should be {bool(case.path)}"
    if case.path and case.path not in answer.paths:
        return f"it should name {case.path}"
    if command := DIFF.get(peer.name):
        options = ["--field-manager", manager]
        text = json.dumps(case.desired)
        done = plane.kubectl(*command, *options, "-f", "-", stdin=text, check=False)
        if done.returncode != int(answer.drift) and manager != "kustomize-controller":
            return f"kubectl ends with {done.returncode}: {done.stdout}{done.stderr}"
    return ""


def check(plane: ControlPlane, flux: KustomizeController) -> Iterator[str]:
    """Ask all peers about all cases; give a line for each answer that is wrong."""
    with contextlib.ExitStack() as stack:
        peers = [stack.enter_context(Peer(name)).start(plane) for name in NAMES]
        for manager in ("kubectl-client-side-apply", "kubectl", "kustomize-controller"):
            for name, case in CASES.items():
                deliver(plane, flux, manager, case.desired)
                if case.patch:
                    url = f"{case.url}?fieldManager=somebody"
                    plane.api.patch(url, case.patch, case.patch_type)
                for peer in peers:
                    answer = peer.ask(case.desired, manager)
                    problem = wrong(plane, peer, case, manager, answer)
                    line = f"{manager:26} {name:16} {peer.name:20} {answer} {problem}"
                    sys.stdout.write(f"{line}\n")
                    if problem:
                        yield line
                if case.desired is not CRD:
                    remove(plane, flux, manager, case)
            remove(plane, flux, manager, CASES["crd"])


def main() -> int:
    """Check all peers on a control plane; return the exit status."""
    with ControlPlane() as plane, KustomizeController(plane) as flux:
        problems = list(check(plane, flux))
    for line in problems:
        sys.stderr.write(f"Wrong: {line}\n")
    return bool(problems)
