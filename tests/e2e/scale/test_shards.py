"""Three shards on the real API server: who watches what, who writes what, and who takes over."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest

from e2e.scale.fleet import APPLICATIONS, KINDS, SHARDS, Fleet, arguments
from e2e.scale.processes import holders, leads, wait_leads, wait_stands_by, writes
from harness.waiting import until

if TYPE_CHECKING:
    from collections.abc import Iterator

    from controlplane.gitserver import GitServer
    from controlplane.plane import ControlPlane


@pytest.fixture
def fleet(
    control_plane: ControlPlane,
    git: GitServer,
    namespace: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Fleet]:
    made = Fleet(control_plane, tmp_path_factory.mktemp("fleet"), namespace, git)
    try:
        made.start()
        yield made
    finally:
        made.close()


@pytest.mark.timeout(600)
def test_shards_share_the_work_and_one_more_takes_its_share(fleet: Fleet) -> None:
    """One story, since what each part begins with is what the last has left."""
    _each_has_its_share(fleet)
    _one_is_killed(fleet)
    _another_number_stands_by(fleet)
    _one_more(fleet)


def _each_has_its_share(fleet: Fleet) -> None:
    """Each target has one report and one writer, and each shard follows its own kinds alone."""
    pods = {f"leadsman-shard-{shard}": f"leadsman-{shard}" for shard in range(SHARDS)}
    assert holders(fleet.plane) == {"leadsman-shards": "3", **pods}
    assert all(fleet.of(shard) for shard in range(SHARDS))
    for app in fleet.applications:
        app.set_live("red")
    for app in fleet.applications:
        app.wait_live("red")
    written = writes(fleet.plane, fleet.namespace)
    wrote = {(write.target, write.pod) for write in written}
    assert wrote == {(app.name, f"leadsman-{app.owner()}") for app in fleet.applications}
    for shard, operator in enumerate(fleet.shards):
        targets = operator.series("leadsman_target_info")
        assert len(targets) == len(fleet.of(shard))
        for kind in KINDS:
            watched = operator.value(
                "leadsman_api_requests_total", verb="watch", resource=kind.plural
            )
            assert bool(watched) is (kind is KINDS[shard]), (operator.pod, kind)
        assert operator.series("leadsman_shard_info", shard=str(shard), shards="3")
    counted = sum(
        shard.value("leadsman_report_writes_total", outcome="written") for shard in fleet.shards
    )
    # A first report is created, and then its status is written.
    assert counted == len(written) - APPLICATIONS
    fleet.wait_events("DriftDetected")
    # A report that somebody deletes is for its owner to write again.
    check = fleet.applications[0].check
    uid = check.report().uid
    check.delete_report()
    check.wait(lambda report: report.verdict == "Drifted" and report.uid != uid, "written again")


def _one_is_killed(fleet: Fleet) -> None:
    """The others go on; what changes of its targets meanwhile is told when it is back, once."""
    killed = fleet.shards[1]
    since = {app.name: app.check.report().status["driftSince"] for app in fleet.applications}
    versions = {app.name: app.check.report().version for app in fleet.of(1)}
    killed.kill()
    for app in fleet.applications:
        app.set_live("blue")
    for app in [*fleet.of(0), *fleet.of(2)]:
        app.wait_live("blue")
    assert {app.name: app.check.report().version for app in fleet.of(1)} == versions
    killed.start()
    wait_leads(killed)
    for app in fleet.of(1):
        app.wait_live("blue")
    assert {
        app.name: app.check.report().status["driftSince"] for app in fleet.applications
    } == since
    wrote = {(write.target, write.pod) for write in writes(fleet.plane, fleet.namespace)}
    assert wrote == {(app.name, f"leadsman-{app.owner()}") for app in fleet.applications}
    for app in fleet.applications:
        assert {reason for reason, _ in app.events()} == {"DriftDetected"}


def _another_number_stands_by(fleet: Fleet) -> None:
    """It says why, is ready, so that a rolling update goes on, and asks for nothing else."""
    new = fleet.add(SHARDS + 1)
    new.start()
    wait_stands_by(new, r"3 shards are in force and leadsman-shard-. is held by leadsman-.")
    assert "this process is shard 3 of 4" in new.log.read_text()
    asked = new.series("leadsman_api_requests_total")
    assert {dict(labels)["resource"] for labels in asked} == {"leases"}
    assert all(leads(shard) for shard in fleet.shards[:SHARDS])


def _one_more(fleet: Fleet) -> None:
    """A rolling update from three to four, the last ordinal first, as a StatefulSet does it."""
    three = fleet.shards[:SHARDS]
    ended: dict[str, float] = {}
    began = time.time()
    for shard in reversed(three):
        for app in fleet.applications:
            app.set_live(f"with-{shard.pod}")
        assert shard.stop() == 0
        ended[shard.pod] = time.time()
        shard.rollout(*arguments(SHARDS + 1))
        if shard is not three[0]:
            wait_stands_by(shard, "shards are in force")
    for shard in fleet.shards:
        wait_leads(shard)
    for app in fleet.applications:
        app.wait_live("with-leadsman-0")
    fleet.applications[0].set_live("green")
    fleet.applications[0].check.wait_verdict("InSync")
    for app in fleet.applications[1:]:
        app.set_live("yellow")
    for app in fleet.applications[1:]:
        app.wait_live("yellow")

    written = writes(fleet.plane, fleet.namespace)
    before = [write for write in written if write.time < ended.get(write.pod, 0.0)]
    after = [write for write in written if write.time >= ended.get(write.pod, 0.0)]
    # As long as one of three wrote, none of four has; then each wrote only what is its own.
    assert max(write.time for write in before) < min(write.time for write in after)
    owned = {(app.name, f"leadsman-{app.owner()}") for app in fleet.applications}
    assert {(write.target, write.pod) for write in before} <= owned
    assert any(write.time > began for write in before)
    owns = {(app.name, f"leadsman-{app.owner(4)}") for app in fleet.applications}
    assert {(write.target, write.pod) for write in after} == owns
    moved = {name for name, _ in owns - owned}
    assert moved == {app.name for app in fleet.of(3, 4)}
    assert 0 < len(moved) < APPLICATIONS / 2
    until(
        lambda: (
            sum(len(shard.series("leadsman_target_info")) for shard in fleet.shards) == APPLICATIONS
        ),
        "each target to be one shard's",
    )
    pods = {f"leadsman-shard-{shard}": f"leadsman-{shard}" for shard in range(4)}
    assert holders(fleet.plane) == {"leadsman-shards": "4", **pods}
