"""The operator as its users run it: a process, with its own ServiceAccount and deploy/ RBAC.

    install(plane)
    with Operator.in_pod(plane, folder) as operator:
        operator.wait_ready()
        operator.value("leadsman_target_objects", state="Modified")
        operator.stop(); operator.start()       # the same cache, a new token

It does not outlive this process, even where this process is killed.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from prometheus_client.parser import text_string_to_metric_families

from controlplane.keeper import Keeper
from harness.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping
    from types import TracebackType
    from typing import Self

    from controlplane.plane import ControlPlane

ROOT = Path(__file__).resolve().parents[2]
NAMESPACE = "leadsman-system"
SERVICE_ACCOUNT = "leadsman"
# Seconds that the operator may take to stop: it finishes the reports that it is writing.
_STOP_WITHIN = 15.0


def install(plane: ControlPlane, *components: str) -> None:
    """Do what the README says: ``kubectl apply -k deploy``, and wait for the API to be served.

    With components, what a kustomization of one's own with them makes is applied.
    """
    folder = ROOT / "deploy"
    if components:
        folder = plane.folder / "overlay"
        folder.mkdir(exist_ok=True)
        deploy = os.path.relpath(ROOT / "deploy", folder.resolve())
        kustomization = {
            "resources": [deploy],
            "components": [f"{deploy}/components/{name}" for name in components],
        }
        (folder / "kustomization.yaml").write_text(json.dumps(kustomization))
    plane.kubectl("apply", "--server-side", "-k", folder)
    crds = [f"crd/{name}.leadsman.dev" for name in ("driftchecks", "driftreports")]
    plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", *crds)
    # Established, a kind may still answer "storage is (re)initializing", which kubectl waits out.
    plane.kubectl("get", "driftchecks,driftreports", "--all-namespaces")


@dataclass(frozen=True, slots=True)
class Access:
    """What tells the operator's process its cluster: command line and environment."""

    arguments: tuple[str, ...]
    environment: Mapping[str, str] = field(default_factory=dict)


def pod_access(plane: ControlPlane) -> Access:
    """What the operator's Pod would have, with a new token of its ServiceAccount."""
    address = urlsplit(plane.server)
    folder = plane.service_account_dir(NAMESPACE, SERVICE_ACCOUNT)
    return Access(
        arguments=("--service-account-dir", str(folder)),
        environment={
            "POD_NAMESPACE": NAMESPACE,
            "KUBERNETES_SERVICE_HOST": str(address.hostname),
            "KUBERNETES_SERVICE_PORT": str(address.port),
        },
    )


