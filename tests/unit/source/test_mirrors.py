"""Mirrors against a real server: references, sharing, and what is fetched when."""

from __future__ import annotations

import asyncio
import os
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest

from leadsman.errors import SourceError
from leadsman.model.source import Credentials, GitRef, GitSource
from leadsman.source import mirror
from leadsman.source.checkouts import remove_tree
from leadsman.source.url import repository_name

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable
    from pathlib import Path

    from controlplane.gitserver import GitServer
    from leadsman.source.mirrors import GitMirrors

WRAPPER = """#!/bin/sh
exec git -c protocol.version=0 "$@"
"""
# The first ls-remote hands its answer over only when somebody has opened the gate and closed it.
HELD = """#!/bin/sh
case " $* " in *" ls-remote "*) ;; *) exec git "$@" ;; esac
answer=$(git "$@") || exit
if rm "{once}" 2> /dev/null; then read -r _ < "{gate}"; fi
printf '%s\\n' "$answer"
"""


def found(folder: Path, pattern: str) -> list[str]:
    return sorted(path.name for path in folder.glob(pattern))


def source(server: GitServer, repository: str = "shop", /, **ref: str) -> GitSource:
    return GitSource(server.url(repository), GitRef(**(ref or {"branch": "main"})))


async def test_a_branch_is_resolved_with_who_when_and_what(
    server: GitServer, mirrors: GitMirrors
) -> None:
    shop = server.create("shop", {"app.yaml": "one"})
    sha = shop.commit(
        {"app.yaml": "two"},
        message="Serve\nmore\n\nBecause.",
        author="Grace Hopper <grace@example.com>",
        when=1_700_000_000,
    )
    commit = await mirrors.resolve(source(server), None)
    assert commit.sha == sha
    assert commit.revision == f"main@sha1:{sha}"
    assert (commit.author, commit.subject) == ("Grace Hopper", "Serve more")
    assert commit.time == 1_700_000_000


async def test_each_kind_of_reference_leads_to_its_commit(
    server: GitServer, mirrors: GitMirrors
) -> None:
    shop = server.create("shop", {"a": "1"})
    first = shop.head()
    shop.tag("v1.0.0")
    second = shop.commit({"a": "2"})
    shop.tag("v1.1.0", message="Annotated")
    third = shop.commit({"a": "3"})
    shop.tag("v2.0.0-rc.1")
    shop.branch("master")
    other = shop.commit({"a": "pull"}, branch="topic")
    shop.update_ref("refs/pull/420/head", "topic")
    shop.delete_branch("topic")

    async def resolved(**ref: str) -> tuple[str, str]:
        commit = await mirrors.resolve(GitSource(server.url("shop"), GitRef(**ref)), None)
        return commit.sha, commit.revision

    assert await resolved() == (third, f"master@sha1:{third}")
    assert await resolved(branch="main") == (third, f"main@sha1:{third}")
    assert await resolved(tag="v1.0.0") == (first, f"v1.0.0@sha1:{first}")
    assert await resolved(tag="v1.1.0") == (second, f"v1.1.0@sha1:{second}")
    assert await resolved(semver=">=1.0.0 <2.0.0") == (second, f"v1.1.0@sha1:{second}")
    assert await resolved(semver=">=1.0.0-0") == (third, f"v2.0.0-rc.1@sha1:{third}")
    assert await resolved(name="refs/heads/main") == (third, f"refs/heads/main@sha1:{third}")
    assert await resolved(name="refs/tags/v1.1.0") == (second, f"refs/tags/v1.1.0@sha1:{second}")
    assert await resolved(name="refs/pull/420/head") == (
        other,
        f"refs/pull/420/head@sha1:{other}",
    )
    assert await resolved(name="HEAD") == (third, f"HEAD@sha1:{third}")
    assert await resolved(commit=first) == (first, f"sha1:{first}")
    assert await resolved(commit=first, branch="main") == (first, f"main@sha1:{first}")


async def test_a_commit_has_to_be_in_the_branch_that_is_named_with_it(
    server: GitServer, mirrors: GitMirrors
) -> None:
    shop = server.create("shop", {"a": "1"})
    shop.branch("stable")
    late = shop.commit({"a": "2"})
    await mirrors.resolve(source(server, commit=late), None)
    with pytest.raises(SourceError, match=f"branch 'stable' has no commit {late}") as raised:
        await mirrors.resolve(source(server, commit=late, branch="stable"), None)
    assert raised.value.reason == "RefNotFound"
    shop.branch("stable", at="main")
    commit = await mirrors.resolve(source(server, commit=late, branch="stable"), None)
    assert commit.revision == f"stable@sha1:{late}"


