"""A repository's files in a folder, and a renderer that is watched."""

from __future__ import annotations

import os
import subprocess
from textwrap import dedent
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from leadsman.errors import RenderError
from leadsman.model.identity import TargetKey
from leadsman.model.source import Artifact, Commit, LocalSource
from leadsman.model.target import RenderOptions, Target
from leadsman.render.renderer import ClusterFacts, Renderer, ValuesDocument

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path

    from controlplane.toolchain import Tools
    from leadsman.model.desired import Rendered

SCOPES = {
    ("", "Namespace"): False,
    ("", "ConfigMap"): True,
    ("", "Secret"): True,
    ("", "Service"): True,
    ("apps", "Deployment"): True,
    ("rbac.authorization.k8s.io", "ClusterRole"): False,
}


class Bench:
    """A folder that stands for a checkout, and what was seen of its renders."""

    def __init__(self, folder: Path) -> None:
        self.root = folder / "checkout"
        self.root.mkdir()
        self.scratch = folder / "scratch"
        self.scratch.mkdir()
        self.cache = folder / "cache"
        self.trees: dict[str, str] = {}
        self.seen: list[tuple[str, str]] = []
        self.facts = ClusterFacts(
            kube_version="v1.37.2", scope=lambda group, kind: SCOPES.get((group, kind))
        )
        self.renderer = self.make()

    def make(self, **settings: Any) -> Renderer:
        return Renderer(
            cache=self.cache,
            scratch=self.scratch,
            observe=lambda renderer, _seconds, outcome: self.seen.append((renderer, outcome)),
            **settings,
        )

    def write(self, files: Mapping[str, str]) -> None:
        """Write files, indented as the test is."""
        for name, text in files.items():
            path = self.root / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(dedent(text), encoding="utf-8")

    def link(self, name: str, to: str | Path) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(to)

    def commit(self) -> None:
        """Have git tell the ids of all that is there."""

        def git(*arguments: str) -> str:
            environment = {
                "PATH": os.environ["PATH"],
                "GIT_DIR": str(self.root.parent / "git"),
                "GIT_WORK_TREE": str(self.root),
                "GIT_CONFIG_NOSYSTEM": "1",
                "HOME": str(self.root.parent),
            }
            ran = subprocess.run(
                ["git", *arguments],
                env=environment,
                cwd=self.root,
                capture_output=True,
                text=True,
                errors="surrogateescape",
                check=True,
            )
            return ran.stdout

        git("init", "-q")
        git("add", "-A")
        top = git("write-tree").strip()
        self.trees = {"": top}
        for entry in git("ls-tree", "-r", "-t", "-z", top).split("\0")[:-1]:
            about, path = entry.split("\t")
            self.trees[path] = about.split()[2]

    async def render(
        self,
        path: str = "",
        options: RenderOptions | None = None,
        values: Sequence[ValuesDocument] = (),
        **target: Any,
    ) -> Rendered:
        artifact = Artifact(Commit("abc", "main@sha1:abc"), self.root, self.trees)
        asked = Target(
            TargetKey("DriftCheck", "apps", "shop"),
            LocalSource(self.root),
            path=path,
            render=options,
            **target,
        )
        return await self.renderer.render(artifact, asked, self.facts, values)

    async def objects(
        self,
        path: str = "",
        options: RenderOptions | None = None,
        values: Sequence[ValuesDocument] = (),
        **target: Any,
    ) -> dict[str, Any]:
        """Render and return the objects' bodies by ``Kind name``."""
        rendered = await self.render(path, options, values, **target)
        return {
            f"{item.gvk.kind} {item.key.name}": orjson.loads(item.body) for item in rendered.objects
        }

    async def error(
        self,
        path: str = "",
        options: RenderOptions | None = None,
        values: Sequence[ValuesDocument] = (),
        **target: Any,
    ) -> RenderError:
        """Render, which must fail, and return why, without a word of this machine."""
        with pytest.raises(RenderError) as caught:
            await self.render(path, options, values, **target)
        assert str(self.root.parent) not in caught.value.message
        assert "leadsman-render-" not in caught.value.message
        return caught.value

    def left_behind(self) -> list[Path]:
        """Return what renders left in the scratch folder."""
        return list(self.scratch.iterdir())


@pytest.fixture
def bench(tmp_path: Path, tools: Tools) -> Bench:
    del tools  # on PATH from now on
    return Bench(tmp_path)
