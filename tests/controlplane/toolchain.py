"""The real programs that tests and demo run: found, taken from the cache, or built.

    tools = toolchain.resolve()
    tools["kubectl"]                    # its path
    tools.search_path()                 # a PATH on which they come first

``python -m controlplane.toolchain`` does the same and prints the folders to put on PATH; what it
does is said on standard error. It needs nothing but the standard library (and pip, where there is
no Go), git and the network.
"""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .cache import cache_folder, once
from .gobuild import GoError
from .gomodule import TOOLS, build, required
from .gomodule import fingerprint as module_fingerprint

if TYPE_CHECKING:
    from collections.abc import Mapping

PROGRAMS = ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl", "helm", "kustomize")
VARIABLES = ("LEADSMAN_TEST_TOOLS", "KUBEBUILDER_ASSETS")
MODULE = Path(__file__).parent / "tools"
# The programs of the one binary that `main.go` is; it looks at the name it is called by.
BINARY = "controlplane"
IN_BINARY = PROGRAMS[:4]


@dataclass(frozen=True, slots=True)
class Tools:
    """Folders that hold all PROGRAMS between them, in the order in which they are searched."""

    folders: tuple[Path, ...]

    def __getitem__(self, program: str) -> Path:
        for folder in self.folders:
            if os.access(folder / program, os.X_OK):
                return folder / program
        raise KeyError(program)

    def search_path(self, after: str | None = None) -> str:
        """A value for PATH: these folders, then ``after``, the present PATH unless given."""
        rest = os.environ.get("PATH", os.defpath) if after is None else after
        return os.pathsep.join([*map(str, self.folders), *filter(None, [rest])])


def resolve(environment: Mapping[str, str] = os.environ) -> Tools:
    """Find the programs, and build them if need be.

    First come the folders that LEADSMAN_TEST_TOOLS and KUBEBUILDER_ASSETS name; what is not there
    comes from the user's cache folder, which a build fills that takes some minutes.
    """
    named = _named(environment)
    if _complete(named):
        return Tools(named)
    return Tools((*named, once(cached(environment), _build)))


def find(environment: Mapping[str, str] = os.environ) -> Tools | None:
    """Find the programs where ``resolve`` would; None if they would have to be built."""
    named = _named(environment)
    for folders in (named, (*named, cached(environment))):
        if _complete(folders):
            return Tools(folders)
    return None


def cached(environment: Mapping[str, str] = os.environ) -> Path:
    """The folder in the cache for what this clone would build; it need not be there."""
    return cache_folder(environment) / f"tools-{fingerprint()}"


def fingerprint(module: Path = MODULE) -> str:
    """A hash of everything that decides what is built."""
    return module_fingerprint(module, build_arguments(module))


def build_arguments(module: Path = MODULE) -> list[str]:
    """The arguments of ``go build`` that make the programs say their versions."""
    kubernetes = required(module, "k8s.io/kubernetes")
    major, minor, _ = kubernetes.removeprefix("v").split(".", 2)
    base = "k8s.io/component-base/version"
    variables = {
        f"{base}.gitVersion": kubernetes,
        f"{base}.gitMajor": major,
        f"{base}.gitMinor": minor,
        f"{base}.gitTreeState": "clean",
        "helm.sh/helm/v4/internal/version.version": required(module, "helm.sh/helm/v4"),
    }
    flags = ["-s", "-w", *(f"-X {name}={value}" for name, value in variables.items())]
    return ["-trimpath", "-ldflags", " ".join(flags)]


def _named(environment: Mapping[str, str]) -> tuple[Path, ...]:
    folders = []
    for variable in VARIABLES:
        if not (value := environment.get(variable)):
            continue
        if not Path(value).is_dir():
            raise FileNotFoundError(f"{variable} is {value}, which is no folder")
        folders.append(Path(value).resolve())
    return tuple(folders)


def _complete(folders: tuple[Path, ...]) -> bool:
    tools = Tools(folders)
    try:
        return all(tools[program] for program in PROGRAMS)
    except KeyError:
        return False


def _build(folder: Path) -> None:
    """Build into an empty folder."""
    title = f"Building Kubernetes {required(MODULE, 'k8s.io/kubernetes')}, Helm and Kustomize"
    build(folder, MODULE, (".", *TOOLS), build_arguments(), title=title)
    for program in IN_BINARY:
        (folder / program).symlink_to(BINARY)


def main() -> int:
    """Resolve the programs and print the folders to put on PATH."""
    try:
        tools = resolve()
    except (GoError, OSError) as error:
        sys.stderr.write(f"The tools are not to be had: {error}\n")
        return 1
    sys.stdout.write(f"{tools.search_path(after='')}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
