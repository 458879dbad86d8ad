"""Go modules of this project: what they pin, and the programs that are built from them once.

built("promtool", folder)           # the program that the folder's go.mod names as its tool
downloaded(folder, "example.com/x") # where the files of a module are that its go.mod pins
"""

from __future__ import annotations

import hashlib
import json
import platform
import re
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from .cache import cache_folder, once
from .gobuild import GO_VERSION, GoError, go, go_program
from .progress import Progress

if TYPE_CHECKING:
    from collections.abc import Sequence

# Without what only a debugger reads, and without this machine's paths.
ARGUMENTS = ("-trimpath", "-ldflags", "-s -w")
# Stands for what go.mod names as its tools.
TOOLS = ("tool",)


def required(module: Path, path: str) -> str:
    """The version of a module that the ``go.mod`` in a folder requires."""
    line = rf"^\s*{re.escape(path)} (v\S+)"
    found = re.search(line, (module / "go.mod").read_text(), re.MULTILINE)
    if not found:
        raise KeyError(f"{module / 'go.mod'} does not require {path}")
    return found[1]


def downloaded(module: Path, path: str) -> Path:
    """The folder with the files of a module that the ``go.mod`` in a folder requires; read-only.

    A module's zip holds its whole repository. A download whose checksum is not the one in
    ``go.sum`` is a GoError.
    """
    version = required(module, path)
    # go compares with go.sum what go.sum knows, and adds to it what it does not.
    if f"\n{path} {version} h1:" not in "\n" + (module / "go.sum").read_text():
        raise GoError(f"{module / 'go.sum'} has no checksum of {path} {version}")
    with Progress(f"Fetching {path}", quiet=1.0):
        answer = go("mod", "download", "-json", f"{path}@{version}", folder=module)
    return Path(json.loads(answer)["Dir"])


def built(
    name: str,
    module: Path,
    packages: Sequence[str] = TOOLS,
    arguments: Sequence[str] = ARGUMENTS,
) -> Path:
    """The program ``name`` that the packages of a module make, built if it is not in the cache."""
    folder = cache_folder() / f"{name}-{fingerprint(module, arguments)}"

    def make(into: Path) -> None:
        build(into, module, packages, arguments, title=f"Building {name}")

    return once(folder, make) / name


def fingerprint(module: Path, arguments: Sequence[str]) -> str:
    """A hash of everything that decides what is built."""
    digest = hashlib.sha256()
    for source in (*sorted(module.rglob("*.go")), module / "go.mod", module / "go.sum"):
        digest.update(source.read_bytes())
    for word in (GO_VERSION, sys.platform, platform.machine(), *arguments):
        digest.update(word.encode() + b"\0")
    return digest.hexdigest()[:16]


def build(
    into: Path, module: Path, packages: Sequence[str], arguments: Sequence[str], *, title: str
) -> None:
    """Build packages of a module into a folder, and show how far it is."""
    go_program()  # installed first if need be, with a progress of its own
    with Progress(title) as progress:
        fetched = compiled = 0

        def on_download(line: str) -> None:
            nonlocal fetched
            fetched += line.startswith("go: downloading ")
            progress.detail = f"{fetched} modules downloaded"

        def on_compile(line: str) -> None:
            nonlocal compiled
            compiled += " " not in line
            progress.detail = f"{compiled} of {total} packages compiled"

        progress.detail = "finding out what is needed"
        total = len(go("list", "-deps", *packages, folder=module, on_line=on_download).split())
        progress.detail = f"{total} packages to compile, or to take from Go's cache"
        command = ["build", "-v", *arguments, "-o", f"{into}/", *packages]
        go(*command, folder=module, on_line=on_compile)
