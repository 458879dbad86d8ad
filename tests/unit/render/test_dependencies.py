"""``file://`` dependencies, against what Helm itself makes of them."""

from __future__ import annotations

import os
import shutil
import subprocess
from typing import TYPE_CHECKING

import pytest
import yaml

if TYPE_CHECKING:
    from pathlib import Path

    from .conftest import Bench

MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {0}}}\ndata: {{x: {{{{ .Values.x }}}}}}\n"


def write_chart(
    bench: Bench, folder: str, *dependencies: str, version: str = "0.1.0", name: str = ""
) -> None:
    """Write a chart of one ConfigMap, called as its folder."""
    name = name or folder.rpartition("/")[2]
    listed = "".join(f"- {{{item}}}\n" for item in dependencies)
    bench.write(
        {
            f"{folder}/Chart.yaml": f"apiVersion: v2\nname: {name}\nversion: {version}\n"
            + (f"dependencies:\n{listed}" if listed else ""),
            f"{folder}/values.yaml": f"x: {folder}\n",
            f"{folder}/templates/map.yaml": MAP.format(folder.replace("/", "-")),
        }
    )


def on(name: str, folder: str = "", version: str = ">=0.1.0", more: str = "") -> str:
    return (
        f"name: {name}, version: '{version}', repository: 'file://../{folder or name}'"
        f"{', ' if more else ''}{more}"
    )


def helms_own(bench: Bench, *folders: str) -> set[str]:
    """Return the names that Helm renders, once it has built the dependencies in these folders.

    The last one is the chart.
    """
    copy = bench.root.parent / "copy"
    shutil.copytree(bench.root, copy)
    environment = {"PATH": os.environ["PATH"], "HOME": str(bench.root.parent / "helmhome")}

    def helm(*arguments: str, cwd: Path = copy) -> str:
        ran = subprocess.run(
            ["helm", *arguments],
            cwd=cwd,
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        return ran.stdout

    for folder in folders:
        helm("dependency", "build", folder)
    return {
        item["metadata"]["name"]
        for item in yaml.safe_load_all(helm("template", folders[-1]))
        if item
    }


async def rendered(bench: Bench, folder: str) -> dict[str, str]:
    found = await bench.render(folder)
    return {item.key.name: item.file for item in found.objects}


async def test_dependencies_of_dependencies_are_rendered(bench: Bench) -> None:
    write_chart(bench, "a", on("b", more="alias: bee"), on("d"))
    write_chart(bench, "b", on("c"), on("d"))
    write_chart(bench, "c", on("d", version="0.x"))
    write_chart(bench, "d")
    found = await rendered(bench, "a")
    assert found == {name: f"{name}/templates/map.yaml" for name in "abcd"}
    assert found.keys() == helms_own(bench, "c", "b", "a")
    assert bench.left_behind() == []


async def test_each_chart_has_files_of_its_own_to_ignore(bench: Bench) -> None:
    write_chart(bench, "a", on("b"))
    write_chart(bench, "b")
    for folder in "ab":
        for name in ("dev", "test"):
            bench.write({f"{folder}/templates/{name}.yaml": MAP.format(f"{folder}-{name}")})
    bench.write({"a/.helmignore": "dev.yaml\n", "b/.helmignore": "test.yaml\n"})
    found = await rendered(bench, "a")
    assert found.keys() == {"a", "b", "a-test", "b-dev"}
    assert found.keys() == helms_own(bench, "a")


async def test_conditions_and_aliases_hold(bench: Bench) -> None:
    write_chart(
        bench,
        "a",
        on("b", more="alias: one, condition: one.on"),
        on("b", more="alias: two, condition: two.on"),
    )
    write_chart(bench, "b")
    bench.write({"a/values.yaml": "x: a\none: {on: false}\ntwo: {on: true, x: told}\n"})
    (only,) = [item for item in (await bench.render("a")).objects if item.key.name == "b"]
    assert b'"x":"told"' in only.body


async def test_two_folders_with_charts_of_one_name(bench: Bench) -> None:
    write_chart(
        bench, "a", on("b", "old/b", "<1", "alias: one"), on("b", "new/b", ">=1", "alias: two")
    )
    write_chart(bench, "old/b")
    write_chart(bench, "new/b", version="1.2.0")
    found = await rendered(bench, "a")
    assert found["old-b"] == "old/b/templates/map.yaml"
    assert found["new-b"] == "new/b/templates/map.yaml"
    assert found.keys() == helms_own(bench, "a")


@pytest.mark.parametrize(
    ("version", "lock"), [("1.x", ""), ("", ""), ("no range", ""), ("0.x", "0.0.9")]
)
async def test_a_version_that_is_not_asked_for_is_refused(
    version: str, lock: str, bench: Bench
) -> None:
    write_chart(bench, "a", on("b"))
    write_chart(bench, "b", on("c", version=version))
    write_chart(bench, "c")
    if lock:
        bench.write({"b/Chart.lock": f"dependencies:\n- {{name: c, version: {lock}}}\n"})
    error = await bench.error("a")
    assert (error.reason, error.retryable) == ("ChartDependenciesMissing", False)
    assert "b/Chart.yaml" in error.message
    with pytest.raises(subprocess.CalledProcessError):
        helms_own(bench, "b", "a")


async def test_what_is_wrong_with_a_version_is_told(bench: Bench) -> None:
    write_chart(bench, "a", on("b", version="1.x"))
    write_chart(bench, "b")
    error = await bench.error("a")
    assert error.message.startswith("a/Chart.yaml asks for b 1.x, and b is version 0.1.0: change")
    write_chart(bench, "a", on("b", version="oho"))
    error = await bench.error("a")
    assert 'a/Chart.yaml cannot be packaged: dependency "b" has an invalid version' in error.message


async def test_a_chart_that_nests_too_deep_is_refused(bench: Bench) -> None:
    for number in range(30):
        write_chart(bench, f"c{number}", on(f"c{number + 1}"))
    write_chart(bench, "c30")
    error = await bench.error("c0")
    assert error.reason == "ChartDependenciesMissing"
    assert "nested more than 20 deep" in error.message
    assert len(await rendered(bench, "c12")) == 19


async def test_a_commit_to_a_dependency_of_a_dependency_is_rendered(bench: Bench) -> None:
    write_chart(bench, "a", on("b"))
    write_chart(bench, "b", on("c"))
    write_chart(bench, "c")
    bench.commit()
    await bench.render("a")
    await bench.render("a")
    bench.write({"c/values.yaml": "x: changed\n"})
    bench.commit()
    found = await bench.render("a")
    assert [outcome for _, outcome in bench.seen] == ["rendered", "cached", "rendered"]
    assert any(b"changed" in item.body for item in found.objects)
