"""Everything that can go wrong with a server, each with its reason, against real ones."""

from __future__ import annotations

import asyncio
import base64
import ctypes
import os
import random
import ssl
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import controlplane.gitserver as gitserver_module
from controlplane.gitserver import GitServer
from controlplane.tls import Authority
from leadsman.errors import SourceError
from leadsman.model.source import Credentials, GitRef, GitSource
from leadsman.source.limits import Limits

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Callable

    from leadsman.source.mirrors import GitMirrors

PASSWORD = "s3cret/p@ss word"  # noqa: S105 - what must be seen nowhere
WRONG = "wrong-password"
NOISE = random.Random(1)  # noqa: S311 - it only has to be hard to compress
MAIN = GitRef(branch="main")


async def failure(
    mirrors: GitMirrors, url: str, credentials: Credentials | None = None, **more: Any
) -> SourceError:
    with pytest.raises(SourceError) as raised:
        await mirrors.resolve(GitSource(url, MAIN, **more), credentials)
    return raised.value


def secret(**data: str | bytes) -> Credentials:
    return Credentials(
        {
            key.replace("_", "."): value.encode() if isinstance(value, str) else value
            for key, value in data.items()
        }
    )


async def test_a_password_a_token_and_an_authority_open_a_private_repository(
    mirrors: GitMirrors,
) -> None:
    with GitServer(username="ada", password=PASSWORD, token="t0ken", tls=True) as server:  # noqa: S106 - it is the test's
        server.create("shop", {"a": "1"})
        ca = server.ca_file.read_bytes()
        for credentials in (
            secret(username="ada", password=PASSWORD, ca_crt=ca),
            secret(bearerToken="t0ken", caFile=ca),
        ):
            source = GitSource(server.url("shop"), MAIN)
            commit = await mirrors.resolve(source, credentials)
            artifact = await mirrors.artifact(source, credentials, commit)
            assert (artifact.root / "a").read_text() == "1"
        assert {request.status for request in server.requests} == {200}


async def test_credentials_in_the_address_open_it_too(mirrors: GitMirrors) -> None:
    with GitServer(username="ada", password="p@ss") as server:  # noqa: S106 - it is the test's
        server.create("shop", {"a": "1"})
        url = server.url("shop").replace("//", "//ada:p%40ss@")
        await mirrors.resolve(GitSource(url, MAIN), None)


@pytest.mark.parametrize(
    ("credentials", "message"),
    [
        (secret(username="ada", password=WRONG), "refuses the credentials"),
        (secret(bearerToken=WRONG), "refuses the credentials"),
        (None, "name a Secret with them in secretRef"),
    ],
)
async def test_wrong_or_missing_credentials(
    mirrors: GitMirrors, credentials: Credentials | None, message: str
) -> None:
    with GitServer(username="ada", password=PASSWORD) as server:
        server.create("shop", {"a": "1"})
        error = await failure(mirrors, server.url("shop"), credentials)
    assert error.reason == "AuthenticationFailed"
    assert not error.retryable
    assert message in error.message
    assert server.url("shop") in error.message
    assert WRONG not in error.message


@pytest.mark.parametrize(
    ("status", "reason", "retryable"),
    [
        (403, "AuthenticationFailed", False),
        (404, "RepositoryNotFound", False),
        (429, "Unreachable", True),
        (500, "Unreachable", True),
        (503, "Unreachable", True),
    ],
)
async def test_what_a_server_answers_is_told(
    server: GitServer, mirrors: GitMirrors, status: int, reason: str, *, retryable: bool
) -> None:
    server.create("shop", {"a": "1"})
    server.status = status
    error = await failure(mirrors, server.url("shop"))
    assert (error.reason, error.retryable) == (reason, retryable)


async def test_a_repository_that_is_not_there(server: GitServer, mirrors: GitMirrors) -> None:
    server.create("shop", {"a": "1"})
    error = await failure(mirrors, server.url("shpo"))
    assert error.reason == "RepositoryNotFound"
    assert "not found" in error.message


async def test_an_empty_repository(server: GitServer, mirrors: GitMirrors) -> None:
    server.create("shop")
    error = await failure(mirrors, server.url("shop"))
    assert error.reason == "RefNotFound"
    assert "no branch at all" in error.message


async def test_a_server_that_cannot_be_reached_and_comes_back(
    server: GitServer, mirrors: GitMirrors
) -> None:
    server.create("shop", {"a": "1"})
    with server.unreachable():
        error = await failure(mirrors, server.url("shop"))
    assert (error.reason, error.retryable) == ("Unreachable", True)
    await mirrors.resolve(GitSource(server.url("shop"), MAIN), None)


