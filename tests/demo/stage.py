"""What has to stand before the first scene, and what is taken down after the last."""

from __future__ import annotations

import signal
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from controlplane import toolchain
from controlplane.gitserver import GitServer
from controlplane.keeper import Keeper
from demo import applications
from demo.borrowed import BorrowedCluster
from demo.cluster import OwnCluster, server_version
from demo.reports import Reports
from harness.operator import Operator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from demo.cluster import Cluster
    from demo.shell import Shell
    from demo.show import Show


@dataclass(frozen=True, slots=True)
class Stage:
    """A cluster with two applications, a Git server and the operator.

    ``shell`` stands in a clone of the Git server's repository.
    """

    show: Show
    shell: Shell
    reports: Reports
    operator: Operator


@contextmanager
def stage(show: Show, context: str = "") -> Iterator[Stage]:
    """Set everything up, in a cluster of its own unless a kubeconfig context is named.

    All of it is gone in the end, however that comes about. Ctrl-C does not keep it from that.

    Raises:
        DemoError: it could not be set up.

    """
    tools = toolchain.resolve()
    applications.fetch()
    undo = ExitStack()
    try:
        keeper = Keeper("leadsman-demo-")
        undo.callback(keeper.end)
        cluster: Cluster
        if context:
            cluster = BorrowedCluster(tools, keeper.folder, context)
        else:
            cluster = OwnCluster(tools, keeper.folder)
        yield _set_up(show, cluster, keeper, undo)
    finally:
        with uninterrupted(), show.preparing("Cleaning up"):
            undo.close()


def _set_up(show: Show, cluster: Cluster, keeper: Keeper, undo: ExitStack) -> Stage:
    folder = keeper.folder
    show.title("Leadsman tells how far a cluster has drifted from Git. It only reads.\n")
    with show.preparing(cluster.title) as said:
        shell = cluster.start(undo)
        said.append(server_version(shell))
    with show.preparing("Installing Leadsman") as said:
        said.append(cluster.install(undo))
    with show.preparing("Git server") as said:
        server = undo.enter_context(GitServer())
        applications.publish(server)
        url = server.url(applications.REPOSITORY)
        clone = folder / applications.REPOSITORY
        # A person, whoever it is; kept in the clone, for who goes on with KEEP=1.
        person = "-c user.name='Ada Example' -c user.email=ada@example.com"
        shell.type(f"git clone -q {person} {url} {clone}")
        shell.folder = clone
        said.append(url)
    for line in (
        f"kubectl apply -k {applications.WEBAPP}",
        f"helm install podinfo {applications.CHART} -f {applications.VALUES}",
    ):
        with show.preparing(line):
            shell.type(line)
    with show.preparing("leadsman run") as said:
        operator = Operator(cluster.access, shell.path, folder / "operator")
        undo.callback(operator.close)
        operator.start()
        said.append(f"as ServiceAccount {cluster.account}")
    reports = Reports(shell, keeper, operator.ended)
    (folder / "driftchecks.yaml").write_text(applications.driftchecks(url))
    return Stage(show, shell, reports, operator)


@contextmanager
def uninterrupted() -> Iterator[None]:
    """Let neither Ctrl-C nor a polite kill end the block, nor a program that it runs."""
    numbers = (signal.SIGINT, signal.SIGTERM)
    before = [signal.signal(number, signal.SIG_IGN) for number in numbers]
    try:
        yield
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)
