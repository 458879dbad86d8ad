"""Somebody's cluster, which is left as it was found."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, Any

import yaml

from demo.cluster import NAMESPACE, copy_kubeconfig
from demo.shell import DemoError, Shell
from harness.operator import ROOT, Access

if TYPE_CHECKING:
    from contextlib import ExitStack
    from pathlib import Path

    from controlplane.toolchain import Tools

SYSTEM = "leadsman-demo-system"
# Put before the name of every object of ``deploy/base``.
PREFIX = "leadsman-demo-"
_ACCOUNT = f"{PREFIX}leadsman"
_LABEL = "leadsman.dev/aggregate-to-reader"
_OWN_LABEL = "leadsman.dev/aggregate-to-demo-reader"
_PROXIES = ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY")


class BorrowedCluster:
    """The cluster of a kubeconfig context, used in two namespaces of the demo's own."""

    account = f"{SYSTEM}/{_ACCOUNT}"

    def __init__(self, tools: Tools, folder: Path, context: str) -> None:
        self.title = f"Cluster of context {context}"
        self._tools = tools
        self._folder = folder
        self._context = context

    def start(self, undo: ExitStack) -> Shell:
        """Look at the cluster, and stop before anything is changed if something is in the way."""
        del undo
        kubeconfig = copy_kubeconfig(self._tools, self._folder, context=self._context)
        self._shell = Shell(self._tools, kubeconfig, self._folder)
        self._refuse_leftovers()
        self._refuse_another_leadsman()
        return self._shell

    def install(self, undo: ExitStack) -> str:
        """Install ``deploy/base`` without what runs, under names that are the demo's own."""
        kubectl = self._shell.kubectl
        made = "ServiceAccount and RBAC"
        if not kubectl("get", "crd", "driftchecks.leadsman.dev", "--ignore-not-found"):
            made = f"CRDs, {made}"
            undo.callback(self._delete, "-k", str(ROOT / "crds"))
            kubectl("apply", "--server-side", "-k", ROOT / "crds")
            crds = [f"crd/{name}.leadsman.dev" for name in ("driftchecks", "driftreports")]
            kubectl("wait", "--for=condition=Established", "--timeout=30s", *crds)
        objects = self._objects()
        undo.callback(self._delete, "-f", "-", stdin=objects)
        # The namespaces first and both at once: they take some seconds each.
        undo.callback(self._delete, "namespace", NAMESPACE, SYSTEM)
        kubectl("create", "namespace", NAMESPACE)
        kubectl("apply", "--server-side", "-f", "-", stdin=objects)
        # The controller-manager fills this one from those that it aggregates.
        reader = f"clusterrole/{PREFIX}leadsman-reader"
        kubectl("wait", "--for=jsonpath={.rules}", "--timeout=30s", reader)
        return made

    def access(self) -> Access:
        """Return a kubeconfig of the ServiceAccount, for a process outside of the cluster."""
        token = self._shell.kubectl(
            "create", "token", _ACCOUNT, f"--namespace={SYSTEM}", "--duration=24h"
        )
        config = json.loads(self._shell.kubectl("config", "view", "--raw", "--output=json"))
        config["users"] = [{"name": _ACCOUNT, "user": {"token": token.strip()}}]
        config["contexts"][0]["context"]["user"] = _ACCOUNT
        path = self._folder / "operator.kubeconfig"
        path.touch(0o600)
        path.write_text(json.dumps(config))
        return Access(
            # DriftChecks of other namespaces are another Leadsman's.
            arguments=("--kubeconfig", str(path), "--watch-namespaces", NAMESPACE),
            environment=_proxies(),
        )

    def _refuse_leftovers(self) -> None:
        names = self._shell.kubectl(
            "get", "namespace", NAMESPACE, SYSTEM, "--ignore-not-found", "--output=name"
        ).split()
        if names:
            raise DemoError(
                f"{' and '.join(names)} is there already, perhaps from a demo that was killed.\n"
                f"If nobody needs it: kubectl --context {self._context} delete {' '.join(names)}"
            )

    def _refuse_another_leadsman(self) -> None:
        found = self._shell.kubectl(
            *("get", "deployments", "--all-namespaces", "--output=json"),
            "--selector=app.kubernetes.io/name=leadsman",
        )
        for item in json.loads(found)["items"]:
            # One that keeps to other namespaces is in nobody's way.
            if item["spec"]["replicas"] and "--watch-namespaces" not in json.dumps(item["spec"]):
                place = f"{item['metadata']['namespace']}/{item['metadata']['name']}"
                raise DemoError(
                    f"A Leadsman runs in this cluster (Deployment {place}).\n"
                    "It would report on the demo's DriftChecks too, without its Git server.\n"
                    "Scale it to 0 meanwhile, or take a cluster without one."
                )

    def _objects(self) -> str:
        """Render ``deploy/base`` under the demo's names."""
        folder = self._folder / "deploy"
        folder.mkdir()
        base = os.path.relpath(ROOT / "deploy" / "base", folder.resolve())
        (folder / "kustomization.yaml").write_text(json.dumps(overlay(base)))
        rendered = self._shell.kubectl("kustomize", folder)
        for item in yaml.safe_load_all(rendered):
            _check_own(item)
        return rendered

    def _delete(self, *what: str, stdin: str = "") -> None:
        self._shell.kubectl(
            "delete", *what, "--ignore-not-found", "--wait", "--timeout=120s", stdin=stdin
        )


def overlay(base: str) -> dict[str, Any]:
    """Return the kustomization that renames ``deploy/base``, without its Deployment and Service.

    A Leadsman that is installed aggregates every ClusterRole that has the reader's label: with
    that on the demo's roles it would get their permissions too, so they get another one.
    """
    gone = {"metadata": {"name": "leadsman"}, "$patch": "delete"}
    own_label = [
        {"op": "remove", "path": f"/metadata/labels/{_LABEL.replace('/', '~1')}"},
        {"op": "add", "path": f"/metadata/labels/{_OWN_LABEL.replace('/', '~1')}", "value": "true"},
    ]
    selector = "/aggregationRule/clusterRoleSelectors/0/matchLabels"
    own_rule = [{"op": "replace", "path": selector, "value": {_OWN_LABEL: "true"}}]
    reader = {"kind": "ClusterRole", "name": "leadsman-reader"}
    return {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "namespace": SYSTEM,
        "namePrefix": PREFIX,
        "resources": [base],
        "patches": [
            {"patch": json.dumps({"apiVersion": "apps/v1", "kind": "Deployment", **gone})},
            {"patch": json.dumps({"apiVersion": "v1", "kind": "Service", **gone})},
            {
                "target": {"kind": "ClusterRole", "labelSelector": _LABEL},
                "patch": json.dumps(own_label),
            },
            {"target": reader, "patch": json.dumps(own_rule)},
        ],
    }


def _check_own(item: dict[str, Any]) -> None:
    """Refuse an object that would not be the demo's alone, should ``deploy/`` ever bring one."""
    name = item["metadata"]["name"]
    namespace = item["metadata"].get("namespace", SYSTEM)
    if not name.startswith(PREFIX) or namespace != SYSTEM or _LABEL in json.dumps(item):
        raise DemoError(f"{item['kind']} {name} of deploy/base would not be the demo's alone.")


def _proxies() -> dict[str, str]:
    """Return the user's proxies, around which the demo's Git server is reached."""
    found = {
        name: value for name, value in os.environ.items() if name.upper() in _PROXIES and value
    }
    direct = found.get("NO_PROXY") or found.get("no_proxy") or ""
    return found and {**found, "NO_PROXY": f"{direct},127.0.0.1".lstrip(",")}
