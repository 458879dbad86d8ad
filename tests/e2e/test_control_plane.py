"""The control plane that the other end-to-end tests stand on."""

from __future__ import annotations

import contextlib
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from bench.delivery import owned
from bench.fleet import KINDS, Fleet, path_of
from bench.replay import replay
from controlplane import toolchain
from controlplane.api import Api, ApiError
from controlplane.gitrepo import git_environment
from controlplane.gitserver import GitServer
from controlplane.waiting import eventually
from inputs import INPUTS, real_input

if TYPE_CHECKING:
    from controlplane.plane import ControlPlane

TESTS = Path(__file__).parents[1]


def test_the_server_is_the_version_that_was_built(control_plane: ControlPlane) -> None:
    said = subprocess.run(
        [control_plane.tools["kube-apiserver"], "--version"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    version = control_plane.api.get("/version")["gitVersion"]
    assert said.split() == ["Kubernetes", version]
    if control_plane.tools.folders == (toolchain.cached(),):
        assert version == "v1.37.2"


def test_a_deployment_gets_its_replica_set(control_plane: ControlPlane, namespace: str) -> None:
    podinfo = real_input("podinfo") / INPUTS["podinfo"].kustomizations["podinfo"]
    control_plane.kubectl("apply", "-n", namespace, "-k", podinfo)
    sets = f"/apis/apps/v1/namespaces/{namespace}/replicasets"
    found = eventually(lambda: control_plane.api.get(sets)["items"])
    assert found[0]["metadata"]["ownerReferences"][0]["name"] == "podinfo"
    control_plane.kubectl("delete", "-n", namespace, "deployment", "podinfo", "--wait=false")
    eventually(lambda: not control_plane.api.get(sets)["items"], what="collected: the ReplicaSet")


def test_helm_installs_a_chart(control_plane: ControlPlane, namespace: str) -> None:
    chart = real_input("podinfo") / INPUTS["podinfo"].charts["podinfo"]
    control_plane.helm("install", "web", chart, "--namespace", namespace)
    listed = control_plane.helm("list", "--namespace", namespace, "--short").stdout
    assert listed.split() == ["web"]


def found(plane: ControlPlane, path: str) -> dict[str, Any]:
    """Wait until something is there, and return it."""
    there: dict[str, Any] = eventually(lambda: plane.api.find(path) or {})
    return there


def test_what_is_stored_can_be_copied_behind_the_api_server_s_back(
    control_plane: ControlPlane,
) -> None:
    fleet = Fleet(targets=3, per_target=5)
    first, *others = fleet.namespaces
    with contextlib.ExitStack() as stack:
        for name in fleet.namespaces:
            control_plane.create_namespace(name)
            stack.callback(control_plane.api.delete, f"/api/v1/namespaces/{name}")
        for body in fleet.manifests():
            path = path_of(body["kind"], first, body["metadata"]["name"])
            control_plane.api.create(path.rpartition("/")[0], owned(body, first))
        replay(control_plane, fleet, [1, 2])
        for kind in KINDS:
            original, *copies = (
                found(control_plane, path_of(kind, name, "web-0000")) for name in fleet.namespaces
            )
            for name, copy in zip(others, copies, strict=True):
                assert copy["metadata"]["namespace"] == name
                assert copy["metadata"]["labels"]["kustomize.toolkit.fluxcd.io/name"] == name
                assert copy["metadata"]["uid"] != original["metadata"]["uid"]
                assert copy.get("spec") == original.get("spec")
                assert copy.get("data") == original.get("data")
        # What is there behind its back is there for all that is asked of the API server.
        changed = path_of("ConfigMap", others[0], "web-0000")
        answer = control_plane.api.patch(changed, {"data": {"level": "debug"}})
        assert answer["data"]["level"] == "debug"


def test_an_outage_keeps_the_data(control_plane: ControlPlane, namespace: str) -> None:
    control_plane.kubectl("create", "configmap", "-n", namespace, "kept", "--from-literal=a=b")
    with control_plane.outage():
        assert "kube-apiserver" not in control_plane.pids
        with pytest.raises(ConnectionRefusedError):
            control_plane.api.get("/version")
    path = f"/api/v1/namespaces/{namespace}/configmaps/kept"
    assert control_plane.api.get(path)["data"] == {"a": "b"}


def test_a_service_account_is_itself(control_plane: ControlPlane, namespace: str) -> None:
    kubeconfig = control_plane.service_account_kubeconfig(namespace, "default")
    user = f"system:serviceaccount:{namespace}:default"
    said = control_plane.kubectl("auth", "whoami", kubeconfig=kubeconfig).stdout
    assert user in said
    refused = control_plane.kubectl("get", "pods", kubeconfig=kubeconfig, check=False)
    assert "forbidden" in refused.stderr
    asked = [
        (event["verb"], event["objectRef"]["resource"], event["responseStatus"]["code"])
        for event in control_plane.audit_events(user)
        if "objectRef" in event  # else kubectl looks up what is served, if it does not know yet
    ]
    assert ("list", "pods", 403) in asked


def test_a_pods_folder_holds_what_a_client_needs(
    control_plane: ControlPlane, namespace: str
) -> None:
    folder = control_plane.service_account_dir(namespace, "default")
    assert (folder / "namespace").read_text() == namespace
    first = (folder / "token").read_text()
    api = Api(f"https://{control_plane.host}:{control_plane.port}", folder / "ca.crt", first)
    with pytest.raises(ApiError, match="403"):
        api.get("/api/v1/namespaces")
    assert control_plane.service_account_dir(namespace, "default") == folder
    assert (folder / "token").read_text() != first


def test_an_error_of_kubectl_says_what_kubectl_said(control_plane: ControlPlane) -> None:
    with pytest.raises(subprocess.CalledProcessError) as caught:
        control_plane.kubectl("get", "configmap", "absent")
    assert any("not found" in note for note in caught.value.__notes__)


def test_the_git_server_serves_a_clone_to_who_may(tmp_path: Path) -> None:
    with GitServer(username="ada", password="secret") as server:  # noqa: S106  # it opens nothing
        server.create("podinfo", real_input("podinfo"))
        results = []
        for number, password in enumerate(("secret", "wrong")):
            url = server.url("podinfo").replace("://", f"://ada:{password}@")
            results.append(
                subprocess.run(
                    ["git", "clone", "--quiet", url, tmp_path / str(number)],
                    env=git_environment(),
                    capture_output=True,
                    text=True,
                    check=False,
                )
            )
        assert server.packs("podinfo") == 1
    assert results[0].returncode == 0, results[0].stderr
    assert (tmp_path / "0" / "kustomize" / "kustomization.yaml").is_file()
    assert "Authentication failed" in results[1].stderr


def test_nothing_is_left_when_its_owner_is_killed(control_plane: ControlPlane) -> None:
    program = (
        "from controlplane.plane import ControlPlane\n"
        "plane = ControlPlane()\n"
        "plane._start('etcd')\n"
        "print(plane.folder, plane.pids['etcd'], flush=True)\n"
        "input()\n"
    )
    environment = {
        **os.environ,
        "PYTHONPATH": str(TESTS),
        "LEADSMAN_TEST_TOOLS": str(control_plane.tools["etcd"].parent),
    }
    with subprocess.Popen(
        [sys.executable, "-c", program],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as owner:
        assert owner.stdout
        folder, pid = owner.stdout.readline().split()
        assert Path(folder).is_dir()
        owner.send_signal(signal.SIGKILL)
    eventually(lambda: not Path(folder).exists(), what=f"removed: {folder}")
    assert not _runs(int(pid), "etcd")


def _runs(pid: int, program: str) -> bool:
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False
    return (
        bool(re.search(rf"^Name:\s+{program}$", status, re.MULTILINE)) and "(zombie)" not in status
    )
