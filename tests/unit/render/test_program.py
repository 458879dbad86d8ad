from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

import pytest

from leadsman.errors import RenderError
from leadsman.render.program import find_program

if TYPE_CHECKING:
    from pathlib import Path

    from controlplane.toolchain import Tools


def test_a_static_program_needs_nothing_but_itself(tools: Tools) -> None:
    program = find_program("kustomize", "--kustomize")
    assert program.name == "kustomize"
    assert program.path == os.path.realpath(tools["kustomize"])
    assert program.execute == (program.path,)
    assert find_program(str(tools["kustomize"]), "--kustomize") == program


def test_a_link_is_followed(tmp_path: Path, tools: Tools) -> None:
    (tmp_path / "k").symlink_to(tools["kustomize"])
    assert find_program(str(tmp_path / "k"), "--kustomize").path == os.path.realpath(
        tools["kustomize"]
    )


def test_a_dynamic_program_needs_its_loader_and_libraries() -> None:
    program = find_program(sys.executable, "--python")
    assert len(program.execute) > 1
    assert all(os.path.exists(path) for path in program.execute)  # noqa: PTH110 - strings
    assert any("ld-" in path or path.startswith("/nix") for path in program.execute)


@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [
        (None, 0, "is not there"),
        (b"\x7fELF", 0o600, "is not there or cannot be run"),
        (b"#!/bin/sh\n", 0o700, "is no program but a script"),
        (b"\x7fELF", 0o700, "cannot be read"),
        (b"", 0o700, "is no program"),
    ],
)
def test_what_cannot_be_run_confined_is_told(
    content: bytes | None, mode: int, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "helm"
    if content is not None:
        path.write_bytes(content)
        path.chmod(mode)
    with pytest.raises(RenderError, match=said) as caught:
        find_program(str(path), "--helm")
    assert caught.value.reason == "RendererNotFound"
    assert "--helm" in caught.value.message or "cannot be read" in caught.value.message
