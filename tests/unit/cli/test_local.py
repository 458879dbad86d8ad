from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from controlplane.gitrepo import git_environment
from leadsman.cli.local import local_target, with_flags
from leadsman.cli.parser import parser
from leadsman.errors import LeadsmanError
from leadsman.model.identity import TargetKey
from leadsman.model.source import LocalSource
from leadsman.model.status import Failure, TargetStatus, Verdict
from leadsman.model.target import HelmOptions

if TYPE_CHECKING:
    from pathlib import Path

    from leadsman.model.target import Target


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """Return an overlay, its base and a chart, as an unpacked archive holds them."""
    for name in ("overlays/prod/kustomization.yaml", "base/app.yaml", "chart/Chart.yaml"):
        file = tmp_path / name
        file.parent.mkdir(parents=True)
        file.touch()
    return tmp_path


def target(*arguments: str) -> Target:
    return local_target(parser().parse_args(["check", *arguments]), "shop")


def test_outside_git_the_root_is_the_folder_or_the_one_that_is_named(tree: Path) -> None:
    prod = str(tree / "overlays/prod")
    alone, rooted = target(prod), target(prod, "--root", str(tree))
    assert (alone.source, alone.path) == (LocalSource(tree / "overlays/prod"), "")
    assert (rooted.source, rooted.path) == (LocalSource(tree), "overlays/prod")
    assert rooted.key == alone.key == TargetKey("Path", "shop", prod)
    itself = target(prod, "--root", prod)
    assert (itself.source, itself.path) == (alone.source, "")


def test_in_git_the_root_is_the_work_trees(tree: Path) -> None:
    subprocess.run(["git", "init", "-q", str(tree)], env=git_environment(), check=True)
    found = target(str(tree / "overlays/prod"))
    assert (found.source, found.path) == (LocalSource(tree), "overlays/prod")
    file = target(str(tree / "base/app.yaml"))
    assert (file.source, file.path) == (LocalSource(tree), "base/app.yaml")


def test_a_file_is_a_path_too(tree: Path) -> None:
    (tree / "link.yaml").symlink_to(tree / "base/app.yaml")
    for name in ("base/app.yaml", "link.yaml"):
        found = target(str(tree / name))
        assert (found.source, found.path) == (LocalSource(tree / "base"), "app.yaml")
        assert found.render is None


@pytest.mark.parametrize(
    ("path", "flags", "said"),
    [
        ("nothing", (), "nothing is not there"),
        ("base", ("--root", "chart"), "base is not in --root chart"),
        ("base", ("--root", "nothing"), "--root nothing is not a folder"),
        ("base", ("--root", "base/app.yaml"), "is not a folder"),
        ("base", ("--values", "a.yaml"), "has no Chart.yaml"),
        ("base/app.yaml", ("--release-name", "a"), "has no Chart.yaml"),
    ],
)
def test_what_cannot_be_meant_is_refused(
    tree: Path, monkeypatch: pytest.MonkeyPatch, path: str, flags: tuple[str, ...], said: str
) -> None:
    monkeypatch.chdir(tree)
    with pytest.raises(LeadsmanError, match=said):
        target(path, *flags)


def test_a_file_that_stands_for_its_folder_means_the_folder(tree: Path) -> None:
    (tree / "base" / "kustomization.yaml").write_text("resources: [app.yaml]\n")
    for folder, name in (("chart", "Chart.yaml"), ("base", "kustomization.yaml")):
        named, meant = target(str(tree / folder / name)), target(str(tree / folder))
        assert (named.source, named.path, named.render) == (meant.source, meant.path, meant.render)


def test_what_a_spec_may_say_flags_may(tree: Path) -> None:
    found = target(str(tree / "base"), "-n", "web", "--allow-empty", "--target-namespace", "api")
    assert (found.key.namespace, found.target_namespace, found.allow_empty) == ("web", "api", True)
    plain = target(str(tree / "base"))
    assert (plain.target_namespace, plain.allow_empty) == ("", False)
    chart = target(str(tree / "chart"), "--release-name", "shop", "--values", "prod.yaml")
    assert chart.render == HelmOptions(release_name="shop", values_files=("prod.yaml",))


@pytest.mark.parametrize(
    ("reason", "message", "said"),
    [
        ("EmptyRender", "nothing: set spec.allowEmpty", "nothing: set --allow-empty"),
        ("TemplateFailed", "bad: set spec.helm.releaseName", "bad: set --release-name"),
        (
            "PathOutside",
            "../base leads out",
            "../base leads out; name with --root a folder that holds it too",
        ),
    ],
)
def test_failures_name_flags(reason: str, message: str, said: str) -> None:
    failure = Failure("render", reason, message)
    path, check = (
        with_flags(TargetStatus(TargetKey(kind, "", "x"), "", 0, Verdict.UNKNOWN, failure=failure))
        for kind in ("Path", "DriftCheck")
    )
    assert path.failure is not None
    assert path.failure.message == said
    assert check.failure == failure
