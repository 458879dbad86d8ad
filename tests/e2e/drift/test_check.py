"""``leadsman check``: the same engine, run once, by somebody who may only read."""

from __future__ import annotations

import json
import shutil
from typing import TYPE_CHECKING, Any

import pytest
import yaml

from harness.checks import API_VERSION
from inputs import real_input

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from controlplane.gitserver import GitServer
    from controlplane.plane import ControlPlane
    from e2e.drift.command import Leadsman
    from e2e.drift.conftest import Shop

# What the shops' repositories hold.
FOLDER = str(real_input("podinfo") / "kustomize")
TELLS_DRIFT = (
    "Missing      Service bad/podinfo  service.yaml",
    "spec.replicas: added 4 (kubectl via scale",
)


@pytest.fixture(scope="module", autouse=True)
def shops(open_shop: Callable[..., Shop], control_plane: ControlPlane) -> Mapping[str, Shop]:
    """One that is in sync, and one that has drifted; both by the name of their namespace."""
    for name in ("good", "bad"):
        control_plane.create_namespace(name)
    shops = {name: open_shop(name) for name in ("good", "bad")}
    shops["bad"].kubectl("scale", "deployment/podinfo", "--replicas=4")
    shops["bad"].kubectl("delete", "service/podinfo")
    return shops


def driftcheck(url: str, name: str = "shop", **spec: Any) -> str:
    """Return a manifest that says no namespace."""
    return yaml.safe_dump(
        {
            "apiVersion": API_VERSION,
            "kind": "DriftCheck",
            "metadata": {"name": name},
            "spec": {"url": url, "ref": {"branch": "main"}} | spec,
        }
    )


def test_a_folder_that_is_in_sync(leadsman: Leadsman) -> None:
    done = leadsman.check(FOLDER, "-n", "good")
    assert (done.code, done.errors) == (0, "")
    headline, row = done.out.splitlines()
    assert headline.split() == ["TARGET", "VERDICT", "OBJECTS", "DRIFTED", "MISSING", "REVISION"]
    assert row.split() == [FOLDER, "InSync", "3", "0", "0", "local"]


def test_an_overlay_outside_of_git(leadsman: Leadsman) -> None:
    top = leadsman.home / "unpacked"
    shutil.copytree(FOLDER, top / "base")
    overlay = top / "overlays/prod"
    overlay.mkdir(parents=True)
    (overlay / "kustomization.yaml").write_text("resources: [../../base]\n")
    done = leadsman.check(str(overlay), "-n", "good")
    assert done.code == 2
    assert "PathOutside" in done.out
    assert "--root" in done.out
    done = leadsman.check(str(overlay), "-n", "good", "--root", str(top))
    assert (done.code, done.errors) == (0, "")
    assert "InSync" in done.out


def test_one_manifest(leadsman: Leadsman) -> None:
    done = leadsman.check(f"{FOLDER}/service.yaml", "-n", "good", "-o", "json")
    assert (done.code, done.errors) == (0, "")
    assert json.loads(done.out)[0]["status"]["summary"]["total"] == 1
    assert leadsman.check(f"{FOLDER}/service.yaml", "-n", "bad").code == 1


def test_a_folder_with_nothing_in_it(leadsman: Leadsman) -> None:
    folder = leadsman.home / "empty"
    folder.mkdir()
    done = leadsman.check(str(folder))
    assert done.code == 2
    assert "EmptyRender" in done.out
    assert "--allow-empty" in done.out
    assert leadsman.check(str(folder), "--allow-empty").code == 0


def test_a_chart_in_a_folder_that_is_no_name_of_a_release(leadsman: Leadsman) -> None:
    chart = leadsman.home / "My Chart_v1"
    shutil.copytree(real_input("podinfo") / "charts/podinfo", chart)
    done = leadsman.check(str(chart))
    assert done.code == 2
    assert "--release-name" in done.out
    assert "EmptyRender" not in done.out
    assert leadsman.check(str(chart), "--release-name", "shop").code == 1


