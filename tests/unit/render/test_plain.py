from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from leadsman.model.target import PlainOptions

if TYPE_CHECKING:
    from .conftest import Bench

CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: NAME}\n"


def config(name: str) -> str:
    return CONFIG.replace("NAME", name)


async def names(bench: Bench, options: PlainOptions | None = None, path: str = "") -> list[str]:
    rendered = await bench.render(path, options)
    assert rendered.renderer == "Plain"
    return [item.key.name for item in rendered.objects]


async def test_a_folders_manifests_are_read_in_order(bench: Bench) -> None:
    bench.write(
        {
            "b.yml": config("b1") + "---\n" + config("b2"),
            "a/z.json": '{"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "z"}}',
            "c.yaml": config("c"),
            "README.md": "no manifest",
            ".github/workflows/ci.yaml": "on: push",
        }
    )
    assert await names(bench) == ["z", "b1", "b2", "c"]
    rendered = await bench.render()
    assert [item.file for item in rendered.objects] == ["a/z.json", "b.yml", "b.yml", "c.yaml"]
    assert rendered.warnings == ()


async def test_one_file_can_be_named(bench: Bench) -> None:
    bench.write({"apps/a.yaml": config("a"), "apps/b.yaml": "no: manifest"})
    assert await names(bench, path="apps/a.yaml") == ["a"]
    assert await names(bench, PlainOptions(), path="/apps/a.yaml") == ["a"]


async def test_what_is_read_can_be_chosen(bench: Bench) -> None:
    bench.write(
        {
            "top/a.yaml": config("a"),
            "top/b/b.yaml": config("b"),
            "top/b/values.yaml": "no: manifest",
            "top/c/c.manifest": config("c"),
        }
    )
    assert await names(bench, PlainOptions(recurse=False), "top") == ["a"]
    assert await names(bench, PlainOptions(exclude=("values.yaml",)), "top") == ["a", "b"]
    assert await names(bench, PlainOptions(exclude=("b",)), "top") == ["a"]
    assert await names(bench, PlainOptions(include=("*.manifest", "a.yaml")), "top") == ["a", "c"]
    assert await names(bench, PlainOptions(include=("b/**",), exclude=("values.*",)), "top") == [
        "b"
    ]


@pytest.mark.parametrize(
    ("text", "reason", "said"),
    [
        ("a: 1\n", "NotAManifest", "x/a.yaml:1 is no manifest"),
        ("# hello\n\n- 1\n", "NotAManifest", "x/a.yaml:3 is no manifest"),
        ("kind: ConfigMap\nmetadata: {name: a}\n", "NotAManifest", "x/a.yaml:1 is no manifest"),
        (config("a") + "---\na: {{ .b }}\n", "TemplateInManifest", "x/a.yaml:5: holds a template"),
        (config("a") + "data: {a: b, a: c}\n", "DuplicateKey", "x/a.yaml:4: the key 'a'"),
        (config("a") + "data: [\n", "InvalidYAML", "x/a.yaml:5: "),
        (config("12"), "InvalidObject", "x/a.yaml:1: ConfigMap of v1: metadata.name is 12"),
    ],
)
async def test_what_is_no_manifest_is_told_with_file_and_line(
    text: str, reason: str, said: str, bench: Bench
) -> None:
    bench.write({"x/a.yaml": text})
    error = await bench.error("x")
    assert (error.reason, error.retryable) == (reason, False)
    assert error.message.startswith(said)


async def test_folders_that_are_rendered_otherwise_are_left_out_and_told(bench: Bench) -> None:
    bench.write(
        {
            "a.yaml": config("a"),
            "chart/Chart.yaml": "name: x",
            "chart/templates/x.yaml": "{{ .Values.x }}",
            "overlay/kustomization.yml": "resources: []",
            "overlay/patch.yaml": "no: manifest",
        }
    )
    assert await names(bench) == ["a"]
    assert (await bench.render()).warnings == (
        "chart is left out: it holds a Helm chart, which is a target of its own",
        "overlay is left out: it holds a kustomization, which is a target of its own",
    )
    assert (await bench.render("", PlainOptions(exclude=("chart", "overlay")))).warnings == ()


async def test_kustomizations_among_plain_manifests_are_left_out_and_told(bench: Bench) -> None:
    bench.write(
        {
            "a.yaml": config("a"),
            "kustomization.yaml": "resources: [a.yaml]",
            "more.yaml": "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n",
        }
    )
    rendered = await bench.render("", PlainOptions())
    assert [item.key.name for item in rendered.objects] == ["a"]
    assert len(rendered.warnings) == 2


async def test_links_are_read_as_what_they_lead_to(bench: Bench) -> None:
    bench.write({"shared/a.yaml": config("a"), "app/b.yaml": config("b"), "shared/f/c.yaml": "{"})
    bench.link("app/a.yaml", "../shared/a.yaml")
    bench.link("app/folder.yaml", "../shared/f")
    rendered = await bench.render("app")
    assert [(item.key.name, item.file) for item in rendered.objects] == [
        ("a", "app/a.yaml"),
        ("b", "app/b.yaml"),
    ]


async def test_a_link_that_leads_out_is_refused(bench: Bench) -> None:
    (bench.root.parent / "beside.yaml").write_text(config("x"))
    bench.write({"app/b.yaml": config("b")})
    bench.link("app/a.yaml", "../../beside.yaml")
    error = await bench.error("app")
    assert (error.reason, error.retryable) == ("PathOutside", False)
    assert error.message.startswith("app/a.yaml is a symbolic link that leads out")
    # Not if nobody asked for it.
    assert await names(bench, PlainOptions(exclude=("a.yaml",)), "app") == ["b"]