async def test_a_host_that_does_not_exist(mirrors: GitMirrors) -> None:
    error = await failure(mirrors, "http://no-such-host.invalid/shop.git")
    assert error.reason == "Unreachable"
    assert "Could not resolve host" in error.message


async def test_a_certificate_that_nobody_trusts(mirrors: GitMirrors) -> None:
    with GitServer(tls=True) as server:
        server.create("shop", {"a": "1"})
        error = await failure(mirrors, server.url("shop"))
        assert error.reason == "TLSFailed"
        assert "ca.crt" in error.message
        with GitServer(tls=True) as other:
            error = await failure(
                mirrors, server.url("shop"), secret(ca_crt=other.ca_file.read_bytes())
            )
    assert error.reason == "TLSFailed"


async def test_a_server_that_speaks_no_tls(server: GitServer, mirrors: GitMirrors) -> None:
    server.create("shop", {"a": "1"})
    error = await failure(mirrors, server.url("shop").replace("http:", "https:"))
    assert error.reason == "TLSFailed"


async def test_a_program_that_is_not_there(
    server: GitServer, make_mirrors: Callable[..., GitMirrors]
) -> None:
    error = await failure(make_mirrors(git="no-such-git"), server.url("shop"))
    assert error.reason == "GitFailed"
    assert "no-such-git cannot be started: No such file" in error.message


