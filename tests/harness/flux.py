"""Flux's real kustomize-controller, delivering manifests to a control plane.

    with ControlPlane() as plane, KustomizeController(plane) as flux:
        flux.deliver("shop", manifests)     # applied when it returns; else a FluxError says why
        flux.remove("shop")                 # its objects are gone, too
        flux.reconcile("shop", files, url=git.url("shop"), revision=revision, path="./prod")

Flux's source-controller is not there: what it would say of a Git repository, that is, where the
archive of a revision is, is written into the GitRepository's status here.
``python -m harness.flux`` builds the controller ahead of the tests and prints its path.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import sys
import threading
import time
import urllib.request
from datetime import UTC, datetime
from http import HTTPStatus
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import inputs
from controlplane.api import ApiError
from controlplane.gomodule import built, downloaded
from controlplane.keeper import Keeper
from controlplane.ports import Port
from controlplane.waiting import eventually
from harness.artifacts import ArtifactServer

if TYPE_CHECKING:
    import subprocess
    from collections.abc import Mapping

    from controlplane.plane import ControlPlane
    from harness.artifacts import Artifact

MODULE = Path(__file__).parent / "kustomize-controller"
NAMESPACE = "flux-system"
NAME = "kustomize-controller"
# Of all Kustomizations: it reconciles when it is asked to, and undoes no change by itself.
NEVER = "8760h"
# Seconds that one reconciliation may take: hundreds of objects take some, a busy machine many.
TIMEOUT = 600.0
# Seconds the token lasts; a year, so that no run outlives it.
TOKEN_SECONDS = 365 * 24 * 3600
SOURCES = f"/apis/source.toolkit.fluxcd.io/v1/namespaces/{NAMESPACE}/gitrepositories"
KUSTOMIZATIONS = f"/apis/kustomize.toolkit.fluxcd.io/v1/namespaces/{NAMESPACE}/kustomizations"
APPLY = "fieldManager=leadsman-truth&force=true"
# What is delivered without a repository is none of Leadsman's targets.
_SUCCEEDED = "ReconciliationSucceeded"
_UNTOLD = {"leadsman.dev/ignore": "true"}
CUSTOM_RESOURCES = (
    "kustomizations.kustomize.toolkit.fluxcd.io",
    "gitrepositories.source.toolkit.fluxcd.io",
)


class FluxError(RuntimeError):
    """The controller did not apply or remove something; the text has what it said."""


def kustomize_controller() -> Path:
    """The controller's program; building it takes some minutes, once per machine."""
    return built(NAME, MODULE)


def crd_folders() -> tuple[Path, ...]:
    """The folders with the CRDs of the controller, and of the sources that it reads."""
    modules = (
        downloaded(MODULE, "github.com/fluxcd/kustomize-controller"),
        downloaded(inputs.HERE, "github.com/fluxcd/source-controller"),
    )
    return tuple(module / "config/crd/bases" for module in modules)


