"""What is built from a Go module, and what it pins."""

from __future__ import annotations

import os
import subprocess
from typing import TYPE_CHECKING

import pytest

from controlplane.gobuild import GoError
from controlplane.gomodule import ARGUMENTS, built, downloaded, fingerprint
from inputs import HERE

if TYPE_CHECKING:
    from pathlib import Path

MAIN = 'package main\n\nfunc main() { println("%s") }\n'


@pytest.fixture
def module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A module with one program, and a cache of its own; Go's stays."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv(
        "GOCACHE", os.environ.get("GOCACHE", f"{os.environ['HOME']}/.cache/go-build")
    )
    folder = tmp_path / "module"
    (folder / "greet").mkdir(parents=True)
    (folder / "go.mod").write_text("module example.com/greet\n\ngo 1.26\n")
    (folder / "go.sum").touch()
    (folder / "greet" / "main.go").write_text(MAIN % "hello")
    return folder


def said(program: Path) -> str:
    return subprocess.run([program], capture_output=True, text=True, check=True).stderr.strip()


def test_a_program_is_built_once_and_again_when_a_source_changes(module: Path) -> None:
    first = built("greet", module, ["./greet"])
    assert said(first) == "hello"
    assert built("greet", module, ["./greet"]) == first
    (module / "greet" / "main.go").write_text(MAIN % "goodbye")
    second = built("greet", module, ["./greet"])
    assert said(second) == "goodbye"
    assert said(first) == "hello"


@pytest.mark.parametrize("changed", ["go.mod", "go.sum", "greet/main.go"])
def test_the_fingerprint_follows_each_source(module: Path, changed: str) -> None:
    before = fingerprint(module, ARGUMENTS)
    (module / "README").write_text("not built")
    assert fingerprint(module, ARGUMENTS) == before
    with (module / changed).open("a") as file:
        file.write("\n")
    assert fingerprint(module, ARGUMENTS) != before


def test_a_module_without_its_checksum_is_refused(tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text((HERE / "go.mod").read_text())
    (tmp_path / "go.sum").touch()
    with pytest.raises(GoError, match="has no checksum of sigs"):
        downloaded(tmp_path, "sigs.k8s.io/metrics-server")
