"""Runs of the ``helm`` program for one render, all in one scratch folder."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from leadsman.render.program import Program
    from leadsman.render.sandbox import Outcome, Sandbox


@dataclass(frozen=True, slots=True)
class HelmRun:
    """Runs Helm confined; it can write below ``home`` alone."""

    program: Program
    sandbox: Sandbox
    scratch: Path

    @property
    def home(self) -> Path:
        """Where Helm finds no settings and no plugins."""
        return self.scratch / "home"

    async def __call__(self, arguments: Sequence[str], read: Sequence[Path]) -> Outcome:
        """Run Helm, which may read ``read``. Raises RenderError where it is stopped."""
        home = str(self.home)
        return await self.sandbox.run(
            self.program,
            arguments,
            scratch=self.scratch,
            read=read,
            environment={
                "HELM_CACHE_HOME": home,
                "HELM_CONFIG_HOME": home,
                "HELM_DATA_HOME": home,
                "HELM_PLUGINS": f"{home}/plugins",
                "KUBECONFIG": f"{home}/none",
            },
        )
