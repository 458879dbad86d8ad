"""Two operators and one Lease: one works, and the other takes over."""

from __future__ import annotations

import os
import signal
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from e2e.failures.app import App
from e2e.scale.processes import (
    LONG,
    SHORT,
    holders,
    leads,
    wait_leads,
    wait_stands_by,
    writes,
)
from harness.operator import Operator
from harness.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from controlplane.gitserver import GitServer
    from controlplane.plane import ControlPlane


class Pair:
    """One that works, another that stands by, and an application that has drifted."""

    def __init__(
        self, plane: ControlPlane, folder: Path, namespace: str, git: GitServer, *terms: str
    ) -> None:
        self.plane = plane
        self.namespace = namespace
        self.first, self.second = (
            Operator.in_pod(plane, folder / name, "--leader-elect", *terms, pod=f"leadsman-{name}")
            for name in ("a", "b")
        )
        self.drifted, self.other = (
            App(self.second, plane, namespace, name, git, project=namespace)
            for name in ("drifted", "other")
        )

    def start(self) -> None:
        self.first.start()
        wait_leads(self.first)
        self.second.start()
        wait_stands_by(self.second, r"the Lease leadsman-shard-0 is held by leadsman-a_")
        for app in (self.drifted, self.other):
            app.deliver()
            app.watch()
            app.check.wait_verdict("InSync")
        self.drifted.set_live("red")
        self.drifted.check.wait_verdict("Drifted")
        until(lambda: self.drifted.check.events("DriftDetected"), "the Event")

    def change(self) -> None:
        """Change what nobody looks at meanwhile."""
        self.other.set_live("blue")

    def judge(self, by: Operator) -> None:
        """See that the change is reported, by one operator, and nothing is said again."""
        report = self.other.check.wait_verdict("Drifted")
        assert report.changes("ConfigMap", "other")["/data/colour"]["live"] == "blue"
        until(lambda: self.other.check.events("DriftDetected"), "the Event")
        by.wait_ready()
        for app in (self.drifted, self.other):
            (event,) = app.check.events()
            assert event["reason"] == "DriftDetected"
            assert "series" not in event
        last = writes(self.plane, self.namespace)[-1]
        assert (last.target, last.pod) == ("other", by.pod)
        assert holders(self.plane) == {"leadsman-shards": "1", "leadsman-shard-0": by.pod}


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.fixture
def pair(
    control_plane: ControlPlane,
    tmp_path: Path,
    namespace: str,
    git: GitServer,
    stack: ExitStack,
    request: pytest.FixtureRequest,
) -> Pair:
    made = Pair(control_plane, tmp_path, namespace, git, *request.param)
    stack.callback(made.first.close)
    stack.callback(made.second.close)
    made.start()
    return made


@pytest.mark.parametrize("pair", [SHORT], indirect=True)
def test_a_standby_asks_for_nothing_but_leases(pair: Pair) -> None:
    asked = pair.second.series("leadsman_api_requests_total")
    assert {dict(labels)["resource"] for labels in asked} == {"leases"}
    assert {dict(labels)["verb"] for labels in asked} == {"list", "watch"}
    assert pair.second.get("/healthz")[0] == 200
    assert {write.pod for write in writes(pair.plane, pair.namespace)} == {"leadsman-a"}
    # One that stands by has nothing to give back.
    assert pair.second.stop() == 0
    assert leads(pair.first)


@pytest.mark.parametrize("pair", [SHORT], indirect=True)
def test_a_standby_takes_over_from_who_was_killed(pair: Pair) -> None:
    before = pair.drifted.told(), pair.drifted.check.report().status["driftSince"]
    pair.first.kill()
    pair.change()
    wait_leads(pair.second)
    pair.judge(pair.second)
    assert (pair.drifted.told(), pair.drifted.check.report().status["driftSince"]) == before
    pair.first.start()
    until(pair.first.ready, "the one that was killed to stand by")
    assert not leads(pair.first)


@pytest.mark.parametrize("pair", [LONG], indirect=True)
def test_a_standby_takes_over_at_once_from_who_was_asked_to_stop(pair: Pair) -> None:
    """It is told: to ask again, or until the Lease expires, takes longer than the test waits."""
    before = pair.drifted.told()
    assert pair.first.stop() == 0
    pair.change()
    wait_leads(pair.second)
    pair.judge(pair.second)
    assert pair.drifted.told() == before
    # And back.
    pair.first.start()
    wait_stands_by(pair.first, r"is held by leadsman-b_")
    assert pair.second.stop() == 0
    wait_leads(pair.first)


@pytest.mark.parametrize("pair", [SHORT], indirect=True)
def test_who_was_frozen_writes_nothing_and_ends_as_a_new_process_would_begin(pair: Pair) -> None:
    os.kill(pair.first.pid, signal.SIGSTOP)
    try:
        wait_leads(pair.second)
        pair.change()
        pair.judge(pair.second)
    finally:
        os.kill(pair.first.pid, signal.SIGCONT)
    until(pair.first.ended, "the one that was frozen to end")
    assert "code 1" in pair.first.ended()
    assert "LeaseLost: the Lease leadsman-shard-0" in pair.first.log.read_text()
    pair.judge(pair.second)
    assert leads(pair.second)
