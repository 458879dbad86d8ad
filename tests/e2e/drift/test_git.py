"""Git moves on: what a commit changes is compared with what lives, and is fetched once."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from controlplane.gitrepo import DEFAULT_AUTHOR
from harness.checks import Check
from inputs import real_input

if TYPE_CHECKING:
    from collections.abc import Callable

    from controlplane.gitserver import GitServer
    from controlplane.plane import ControlPlane
    from e2e.drift.conftest import Shop
    from harness.checks import Report
    from harness.operator import Operator


def test_a_commit_leads_to_a_new_verdict(shop: Shop) -> None:
    shop.check.patch(interval="1s")
    deployment = shop.repository.git("show", "main:deployment.yaml")
    new = deployment.replace("revisionHistoryLimit: 5", "revisionHistoryLimit: 7")
    sha = shop.repository.commit({"deployment.yaml": new}, message="Keep more revisions")

    status = shop.check.wait_verdict("Drifted").status
    assert status["revision"] == f"main@sha1:{sha}"
    assert status["commit"]["sha"] == sha
    assert status["commit"]["subject"] == "Keep more revisions"
    assert DEFAULT_AUTHOR.startswith(status["commit"]["author"])
    change = shop.check.report().changes("Deployment", "podinfo")["/spec/revisionHistoryLimit"]
    assert (change["desired"], change["live"]) == (7, 5)

    shop.deliver()
    status = shop.check.wait_verdict("InSync").status
    assert status["revision"] == f"main@sha1:{sha}"


@pytest.mark.parametrize("apply", [("apply",), ("apply", "--server-side")], ids=" ".join)
def test_a_field_that_git_has_dropped_is_left_behind(
    open_shop: Callable[..., Shop], namespace: str, apply: tuple[str, ...]
) -> None:
    shop = open_shop(namespace, apply=apply, interval="1s")
    deployment = shop.repository.git("show", "main:deployment.yaml")
    scrape = '        prometheus.io/scrape: "true"\n'
    assert scrape in deployment
    shop.repository.commit({"deployment.yaml": deployment.replace(scrape, "")})

    report = shop.check.wait_verdict("Drifted")
    path = "/spec/template/metadata/annotations/prometheus.io~1scrape"
    change = report.changes("Deployment", "podinfo")[path]
    assert (change["cause"], change["op"], change["live"]) == ("LeftBehind", "add", "true")
    shop.deliver()
    assert shop.check.wait_verdict("InSync").states == {}


def test_a_commit_that_changes_no_object_is_told(shop: Shop) -> None:
    shop.check.patch(interval="1s")
    sha = shop.repository.commit({"README.md": "how to use it\n"})
    report = shop.check.wait(
        lambda report: report.status["revision"] == f"main@sha1:{sha}", "the revision"
    )
    assert report.verdict == "InSync"
    assert not shop.check.events()


def test_the_revision_is_named_as_the_spec_names_it(shop: Shop) -> None:
    """Though the commit stays the same."""
    sha = shop.repository.head()
    for tag in ("v1.0.0", "v1.1.0"):
        shop.repository.git("tag", tag, sha)
    for ref, name in (({"tag": "v1.0.0"}, "v1.0.0"), ({"semver": ">=1.0.0"}, "v1.1.0")):
        revision = f"{name}@sha1:{sha}"
        shop.check.patch(ref={"branch": None, "tag": None} | ref)
        report = shop.check.wait(_reads(revision), revision)
        assert report.verdict == "InSync"


def test_targets_of_one_repository_share_a_fetch(
    control_plane: ControlPlane, operator: Operator, git: GitServer, namespace: str
) -> None:
    deploy = real_input("podinfo") / "deploy"
    repository = git.create(namespace, deploy)
    checks = [
        Check(operator, control_plane, namespace, name).create(
            url=git.url(namespace), path=f"overlays/{name}", interval="1s"
        )
        for name in ("dev", "staging", "production")
    ]
    for check in checks:
        check.wait(lambda report: report.verdict, "a verdict")
    assert git.packs(namespace) == 1

    sha = repository.commit({"README.md": "new"})
    for check in checks:
        check.wait(lambda report: report.status["commit"]["sha"] == sha, "the new commit")
    assert git.packs(namespace) == 2


def _reads(revision: str) -> Callable[[Report], bool]:
    return lambda report: bool(report.status["revision"] == revision)
