"""``leadsman check`` as people run it."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

import yaml

from harness.operator import ROOT

if TYPE_CHECKING:
    from pathlib import Path

    from controlplane.plane import ControlPlane


@dataclass(frozen=True, slots=True)
class Done:
    """How a command ended and what it said."""

    code: int
    out: str
    errors: str

    @property
    def everything(self) -> str:
        return self.out + self.errors


@dataclass(frozen=True, slots=True)
class Leadsman:
    """The command line, with a kubeconfig and a home folder."""

    plane: ControlPlane
    kubeconfig: Path
    home: Path

    def check(self, *arguments: str, stdin: str = "") -> Done:
        """Run ``leadsman check``."""
        environment = {
            "PATH": self.plane.tools.search_path(),
            "PYTHONPATH": str(ROOT / "operator"),
            "KUBECONFIG": str(self.kubeconfig),
            "HOME": str(self.home),
        }
        done = subprocess.run(
            [sys.executable, "-m", "leadsman", "check", *arguments],
            env=environment,
            cwd=self.home,
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
        )
        return Done(done.returncode, done.stdout, done.stderr)

    def context(self, **changes: dict[str, str]) -> str:
        """Return a kubeconfig with another ``cluster``, ``user`` or ``context``."""
        kubeconfig = yaml.safe_load(self.kubeconfig.read_text())
        for name, change in changes.items():
            kubeconfig[f"{name}s"][0][name] |= change
        file = self.home / "changed.kubeconfig"
        file.write_text(yaml.safe_dump(kubeconfig))
        return str(file)