class KustomizeController:
    """The controller, as a cluster-admin of a control plane, while the block runs.

    Any thread may use it; ``concurrent`` is how many sets it applies at once. Its CRDs, namespace
    and ServiceAccount stay in the cluster.
    """

    def __init__(self, plane: ControlPlane, *, concurrent: int = 4) -> None:
        self._plane = plane
        self._concurrent = concurrent
        self._requests = count(1)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        with contextlib.ExitStack() as stack:
            self._keeper = Keeper("leadsman-flux-")
            stack.callback(self._keeper.end)
            self._log = self._keeper.folder / "controller.log"
            self._server = stack.enter_context(ArtifactServer())
            self._health = stack.enter_context(Port())
            self._start()
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @property
    def pid(self) -> int:
        """The controller's process id."""
        assert self._process is not None, f"{NAME} is not running"
        return self._process.pid

    def deliver(
        self,
        name: str,
        manifests: bytes | str,
        *,
        revision: str = "",
        attempts: int = 2,
        within: float = TIMEOUT,
    ) -> str:
        """Have the controller make the cluster what a set of YAML documents says; return when done.

        ``name`` is that of the Kustomization; what an earlier set of that name had and this one
        does not is removed. The revision, which is returned, is ``main@sha1:<of the manifests>``
        unless given. Namespaced objects must name their namespace. A failure, after as many
        ``attempts``, is a FluxError: one object that the API server refuses fails the whole set.
        """
        content = manifests.encode() if isinstance(manifests, str) else manifests
        if not revision:
            revision = f"main@sha1:{hashlib.sha1(content, usedforsecurity=False).hexdigest()}"
        artifact = self._server.publish(
            {
                # Flux would write one that names each YAML file there is.
                "kustomization.yaml": json.dumps({"resources": ["manifests.yaml"]}).encode(),
                "manifests.yaml": content,
            }
        )
        self._publish(name, artifact, revision, f"https://git.invalid/{name}")
        for attempt in range(1, attempts + 1):
            problem = self._reconcile(name, revision, within, {}, _UNTOLD)
            if not problem:
                break
            if attempt == attempts:
                raise FluxError(f"{NAME} did not apply {name} at {revision}: {problem}")
        return revision

    def reconcile(
        self,
        name: str,
        files: Mapping[str, bytes],
        *,
        url: str,
        revision: str,
        within: float = TIMEOUT,
        **spec: Any,
    ) -> str:
        """Have the controller apply what a Kustomization makes of files; return why it failed.

        ``url`` is where the same files can be had at ``revision``. ``spec`` is laid over that of a
        Kustomization of all files, which reconciles when it is asked to.
        """
        self._publish(name, self._server.publish(files), revision, url)
        problem = self._reconcile(name, revision, within, spec, {})
        if problem.startswith(_SUCCEEDED):
            # It answered while it was at the revision before.
            problem = self._reconcile(name, revision, within, spec, {})
        return problem

    def kustomization(self, name: str) -> dict[str, Any]:
        """A Kustomization as it is now."""
        found: dict[str, Any] = self._plane.api.get(f"{KUSTOMIZATIONS}/{name}")
        return found

    def patch(self, name: str, manager: str = "kubectl-edit", **spec: Any) -> None:
        """Change a Kustomization's spec as somebody would; None removes a field."""
        path = f"{KUSTOMIZATIONS}/{name}?fieldManager={manager}"
        self._plane.api.patch(path, {"spec": spec})

    def remove(self, name: str, *, within: float = TIMEOUT) -> None:
        """Delete a Kustomization; return when it is gone, and with it what it had applied.

        What is kept by its finalizers longer than that is left behind by the controller.
        """
        path = f"{KUSTOMIZATIONS}/{name}"
        self._plane.api.delete(path)
        self._await(lambda: self._plane.api.find(path) is None, f"removed: {name}", within)
        self._plane.api.delete(f"{SOURCES}/{name}")

    def log(self, lines: int = 30) -> str:
        """The last lines of what the controller said."""
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-lines:])

    def _start(self) -> None:
        program = kustomize_controller()
        for folder in crd_folders():
            self._plane.kubectl("apply", "--server-side", "--force-conflicts", "-f", folder)
        for crd in CUSTOM_RESOURCES:
            self._plane.kubectl("wait", "--for=condition=Established", f"crd/{crd}")
        kubeconfig = self._account()
        temporary = self._keeper.folder / "tmp"
        temporary.mkdir()
        environment = {
            **self._plane.environment(kubeconfig),
            "TMPDIR": str(temporary),
            "RUNTIME_NAMESPACE": NAMESPACE,
        }
        command: list[str | Path] = [
            program,
            f"--concurrent={self._concurrent}",
            "--metrics-addr=0",
            f"--health-addr={self._health}",
            "--no-remote-bases=true",
            "--interval-jitter-percentage=0",
            "--log-encoding=console",
            # Else it may take the revision before the one that it was asked to apply.
            "--feature-gates=DirectSourceFetch=true",
        ]
        with self._log.open("ab") as log:
            self._process = self._keeper.start(command, log, environment)
        self._await(self._ready, f"ready: {NAME}", 60.0)

    def _account(self) -> Path:
        """A kubeconfig of the controller's own ServiceAccount, which may do everything."""
        with contextlib.suppress(ApiError):  # it is there from an earlier one
            self._plane.create_namespace(NAMESPACE)
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": NAME}}
        self._apply(f"/api/v1/namespaces/{NAMESPACE}/serviceaccounts/{NAME}", account)
        group = "rbac.authorization.k8s.io"
        binding = {
            "apiVersion": f"{group}/v1",
            "kind": "ClusterRoleBinding",
            "metadata": {"name": NAME},
            "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "cluster-admin"},
            "subjects": [{"kind": "ServiceAccount", "namespace": NAMESPACE, "name": NAME}],
        }
        self._apply(f"/apis/{group}/v1/clusterrolebindings/{NAME}", binding)
        return self._plane.service_account_kubeconfig(NAMESPACE, NAME, TOKEN_SECONDS)

    def _publish(self, name: str, artifact: Artifact, revision: str, url: str) -> None:
        """Say where a revision's archive is, as source-controller would."""
        source = {
            "apiVersion": "source.toolkit.fluxcd.io/v1",
            "kind": "GitRepository",
            "metadata": {"name": name},
            "spec": {"interval": NEVER, "url": url},
        }
        status = {
            "artifact": {
                "digest": artifact.digest,
                "lastUpdateTime": datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
                "path": f"gitrepository/{NAMESPACE}/{name}/{artifact.digest}.tar.gz",
                "revision": revision,
                "size": artifact.size,
                "url": artifact.url,
            }
        }
        path = f"{SOURCES}/{name}"
        self._apply(path, source)
        self._apply(f"{path}/status", {**source, "status": status})

    def _reconcile(
        self,
        name: str,
        revision: str,
        within: float,
        spec: dict[str, Any],
        annotations: dict[str, str],
    ) -> str:
        """Ask for a reconciliation and await its end; return why it failed, or nothing."""
        with self._lock:
            request = f"{time.time_ns()}-{next(self._requests)}"
        kustomization = {
            "apiVersion": "kustomize.toolkit.fluxcd.io/v1",
            "kind": "Kustomization",
            "metadata": {
                "name": name,
                "annotations": {"reconcile.fluxcd.io/requestedAt": request, **annotations},
            },
            "spec": {
                "interval": NEVER,
                "retryInterval": NEVER,
                "timeout": f"{within:.0f}s",
                "path": "./",
                "prune": True,
                "wait": False,
                "force": False,
                "deletionPolicy": "WaitForTermination",
                "sourceRef": {"kind": "GitRepository", "name": name},
                **{field: value for field, value in spec.items() if value is not None},
            },
        }
        path = f"{KUSTOMIZATIONS}/{name}"
        self._apply(path, kustomization)

        def ready() -> dict[str, Any] | None:
            status = (self._plane.api.find(path) or {}).get("status", {})
            # The first pass of a new one answers the request, but only adds the finalizer.
            if status.get("lastHandledReconcileAt") != request:
                return None
            conditions: list[dict[str, Any]] = status.get("conditions", [])
            for condition in conditions:
                if condition["type"] == "Ready" and condition["status"] != "Unknown":
                    return {**condition, "applied": status.get("lastAppliedRevision")}
            return None

        end = self._await(ready, f"reconciled: {name}", within)
        if end["status"] == "True" and end["applied"] == revision:
            return ""
        return f"{end['reason']}: {end['message'].strip()}"

    def _ready(self) -> bool:
        with urllib.request.urlopen(f"http://{self._health}/readyz", timeout=5) as answer:
            return bool(answer.status == HTTPStatus.OK)

    def _await(self, look: Any, what: str, within: float) -> Any:
        """Wait for a condition, unless the controller ends; say what it said, if it does."""

        def looked() -> Any:
            return "ended" if self._process and self._process.poll() is not None else look()

        try:
            found = eventually(looked, within=within, every=0.05, what=what)
        except TimeoutError as error:
            error.add_note(self.log())
            raise
        if found == "ended":
            raise FluxError(f"{NAME} ended; it said last:\n{self.log()}")
        return found

    def _apply(self, path: str, body: dict[str, Any]) -> None:
        self._plane.api.patch(f"{path}?{APPLY}", body, "apply-patch+yaml")


if __name__ == "__main__":
    sys.stdout.write(f"{kustomize_controller()}\n")
