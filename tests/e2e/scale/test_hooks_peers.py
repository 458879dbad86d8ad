"""A webhook reaches one process, and what others look after is looked at, too."""

from __future__ import annotations

import itertools
import socket
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest

from e2e.scale.processes import SHORT, wait_leads, wait_stands_by
from harness.checks import Check
from harness.forge import SECRET, tell
from harness.operator import Operator
from harness.waiting import until
from leadsman.engine.scheduling.shards import shard_of
from leadsman.model.identity import TargetKey

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from controlplane.gitserver import GitServer
    from controlplane.plane import ControlPlane

SHARDS = 2
CONFIG = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: shop
data:
  colour: {colour}
"""


class Pods:
    """Two shards and a standby for the first, each with an address of its own."""

    def __init__(self, plane: ControlPlane, folder: Path) -> None:
        # The addresses of the Service that makes them known to each other.
        self.addresses = [f"127.0.0.{number}:{_free_port()}" for number in (2, 3, 4)]
        secrets = folder / "secrets"
        secrets.write_bytes(SECRET + b"\n")
        arguments = (
            *("--leader-elect", f"--shards={SHARDS}", *SHORT),
            *("--hooks-secret-file", str(secrets), "--hooks-peers", ",".join(self.addresses)),
        )
        self.first, self.second, self.standby = self.all = [
            Operator.in_pod(
                plane, folder / pod, *arguments, f"--hooks-bind={address}", pod=f"leadsman-{pod}"
            )
            for pod, address in zip(("0", "1", "standby-0"), self.addresses, strict=True)
        ]

    def start(self, stack: ExitStack) -> None:
        for pod in (self.first, self.second):
            stack.enter_context(pod)
        for pod in (self.first, self.second):
            wait_leads(pod)
        stack.enter_context(self.standby)
        wait_stands_by(self.standby, "the Lease leadsman-shard-0 is held by leadsman-0_")

    def wait_relayed(self, pod: Operator, count: int) -> None:
        def relayed() -> bool:
            return pod.series("leadsman_hooks_relayed_total") == {
                (("outcome", "relayed"),): float(count)
            }

        until(relayed, f"{pod.pod} to have told {count}", failed=pod.ended)


def _free_port() -> int:
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


def _name_of(shard: int, namespace: str) -> str:
    """Return a name for a DriftCheck that is the shard's to look after."""
    names = (f"shop-{number}" for number in itertools.count())
    return next(
        name
        for name in names
        if shard_of(TargetKey("DriftCheck", namespace, name), SHARDS) == shard
    )


@pytest.fixture
def pods(control_plane: ControlPlane, tmp_path: Path) -> Iterator[Pods]:
    made = Pods(control_plane, tmp_path)
    with ExitStack() as stack:
        made.start(stack)
        yield made


@pytest.mark.timeout(300)
def test_every_shard_looks_when_one_pod_is_told_even_a_standby(
    pods: Pods, control_plane: ControlPlane, namespace: str, git: GitServer
) -> None:
    repository = git.create("shop", {"config.yaml": CONFIG.format(colour="green")})
    checks = [
        Check(pods.first, control_plane, namespace, _name_of(shard, namespace))
        for shard in range(SHARDS)
    ]
    for check in checks:
        check.create(url=git.url("shop"), interval="1h")
    for check in checks:
        check.wait_verdict("Drifted")
    told = (1, 1, 0)
    for address, pod, targets in zip(pods.addresses, pods.all, told, strict=True):
        sha = repository.commit({"config.yaml": CONFIG.format(colour=pod.pod)})
        assert tell(address, git.url("shop")) == (202, targets)
        for check in checks:
            check.wait(
                lambda report, sha=sha: report.status["revision"] == f"main@sha1:{sha}",  # type: ignore[misc]
                f"{sha}, of which {pod.pod} was told",
            )
        pods.wait_relayed(pod, 2)
    for pod, targets in zip(pods.all, told, strict=True):
        outcome = "told" if targets else "unmatched"
        counted = pod.series("leadsman_hooks_total")
        assert counted == {
            (("forge", "github"), ("outcome", outcome)): 1.0,
            (("forge", "peer"), ("outcome", outcome)): 2.0,
        }