async def test_a_pinned_commit_asks_the_server_once_and_never_again(
    server: GitServer, mirrors: GitMirrors
) -> None:
    shop = server.create("shop", {"a": "1"})
    pinned = source(server, commit=shop.head())
    await mirrors.resolve(pinned, None)
    asked = len(server.requests)
    await mirrors.resolve(pinned, None)
    assert len(server.requests) == asked


async def test_of_versions_that_differ_in_build_metadata_the_newest_commit_is_meant(
    server: GitServer, mirrors: GitMirrors
) -> None:
    shop = server.create("shop", {"a": "1"})
    newest = shop.commit({"a": "2"}, branch="new", when=2_000_000_000)
    shop.tag("1.0.0+a", at="new")
    shop.commit({"a": "3"}, branch="old", when=1_000_000_000)
    shop.tag("1.0.0+b", at="old")
    commit = await mirrors.resolve(source(server, semver="1.x"), None)
    assert commit.revision == f"1.0.0+a@sha1:{newest}"


async def test_an_unchanged_branch_costs_one_question_and_no_fetch(
    server: GitServer, mirrors: GitMirrors, seen: Counter[str]
) -> None:
    server.create("shop", {"a": "1"})
    for _ in range(3):
        await mirrors.resolve(source(server), None)
    assert (seen["ls-remote"], seen["fetch"]) == (3, 1)
    assert (server.refs("shop"), server.packs("shop")) == (4, 1)


async def test_targets_of_one_repository_share_question_fetch_and_checkout(
    server: GitServer, mirrors: GitMirrors, seen: Counter[str]
) -> None:
    server.create("shop", {"a": "1"})
    sources = [
        source(server),
        source(server, name="refs/heads/main"),
        replace(source(server), interval=5.0, namespace="other"),
    ] * 5
    commits = await asyncio.gather(*(mirrors.resolve(one, None) for one in sources))
    artifacts = await asyncio.gather(
        *(mirrors.artifact(one, None, commit) for one, commit in zip(sources, commits, strict=True))
    )
    assert (server.refs("shop"), server.packs("shop")) == (2, 1)
    assert (seen["ls-remote"], seen["fetch"], seen["checkout"]) == (1, 1, 1)
    assert len({artifact.root for artifact in artifacts}) == 1
    assert len({artifact.commit.revision for artifact in artifacts}) == 2


async def test_an_answer_is_good_for_as_long_as_the_caller_says(
    server: GitServer, mirrors: GitMirrors, seen: Counter[str]
) -> None:
    shop = server.create("shop", {"a": "1"})
    old = await mirrors.resolve(source(server), None)
    new = shop.commit({"a": "2"})
    assert await mirrors.resolve(source(server), None, max_age=60) == old
    assert (await mirrors.resolve(source(server), None)).sha == new
    assert seen["ls-remote"] == 2


async def test_a_failure_too_is_an_answer_for_a_while(
    server: GitServer, mirrors: GitMirrors, seen: Counter[str]
) -> None:
    server.create("shop", {"a": "1"})
    server.status = 503
    for max_age in (0.0, 60.0):
        with pytest.raises(SourceError, match="503"):
            await mirrors.resolve(source(server), None, max_age=max_age)
    assert seen["ls-remote Unreachable"] == 1
    server.status = 0
    await mirrors.resolve(source(server), None)


async def test_who_asks_after_a_question_was_put_gets_a_new_answer(
    server: GitServer, mirrors: GitMirrors
) -> None:
    shop = server.create("shop", {"a": "1"})
    await mirrors.resolve(source(server), None)
    server.asked.clear()
    server.delay = 0.5
    early = asyncio.create_task(mirrors.resolve(source(server), None))
    await asyncio.to_thread(server.asked.wait, 10)
    await asyncio.sleep(0.02)
    new = shop.commit({"a": "2"})
    late = await mirrors.resolve(source(server), None)
    assert late.sha == new
    await early


async def test_a_complete_listing_is_asked_for_only_when_needed_and_then_for_all(
    server: GitServer, mirrors: GitMirrors, seen: Counter[str]
) -> None:
    shop = server.create("shop", {"a": "1"})
    shop.update_ref("refs/pull/1/head", "main")
    await mirrors.resolve(source(server), None, max_age=60)
    await mirrors.resolve(source(server, name="refs/pull/1/head"), None, max_age=60)
    await mirrors.resolve(source(server), None, max_age=60)
    await mirrors.resolve(source(server, name="refs/pull/1/head"), None, max_age=60)
    assert seen["ls-remote"] == 2


