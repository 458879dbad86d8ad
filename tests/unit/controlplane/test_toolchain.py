"""Where the real programs come from, and in which order."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from controlplane import toolchain
from controlplane.gomodule import required


def programs(folder: Path, *names: str) -> Path:
    folder.mkdir(parents=True)
    for name in names:
        (folder / name).touch(0o755)
    return folder


def test_a_named_folder_with_everything_is_all_there_is(tmp_path: Path) -> None:
    folder = programs(tmp_path / "named", *toolchain.PROGRAMS)
    environment = {"LEADSMAN_TEST_TOOLS": str(folder), "XDG_CACHE_HOME": str(tmp_path / "cache")}
    assert toolchain.resolve(environment).folders == (folder,)
    assert not (tmp_path / "cache").exists()


def test_what_one_folder_lacks_comes_from_the_next(tmp_path: Path) -> None:
    mine = programs(tmp_path / "mine", "helm")
    assets = programs(tmp_path / "assets", "etcd", "kube-apiserver", "kubectl", "helm")
    environment = {
        "LEADSMAN_TEST_TOOLS": str(mine),
        "KUBEBUILDER_ASSETS": str(assets),
        "XDG_CACHE_HOME": str(tmp_path),
    }
    cached = programs(toolchain.cached(environment), *toolchain.PROGRAMS)
    tools = toolchain.resolve(environment)
    assert tools["helm"] == mine / "helm"
    assert tools["kubectl"] == assets / "kubectl"
    assert tools["kube-controller-manager"] == cached / "kube-controller-manager"
    assert tools.search_path(after="/bin") == f"{mine}:{assets}:{cached}:/bin"
    assert shutil.which("helm", path=tools.search_path()) == str(mine / "helm")


def test_looking_builds_nothing(tmp_path: Path) -> None:
    environment = {"XDG_CACHE_HOME": str(tmp_path)}
    assert toolchain.find(environment) is None
    assert list(tmp_path.iterdir()) == []
    folder = programs(toolchain.cached(environment), *toolchain.PROGRAMS)
    found = toolchain.find(environment)
    assert found is not None
    assert found.folders == (folder,)


def test_a_file_that_cannot_be_run_is_not_a_program(tmp_path: Path) -> None:
    folder = programs(tmp_path / "named", *toolchain.PROGRAMS)
    (folder / "helm").chmod(0o644)
    environment = {"LEADSMAN_TEST_TOOLS": str(folder), "XDG_CACHE_HOME": str(tmp_path)}
    assert toolchain.find(environment) is None
    with pytest.raises(KeyError, match="helm"):
        toolchain.Tools((folder,))["helm"]


def test_a_variable_that_names_no_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match=r"KUBEBUILDER_ASSETS is .*absent"):
        toolchain.resolve({"KUBEBUILDER_ASSETS": str(tmp_path / "absent")})


@pytest.mark.parametrize(
    ("environment", "folder"),
    [
        ({"HOME": "/home/ada"}, "/home/ada/.cache/leadsman"),
        ({"HOME": "/home/ada", "XDG_CACHE_HOME": "/caches"}, "/caches/leadsman"),
        ({"HOME": "/home/ada", "XDG_CACHE_HOME": "relative"}, "/home/ada/.cache/leadsman"),
    ],
)
def test_the_cache_is_the_users(environment: dict[str, str], folder: str) -> None:
    assert toolchain.cached(environment).parent == Path(folder)


@pytest.mark.parametrize("changed", ["main.go", "go.mod", "go.sum"])
def test_the_fingerprint_follows_what_is_built(tmp_path: Path, changed: str) -> None:
    module = shutil.copytree(toolchain.MODULE, tmp_path / "module")
    assert toolchain.fingerprint(module) == toolchain.fingerprint()
    (module / "README").write_text("not built")
    assert toolchain.fingerprint(module) == toolchain.fingerprint()
    with (module / changed).open("a") as file:
        file.write("\n")
    assert toolchain.fingerprint(module) != toolchain.fingerprint()


def test_programs_are_told_the_versions_of_go_mod() -> None:
    _, _, flags = toolchain.build_arguments()
    assert "k8s.io/component-base/version.gitVersion=v1.37.2" in flags
    assert "k8s.io/component-base/version.gitMinor=37" in flags
    assert "helm.sh/helm/v4/internal/version.version=v4.3.1" in flags
    with pytest.raises(KeyError, match="does not require example"):
        required(toolchain.MODULE, "example.com/absent")


def test_the_command_prints_what_to_put_on_path(tmp_path: Path) -> None:
    folder = programs(tmp_path / "named", *toolchain.PROGRAMS)
    done = subprocess.run(
        [sys.executable, "-m", "controlplane.toolchain"],
        cwd=toolchain.MODULE.parents[1],
        env={**os.environ, "LEADSMAN_TEST_TOOLS": str(folder)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == f"{folder}\n"
