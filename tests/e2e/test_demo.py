"""The demo as a person runs it, in both ways; what it leaves behind is nothing."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
import yaml

from controlplane.plane import ControlPlane
from harness.operator import NAMESPACE, install
from harness.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from typing import Self

    from controlplane.toolchain import Tools

ROOT = Path(__file__).parents[2]
CONTEXT = "somewhere"
# What it must have said if all went well, in this order; a time can be any.
STORY = (
    r"=> webapp: all 9 objects are in sync, \d",
    r"=> podinfo: all 2 objects are in sync, \d",
    r"podinfo +InSync .*\n",
    r"\$ kubectl scale deployment/podinfo --replicas=5\n",
    r"=> Drifted: in DriftReport podinfo \d",
    r"Deployment podinfo: Modified +\(charts/podinfo/templates/deployment.yaml\)\n",
    r"spec.replicas: 2 -> 5\n +by kubectl through /scale",
    r"\$ kubectl set image deployment/frontend frontend=\S+:6.9.3\n",
    r'-> "ghcr.io/stefanprodan/podinfo:6.9.3"\n +by kubectl-set, \d',
    r"\$ kubectl set env deployment/backend LOG_LEVEL=debug\n",
    r"Deployment backend: Added",
    r"\$ kubectl delete service cache\n",
    r"Service cache: Missing +\(deploy/bases/cache/service.yaml\)\n",
    r"webapp +Drifted +3 +1 +False +main@sha1:",
    r"git push",
    r"PathNotFound: render: apps/webapp/kustomization.yaml",
    r'"suspend":true',
    r"=> suspended since \d",
    r'"16Mi" -> "256Mi"\n +by kubectl-set, \d',
    r"podinfo +Drifted +1 +0 +True +main@sha1:",
    r"leadsman_target_failing\{.*reason=\"PathNotFound\".*\} 1.0\n",
    r"=> webapp: in sync again",
    r"=> podinfo: in sync again",
    r"podinfo +InSync +0 +0 +False ",
    r"webapp +InSync +0 +0 +False ",
    r"RenderFailed .*\n",
    r"Recovered .*\n",
    r"Suspended .*\n",
    r"Resumed .*\n",
    r"=> All of it came true",
)


class Demo:
    """A run of ``python -m demo``, all of whose files are in ``folder``."""

    def __init__(self, folder: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder / "tmp"
        self._folder.mkdir()
        self._output = folder / "output"
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "demo"],
                stdout=output,
                stderr=output,
                env={
                    **os.environ,
                    "PYTHONPATH": f"{ROOT / 'operator'}:{ROOT / 'tests'}",
                    "TMPDIR": str(self._folder),
                    "PAUSE": "0",
                    **environment,
                },
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    @property
    def text(self) -> str:
        return self._output.read_text()

    def wait_for(self, text: str) -> None:
        """Wait until it has said something."""
        until(
            lambda: text in self.text,
            f"the demo to say {text!r}",
            timeout=120,
            failed=lambda: "" if self._process.poll() is None else f"it has ended:\n{self.text}",
            last=lambda: self.text,
        )

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def end(self) -> int:
        """Wait for its end, after which neither a process nor a file of it is left."""
        code = self._process.wait(timeout=180)
        assert not self.processes(), self.text
        assert not list(self._folder.iterdir()), self.text
        return code

    def processes(self, word: str = "") -> list[int]:
        """The ids of the processes that belong to this run and have a word in their command."""
        found = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                command = (process / "cmdline").read_bytes()
                everything = command + (process / "environ").read_bytes()
            except OSError:
                continue
            if os.fsencode(self._folder) in everything and word.encode() in command:
                found.append(int(process.name))
        return found


def expect_story(text: str) -> None:
    at = 0
    for line in STORY:
        found = re.compile(line).search(text, at)
        assert found, f"{line!r} is not there, or too early, in:\n{text}"
        at = found.start()


def everything(plane: ControlPlane) -> dict[str, str]:
    """The version of every object that the demo could have made, changed or removed."""
    kinds = ("namespaces", "clusterroles", "clusterrolebindings", "crds", "serviceaccounts")
    answer = plane.kubectl("get", ",".join(kinds), "--all-namespaces", "-o", "json")
    return {
        f"{item['kind']} {item['metadata'].get('namespace', '')}/{item['metadata']['name']}": item[
            "metadata"
        ]["resourceVersion"]
        for item in json.loads(answer.stdout)["items"]
    }


def context(plane: ControlPlane, folder: Path) -> dict[str, str]:
    """A user's environment whose kubeconfig has several contexts, and another one is current."""
    config = yaml.safe_load(plane.kubeconfig.read_text())
    config["contexts"][0]["name"] = CONTEXT
    config["contexts"].append({"name": "elsewhere", "context": {"cluster": "no", "user": "no"}})
    config["current-context"] = "elsewhere"
    kubeconfig = folder / "config"
    kubeconfig.write_text(yaml.safe_dump(config))
    return {"KUBECONFIG": str(kubeconfig), "CONTEXT": CONTEXT}


