from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
import yaml

from controlplane.tls import Authority
from leadsman.errors import KubeError
from leadsman.kube.config import load

if TYPE_CHECKING:
    from pathlib import Path

POD = {"KUBERNETES_SERVICE_HOST": "10.96.0.1", "KUBERNETES_SERVICE_PORT": "443"}


def kubeconfig(path: Path, server: str) -> str:
    path.parent.mkdir(exist_ok=True)
    path.write_text(
        yaml.safe_dump(
            {
                "current-context": "a",
                "contexts": [
                    {"name": name, "context": {"cluster": name, "user": ""}} for name in "ab"
                ],
                "clusters": [{"name": name, "cluster": {"server": server + name}} for name in "ab"],
            }
        )
    )
    return str(path)


@pytest.fixture
def pod(tmp_path: Path) -> Path:
    directory = tmp_path / "serviceaccount"
    directory.mkdir()
    Authority(directory)
    (directory / "token").write_text("t")
    return directory


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    kubeconfig(tmp_path / "home" / ".kube" / "config", "http://home.")


async def test_what_is_named_comes_first(tmp_path: Path, pod: Path) -> None:
    named = kubeconfig(tmp_path / "named", "http://named.")
    environ = {**POD, "KUBECONFIG": kubeconfig(tmp_path / "env", "http://env.")}
    config = await load(named, service_account=pod, environ=environ)
    assert config.server == "http://named.a"


async def test_then_the_variable(tmp_path: Path, pod: Path) -> None:
    environ = {**POD, "KUBECONFIG": kubeconfig(tmp_path / "env", "http://env.")}
    assert (await load("", "b", service_account=pod, environ=environ)).server == "http://env.b"


async def test_then_the_pod(pod: Path) -> None:
    assert (await load(service_account=pod, environ=POD)).server == "https://10.96.0.1:443"


async def test_a_context_means_a_kubeconfig_even_in_a_pod(pod: Path) -> None:
    assert (await load(context="b", service_account=pod, environ=POD)).server == "http://home.b"


async def test_at_last_the_home(pod: Path) -> None:
    assert (await load(service_account=pod, environ={})).server == "http://home.a"


async def test_where_nothing_is_found_it_says_what_to_do(
    tmp_path: Path, pod: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path / "nobody"))
    with pytest.raises(KubeError, match="name one with --kubeconfig or KUBECONFIG"):
        await load(service_account=pod, environ={})