def test_flags_for_a_path_alone(leadsman: Leadsman) -> None:
    done = leadsman.check("--all", "--root", ".", "--allow-empty")
    assert (done.code, done.out) == (2, "")
    assert "InvalidArguments: --root and --allow-empty are for a PATH" in done.errors


def test_a_folder_that_has_drifted_in_the_contexts_namespace(leadsman: Leadsman) -> None:
    done = leadsman.check(FOLDER, "--kubeconfig", leadsman.context(context={"namespace": "bad"}))
    assert done.code == 1
    assert all(text in done.out for text in TELLS_DRIFT), done.out


def test_the_clusters_own(leadsman: Leadsman) -> None:
    done = leadsman.check("--all", "-n", "bad")
    assert done.code == 1
    assert "bad/shop" in done.out
    assert all(text in done.out for text in TELLS_DRIFT), done.out


def test_a_file(leadsman: Leadsman, git: GitServer, shops: Mapping[str, Shop]) -> None:
    file = leadsman.home / "shop.yaml"
    file.write_text(driftcheck(git.url("good")))
    done = leadsman.check("-f", str(file), "-n", "good")
    assert (done.code, done.errors) == (0, "")
    assert f"main@{shops['good'].repository.head()[:8]}" in done.out


def test_what_cannot_be_checked_hides_nothing_else(leadsman: Leadsman, git: GitServer) -> None:
    url = git.url("bad")
    rule = {"paths": ["/x"], "target": {"name": "("}}
    manifests = [
        driftcheck(url),
        driftcheck(url, "moved", path="nowhere"),
        driftcheck(url, "misspelt", compare={"ignore": [rule]}),
    ]
    done = leadsman.check("-f", "-", "-n", "bad", stdin="---\n".join(manifests))
    assert done.code == 2
    assert all(text in done.out for text in TELLS_DRIFT), done.out
    assert "PathNotFound: nowhere is not in the repository" in done.out
    assert "InvalidSpec: spec.compare.ignore[0].target.name" in done.out


def test_data(leadsman: Leadsman) -> None:
    command = ("--all", "-n", "bad", "-o")
    answers = [leadsman.check(*command, style) for style in ("json", "yaml")]
    assert [done.code for done in answers] == [1, 1]
    data = json.loads(answers[0].out)
    ((target, status),) = [(item["target"], item["status"]) for item in data]
    assert target == {"kind": "DriftCheck", "namespace": "bad", "name": "shop"}
    assert status["verdict"] == "Drifted"
    assert [item["state"] for item in status["objects"]] == ["Missing", "Added"]
    assert status["objects"][1]["changes"][0]["path"] == "/spec/replicas"
    assert [item["target"] for item in yaml.safe_load(answers[1].out)] == [target]


def test_added_fields_can_be_left_out(leadsman: Leadsman) -> None:
    done = leadsman.check(FOLDER, "-n", "bad", "--ignore-added", "-o", "json")
    assert done.code == 1
    status = json.loads(done.out)[0]["status"]
    assert [item["state"] for item in status["objects"]] == ["Missing"]
    assert [item["kind"] for item in status["ignored"]] == ["Deployment"]


def test_two_of_one_name_are_refused(leadsman: Leadsman) -> None:
    done = leadsman.check("-f", "-", stdin="---\n".join([driftcheck("https://example.com")] * 2))
    assert (done.code, done.out) == (2, "")
    assert "InvalidArguments: 2 DriftChecks are named" in done.errors


def test_a_cluster_that_does_not_answer(leadsman: Leadsman) -> None:
    kubeconfig = leadsman.context(cluster={"server": "https://127.0.0.1:1"})
    done = leadsman.check(FOLDER, "--kubeconfig", kubeconfig)
    assert (done.code, done.out) == (2, "")
    assert "127.0.0.1:1" in done.errors
    assert "Traceback" not in done.errors
