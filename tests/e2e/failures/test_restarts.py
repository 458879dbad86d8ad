"""Restarts of the operator and of the API server: nothing is lost, nothing is said twice."""

from __future__ import annotations

import base64
import json
import os
import shutil
import signal
import time
import urllib.request
from contextlib import contextmanager
from typing import TYPE_CHECKING, TypeAlias

import pytest

from controlplane.gitserver import GitServer
from controlplane.plane import ControlPlane
from e2e.failures.app import App
from e2e.failures.cast import Cast
from harness.operator import Operator, install, pod_access
from harness.waiting import until

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path

    from controlplane.toolchain import Tools

    Interruption: TypeAlias = Callable[[ControlPlane, Operator], AbstractContextManager[None]]


@contextmanager
def stopped(_plane: ControlPlane, operator: Operator) -> Iterator[None]:
    assert operator.stop() == 0
    yield
    operator.start()


@contextmanager
def killed(_plane: ControlPlane, operator: Operator) -> Iterator[None]:
    operator.kill()
    yield
    operator.start()


@contextmanager
def killed_without_cache(_plane: ControlPlane, operator: Operator) -> Iterator[None]:
    operator.kill()
    shutil.rmtree(operator.log.parent / "cache")
    yield
    operator.start()


@contextmanager
def cut_off(plane: ControlPlane, operator: Operator) -> Iterator[None]:
    """Lose the API server; when it can be reached again nobody knows what happened since."""
    plane.stop_apiserver()
    os.kill(operator.pid, signal.SIGSTOP)
    try:
        plane.start_apiserver()
        yield
        _compact(plane)
    finally:
        os.kill(operator.pid, signal.SIGCONT)
    until(
        lambda: operator.value("leadsman_watch_restarts_total", reason="Expired"),
        "a watch to be told 410",
        # At once as a rule; from an API server that is quite new it has taken half a minute.
        timeout=120.0,
    )


def _compact(plane: ControlPlane) -> None:
    """Have etcd forget all former versions, as it is told to every five minutes."""

    def ask(method: str, **body: str) -> dict[str, dict[str, str]]:
        url = f"http://{plane._etcd_port}/v3/kv/{method}"
        with urllib.request.urlopen(url, data=json.dumps(body).encode(), timeout=10) as answer:
            found: dict[str, dict[str, str]] = json.load(answer)
            return found

    now = ask("range", key=base64.b64encode(b"\0").decode())["header"]["revision"]
    ask("compaction", revision=now)


@pytest.fixture(scope="module")
def control_plane(tools: Tools) -> Iterator[ControlPlane]:
    """A cluster of their own: after an outage its controllers are not themselves for a while."""
    with ControlPlane(tools) as plane:
        install(plane)
        yield plane


@pytest.fixture
def git() -> Iterator[GitServer]:
    with GitServer() as server:
        yield server


@pytest.fixture
def alone(control_plane: ControlPlane, tmp_path: Path) -> Iterator[Operator]:
    """An operator for one test."""
    with Operator.in_pod(control_plane, tmp_path) as operator:
        yield operator


@pytest.fixture
def cast(control_plane: ControlPlane, alone: Operator, git: GitServer, namespace: str) -> Cast:
    cast = Cast(alone, control_plane, namespace, git)
    cast.assemble()
    return cast


@pytest.mark.parametrize("interruption", [stopped, killed, killed_without_cache, cut_off])
def test_nothing_is_lost_and_nothing_repeated(
    control_plane: ControlPlane, alone: Operator, cast: Cast, interruption: Interruption
) -> None:
    with interruption(control_plane, alone):
        cast.act()
    cast.judge()


def test_an_outage_is_waited_out(control_plane: ControlPlane, alone: Operator, cast: Cast) -> None:
    """Nothing can be told meanwhile; afterwards it is, and drift is found as before."""
    ends = time.monotonic() + 15.0
    with control_plane.outage():
        cast.push()
        until(lambda: alone.get("/healthz")[0] != 200 or time.monotonic() > ends, "its end")
    cast["drifts"].set_live("red")
    report = cast["drifts"].check.wait_verdict("Drifted")
    assert report.changes("ConfigMap", "drifts")["/data/colour"]["manager"] == "kubectl-edit"
    for name, state in (("drops", "Orphaned"), ("moves", "Modified")):
        report = cast[name].check.wait_verdict("Drifted")
        assert list(report.states.values()) == [state]
    cast.judge_the_rest()


def test_the_operator_may_be_there_first(
    control_plane: ControlPlane, tmp_path: Path, git: GitServer, namespace: str
) -> None:
    access = pod_access(control_plane)
    operator = Operator(lambda: access, control_plane.tools.search_path(), tmp_path)
    app = App(operator, control_plane, namespace, "shop", git)
    app.deliver()
    app.watch()
    try:
        with control_plane.outage():
            operator.start()
            assert operator.get("/healthz")[0] == 200
            assert not operator.ready()
        app.check.wait_verdict("InSync")
        operator.wait_ready()
    finally:
        operator.close()
