"""The same over SSH, with a real server and the real ssh program."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import asyncssh
import pytest

from controlplane.gitrepo import Submodule
from controlplane.sshserver import SshServer
from leadsman.errors import SourceError
from leadsman.model.source import Credentials, GitRef, GitSource

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from leadsman.source.mirrors import GitMirrors

PASSPHRASE = "correct horse"  # noqa: S105 - the test's own


@pytest.fixture
def ssh() -> Iterator[SshServer]:
    with SshServer() as running:
        running.create("shop", {"a.yaml": "1"})
        yield running


def credentials(ssh: SshServer, **changes: str) -> Credentials:
    data = {"identity": ssh.identity, "known_hosts": ssh.known_hosts} | changes
    return Credentials({key: value.encode() for key, value in data.items() if value})


def encrypted(identity: str, folder: Path) -> str:
    key = folder / "key"
    key.write_text(identity)
    key.chmod(0o600)
    subprocess.run(
        ["ssh-keygen", "-q", "-p", "-P", "", "-N", PASSPHRASE, "-f", key],
        check=True,
        capture_output=True,
    )
    return key.read_text()


async def fails(
    mirrors: GitMirrors, ssh: SshServer, keys: Credentials | None, repository: str = "shop"
) -> SourceError:
    source = GitSource(ssh.url(repository), GitRef(branch="main"), namespace="apps", secret="key")  # noqa: S106 - a name
    with pytest.raises(SourceError) as raised:
        await mirrors.resolve(source, keys)
    assert "BEGIN" not in raised.value.message
    return raised.value


async def test_a_key_and_known_hosts_open_a_repository(
    ssh: SshServer, mirrors: GitMirrors, tmp_path: Path
) -> None:
    source = GitSource(ssh.url("shop"), GitRef(branch="main"))
    commit = await mirrors.resolve(source, credentials(ssh))
    artifact = await mirrors.artifact(source, credentials(ssh), commit)
    assert (artifact.root / "a.yaml").read_text() == "1"
    await mirrors.resolve(source, credentials(ssh))
    assert ssh.fetches == 3
    assert left_behind(tmp_path) == []


async def test_a_submodule_may_be_named_in_the_short_form(
    ssh: SshServer, mirrors: GitMirrors
) -> None:
    lib = ssh.create("lib", {"lib.yaml": "1"})
    url = ssh.url("lib").removeprefix("ssh://git@").replace("/", "]:", 1)
    modules = f'[submodule "lib"]\n\tpath = lib\n\turl = git@[{url}\n'
    ssh.create("parent", {".gitmodules": modules, "lib": Submodule(lib.head())})
    source = GitSource(ssh.url("parent"), GitRef(branch="main"), recurse_submodules=True)
    commit = await mirrors.resolve(source, credentials(ssh))
    artifact = await mirrors.artifact(source, credentials(ssh), commit)
    assert (artifact.root / "lib/lib.yaml").read_text() == "1"


def left_behind(tmp_path: Path) -> list[Path]:
    return [path for root in tmp_path.glob("root-*/temporary") for path in root.iterdir()]


@pytest.mark.parametrize("spoil", [str.strip, lambda key: key.replace("\n", "\r\n")])
async def test_a_key_with_other_line_ends_is_as_good(
    ssh: SshServer, mirrors: GitMirrors, spoil: object
) -> None:
    assert callable(spoil)
    source = GitSource(ssh.url("shop"), GitRef(branch="main"))
    await mirrors.resolve(source, credentials(ssh, identity=spoil(ssh.identity)))


async def test_an_encrypted_key_needs_its_passphrase(
    ssh: SshServer, mirrors: GitMirrors, tmp_path: Path
) -> None:
    identity = encrypted(ssh.identity, tmp_path)
    source = GitSource(ssh.url("shop"), GitRef(branch="main"))
    await mirrors.resolve(source, credentials(ssh, identity=identity, password=PASSPHRASE))
    without = await fails(mirrors, ssh, credentials(ssh, identity=identity))
    assert without.reason == "InvalidSecret"
    assert "apps/key identity is encrypted: its passphrase belongs in 'password'" in without.message
    wrong = await fails(mirrors, ssh, credentials(ssh, identity=identity, password="wrong one"))  # noqa: S106 - it is
    assert wrong.reason in {"AuthenticationFailed", "InvalidSecret"}
    assert "wrong one" not in wrong.message
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize("key", ["identity", "known_hosts"])
async def test_a_missing_key_is_named(ssh: SshServer, mirrors: GitMirrors, key: str) -> None:
    error = await fails(mirrors, ssh, credentials(ssh, **{key: ""}))
    assert (error.reason, error.retryable) == ("InvalidSecret", False)
    assert f"Secret apps/key lacks '{key}'" in error.message


async def test_without_a_secret_nothing_is_tried(ssh: SshServer, mirrors: GitMirrors) -> None:
    source = GitSource(ssh.url("shop"), GitRef(branch="main"))
    with pytest.raises(SourceError, match="has no secretRef, lacks 'identity'"):
        await mirrors.resolve(source, None)
    assert ssh.fetches == 0


async def test_another_key_is_refused(ssh: SshServer, mirrors: GitMirrors) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_private_key().decode()
    error = await fails(mirrors, ssh, credentials(ssh, identity=other))
    assert error.reason == "AuthenticationFailed"
    assert "Permission denied (publickey)" in error.message


async def test_a_key_that_is_none_is_told(ssh: SshServer, mirrors: GitMirrors) -> None:
    error = await fails(mirrors, ssh, credentials(ssh, identity="not a key"))
    assert error.reason == "InvalidSecret"
    assert "identity cannot be read" in error.message


async def test_a_changed_host_key_is_an_alarm_of_its_own(
    ssh: SshServer, mirrors: GitMirrors
) -> None:
    other = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
    hosts = f"[127.0.0.1]:{ssh.port} {other}"
    error = await fails(mirrors, ssh, credentials(ssh, known_hosts=hosts))
    assert (error.reason, error.retryable) == ("HostKeyMismatch", False)
    assert "somebody is in between" in error.message
    assert ssh.fetches == 0


async def test_an_unknown_host_key_is_never_accepted(ssh: SshServer, mirrors: GitMirrors) -> None:
    hosts = ssh.known_hosts.replace("127.0.0.1", "127.0.0.2")
    error = await fails(mirrors, ssh, credentials(ssh, known_hosts=hosts))
    assert error.reason == "HostKeyMismatch"
    assert "not in known_hosts" in error.message
    assert ssh.fetches == 0


async def test_a_repository_that_is_not_there(ssh: SshServer, mirrors: GitMirrors) -> None:
    error = await fails(mirrors, ssh, credentials(ssh), "nothing")
    assert error.reason == "RepositoryNotFound"


async def test_a_server_that_is_not_there(mirrors: GitMirrors) -> None:
    with SshServer() as ssh:
        keys = credentials(ssh)
    error = await fails(mirrors, ssh, keys)
    assert (error.reason, error.retryable) == ("Unreachable", True)
    assert "Connection refused" in error.message
