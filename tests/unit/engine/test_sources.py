"""What a target asks Git, with a real repository."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from leadsman.engine.lookup import Lookup
from leadsman.engine.sources import Sources
from leadsman.errors import SourceError
from leadsman.model.source import Commit, Credentials, GitRef, GitSource
from leadsman.model.status import Failure
from leadsman.model.target import Target
from leadsman.source.mirrors import GitMirrors
from unit.engine.samples import target_state

if TYPE_CHECKING:
    from pathlib import Path

    from controlplane.gitrepo import Repository
    from controlplane.gitserver import GitServer


@pytest.fixture
def repository(git_server: GitServer) -> Repository:
    return git_server.create("shop", {"app.yaml": "kind: ConfigMap"})


@pytest.fixture
def sources(tmp_path: Path) -> Sources:
    return Sources(GitMirrors(tmp_path), Lookup(None), lambda _stage, _seconds: None)


def source(server: GitServer, branch: str) -> GitSource:
    return GitSource(server.url("shop"), GitRef(branch=branch))


async def test_targets_share_an_answer_of_a_moment_ago(
    sources: Sources,
    git_server: GitServer,
    repository: Repository,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("leadsman.engine.sources._SHARED_FOR", 3600.0)
    before = repository.head()
    await sources._ask(target_state("web"), source(git_server, "main"), None)
    repository.commit({"more.yaml": "kind: Secret"})
    asked = git_server.refs("shop")
    commit = await sources._ask(target_state("api"), source(git_server, "main"), None)
    assert (commit.sha, git_server.refs("shop")) == (before, asked)


async def test_a_target_takes_no_answer_of_its_own_last_poll(
    sources: Sources, git_server: GitServer, repository: Repository
) -> None:
    often = replace(source(git_server, "main"), interval=0.0)
    await sources._ask(target_state("web"), often, None)
    pushed = repository.commit({"more.yaml": "kind: Secret"})
    commit = await sources._ask(target_state("web"), often, None)
    assert commit.sha == pushed


async def test_a_branch_that_was_just_pushed_is_found(
    sources: Sources, git_server: GitServer, repository: Repository
) -> None:
    """Though another target has been told a moment ago which branches there are."""
    await sources._ask(target_state("web"), source(git_server, "main"), None)
    pushed = repository.commit({"more.yaml": "kind: Secret"}, branch="next")
    commit = await sources._ask(target_state("api"), source(git_server, "next"), None)
    assert (commit.sha, commit.revision) == (pushed, f"next@sha1:{pushed}")


@pytest.mark.usefixtures("repository")
async def test_a_branch_that_is_known_to_be_missing_costs_nothing_more(
    sources: Sources, git_server: GitServer
) -> None:
    state = target_state()
    with pytest.raises(SourceError, match="no branch 'next'"):
        await sources._ask(state, source(git_server, "next"), None)
    state.failure = Failure("source", "RefNotFound", "there is no branch 'next'")
    asked = git_server.refs("shop")
    with pytest.raises(SourceError, match="no branch 'next'"):
        await sources._ask(state, source(git_server, "next"), None)
    assert git_server.refs("shop") == asked


async def test_credentials_are_read_anew_after_a_checkout_that_failed(
    sources: Sources, git_server: GitServer, repository: Repository
) -> None:
    """A suspended target asks for no branch, so that only here a rotated password is met."""
    git_server.username, git_server.password = "ada", "new"
    secured = replace(source(git_server, "main"), namespace="shop", secret="git")  # noqa: S106 - its name
    old = Credentials({"username": b"ada", "password": b"old"})
    sources._lookup._credentials["shop", "git"] = old
    head = repository.head()
    with pytest.raises(SourceError, match="refuses the credentials"):
        await sources.artifact(
            Target(target_state().key, secured), Commit(head, f"main@sha1:{head}")
        )
    assert not sources._lookup._credentials
