"""Real charts, kustomizations and manifests: what the programs themselves make of them is right."""

from __future__ import annotations

import asyncio
import subprocess
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from inputs import INPUTS, NEEDED, corpus, real_input
from leadsman.errors import RenderError
from leadsman.model.identity import TargetKey
from leadsman.model.source import Artifact, Commit, LocalSource
from leadsman.model.target import Target
from leadsman.render.decoder import parse
from leadsman.render.renderer import ClusterFacts, Renderer

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from controlplane.toolchain import Tools
    from leadsman.model.desired import Rendered

CHARTS = [(name, path) for name in NEEDED for path in INPUTS[name].charts.values()]
KUSTOMIZATIONS = [(name, path) for name in NEEDED for path in INPUTS[name].kustomizations.values()]

# Of the corpus.
REPOSITORIES = ("podinfo", "microservices-demo", "flux2-kustomize-helm-example")


async def render(root: Path, path: str) -> Rendered:
    target = Target(TargetKey("DriftCheck", "apps", "app"), LocalSource(root), path=path)
    artifact = Artifact(Commit("abc", "main@sha1:abc"), root)
    return await Renderer().render(artifact, target, ClusterFacts("v1.37.2"))


def flat(bodies: list[Any]) -> Iterator[Any]:
    for body in bodies:
        if body["kind"].endswith("List") and isinstance(body.get("items"), list):
            yield from flat(body["items"])
        else:
            yield body


async def output(*command: str | Path, home: Path) -> tuple[int, list[bytes]]:
    """Run a program without any sandbox; return its exit code and the objects that it writes."""
    process = await asyncio.create_subprocess_exec(
        *command, env={"HOME": str(home)}, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    )
    stdout, _ = await process.communicate()
    documents = [document.value for document in parse(stdout, lambda _line, _key: None)]
    bodies = [orjson.dumps(body, option=orjson.OPT_SORT_KEYS) for body in flat(documents)]
    return int(process.returncode or 0), sorted(bodies)


def same(root: Path, rendered: Rendered, theirs: list[bytes]) -> None:
    assert sorted(item.body for item in rendered.objects) == theirs
    assert all((root / item.file).is_file() for item in rendered.objects)


@pytest.mark.parametrize(("name", "path"), CHARTS)
async def test_a_real_chart(name: str, path: str, tools: Tools, tmp_path: Path) -> None:
    root = real_input(name)
    rendered = await render(root, path)
    assert rendered.renderer == "Helm"
    options = ("--namespace", "apps", "--include-crds", "--no-hooks", "--kube-version", "v1.37.2")
    command = (tools["helm"], "template", "app", root / path, *options)
    status, theirs = await output(*command, home=tmp_path)
    assert status == 0
    same(root, rendered, theirs)


@pytest.mark.parametrize(("name", "path"), KUSTOMIZATIONS)
async def test_a_real_kustomization(name: str, path: str, tools: Tools, tmp_path: Path) -> None:
    root = real_input(name)
    rendered = await render(root, path)
    assert rendered.renderer == "Kustomize"
    status, theirs = await output(tools["kustomize"], "build", root / path, home=tmp_path)
    assert status == 0
    same(root, rendered, theirs)


async def test_a_real_kustomization_without_its_files() -> None:
    path = INPUTS["ingress-nginx"].broken["missing-file"]
    with pytest.raises(RenderError) as caught:
        await render(real_input("ingress-nginx"), path)
    assert caught.value.reason == "PathNotFound"
    assert (
        "manifest-templates/common/manifest.yaml is not in the repository" in caught.value.message
    )


async def test_more_real_kustomizations(tools: Tools, tmp_path: Path) -> None:
    """Those of the corpus, if there is one: where kustomize fails we do, else all is the same."""
    folder = corpus()
    more = [folder / "repos" / name for name in REPOSITORIES] if folder else []
    for root in [real_input("podinfo"), *more]:
        for file in sorted(root.rglob("kustomization.y*ml")):
            path = file.parent.relative_to(root).as_posix()
            command = (tools["kustomize"], "build", "--load-restrictor", "LoadRestrictionsNone")
            status, theirs = await output(*command, file.parent, home=tmp_path)
            try:
                rendered = await render(root, path)
            except RenderError as error:
                assert status != 0 or (error.reason == "EmptyRender" and not theirs), file  # noqa: PT017
            else:
                assert status == 0, file
                same(root, rendered, theirs)
