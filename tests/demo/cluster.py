"""The cluster that the demo takes place in, and the one that it starts for itself."""

from __future__ import annotations

import json
import os
import subprocess
from typing import TYPE_CHECKING, Protocol

from controlplane.plane import ControlPlane
from demo.shell import DemoError, Shell
from harness.operator import NAMESPACE as SYSTEM
from harness.operator import install, pod_access

if TYPE_CHECKING:
    from collections.abc import Mapping
    from contextlib import ExitStack
    from pathlib import Path

    from controlplane.toolchain import Tools
    from harness.operator import Access

# Where everything is that is checked, the DriftChecks too.
NAMESPACE = "leadsman-demo"
_CONNECT_WITHIN = "10s"


class Cluster(Protocol):
    """Where the demo takes place; ``account`` is the operator's ServiceAccount."""

    title: str
    account: str

    def start(self, undo: ExitStack) -> Shell:
        """Return an administrator's shell, whose default namespace is the demo's.

        ``undo`` gets what ends it.
        """

    def install(self, undo: ExitStack) -> str:
        """Install what the operator needs and say what; ``undo`` gets what removes it."""

    def access(self) -> Access:
        """Return the operator's access to the cluster, with a new token."""


class OwnCluster:
    """A control plane that is started for the demo, and ends with it."""

    title = "Control plane (etcd, kube-apiserver, kube-controller-manager)"
    account = f"{SYSTEM}/leadsman"

    def __init__(self, tools: Tools, folder: Path) -> None:
        self._tools = tools
        self._folder = folder

    def start(self, undo: ExitStack) -> Shell:
        """Start etcd, kube-apiserver and kube-controller-manager."""
        self._plane = undo.enter_context(ControlPlane(self._tools))
        kubeconfig = copy_kubeconfig(
            self._tools, self._folder, {"KUBECONFIG": str(self._plane.kubeconfig)}
        )
        self._shell = Shell(self._tools, kubeconfig, self._folder)
        return self._shell

    def install(self, undo: ExitStack) -> str:
        """Do what the README says; it ends with the control plane."""
        del undo
        install(self._plane)
        self._shell.kubectl("create", "namespace", NAMESPACE)
        return "kubectl apply -k deploy"

    def access(self) -> Access:
        """Return what the operator's Pod would have."""
        return pod_access(self._plane)


def copy_kubeconfig(
    tools: Tools, folder: Path, environment: Mapping[str, str] = os.environ, context: str = ""
) -> Path:
    """Copy one context of the user's kubeconfig, with the demo's namespace as its default.

    Raises:
        DemoError: there is no such context.

    """
    path = folder / "kubeconfig"
    view = ["config", "view", "--raw", "--minify", "--flatten"]
    done = subprocess.run(
        [tools["kubectl"], *view, *([f"--context={context}"] if context else [])],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise DemoError(done.stderr.strip())
    path.touch(0o600)
    path.write_text(done.stdout)
    Shell(tools, path, folder).kubectl(
        "config", "set-context", "--current", f"--namespace={NAMESPACE}"
    )
    return path


def server_version(shell: Shell) -> str:
    """Ask the API server for its version.

    Raises:
        DemoError: it does not answer.

    """
    answer = shell.kubectl("get", "--raw", "/version", f"--request-timeout={_CONNECT_WITHIN}")
    return str(json.loads(answer)["gitVersion"])
