"""Where commands are run: those a person would type, and those behind the scenes."""

from __future__ import annotations

import subprocess
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from controlplane.gitrepo import git_environment

if TYPE_CHECKING:
    from pathlib import Path

    from controlplane.toolchain import Tools

# Seconds that a command may take; deleting a namespace takes the longest.
_LIMIT = 180.0
# The user's own settings of these programs would make the demo another one.
_SETTINGS = ("HELM_", "KUBE")


class DemoError(Exception):
    """The demo cannot go on; the text says why, and what to do."""


@dataclass(frozen=True, slots=True)
class Done:
    """A command that succeeded: what it printed, when it began and ended by the monotonic clock."""

    output: str
    began: float
    ended: float

    @property
    def seconds(self) -> float:
        """How long it ran."""
        return self.ended - self.began


class Shell:
    """Runs commands in ``folder`` against the cluster of ``kubeconfig``.

    ``tools_path`` is what a person would put before PATH to do the same.
    """

    def __init__(self, tools: Tools, kubeconfig: Path, home: Path) -> None:
        """Stand in ``home``, where the programs keep their caches too."""
        self.kubeconfig = kubeconfig
        self.tools_path = tools.search_path(after="")
        self.path = tools.search_path()
        self.folder = home
        kept = git_environment().items()
        self.environment = {
            **{name: value for name, value in kept if not name.startswith(_SETTINGS)},
            "PATH": self.path,
            "KUBECONFIG": str(kubeconfig),
            "KUBECACHEDIR": str(home / "kube-cache"),
            "KUBERC": "off",
            **{f"HELM_{name}_HOME": str(home / "helm") for name in ("CACHE", "CONFIG", "DATA")},
        }

    def type(self, line: str) -> Done:
        """Run a line as a person's shell would; its output is that of a terminal, errors too.

        Raises:
            DemoError: it failed.

        """
        began = time.monotonic()
        output = self._run(["sh", "-c", line], "", stderr=subprocess.STDOUT)
        return Done(output, began, time.monotonic())

    def kubectl(self, *arguments: str | Path, stdin: str = "") -> str:
        """Run kubectl and return what it prints.

        Raises:
            DemoError: it failed.

        """
        return self._run(["kubectl", *map(str, arguments)], stdin, stderr=subprocess.PIPE)

    def _run(self, command: list[str], stdin: str, *, stderr: int) -> str:
        try:
            done = subprocess.run(
                command,
                cwd=self.folder,
                env=self.environment,
                input=stdin,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                check=False,
                timeout=_LIMIT,
                # Ctrl-C is for the demo alone, which ends what it has started.
                process_group=0,
            )
        except subprocess.TimeoutExpired as error:
            raise DemoError(f"{_shown(command)}: no end after {_LIMIT:.0f} s") from error
        if done.returncode:
            said = ((done.stderr or "") + done.stdout).strip()
            raise DemoError(f"{_shown(command)}: exit code {done.returncode}\n{said}")
        return done.stdout


def _shown(command: list[str]) -> str:
    return command[-1] if command[0] == "sh" else " ".join(command)
