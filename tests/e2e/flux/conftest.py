"""The cluster, Flux's controller, the operator and the Git server that all these tests share."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest

from controlplane.gitserver import GitServer
from controlplane.plane import ControlPlane
from harness.checks import Check
from harness.flux import NAMESPACE as FLUX_NAMESPACE
from harness.flux import KustomizeController
from harness.operator import Operator, install

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from controlplane.gitrepo import Repository
    from controlplane.toolchain import Tools


@dataclass(slots=True)
class Delivery:
    """A Kustomization, the repository that it is of, and what Leadsman reports of it."""

    flux: KustomizeController
    check: Check
    repository: Repository
    url: str
    files: dict[str, bytes] = field(default_factory=dict)
    spec: dict[str, Any] = field(default_factory=dict)

    def apply(self, files: Mapping[str, str | bytes | None] | None = None, **spec: Any) -> str:
        """Commit files, None removes one, and have Flux apply them; return why it did not."""
        self.commit(files or {})
        self.spec |= spec
        return self.again()

    def commit(self, files: Mapping[str, str | bytes | None]) -> str:
        """Commit files without telling Flux; return the commit."""
        for name, content in files.items():
            if content is None:
                del self.files[name]
            else:
                self.files[name] = content.encode() if isinstance(content, str) else content
        return self.repository.commit(files) if files else self.repository.head()

    def again(self) -> str:
        """Have Flux apply what was committed; return why it did not."""
        return self.flux.reconcile(
            self.check.name, self.files, url=self.url, revision=self.revision, **self.spec
        )

    @property
    def revision(self) -> str:
        return f"main@sha1:{self.repository.head()}"

    def kubectl(self, *arguments: str, stdin: str = "") -> str:
        """Run kubectl in the namespace that it delivers to."""
        namespace = self.spec["targetNamespace"]
        return self.check.plane.kubectl(*arguments, "-n", namespace, stdin=stdin).stdout.strip()


@pytest.fixture(scope="package")
def plane(tools: Tools) -> Iterator[ControlPlane]:
    """A cluster of their own, for Flux's CRDs are in it."""
    with ControlPlane(tools) as plane:
        install(plane)
        yield plane


@pytest.fixture(scope="package")
def operator(plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Operator]:
    """The operator, which was there before Flux."""
    with Operator.in_pod(plane, tmp_path_factory.mktemp("operator")) as operator:
        operator.wait_ready()
        yield operator


@pytest.fixture(scope="package")
def flux(plane: ControlPlane, operator: Operator) -> Iterator[KustomizeController]:
    assert operator.ended() == ""
    with KustomizeController(plane) as flux:
        yield flux


@pytest.fixture(scope="package")
def git() -> Iterator[GitServer]:
    with GitServer() as server:
        yield server


@pytest.fixture
def namespace(plane: ControlPlane) -> Iterator[str]:
    with plane.namespace() as name:
        yield name


@pytest.fixture
def begin(
    plane: ControlPlane,
    operator: Operator,
    flux: KustomizeController,
    git: GitServer,
    namespace: str,
) -> Callable[..., Delivery]:
    """Begin with a repository, a Kustomization of its name, and files for a new namespace."""

    def begin(files: Mapping[str, str | bytes], **spec: Any) -> Delivery:
        check = Check(operator, plane, FLUX_NAMESPACE, namespace, "Kustomization")
        delivery = Delivery(flux, check, git.create(namespace), git.url(namespace))
        delivery.spec["targetNamespace"] = namespace
        delivery.commit(files)
        assert delivery.apply(**spec) == ""
        return delivery

    return begin


def config(name: str, **data: str) -> str:
    """A ConfigMap as JSON."""
    metadata = {"name": name}
    return json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": data})