@pytest.fixture(scope="module")
def cluster(tools: Tools) -> Iterator[ControlPlane]:
    """Somebody's cluster, without Leadsman."""
    with ControlPlane(tools) as plane:
        yield plane


@pytest.mark.usefixtures("tools")
def test_in_a_control_plane_of_its_own_which_can_be_kept(tmp_path: Path) -> None:
    with Demo(tmp_path, {"KEEP": "1"}) as demo:
        demo.wait_for("ends it and cleans up.")
        expect_story(demo.text)
        assert "\x1b" not in demo.text
        exports = "".join(re.findall(r"^ +(export .*\n|cd .*\n)", demo.text, re.MULTILINE))
        more = "kubectl get driftreport webapp -o jsonpath={.status.verdict} && git status --short"
        said = subprocess.run(
            ["sh", "-ec", exports + more], capture_output=True, text=True, check=True
        )
        assert said.stdout == "InSync"
        demo.send(signal.SIGINT)
        assert demo.end() == 0


def test_in_a_cluster_that_is_there(cluster: ControlPlane, tmp_path: Path) -> None:
    before = everything(cluster)
    with Demo(tmp_path, context(cluster, tmp_path)) as demo:
        assert demo.end() == 0, demo.text
        expect_story(demo.text)
    assert everything(cluster) == before


def test_cleans_up_when_it_is_interrupted(cluster: ControlPlane, tmp_path: Path) -> None:
    before = everything(cluster)
    with Demo(tmp_path, context(cluster, tmp_path)) as demo:
        demo.wait_for("leadsman run")
        demo.send(signal.SIGTERM)
        demo.wait_for("Cleaning up")
        demo.send(signal.SIGINT)  # of somebody who is impatient
        assert demo.end() == 130, demo.text
    assert everything(cluster) == before


def test_fails_without_an_operator_and_touches_no_leadsman_that_is_installed(
    tools: Tools, tmp_path: Path
) -> None:
    with ControlPlane(tools) as plane:
        install(plane)
        plane.kubectl("scale", "deployment/leadsman", "--replicas=0", "-n", NAMESPACE)
        before = everything(plane)
        with Demo(tmp_path, context(plane, tmp_path)) as demo:
            demo.wait_for("\n2. ")
            (pid,) = demo.processes("leadsman\0run")
            os.kill(pid, signal.SIGKILL)
            assert demo.end() == 1, demo.text
            assert "The demo has failed: waited for" in demo.text
            assert "the operator has ended with code -9" in demo.text
            assert '"message": "leadsman started"' in demo.text.partition("said last:")[2]
            assert "All of it came true" not in demo.text
        assert everything(plane) == before


def test_refuses_a_namespace_that_is_there_already(cluster: ControlPlane, tmp_path: Path) -> None:
    cluster.create_namespace("leadsman-demo")
    before = everything(cluster)
    with Demo(tmp_path, context(cluster, tmp_path)) as demo:
        assert demo.end() == 1, demo.text
        assert "namespace/leadsman-demo is there already" in demo.text
    assert everything(cluster) == before
    cluster.kubectl("delete", "namespace", "leadsman-demo")


def test_refuses_a_cluster_in_which_a_leadsman_runs(cluster: ControlPlane, tmp_path: Path) -> None:
    with cluster.namespace() as namespace:
        cluster.kubectl("create", "deployment", "other", "--image=leadsman", "-n", namespace)
        label = "app.kubernetes.io/name=leadsman"
        cluster.kubectl("label", "deployment/other", label, "-n", namespace)
        before = everything(cluster)
        with Demo(tmp_path, context(cluster, tmp_path)) as demo:
            assert demo.end() == 1, demo.text
            assert f"A Leadsman runs in this cluster (Deployment {namespace}/other)" in demo.text
        assert everything(cluster) == before


@pytest.mark.usefixtures("tools")
def test_says_which_context_is_not_there(tmp_path: Path) -> None:
    (tmp_path / "config").write_text("{apiVersion: v1, kind: Config}")
    environment = {"KUBECONFIG": str(tmp_path / "config"), "CONTEXT": "nowhere"}
    with Demo(tmp_path, environment) as demo:
        assert demo.end() == 1
        assert "cannot locate context nowhere" in demo.text
