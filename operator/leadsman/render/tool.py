"""A renderer's program and its version."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from leadsman.errors import RenderError
from leadsman.render.messages import scrub
from leadsman.render.program import Program, find_program
from leadsman.render.sandbox import scratch_folder

if TYPE_CHECKING:
    from leadsman.render.sandbox import Sandbox


class Tool:
    """A program that may be replaced by another version while this process runs.

    ``name`` is its path or a name on PATH, ``setting`` what a person would change,
    ``version_arguments`` make it say its version.
    """

    def __init__(self, name: str, setting: str, version_arguments: tuple[str, ...]) -> None:
        self._name = name
        self._setting = setting
        self._version_arguments = version_arguments
        self._versions: dict[tuple[str, int, int], str] = {}

    def program(self) -> Program:
        """Find the program. Raises RenderError."""
        return find_program(self._name, self._setting)

    async def version(self, sandbox: Sandbox, scratch: Path | None) -> str:
        """Return the program's version, asked for once per file. Raises RenderError."""
        program = self.program()
        file = _identity(program)
        if file not in self._versions:
            with scratch_folder(scratch) as folder:
                outcome = await sandbox.run(program, self._version_arguments, scratch=folder)
            if outcome.status != 0:
                raise RenderError(
                    "RendererNotFound",
                    f"{self._name} cannot say its version: {scrub(outcome.stderr, {})[:500]}",
                )
            self._versions[file] = outcome.stdout.decode("utf-8", "replace").strip()
        return self._versions[file]


def _identity(program: Program) -> tuple[str, int, int]:
    state = Path(program.path).stat()
    return program.path, state.st_mtime_ns, state.st_size
