"""A real control plane on loopback: etcd, kube-apiserver and kube-controller-manager.

    with ControlPlane() as plane, plane.namespace() as namespace:
        plane.kubectl("apply", "-n", namespace, "-f", "app.yaml")
        plane.api.get(f"/apis/apps/v1/namespaces/{namespace}/deployments")
        with plane.outage(): ...                    # no API server; what it stored stays
        plane.service_account_kubeconfig("leadsman", "leadsman")

It starts in about 3 seconds. There is no kubelet, so Pods stay Pending. Nothing outlives it, not
even where this process is killed: neither a process nor a file.
"""

from __future__ import annotations

import json
import os
import secrets
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Self

import yaml
from cryptography.hazmat.primitives.asymmetric import ec

from . import flags
from .api import Api
from .etcd import Etcd
from .keeper import Keeper
from .ports import LOOPBACK, Port
from .tls import Authority, private_pem
from .toolchain import Tools, resolve
from .waiting import eventually

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

# Seconds that each program may take to be ready; some ten times what it takes.
START_TIMEOUT = 60.0


class ControlPlane:
    """A cluster without nodes, from ``start`` to ``stop``.

    ``folder`` holds all its files. ``kubeconfig`` and ``api`` are an administrator's. ``ca_file``
    is the authority that signed the certificate of ``server``, an https URL. ``etcd`` is what the
    API server has stored. With ``audit`` it writes down each request, see ``audit_events``.
    """

    def __init__(
        self,
        tools: Tools | None = None,
        *,
        apiserver_flags: Sequence[str] = (),
        controller_manager_flags: Sequence[str] = (),
        audit: bool = False,
    ) -> None:
        self.tools = tools or resolve()
        self._keeper = Keeper("leadsman-control-plane-")
        self.folder = self._keeper.folder
        self._logs = self.folder / "logs"
        self._logs.mkdir()
        self._authority = Authority(self.folder)
        self.ca_file = self._authority.ca_file
        self._etcd_port, self._peer_port, self._port = Port(), Port(), Port()
        self.etcd = Etcd(self._etcd_port.number)
        self.host, self.port = LOOPBACK, self._port.number
        self.server = f"https://{self._port}"
        token = secrets.token_hex()
        tokens = self.folder / "tokens.csv"
        tokens.write_text(f'{token},admin,admin,"system:masters"\n')
        self.kubeconfig = self._write_kubeconfig("admin", token)
        self.api = Api(self.server, self.ca_file, token)
        self.audit_file = self.folder / "audit.log"
        audit_flags = flags.audit(self.audit_file) if audit else []
        key = self.folder / "service-accounts.pem"
        key.write_bytes(private_pem(ec.generate_private_key(ec.SECP256R1())))
        self._flags = {
            "etcd": flags.etcd(self.folder / "etcd", self._etcd_port, self._peer_port),
            "kube-apiserver": [
                *flags.apiserver(self._etcd_port, self._port),
                *flags.files(self._authority.issue("apiserver.pem"), tokens, key),
                *audit_flags,
                *apiserver_flags,
            ],
            "kube-controller-manager": [
                *flags.controller_manager(self.kubeconfig, self.ca_file, key),
                *controller_manager_flags,
            ],
        }
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        """Start the programs; return when the cluster can be used."""
        self._start("etcd")
        self.start_apiserver()
        self._start("kube-controller-manager")
        self._wait_for(
            "kube-controller-manager", "/api/v1/namespaces/default/serviceaccounts/default"
        )

    def stop(self) -> None:
        """Kill the programs and remove all files; do nothing if that was done before."""
        self._keeper.end()
        self._processes.clear()
        for port in (self._etcd_port, self._peer_port, self._port):
            port.release()

    @property
    def pids(self) -> dict[str, int]:
        """The process ids of the programs that run, by the program's name."""
        return {
            name: process.pid for name, process in self._processes.items() if process.poll() is None
        }

    def log(self, program: str, lines: int = 30) -> str:
        """The last lines of what a program said."""
        text = (self._logs / f"{program}.log").read_text(errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def audit_events(self, user: str = "") -> list[dict[str, Any]]:
        """What was asked of the API server so far (``audit.k8s.io/v1``), by one user if given.

        A ServiceAccount's user is ``system:serviceaccount:<namespace>:<name>``.
        """
        with self.audit_file.open() as lines:
            # Most are another's, and decoding takes long; the last one may be half written yet.
            events = [json.loads(line) for line in lines if user in line and line.endswith("\n")]
        return [event for event in events if not user or event["user"].get("username") == user]

    def start_apiserver(self) -> None:
        """Start the API server, at the same port and with the same data each time."""
        self._start("kube-apiserver")
        self._wait_for("kube-apiserver", "/readyz")

    def stop_apiserver(self) -> None:
        """Kill the API server: its connections break, and new ones are refused."""
        process = self._processes.pop("kube-apiserver")
        process.kill()
        process.wait()

    def restart_apiserver(self) -> None:
        """Kill the API server and start it again."""
        self.stop_apiserver()
        self.start_apiserver()

    def stop_controllers(self) -> None:
        """End the controller manager for good: nobody reacts to what is stored from now on."""
        process = self._processes.pop("kube-controller-manager")
        process.kill()
        process.wait()

    @contextmanager
    def outage(self) -> Iterator[None]:
        """Have no API server while the block runs."""
        self.stop_apiserver()
        try:
            yield
        finally:
            self.start_apiserver()

    def kubectl(
        self,
        *arguments: str | Path,
        stdin: str = "",
        check: bool = True,
        kubeconfig: Path | None = None,
        editor: str = "",
    ) -> subprocess.CompletedProcess[str]:
        """Run kubectl as the administrator, or as whom another kubeconfig names.

        ``editor`` is what ``kubectl edit`` calls. Unless ``check`` is False a failure is a
        CalledProcessError that says what kubectl said.
        """
        return self._run(["kubectl", *arguments], stdin, kubeconfig, check=check, editor=editor)

    def helm(
        self,
        *arguments: str | Path,
        stdin: str = "",
        check: bool = True,
        kubeconfig: Path | None = None,
    ) -> subprocess.CompletedProcess[str]:
        """Run Helm, in the same way as kubectl."""
        return self._run(["helm", *arguments], stdin, kubeconfig, check=check)

    def environment(self, kubeconfig: Path | None = None) -> dict[str, str]:
        """The environment for a program that uses this cluster and leaves no files elsewhere."""
        home = self.folder / "home"
        return {
            **os.environ,
            "PATH": self.tools.search_path(),
            "KUBECONFIG": str(kubeconfig or self.kubeconfig),
            "KUBECACHEDIR": str(home / "kube"),
            **{f"HELM_{name}_HOME": str(home / "helm") for name in ("CACHE", "CONFIG", "DATA")},
        }

    def store(self, key: str, body: Any) -> None:
        """Write an object into etcd as an API server did that has been upgraded since.

        ``key`` is its place below ``/registry/``; the version need not be served any more.
        """
        self.etcd.write({key: json.dumps(body).encode()})

    @contextmanager
    def namespace(self, prefix: str = "test") -> Iterator[str]:
        """Make a namespace with a unique name; delete it after the block, without waiting."""
        name = f"{prefix}-{secrets.token_hex(4)}"
        self.create_namespace(name)
        try:
            yield name
        finally:
            if "kube-apiserver" in self.pids:
                self.api.delete(f"/api/v1/namespaces/{name}")

    def create_namespace(self, name: str) -> None:
        """Make a namespace; return when its default ServiceAccount is there, so Pods can be."""
        namespace = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        self.api.create("/api/v1/namespaces", namespace)
        account = f"/api/v1/namespaces/{name}/serviceaccounts/default"
        eventually(lambda: self.api.get(account), every=0.01, what=f"ready: namespace {name}")

    def service_account_token(self, namespace: str, name: str, seconds: int = 3600) -> str:
        """A token of a ServiceAccount that is there; the API server makes it 600 s at least."""
        path = f"/api/v1/namespaces/{namespace}/serviceaccounts/{name}/token"
        answer = self.api.create(path, {"spec": {"expirationSeconds": seconds}})
        return str(answer["status"]["token"])

    def service_account_kubeconfig(self, namespace: str, name: str, seconds: int = 3600) -> Path:
        """A kubeconfig with a new token of a ServiceAccount; the namespace is its default one."""
        token = self.service_account_token(namespace, name, seconds)
        return self._write_kubeconfig(f"{namespace}-{name}", token, namespace)

    def service_account_dir(self, namespace: str, name: str) -> Path:
        """A folder as a Pod has it mounted: ``token``, ``ca.crt`` and ``namespace``.

        The same folder each time, with a new token. ``host`` and ``port`` are what a Pod has in
        ``KUBERNETES_SERVICE_HOST`` and ``KUBERNETES_SERVICE_PORT``.
        """
        folder = self.folder / "serviceaccounts" / namespace / name
        folder.mkdir(parents=True, exist_ok=True)
        contents = {
            "token": self.service_account_token(namespace, name),
            "ca.crt": self.ca_file.read_text(),
            "namespace": namespace,
        }
        for file, content in contents.items():
            new = folder / f".{file}"
            new.write_text(content)
            new.replace(folder / file)
        return folder

    def _start(self, program: str) -> None:
        command: list[str | Path] = [self.tools[program], *self._flags[program]]
        with (self._logs / f"{program}.log").open("ab") as log:
            self._processes[program] = self._keeper.start(command, log, dict(os.environ))

    def _wait_for(self, program: str, path: str) -> None:
        """Wait until a program has made the API server answer a path.

        Only the server that was started here has a certificate of this plane's authority.
        """

        def ready() -> bool:
            if self._processes[program].poll() is not None:
                return True
            self.api.get(path) if path.startswith("/api") else self.api.request("GET", path)
            return True

        try:
            eventually(ready, within=START_TIMEOUT, every=0.02, what=f"ready: {program}")
        except TimeoutError as error:
            error.add_note(self.log(program))
            raise
        if self._processes[program].poll() is not None:
            raise RuntimeError(f"{program} ended; it said last:\n{self.log(program)}")

    def _run(
        self,
        command: Sequence[str | Path],
        stdin: str,
        kubeconfig: Path | None,
        *,
        check: bool,
        editor: str = "",
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [self.tools[str(command[0])], *command[1:]],
            env=self.environment(kubeconfig) | ({"KUBE_EDITOR": editor} if editor else {}),
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        if check and done.returncode:
            error = subprocess.CalledProcessError(
                done.returncode, done.args, done.stdout, done.stderr
            )
            error.add_note(done.stderr)
            raise error
        return done

    def _write_kubeconfig(self, name: str, token: str, namespace: str = "default") -> Path:
        cluster = {"server": self.server, "certificate-authority": str(self.ca_file)}
        context = {"cluster": "leadsman-test", "user": name, "namespace": namespace}
        content = {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [{"name": "leadsman-test", "cluster": cluster}],
            "users": [{"name": name, "user": {"token": token}}],
            "contexts": [{"name": "leadsman-test", "context": context}],
            "current-context": "leadsman-test",
        }
        path = self.folder / f"{name}.kubeconfig"
        path.touch(0o600)
        path.write_text(yaml.safe_dump(content, sort_keys=False))
        return path
