"""The cluster, the operator and the Git server that all these tests share."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest

from controlplane.gitserver import GitServer
from controlplane.plane import ControlPlane
from e2e.drift.cases import CASES, PARTS, Case, repository
from e2e.drift.command import Leadsman
from e2e.drift.flux import FLUX_CRDS
from harness.checks import Check
from harness.operator import NAMESPACE, SERVICE_ACCOUNT, Operator, install
from inputs import real_input

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from controlplane.gitrepo import Files, Repository
    from controlplane.toolchain import Tools
    from harness.checks import Report


@dataclass(frozen=True, slots=True)
class Shop:
    """podinfo's kustomization with a Git repository, a namespace and a DriftCheck of its own."""

    repository: Repository
    check: Check
    apply: tuple[str, ...] = ("apply",)

    def deliver(self) -> None:
        """Apply what Git has now."""
        with TemporaryDirectory() as folder:
            self.repository.git(f"--work-tree={folder}", "checkout", "--force", "main", "--", ".")
            self.kubectl(*self.apply, "-k", folder)

    def kubectl(self, *arguments: str, stdin: str = "") -> str:
        """Run kubectl in the namespace and return what it prints."""
        check = self.check
        done = check.plane.kubectl(*arguments, "-n", check.namespace, stdin=stdin)
        return done.stdout.strip()


@pytest.fixture(scope="package")
def control_plane(tools: Tools) -> Iterator[ControlPlane]:
    """A cluster of their own: the charts bring webhooks, whose services are not there.

    Its autoscaler looks each second, where it would every fifteenth.
    """
    flags = ["--horizontal-pod-autoscaler-sync-period=1s"]
    with ControlPlane(tools, audit=True, controller_manager_flags=flags) as plane:
        install(plane)
        yield plane


@pytest.fixture(scope="package")
def operator(
    control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Operator]:
    """The operator, with the ServiceAccount and the permissions of ``deploy/``."""
    with Operator.in_pod(control_plane, tmp_path_factory.mktemp("operator")) as operator:
        yield operator


@pytest.fixture(scope="package")
def git() -> Iterator[GitServer]:
    """A Git server with the real repositories, under the names in ``CASES``, and new ones."""
    with GitServer() as server:
        for source in {case.source for case in CASES}:
            made = server.create(source)
            for part in PARTS.get(source, ("",)):
                made.commit_folder(repository(source) / part, below=part)
        yield server


@pytest.fixture(scope="package")
def leadsman(control_plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Leadsman:
    """The command line, of somebody who may do what the operator may, which is to read."""
    kubeconfig = control_plane.service_account_kubeconfig(NAMESPACE, SERVICE_ACCOUNT)
    return Leadsman(control_plane, kubeconfig, tmp_path_factory.mktemp("home"))


@pytest.fixture(scope="package")
def deliver(
    operator: Operator, control_plane: ControlPlane, git: GitServer
) -> Callable[[Case], Check]:
    """Deliver a real application into a namespace of its own, and have it checked."""

    def deliver(case: Case) -> Check:
        control_plane.create_namespace(case.name)
        case.delivery.deliver(control_plane, case.folder, case.name)
        where = {"url": git.url(case.source), "path": case.path, "interval": "10s"}
        check = Check(operator, control_plane, case.name, "web")
        return check.create(**where, **case.delivery.spec())

    return deliver


@dataclass(frozen=True, slots=True)
class Delivered:
    """A case that was delivered, and the first thing that was reported of it."""

    check: Check
    first: Report


@pytest.fixture(scope="package")
def delivered(
    control_plane: ControlPlane, deliver: Callable[[Case], Check]
) -> Mapping[str, Future[Delivered]]:
    """The cases by name; one that could not be delivered raises why when it is asked for."""

    def observe(case: Case) -> Delivered:
        check = deliver(case)
        return Delivered(check, check.wait(lambda report: report.verdict, "a verdict"))

    control_plane.kubectl("apply", "-f", "-", stdin=FLUX_CRDS)
    futures: dict[str, Future[Delivered]] = {}
    for webhooks in (False, True):
        cases = [case for case in CASES if case.webhooks is webhooks]
        with ThreadPoolExecutor(4) as pool:
            futures |= {case.name: pool.submit(observe, case) for case in cases}
    return futures


@pytest.fixture(scope="package")
def open_shop(
    operator: Operator, control_plane: ControlPlane, git: GitServer
) -> Callable[..., Shop]:
    """Make a shop in a namespace: with more files, another way to apply, more of a spec."""

    def open_shop(
        namespace: str,
        files: Files | None = None,
        apply: tuple[str, ...] = ("apply",),
        **spec: Any,
    ) -> Shop:
        made = git.create(namespace, real_input("podinfo") / "kustomize")
        if files:
            made.commit(files)
        shop = Shop(made, Check(operator, control_plane, namespace, "shop"), apply)
        shop.deliver()
        shop.check.create(**{"url": git.url(namespace), "interval": "1h"} | spec)
        shop.check.wait_verdict("InSync")
        return shop

    return open_shop


@pytest.fixture
def shop(open_shop: Callable[..., Shop], namespace: str) -> Shop:
    """podinfo, in sync, with a repository and a namespace of its own."""
    return open_shop(namespace)
