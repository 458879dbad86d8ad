from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from controlplane.gitrepo import git_environment
from leadsman.errors import SourceError
from leadsman.model.source import LocalSource
from leadsman.source.local import local_artifact, locate

if TYPE_CHECKING:
    from pathlib import Path

WHO = {
    "GIT_AUTHOR_NAME": "Ada Example",
    "GIT_AUTHOR_EMAIL": "ada@example.com",
    "GIT_COMMITTER_NAME": "Ada Example",
    "GIT_COMMITTER_EMAIL": "ada@example.com",
    "GIT_COMMITTER_DATE": "1700000000 +0000",
}


def git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", *arguments],
        cwd=folder,
        env=git_environment(**WHO),
        check=True,
        capture_output=True,
        text=True,
    )
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    root = tmp_path / "shop"
    (root / "deploy/prod").mkdir(parents=True)
    (root / "deploy/prod/app.yaml").write_text("a: 1\n")
    git(root, "init", "-q", "-b", "main")
    git(root, "add", ".")
    git(root, "commit", "-q", "-m", "First\n\nMore")
    return root


def test_the_root_is_the_work_tree_s(repository: Path) -> None:
    assert locate(repository / "deploy/prod") == (LocalSource(repository), "deploy/prod")
    assert locate(repository) == (LocalSource(repository), "")


def test_a_link_to_a_folder_is_where_it_leads(repository: Path, tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(repository / "deploy")
    assert locate(tmp_path / "link") == (LocalSource(repository), "deploy")


def test_outside_a_repository_the_folder_itself_is_the_root(tmp_path: Path) -> None:
    (tmp_path / "plain").mkdir()
    assert locate(tmp_path / "plain") == (LocalSource(tmp_path / "plain"), "")
    artifact = local_artifact(LocalSource(tmp_path / "plain"))
    assert (artifact.commit.sha, artifact.commit.revision) == ("", "local")
    assert artifact.trees == {}


def test_a_bare_repository_is_a_folder_like_any_other(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q", "--bare", "bare.git")
    assert locate(tmp_path / "bare.git") == (LocalSource(tmp_path / "bare.git"), "")


@pytest.mark.parametrize("name", ["nothing", "file"])
def test_what_is_no_folder_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "file").touch()
    for call in (
        lambda: locate(tmp_path / name),
        lambda: local_artifact(LocalSource(tmp_path / name)),
    ):
        with pytest.raises(SourceError, match=f"{name} is not a folder") as raised:
            call()
        assert raised.value.reason == "PathNotFound"


def test_the_commit_is_the_one_that_is_checked_out(repository: Path) -> None:
    sha = git(repository, "rev-parse", "HEAD")
    commit = local_artifact(LocalSource(repository)).commit
    assert (commit.sha, commit.revision) == (sha, f"main@sha1:{sha}")
    assert (commit.author, commit.subject, commit.time) == ("Ada Example", "First", 1_700_000_000)
    git(repository, "checkout", "-q", "--detach")
    assert local_artifact(LocalSource(repository)).commit.revision == f"sha1:{sha}"


@pytest.mark.parametrize("path", ["deploy/prod/app.yaml", "new.yaml"])
def test_a_changed_or_new_file_makes_it_dirty(repository: Path, path: str) -> None:
    (repository / path).write_text("a: 2\n")
    revision = local_artifact(LocalSource(repository)).commit.revision
    assert revision.endswith("+dirty")
    git(repository, "add", ".")
    assert local_artifact(LocalSource(repository)).commit.revision == revision


def test_an_ignored_file_does_not(repository: Path) -> None:
    (repository / ".git/info/exclude").write_text("*.log\n")
    (repository / "x.log").touch()
    assert not local_artifact(LocalSource(repository)).commit.revision.endswith("+dirty")


def test_a_repository_without_a_commit_has_none(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    assert local_artifact(LocalSource(tmp_path)).commit.revision == "local"


def test_no_program_that_the_repository_names_is_run(repository: Path, tmp_path: Path) -> None:
    trace = tmp_path / "ran"
    program = tmp_path / "monitor"
    program.write_text(f"#!/bin/sh\ntouch {trace}\n")
    program.chmod(0o755)
    git(repository, "config", "core.fsmonitor", str(program))
    local_artifact(LocalSource(repository))
    assert not trace.exists()
    git(repository, "status")
    assert trace.exists()