def test_without_git_all_but_git_repositories_works() -> None:
    """GitPython looks for git when it is imported."""
    done = subprocess.run(
        [sys.executable, "-c", "import leadsman.source.mirrors, leadsman.source.local"],
        env={"PATH": "/nowhere", "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, b"")


async def test_a_client_s_certificate_is_shown(
    mirrors: GitMirrors, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[bytes] = []
    server_context = Authority.server_context

    def strict(self: Authority) -> ssl.SSLContext:
        context = server_context(self)
        made.append((self.ca_file.parent / "server.pem").read_bytes())
        context.load_verify_locations(self.ca_file)
        context.verify_mode = ssl.CERT_REQUIRED
        return context

    monkeypatch.setattr(Authority, "server_context", strict)
    with GitServer(tls=True) as server:
        server.create("shop", {"a": "1"})
        ca = server.ca_file.read_bytes()
        shown = secret(ca_crt=ca, tls_crt=made[0], tls_key=made[0])
        await mirrors.resolve(GitSource(server.url("shop"), MAIN), shown)
        error = await failure(mirrors, server.url("shop"), secret(ca_crt=ca))
    assert error.reason in {"TLSFailed", "Unreachable"}


def command_of(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def processes_with(text: str) -> list[int]:
    pids = [int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit()]
    return [pid for pid in pids if pid != os.getpid() and text.encode() in command_of(pid)]


def contents(folder: Path, pattern: str) -> bytes:
    return b"".join(path.read_bytes() for path in folder.rglob(pattern) if path.is_file())


def zombies() -> list[str]:
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] == "Z" and int(fields[1]) == os.getpid():
                found.append(entry.name)
    return found


async def test_a_server_that_hangs_is_left_with_all_processes_gone(
    server: GitServer, mirrors: GitMirrors, seen: Counter[str]
) -> None:
    server.create("shop", {"a": "1"})
    server.delay = 60
    # As in a container, where orphans become ours.
    libc = ctypes.CDLL(None)
    assert libc.prctl(36, 1) == 0
    try:
        waiting = asyncio.create_task(failure(mirrors, server.url("shop"), timeout=2.5))
        await asyncio.to_thread(server.asked.wait, 30)
        assert processes_with(server.url("shop"))
        error = await waiting
        assert (error.reason, error.retryable) == ("Timeout", True)
        assert "within 2.5 s" in error.message
        assert not processes_with(server.url("shop"))
        assert not zombies()
    finally:
        libc.prctl(36, 0)
    assert seen["ls-remote Timeout"] == 1


async def test_who_has_more_patience_than_another_gets_an_answer(
    server: GitServer, mirrors: GitMirrors, seen: Counter[str]
) -> None:
    server.create("shop", {"a": "1"})
    server.delay = 0.4
    patient = asyncio.create_task(
        mirrors.resolve(GitSource(server.url("shop"), MAIN, timeout=30), None)
    )
    error = await failure(mirrors, server.url("shop"), timeout=0.1)
    assert error.reason == "Timeout"
    await patient
    assert seen["ls-remote"] == 1


async def test_one_server_that_hangs_delays_no_other(
    server: GitServer, make_mirrors: Callable[..., GitMirrors]
) -> None:
    mirrors = make_mirrors(limits=Limits(per_host=1))
    server.create("shop", {"a": "1"})
    with GitServer() as slow:
        slow.create("shop", {"a": "1"})
        slow.delay = 60
        url = slow.url("shop").replace("127.0.0.1", "localhost")
        hanging = asyncio.create_task(mirrors.resolve(GitSource(url, MAIN), None))
        await asyncio.to_thread(slow.asked.wait, 30)
        await mirrors.resolve(GitSource(server.url("shop"), MAIN), None)
        assert not hanging.done()
        hanging.cancel()
        with pytest.raises(asyncio.CancelledError):
            await hanging


async def test_a_cancelled_caller_leaves_nothing_behind(
    server: GitServer, mirrors: GitMirrors, tmp_path: Path
) -> None:
    server.create("shop", {"a": "1"})
    server.delay = 60
    waiting = asyncio.create_task(mirrors.resolve(GitSource(server.url("shop"), MAIN), None))
    await asyncio.to_thread(server.asked.wait, 30)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not processes_with(server.url("shop"))
    assert not list((tmp_path / "root-0/temporary").iterdir())


async def test_a_fetch_that_was_killed_can_be_done_again(
    server: GitServer, mirrors: GitMirrors
) -> None:
    shop = server.create("shop", {"a": "1"})
    sha = shop.head()
    source = GitSource(server.url("shop"), MAIN, timeout=0.4)
    server.delay = 60
    with pytest.raises(SourceError, match="fetching") as raised:
        await mirrors.artifact(source, None, sha)
    assert raised.value.reason == "Timeout"
    server.delay = 0
    artifact = await mirrors.artifact(GitSource(server.url("shop"), MAIN), None, sha)
    assert (artifact.root / "a").read_text() == "1"


async def test_a_repository_that_is_too_large_is_stopped(
    server: GitServer, make_mirrors: Callable[..., GitMirrors], tmp_path: Path
) -> None:
    mirrors = make_mirrors(limits=Limits(repository=300_000))
    server.create("shop", {"noise": NOISE.randbytes(3_000_000)})
    error = await failure(mirrors, server.url("shop"))
    assert (error.reason, error.retryable) == ("TooLarge", False)
    assert "300000 bytes" in error.message
    assert not contents(tmp_path / "root-0/mirrors", "tmp_*")


async def test_older_commits_do_not_make_a_repository_too_large(
    server: GitServer, make_mirrors: Callable[..., GitMirrors]
) -> None:
    mirrors = make_mirrors(limits=Limits(repository=500_000))
    shop = server.create("shop", {"noise": NOISE.randbytes(200_000)})
    for _ in range(5):
        await mirrors.resolve(GitSource(server.url("shop"), MAIN), None)
        shop.commit({"noise": NOISE.randbytes(200_000)})


async def test_too_many_references_are_stopped(
    server: GitServer, make_mirrors: Callable[..., GitMirrors]
) -> None:
    mirrors = make_mirrors(limits=Limits(listing=10_000))
    shop = server.create("shop", {"a": "1"})
    sha = shop.head()
    shop.git(
        "update-ref",
        "--stdin",
        stdin="".join(f"create refs/heads/b{n} {sha}\n" for n in range(300)),
    )
    error = await failure(mirrors, server.url("shop"))
    assert error.reason == "TooLarge"


class Redirecting(gitserver_module._Handler):
    """Sends who asks for ``/old.git`` to ``/shop.git`` of ``target``, an origin."""

    target = ""

    def do_GET(self) -> None:  # noqa: N802 - the base class' name
        if self.path.startswith("/old.git"):
            self.send_response(301)
            self.send_header("Location", self.target + self.path.replace("/old", "/shop", 1))
            self.send_header("Content-Length", "0")
            self.end_headers()
        else:
            super().do_GET()


async def test_a_redirect_on_the_same_server_is_followed(
    mirrors: GitMirrors, monkeypatch: pytest.MonkeyPatch, seen: Counter[str]
) -> None:
    monkeypatch.setattr(gitserver_module, "_Handler", Redirecting)
    with GitServer(username="ada", password=PASSWORD) as server:
        monkeypatch.setattr(Redirecting, "target", server.base_url)
        server.create("shop", {"a": "1"})
        source = GitSource(server.url("old"), MAIN)
        credentials = secret(username="ada", password=PASSWORD)
        commit = await mirrors.resolve(source, credentials)
        assert (await mirrors.artifact(source, credentials, commit)).root.exists()
        wrong = secret(username="ada", password=WRONG)
        error = await failure(mirrors, server.url("old"), wrong)
    assert error.reason == "AuthenticationFailed"
    assert seen["fetch ok"] == 1


async def test_another_server_never_gets_the_credentials(
    mirrors: GitMirrors, monkeypatch: pytest.MonkeyPatch
) -> None:
    shown: list[str] = []
    allows = GitServer.allows

    def spy(self: GitServer, authorization: str) -> bool:
        if self is thief:
            shown.append(authorization)
        return allows(self, authorization)

    with GitServer(username="ada", password=PASSWORD) as thief:
        thief.create("shop", {"a": "1"})
        monkeypatch.setattr(gitserver_module, "_Handler", Redirecting)
        monkeypatch.setattr(Redirecting, "target", thief.base_url)
        monkeypatch.setattr(GitServer, "allows", spy)
        with GitServer(username="ada", password=PASSWORD) as server:
            for credentials in (
                secret(username="ada", password=PASSWORD),
                secret(bearerToken=PASSWORD),
            ):
                error = await failure(mirrors, server.url("old"), credentials)
                assert error.reason == "Redirected"
                assert not error.retryable
    assert shown
    assert not any(shown)


async def test_the_password_is_seen_nowhere(mirrors: GitMirrors, tmp_path: Path) -> None:
    with GitServer(username="ada", password=PASSWORD) as server:
        server.create("shop", {"a": "1"})
        pair = base64.b64encode(f"ada:{PASSWORD}".encode()).decode()
        server.delay = 0.3
        source = GitSource(server.url("shop"), MAIN)
        credentials = secret(username="ada", password=PASSWORD)
        work = asyncio.create_task(mirrors.resolve(source, credentials))
        commands: set[bytes] = set()
        while not work.done():
            for pid in processes_with(server.base_url):
                commands.add(command_of(pid))
            await asyncio.sleep(0.01)
        await mirrors.artifact(source, credentials, await work)
    assert any(b"ls-remote" in command for command in commands)
    assert any(b"fetch" in command for command in commands)
    on_disk = contents(tmp_path, "*")
    for hidden in (PASSWORD, pair, "s3cret"):
        assert not any(hidden.encode() in command for command in commands)
        assert hidden.encode() not in on_disk
        assert hidden not in repr(credentials)
    assert not list((tmp_path / "root-0/temporary").iterdir())


async def test_what_a_server_repeats_of_a_secret_is_not_told(mirrors: GitMirrors) -> None:
    class Telltale(gitserver_module._Handler):
        def do_GET(self) -> None:  # noqa: N802 - the base class' name
            self.send_response(500, "no")
            text = f"You sent {self.headers.get('Authorization')} and {PASSWORD}".encode()
            self.send_header("Content-Type", "text/plain")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gitserver_module, "_Handler", Telltale)
        with GitServer() as server:
            error = await failure(
                mirrors, server.url("shop"), secret(username="ada", password=PASSWORD)
            )
    assert PASSWORD not in error.message
    assert base64.b64encode(f"ada:{PASSWORD}".encode()).decode() not in error.message


async def test_the_machine_s_own_git_configuration_counts_for_nothing(
    server: GitServer,
    mirrors: GitMirrors,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    server.create("shop", {"a": "1"})
    hooks = tmp_path / "hooks"
    hooks.mkdir()
    trace = tmp_path / "hook-ran"
    (hooks / "reference-transaction").write_text(f"#!/bin/sh\ntouch {trace}\n")
    (hooks / "reference-transaction").chmod(0o755)
    config = tmp_path / ".gitconfig"
    config.write_text(
        f"[core]\n\thooksPath = {hooks}\n"
        f'[url "http://127.0.0.1:1/"]\n\tinsteadOf = {server.base_url}/\n'
    )
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(config))
    monkeypatch.setenv("GIT_CONFIG_COUNT", "1")
    monkeypatch.setenv("GIT_CONFIG_KEY_0", "core.hooksPath")
    monkeypatch.setenv("GIT_CONFIG_VALUE_0", str(hooks))
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "elsewhere"))
    source = GitSource(server.url("shop"), MAIN)
    commit = await mirrors.resolve(source, None)
    assert (await mirrors.artifact(source, None, commit)).root.exists()
    assert not trace.exists()


@pytest.mark.parametrize(
    "url",
    ["file:///srv/a.git", "ext::sh -c true", "--upload-pack=true", "git@example.com:a.git"],
)
async def test_addresses_that_git_must_not_see(mirrors: GitMirrors, url: str) -> None:
    assert (await failure(mirrors, url)).reason == "InvalidURL"
