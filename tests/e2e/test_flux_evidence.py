"""What a policy changes of what Flux's real kustomize-controller applies is told apart."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from controlplane.gitserver import GitServer
from controlplane.plane import ControlPlane
from e2e.mirror import config, excused, mirror
from harness.checks import Check
from harness.flux import KustomizeController
from harness.operator import Operator, install
from harness.waiting import a_second_later

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from controlplane.toolchain import Tools
    from harness.checks import Report

# Building the controller is counted in.
pytestmark = pytest.mark.timeout(1200)


@pytest.fixture(scope="module")
def plane(tools: Tools) -> Iterator[ControlPlane]:
    """A cluster of its own, for Flux's CRDs are in it, and the policy."""
    with ControlPlane(tools) as plane:
        install(plane)
        mirror(plane)
        yield plane


def test_flux_says_what_it_applied(
    plane: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> None:
    with (
        GitServer() as git,
        KustomizeController(plane) as flux,
        Operator.in_pod(plane, tmp_path_factory.mktemp("operator")) as operator,
        plane.namespace() as namespace,
    ):

        def manifest(**data: str) -> dict[str, Any]:
            made = config("web", **data)
            made["metadata"]["namespace"] = namespace
            return made

        def deliver(**data: str) -> str:
            text = json.dumps(manifest(**data))
            sha = repository.commit({"web.yaml": text})
            return flux.deliver("shop", text, revision=f"main@sha1:{sha}")

        def tells(revision: str) -> Callable[[Report], bool]:
            return lambda report: report.verdict == "InSync" and revision in str(excused(check))

        path = f"/api/v1/namespaces/{namespace}/configmaps/web"
        repository = git.create("shop")
        revision = deliver()
        check = Check(operator, plane, namespace, "shop")
        check.create(url=git.url("shop"), interval="1s")
        report = check.wait_verdict("InSync")
        image = excused(check)["web", "/data/image"]
        assert (image["manager"], image["evidence"]) == (
            "kustomize-controller",
            f"Flux Kustomization flux-system/shop at {revision}",
        )
        assert report.status["summary"]["admissionFields"] == 2

        # Delivered again: an object that was written then, and one more that nothing changes.
        a_second_later()
        for data in ({"same": "two"}, {"same": "two", "more": "three"}):
            check.wait(tells(deliver(**data)), "in sync with what was delivered")

        # Somebody who takes Flux's name, in its way and in another.
        a_second_later()
        by_name = f"{path}?fieldManager=kustomize-controller"
        plane.api.patch(by_name, {"data": {"image": "person"}})
        report = check.wait(
            lambda report: "/data/image" in report.changes("ConfigMap", "web"), "the change"
        )
        body = manifest(same="two", more="three") | {}
        body["data"]["image"] = "somebody"
        plane.api.patch(f"{by_name}&force=true", body, "apply-patch+yaml")
        check.wait(
            lambda report: (
                report.changes("ConfigMap", "web").get("/data/image", {}).get("live") == "somebody"
            ),
            "the other change",
        )
        deliver(same="two", more="four")
        check.wait_verdict("InSync")
