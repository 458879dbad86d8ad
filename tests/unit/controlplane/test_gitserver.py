"""The Git servers that other tests stand on, as the real ``git`` sees them."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import pytest

from controlplane.gitrepo import Link, Script, Submodule, git_environment
from controlplane.gitserver import GitServer
from controlplane.sshserver import SshServer

if TYPE_CHECKING:
    from pathlib import Path


def git(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["git", *arguments],
        env=git_environment(**environment),
        capture_output=True,
        text=True,
        check=False,
    )


def test_a_clone_holds_what_was_committed(tmp_path: Path) -> None:
    with GitServer() as server:
        shop = server.create("shop", {"app/a.yaml": "a", "app/b.yaml": "b", "run.sh": Script("#!")})
        shop.commit({"app/b.yaml": None, "link": Link("app/a.yaml"), 'ü "q"': b"\xff"})
        cloned = git("clone", server.url("shop"), tmp_path / "clone")
        assert cloned.returncode == 0, cloned.stderr
        assert (server.refs("shop"), server.packs("shop")) == (1, 1)
    clone = tmp_path / "clone"
    assert sorted(path.name for path in clone.iterdir()) == [
        ".git",
        "app",
        "link",
        "run.sh",
        'ü "q"',
    ]
    assert [path.name for path in (clone / "app").iterdir()] == ["a.yaml"]
    assert (clone / "link").read_text() == "a"
    assert (clone / "run.sh").stat().st_mode & 0o100


def test_a_fetch_without_news_sends_no_pack(tmp_path: Path) -> None:
    with GitServer() as server:
        shop = server.create("shop", {"a": "1"})
        git("clone", "--bare", server.url("shop"), tmp_path)
        git("-C", tmp_path, "fetch", server.url("shop"), "main")
        assert (server.refs("shop"), server.packs("shop")) == (2, 1)
        commit = shop.commit({"a": "2"}, message="Second")
        git("-C", tmp_path, "fetch", server.url("shop"), "main:main")
        assert (server.refs("shop"), server.packs("shop")) == (3, 2)
        assert git("-C", tmp_path, "rev-parse", "main").stdout.strip() == commit


def test_branches_and_tags_come_go_and_move(tmp_path: Path) -> None:
    with GitServer(tmp_path) as server:
        shop = server.create("shop", {"a": "1", "sub": Submodule("a" * 40)})
        first = shop.head()
        shop.branch("release")
        shop.tag("v1", message="First release")
        second = shop.commit({"a": "2"})
        shop.update_ref("refs/pull/1/head", "main")
        listed = git("ls-remote", server.url("shop")).stdout
        assert f"{first}\trefs/heads/release" in listed
        assert f"{first}\trefs/tags/v1^{{}}" in listed
        assert f"{second}\trefs/pull/1/head" in listed
        shop.branch("release", at="main")
        shop.delete_tag("v1")
        shop.branch("gone")
        shop.delete_branch("gone")
        listed = git("ls-remote", server.url("shop")).stdout
        assert f"{second}\trefs/heads/release" in listed
        assert "v1" not in listed
        assert "gone" not in listed


@pytest.mark.parametrize(
    ("header", "accepted"),
    [
        ("Authorization: Basic YWRhOnNlY3JldA==", True),  # ada:secret
        ("Authorization: Basic YWRhOndyb25n", False),  # ada:wrong
        ("Authorization: Bearer t0ken", True),
        ("Authorization: Bearer other", False),
        ("X-Nothing: at all", False),
    ],
)
def test_credentials_are_asked_for(header: str, *, accepted: bool) -> None:
    with GitServer(username="ada", password="secret", token="t0ken") as server:  # noqa: S106
        server.create("shop", {"a": "1"})
        listed = git("-c", f"http.extraHeader={header}", "ls-remote", server.url("shop"))
        assert (listed.returncode == 0) is accepted
        assert {request.status for request in server.requests} == {200 if accepted else 401}


def test_tls_needs_the_servers_own_authority() -> None:
    with GitServer(tls=True) as server:
        server.create("shop", {"a": "1"})
        refused = git("ls-remote", server.url("shop"))
        assert "certificate" in refused.stderr
        assert (
            "refs/heads/main"
            in git("ls-remote", server.url("shop"), GIT_SSL_CAINFO=str(server.ca_file)).stdout
        )


def test_an_outage_ends_where_it_began() -> None:
    with GitServer() as server:
        server.create("shop", {"a": "1"})
        with server.unreachable():
            assert "Failed to connect" in git("ls-remote", server.url("shop")).stderr
        assert git("ls-remote", server.url("shop")).returncode == 0
        server.status = 503
        assert "503" in git("ls-remote", server.url("shop")).stderr


def test_stopping_does_not_wait_for_a_delayed_answer() -> None:
    with GitServer() as server:
        server.create("shop", {"a": "1"})
        server.delay = 600
        client = subprocess.Popen(["git", "ls-remote", server.url("shop")], stderr=subprocess.PIPE)
        assert server.asked.wait(30)
    _, said = client.communicate(timeout=30)
    assert client.returncode != 0, said


def test_ssh_accepts_its_key_and_no_other(tmp_path: Path) -> None:
    with SshServer() as server, SshServer() as stranger:
        server.create("shop", {"a": "1"})
        (tmp_path / "known_hosts").write_text(server.known_hosts)
        results = {}
        for name, identity in (("own", server.identity), ("other", stranger.identity)):
            key = tmp_path / name
            key.touch(0o600)
            key.write_text(identity)
            ssh = (
                f"ssh -F none -i {key} -o IdentitiesOnly=yes -o BatchMode=yes"
                f" -o UserKnownHostsFile={tmp_path}/known_hosts -o StrictHostKeyChecking=yes"
            )
            results[name] = git(
                "clone", server.url("shop"), tmp_path / f"{name}-clone", GIT_SSH_COMMAND=ssh
            )
    assert results["own"].returncode == 0, results["own"].stderr
    assert (tmp_path / "own-clone" / "a").read_text() == "1"
    assert "Permission denied" in results["other"].stderr
    assert server.fetches == 1
