from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

from controlplane.tls import Authority
from leadsman.errors import KubeError
from leadsman.kube.serviceaccount import ServiceAccountAccess, in_cluster

if TYPE_CHECKING:
    from pathlib import Path

ENVIRON = {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"}


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    Authority(tmp_path)
    (tmp_path / "namespace").write_text("leadsman")
    write_token(tmp_path, "one", at=1)
    return tmp_path


def write_token(directory: Path, token: str, at: int) -> None:
    """Write a token as the kubelet does: another file in its place."""
    new = directory / "new"
    new.write_text(f"{token}\n")
    os.utime(new, (at, at))
    new.rename(directory / "token")


@pytest.mark.parametrize(
    ("host", "server"),
    [("10.96.0.1", "https://10.96.0.1:443"), ("fd00::1", "https://[fd00::1]:443")],
)
async def test_in_cluster_is_where_the_environment_says(
    directory: Path, host: str, server: str
) -> None:
    config = in_cluster(directory, {**ENVIRON, "KUBERNETES_SERVICE_HOST": host})
    assert config.server == server
    assert config.namespace == "leadsman"
    assert config.far
    access = await config.access.current()
    assert access.authorization == "Bearer one"
    assert access.tls is not None


@pytest.mark.parametrize("missing", ["KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"])
def test_without_the_environment_this_is_no_cluster(directory: Path, missing: str) -> None:
    with pytest.raises(KubeError) as caught:
        in_cluster(directory, {**ENVIRON, missing: ""})
    assert caught.value.reason == "NotInCluster"


def test_without_a_token_this_is_no_cluster(directory: Path) -> None:
    (directory / "token").unlink()
    with pytest.raises(KubeError, match=f"{directory}/token must be there"):
        in_cluster(directory, ENVIRON)


async def test_a_rotated_token_is_noticed_within_ten_seconds(directory: Path) -> None:
    clock = Clock()
    access = ServiceAccountAccess(directory, clock=clock)
    before = await access.current()
    write_token(directory, "two", at=2)
    clock.now += 9
    assert await access.current() is before
    clock.now += 1
    assert (await access.current()).authorization == "Bearer two"


async def test_what_has_not_changed_is_not_read_again(directory: Path) -> None:
    clock = Clock()
    access = ServiceAccountAccess(directory, clock=clock)
    before = await access.current()
    clock.now += 60
    assert await access.current() is before


async def test_a_rejected_token_is_looked_for_at_once(directory: Path) -> None:
    access = ServiceAccountAccess(directory, clock=Clock())
    rejected = await access.current()
    assert await access.renew(rejected) is rejected
    write_token(directory, "two", at=2)
    renewed = await access.renew(rejected)
    assert renewed.authorization == "Bearer two"
    # Another request was rejected with the former token, too: there is nothing to look for.
    assert await access.renew(rejected) is renewed


async def test_files_that_vanish_for_a_moment_change_nothing(directory: Path) -> None:
    clock = Clock()
    access = ServiceAccountAccess(directory, clock=clock)
    before = await access.current()
    (directory / "ca.crt").unlink()
    clock.now += 60
    assert await access.current() is before


async def test_files_that_were_never_readable_are_an_error(directory: Path) -> None:
    (directory / "ca.crt").write_text("no certificate")
    with pytest.raises(KubeError) as caught:
        await ServiceAccountAccess(directory).current()
    assert caught.value.reason == "ServiceAccountUnreadable"
    assert str(directory) in caught.value.message
