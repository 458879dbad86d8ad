"""Names of files and folders that are not UTF-8: git keeps any bytes but a slash and a null."""

from __future__ import annotations

import subprocess
from typing import TYPE_CHECKING

import orjson
import pytest

from leadsman.model.target import HelmOptions, KustomizeOptions, PlainOptions

if TYPE_CHECKING:
    from leadsman.model.target import RenderOptions

    from .conftest import Bench

MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: %s}\n"
CHART = "apiVersion: v2\nname: %s\nversion: 1.0.0\n"
# What Python makes of the name café in Latin-1.
CAFE = "caf\udce9"


async def files(bench: Bench, path: str = "", options: RenderOptions | None = None) -> list[str]:
    """Render twice, once from the cache, and return each object's name with its file."""
    bench.commit()
    rendered = [await bench.render(path, options) for _ in range(2)]
    assert [outcome for _, outcome in bench.seen][-2:] == ["rendered", "cached"]
    assert rendered[0] == rendered[1]
    orjson.dumps([item.file for item in rendered[0].objects] + list(rendered[0].warnings))
    return [f"{item.key.name} {item.file}" for item in rendered[0].objects]


async def test_plain_manifests(bench: Bench) -> None:
    bench.write({f"p/{CAFE}.yaml": MAP % "a", f"p/{CAFE}/b.yaml": MAP % "b"})
    bench.write({f"p/x/{CAFE}/Chart.yaml": CHART % "x", "q/Chart.yaml": CHART % "y"})
    assert await files(bench, "p") == ["b p/caf\ufffd/b.yaml", "a p/caf\ufffd.yaml"]
    warnings = (await bench.render("p")).warnings
    assert warnings[0].startswith("p/x/caf\ufffd is left out: it holds a Helm chart")
    bench.link("link", f"p/{CAFE}")
    assert await files(bench, "link", PlainOptions()) == ["b p/caf\ufffd/b.yaml"]


async def test_kustomize_without_a_kustomization(bench: Bench) -> None:
    bench.write(
        {
            f"p/{CAFE}.yaml": MAP % "a",
            f"p/{CAFE}/b.yml": MAP % "b",
            f"p/x/{CAFE}/kustomization.yaml": "resources: [c.yaml]",
            f"p/x/{CAFE}/c.yaml": MAP % "c",
            "p/d.yaml": MAP % "d",
        }
    )
    assert sorted(await files(bench, "p", KustomizeOptions())) == [
        "a p/caf\ufffd.yaml",
        "b p/caf\ufffd/b.yml",
        "c p/x/caf\ufffd/c.yaml",
        "d p/d.yaml",
    ]


async def test_names_that_look_alike_are_kept_apart(bench: Bench) -> None:
    bench.write({f"p/{CAFE}/a.yaml": MAP % "one", "p/caf\udce8/a.yaml": MAP % "two"})
    for folder in (CAFE, "caf\udce8"):
        bench.link("link", f"p/{folder}")
        found = await files(bench, "link", KustomizeOptions())
        assert found == [f"{'one' if folder == CAFE else 'two'} p/caf\ufffd/a.yaml"]
        (bench.root / "link").unlink()


async def test_charts(bench: Bench) -> None:
    bench.write(
        {
            "p/Chart.yaml": (CHART % "p")
            + "dependencies: [{name: r, version: 1.x, repository: 'file://../link'}]\n",
            f"p/templates/{CAFE}.yaml": MAP % "p",
            f"p/charts/{CAFE}/Chart.yaml": CHART % "q",
            f"p/charts/{CAFE}/templates/q.yaml": MAP % "q",
            f"{CAFE}/Chart.yaml": CHART % "r",
            f"{CAFE}/templates/r.yaml": MAP % "r",
            f"{CAFE}/values.yaml": "{}",
        }
    )
    bench.link("link", CAFE)
    bench.link("p/all.yaml", f"../{CAFE}/values.yaml")
    assert sorted(await files(bench, "p", HelmOptions(values_files=("all.yaml",)))) == [
        "p p/templates/caf\ufffd.yaml",
        "q p/charts/caf\ufffd/templates/q.yaml",
        "r caf\ufffd/templates/r.yaml",
    ]


@pytest.mark.parametrize(
    "wrong",
    [
        {f"{CAFE}.yaml": "a: ["},
        {f"{CAFE}.yaml": MAP % "a" + "a: 1\na: 2"},
        {f"{CAFE}.yaml": "a: 1"},
        {f"{CAFE}.yaml": (MAP % "1").replace("1", "{}")},
        {f"{CAFE}/Chart.yaml": "a: [", f"{CAFE}/x": "Chart"},
        {f"{CAFE}/kustomization.yaml": "resources: [none.yaml]", f"{CAFE}/x": "link"},
        {f"{CAFE}/kustomization.yaml": "a: ["},
        {f"{CAFE}/Chart.yaml": CHART % "a", f"{CAFE}/templates/a.yaml": "{{ fail `x` }}"},
    ],
)
async def test_errors_can_be_written(wrong: dict[str, str], bench: Bench) -> None:
    bench.write({f"p/{name}": text for name, text in wrong.items()})
    bench.link("link", f"p/{CAFE}")
    error = await bench.error("link" if (bench.root / "link").is_dir() else "p")
    assert "caf\ufffd" in error.message
    orjson.dumps(str(error))


async def test_hundreds_of_kustomizations_that_name_each_other(bench: Bench) -> None:
    for number in range(500):
        bench.write({f"k{number}/kustomization.yaml": f"resources: [../k{number + 1}]"})
    bench.write({"k500/kustomization.yaml": "resources: [a.yaml]", "k500/a.yaml": MAP % "a"})
    rendered = await bench.render("k0")
    assert [item.file for item in rendered.objects] == ["k500/a.yaml"]
    bench.write({"k500/kustomization.yaml": "resources: [../k0]"})
    error = await bench.error("k0")
    assert error.reason == "BuildFailed"


async def test_folders_may_be_nested_deeper_than_the_stack_is(bench: Bench) -> None:
    deep = "/".join(["d"] * 1200)
    folder = bench.root / "p"
    folder.mkdir()
    for part in deep.split("/"):
        folder /= part
        folder.mkdir()
    bench.write({f"p/{deep}/a.yaml": MAP % "a"})
    try:
        for options in (PlainOptions(), KustomizeOptions()):
            (only,) = (await bench.render("p", options)).objects
            assert only.file == f"p/{deep}/a.yaml"
    finally:
        # Python itself can remove it only by recursion.
        subprocess.run(["rm", "-r", bench.root / "p"], check=True)  # noqa: ASYNC221 - at the end