async def test_a_forced_push_and_a_deleted_branch_are_followed(
    server: GitServer, mirrors: GitMirrors
) -> None:
    shop = server.create("shop", {"a": "1"})
    first = shop.head()
    shop.commit({"a": "2"})
    await mirrors.resolve(source(server), None)
    shop.commit({"a": "rewritten"}, branch="other", message="Rewritten")
    shop.branch("main", at="other")
    forced = await mirrors.resolve(source(server), None)
    assert forced.subject == "Rewritten"
    shop.branch("main", at=first)
    assert (await mirrors.resolve(source(server), None)).sha == first
    shop.branch("safe")
    shop.delete_branch("main")
    with pytest.raises(SourceError, match="there is no branch 'main'") as raised:
        await mirrors.resolve(source(server), None)
    assert raised.value.reason == "RefNotFound"
    assert server.url("shop") in raised.value.message
    assert raised.value.message.count(server.url("shop")) == 1


async def test_an_older_commit_can_be_had_as_a_suspended_target_needs(
    server: GitServer, make_mirrors: Callable[..., GitMirrors]
) -> None:
    shop = server.create("shop", {"a": "1"})
    old = shop.head()
    shop.commit({"a": "2"})
    artifact = await make_mirrors().artifact(source(server), None, old)
    assert (artifact.root / "a").read_text() == "1"
    assert artifact.commit.revision == f"sha1:{old}"
    assert artifact.commit.subject == "First commit"


async def test_a_server_that_gives_no_commit_by_its_id_gives_the_branch_with_it(
    server: GitServer, make_mirrors: Callable[..., GitMirrors], tmp_path: Path
) -> None:
    shop = server.create("shop", {"a": "1"})
    shop.git("config", "uploadpack.allowAnySHA1InWant", "false")
    old = shop.head()
    new = shop.commit({"a": "2"})
    shop.commit({"a": "3"}, branch="topic")
    shop.update_ref("refs/pull/1/head", "topic")
    shop.delete_branch("topic")
    program = tmp_path / "git-with-the-old-protocol"
    program.write_text(WRAPPER)
    program.chmod(0o755)
    mirrors = make_mirrors(git=str(program))
    assert (await mirrors.resolve(source(server), None)).sha == new
    pull = await mirrors.resolve(source(server, name="refs/pull/1/head"), None)
    assert pull.sha == shop.head("refs/pull/1/head")
    artifact = await mirrors.artifact(source(server), None, old)
    assert (artifact.root / "a").read_text() == "1"


async def test_a_commit_that_is_nowhere_is_not_found(
    server: GitServer, mirrors: GitMirrors
) -> None:
    shop = server.create("shop", {"a": "1"})
    tree = shop.git("rev-parse", "main^{tree}")
    for sha in ("1" * 40, tree):
        with pytest.raises(SourceError, match=f"has no commit {sha}") as raised:
            await mirrors.resolve(source(server, commit=sha), None)
        assert raised.value.reason == "RefNotFound"


async def test_other_credentials_share_nothing(
    server: GitServer, mirrors: GitMirrors, seen: Counter[str]
) -> None:
    server.create("shop", {"a": "1"})
    ours = Credentials({"username": b"ada", "password": b"secret"})
    commit = await mirrors.resolve(source(server), ours)
    first = await mirrors.artifact(source(server), ours, commit)
    second = await mirrors.artifact(source(server), None, commit)
    assert first.root != second.root
    assert seen["fetch"] == 2


async def test_the_mirror_begins_anew_before_it_is_full_of_old_commits(
    server: GitServer, mirrors: GitMirrors, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mirror, "_MOST_PACKS", 3)
    shop = server.create("shop", {"a": "1"})
    packs = []
    for number in range(5):
        shop.commit({"a": str(number)})
        await mirrors.resolve(source(server), None)
        packs.append(len(found(tmp_path, "root-0/mirrors/*/objects/pack/*.pack")))
    assert packs == [1, 2, 3, 1, 2]
    artifact = await mirrors.artifact(source(server), None, shop.head())
    assert (artifact.root / "a").read_text() == "4"


def damage(tmp_path: Path, pattern: str) -> None:
    for path in tmp_path.glob(pattern):
        remove_tree(path)


@pytest.mark.parametrize("pattern", ["root-0/mirrors/*", "root-0/mirrors/*/objects/pack"])
async def test_a_damaged_mirror_is_made_anew(
    server: GitServer, mirrors: GitMirrors, tmp_path: Path, pattern: str
) -> None:
    server.create("shop", {"a": "1"})
    commit = await mirrors.resolve(source(server), None)
    damage(tmp_path, pattern)
    with pytest.raises(SourceError, match="damaged") as raised:
        await mirrors.artifact(source(server), None, commit)
    assert (raised.value.reason, raised.value.retryable) == ("GitFailed", True)
    artifact = await mirrors.artifact(source(server), None, commit)
    assert (artifact.root / "a").read_text() == "1"