class Operator:
    """``leadsman run`` on this machine."""

    def __init__(
        self,
        access: Callable[[], Access],
        search_path: str,
        folder: Path,
        *arguments: str,
        pod: str = "leadsman-0",
    ) -> None:
        """Keep cache and log in ``folder``; ``arguments`` are added to the command line.

        ``access`` is called at each start. ``search_path`` is the PATH that has Helm and Kustomize.
        ``pod`` is the name of the Pod that it takes itself for.
        """
        self._access = access
        self._search_path = search_path
        self._arguments = arguments
        self.pod = pod
        self._folder = folder
        self._keeper: Keeper | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self.log = folder / "operator.log"
        self.port = 0

    @classmethod
    def in_pod(
        cls, plane: ControlPlane, folder: Path, *arguments: str, pod: str = "leadsman-0"
    ) -> Self:
        """Return the operator as it is in the Pod that ``install`` asks for."""
        access, path = lambda: pod_access(plane), plane.tools.search_path()
        return cls(access, path, folder, *arguments, pod=pod)

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def pid(self) -> int:
        """The process' id."""
        assert self._process is not None, "the operator is not running"
        return self._process.pid

    def start(self) -> None:
        """Start and wait until it serves; its cache is that of its last run."""
        self._folder.mkdir(parents=True, exist_ok=True)
        access = self._access()
        already = self._size()
        command: list[str | Path] = [
            *(sys.executable, "-m", "leadsman", "run"),
            *("--bind", "127.0.0.1:0", "--cache-dir", self._folder / "cache"),
            *("--log-format", "json", *access.arguments, *self._arguments),
        ]
        environment = {
            "POD_NAME": self.pod,
            "PATH": self._search_path,
            "PYTHONPATH": str(ROOT / "operator"),
            "HOME": str(self._folder),
            **access.environment,
        }
        self._keeper = self._keeper or Keeper("leadsman-operator-")
        with self.log.open("ab") as log:
            self._process = self._keeper.start(command, log, environment)
        until(lambda: self._find_port(already), "the operator to serve", failed=self.ended)

    def stop(self) -> int:
        """Ask it to stop, as the kubelet does, and wait until it has; return its exit code."""
        return self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it without a word, as an out-of-memory kill does."""
        self._end(signal.SIGKILL)

    def rollout(self, *arguments: str) -> None:
        """Start it again with other arguments, as when its Pod is replaced by a new one."""
        self._arguments = arguments
        self.start()

    def close(self) -> None:
        """Stop it for good."""
        try:
            self.stop()
        finally:
            if self._keeper is not None:
                self._keeper.end()
                self._keeper = None

    def renew_access(self) -> None:
        """Put a new token where it reads its credentials, as the kubelet does in time."""
        self._access()

    def ended(self) -> str:
        """Say what it said last if it has ended without being asked to, else nothing."""
        if self._process is None or self._process.poll() is None:
            return ""
        last = "\n".join(self.lines()[-5:])
        return f"the operator has ended with code {self._process.returncode}:\n{last}"

    def ready(self) -> bool:
        """Tell whether ``/readyz`` says yes."""
        return self.get("/readyz")[0] == 200

    def wait_ready(self) -> None:
        """Wait until every target has been looked at once."""
        until(self.ready, "the operator to be ready", failed=self.ended)

    def get(self, path: str) -> tuple[int, str]:
        """Ask its HTTP server; return the status and the body of the answer."""
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.port}{path}", timeout=10
            ) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def metrics_text(self) -> str:
        """Return what Prometheus would scrape."""
        status, body = self.get("/metrics")
        assert status == 200, body
        return body

    def series(self, name: str, **labels: str) -> dict[tuple[tuple[str, str], ...], float]:
        """Return the samples of this name that carry these labels: their labels to their value."""
        return {
            tuple(sorted(found.items())): value
            for sample, found, value in _samples(self.metrics_text(), name)
            if sample == name and labels.items() <= found.items()
        }

    def value(self, name: str, **labels: str) -> float:
        """Return the sum of the samples of this name that carry these labels."""
        return sum(self.series(name, **labels).values())

    def lines(self) -> list[str]:
        """Return the log's lines."""
        return self.log.read_text(encoding="utf-8").splitlines()

    def _end(self, number: signal.Signals) -> int:
        if self._process is None:
            return 0
        self._process.send_signal(number)
        try:
            return self._process.wait(timeout=_STOP_WITHIN)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise
        finally:
            self._process = None

    def _size(self) -> int:
        return self.log.stat().st_size if self.log.exists() else 0

    def _find_port(self, start: int) -> bool:
        """Read from the log which port the operator got."""
        with self.log.open("rb") as log:
            log.seek(start)
            for line in log:
                if b'"port"' in line and line.endswith(b"\n"):
                    self.port = int(json.loads(line)["port"])
                    return True
        return False


def _samples(text: str, name: str) -> Iterator[tuple[str, dict[str, str], float]]:
    # Of thousands of lines few are asked for, and the parser takes longer than the operator.
    lines = "\n".join(line for line in text.splitlines() if line.startswith(name))
    for family in text_string_to_metric_families(f"{lines}\n"):
        for sample in family.samples:
            yield sample.name, sample.labels, sample.value
