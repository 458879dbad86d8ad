"""The operator as its users run it: a process, with its own ServiceAccount and deploy/ RBAC."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from prometheus_client.parser import text_string_to_metric_families

from harness.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import TracebackType
    from typing import Self

    from controlplane.plane import ControlPlane
    from controlplane.tools import Tools

ROOT = Path(__file__).resolve().parents[2]
NAMESPACE = "leadsman-system"
SERVICE_ACCOUNT = "leadsman"


def install(plane: ControlPlane) -> None:
    """Do what the README says: ``kubectl apply -k deploy``, and wait for the API to be served."""
    plane.kubectl("apply", "--server-side", "-k", str(ROOT / "deploy"))
    plane.kubectl("wait", "--for=condition=Established", "--timeout=30s", "crd", "--all")


class Operator:
    """``leadsman run`` on this machine, with the token that its Pod would have mounted."""

    def __init__(self, plane: ControlPlane, tools: Tools, folder: Path, *arguments: str) -> None:
        """Keep cache and log in ``folder``; ``arguments`` are added to the command line."""
        self._plane = plane
        self._tools = tools
        self._arguments = arguments
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.log = folder / "operator.log"
        self.port = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def pid(self) -> int:
        """The process' id."""
        assert self._process is not None, "the operator is not running"
        return self._process.pid

    def start(self) -> None:
        """Start and wait until it serves; its cache is that of its last run."""
        self._folder.mkdir(parents=True, exist_ok=True)
        address = urlsplit(self._plane.server)
        account = self._plane.service_account_dir(NAMESPACE, SERVICE_ACCOUNT)
        already = self._size()
        command = [
            *(sys.executable, "-m", "leadsman", "run"),
            *("--bind", "127.0.0.1:0", "--cache-dir", str(self._folder / "cache")),
            *("--service-account-dir", str(account), "--log-format", "json"),
            *self._arguments,
        ]
        environment = {
            "KUBERNETES_SERVICE_HOST": str(address.hostname),
            "KUBERNETES_SERVICE_PORT": str(address.port),
            "POD_NAME": "leadsman-0",
            "PATH": f"{self._tools.bin}{os.pathsep}{os.environ['PATH']}",
            "PYTHONPATH": str(ROOT / "operator"),
            "HOME": str(self._folder),
        }
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(command, stderr=log, stdout=log, env=environment)
        until(lambda: self._find_port(already), "the operator to serve", failed=self._ended)

    def stop(self) -> None:
        """Ask it to stop, as the kubelet does, and wait until it has."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """End it without a word, as an out-of-memory kill does."""
        self._end(signal.SIGKILL)

    def ready(self) -> bool:
        """Tell whether ``/readyz`` says yes."""
        return self._get("/readyz")[0] == 200

    def wait_ready(self) -> None:
        """Wait until every target has been looked at once."""
        until(self.ready, "the operator to be ready", failed=self._ended)

    def metrics_text(self) -> str:
        """Return what Prometheus would scrape."""
        status, body = self._get("/metrics")
        assert status == 200, body
        return body

    def series(self, name: str, **labels: str) -> dict[tuple[tuple[str, str], ...], float]:
        """Return the samples of this name that carry these labels: their labels to their value."""
        return {
            tuple(sorted(found.items())): value
            for sample, found, value in self._samples()
            if sample == name and labels.items() <= found.items()
        }

    def value(self, name: str, **labels: str) -> float:
        """Return the sum of the samples of this name that carry these labels."""
        return sum(self.series(name, **labels).values())

    def lines(self) -> list[str]:
        """Return the log's lines."""
        return self.log.read_text(encoding="utf-8").splitlines()

    def _samples(self) -> Iterator[tuple[str, dict[str, str], float]]:
        for family in text_string_to_metric_families(self.metrics_text()):
            for sample in family.samples:
                yield sample.name, sample.labels, sample.value

    def _get(self, path: str) -> tuple[int, str]:
        try:
            with urllib.request.urlopen(
                f"http://127.0.0.1:{self.port}{path}", timeout=10
            ) as answer:
                return answer.status, answer.read().decode()
        except urllib.error.HTTPError as error:
            return error.code, error.read().decode()

    def _end(self, number: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(number)
        try:
            self._process.wait(timeout=15)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise
        finally:
            self._process = None

    def _ended(self) -> str:
        if self._process is None or self._process.poll() is None:
            return ""
        return f"the operator has ended: {''.join(self.lines()[-5:])}"

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