async def test_a_checkout_that_has_gone_is_made_again(
    server: GitServer, mirrors: GitMirrors, tmp_path: Path
) -> None:
    server.create("shop", {"a": "1"})
    commit = await mirrors.resolve(source(server), None)
    await mirrors.artifact(source(server), None, commit)
    damage(tmp_path, "root-0/checkouts/*")
    artifact = await mirrors.artifact(source(server), None, commit)
    assert (artifact.root / "a").read_text() == "1"


async def test_what_is_no_longer_used_is_removed(
    server: GitServer, make_mirrors: Callable[..., GitMirrors], tmp_path: Path
) -> None:
    shop = server.create("shop", {"a/b": "1"})
    server.create("other", {"a": "1"})
    mirrors = make_mirrors(grace=0.0)
    old = await mirrors.artifact(source(server), None, shop.head())
    await mirrors.resolve(source(server, "other"), None)
    shop.commit({"a/b": "2"})
    new = await mirrors.artifact(source(server), None, shop.head())
    mirrors.prune([new])
    assert not old.root.exists()
    assert (new.root / "a/b").read_text() == "2"
    assert len(found(tmp_path, "root-0/mirrors/*")) == 1
    mirrors.prune([new.root])
    assert new.root.exists()
    mirrors.prune([])
    await mirrors.close()
    assert found(tmp_path, "root-0/*/*") == []
    again = await mirrors.artifact(source(server), None, shop.head())
    assert (again.root / "a/b").read_text() == "2"


async def test_what_was_just_used_is_kept_for_a_while(
    server: GitServer, make_mirrors: Callable[..., GitMirrors]
) -> None:
    shop = server.create("shop", {"a": "1"})
    mirrors = make_mirrors(grace=60.0)
    artifact = await mirrors.artifact(source(server), None, shop.head())
    mirrors.prune([])
    assert artifact.root.exists()


async def test_what_an_earlier_process_left_is_removed(
    server: GitServer, make_mirrors: Callable[..., GitMirrors], tmp_path: Path
) -> None:
    shop = server.create("shop", {"a/b": "1"})
    first = make_mirrors()
    artifact = await first.artifact(source(server), None, shop.head())
    (tmp_path / "root-0").rename(tmp_path / "root-1")
    (tmp_path / "root-1/keep").touch()
    make_mirrors()
    assert not list((tmp_path / "root-1/checkouts").iterdir())
    assert (tmp_path / "root-1/keep").exists()
    assert not artifact.root.exists()


async def test_after_a_push_no_answer_from_before_it_is_given(
    server: GitServer, mirrors: GitMirrors, seen: Counter[str]
) -> None:
    shop = server.create("shop", {"a": "1"})
    other = server.create("other", {"a": "1"}).head()
    await mirrors.resolve(source(server), None, max_age=60)
    await mirrors.resolve(source(server, "other"), None, max_age=60)
    new = shop.commit({"a": "2"})
    mirrors.doubt({repository_name(server.url("shop"))})
    for _ in range(2):
        assert (await mirrors.resolve(source(server), None, max_age=60)).sha == new
        await mirrors.resolve(source(server, "other"), None, max_age=60)
    assert seen["ls-remote"] == 3
    assert (await mirrors.resolve(source(server, "other"), None, max_age=60)).sha == other


async def test_an_answer_that_a_push_has_overtaken_is_nobody_elses(
    server: GitServer,
    make_mirrors: Callable[..., GitMirrors],
    seen: Counter[str],
    tmp_path: Path,
) -> None:
    shop = server.create("shop", {"a": "1"})
    old = shop.head()
    git, gate, once = (tmp_path / name for name in ("git", "gate", "once"))
    git.write_text(HELD.format(once=once, gate=gate))
    git.chmod(0o755)
    os.mkfifo(gate)
    once.touch()
    mirrors = make_mirrors(git=str(git))

    early = asyncio.create_task(mirrors.resolve(source(server), None, max_age=60))
    # It can be opened once git has its answer and waits to hand it over.
    opened = await asyncio.to_thread(gate.open, "w")
    new = shop.commit({"a": "2"})
    mirrors.doubt({repository_name(server.url("shop"))})
    assert (await mirrors.resolve(source(server), None, max_age=60)).sha == new
    opened.close()
    assert (await early).sha == old
    assert (await mirrors.resolve(source(server), None, max_age=60)).sha == new
    assert seen["ls-remote"] == 2
