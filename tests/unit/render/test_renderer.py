from __future__ import annotations

import asyncio
import os
import sys
from typing import TYPE_CHECKING

import pytest

from leadsman.errors import RenderError
from leadsman.model.target import HelmOptions, KustomizeOptions, PlainOptions
from leadsman.render.renderer import ClusterFacts, Limits, ValuesDocument

if TYPE_CHECKING:
    from .conftest import Bench

CONFIG = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: plain}\n"
CHART = {
    "both/Chart.yaml": "apiVersion: v2\nname: both\nversion: 1.0.0\n",
    "both/values.yaml": "",
    "both/templates/a.yaml": CONFIG.replace("plain", "helm-{{ .Values.x }}"),
}
KUSTOMIZATION = {
    "both/kustomization.yaml": "resources: [a.yaml]\nnamePrefix: kustomize-\n",
    "both/a.yaml": CONFIG,
}


async def names(bench: Bench, *arguments: object, **target: object) -> list[str]:
    rendered = await bench.render(*arguments, **target)  # type: ignore[arg-type]
    return [item.key.name for item in rendered.objects]


async def test_a_chart_comes_before_a_kustomization_before_plain_manifests(bench: Bench) -> None:
    bench.write({**CHART, **KUSTOMIZATION})
    assert (await bench.render("both")).renderer == "Helm"
    assert (await bench.render("both", KustomizeOptions())).renderer == "Kustomize"
    (bench.root / "both/Chart.yaml").unlink()
    assert (await bench.render("both")).renderer == "Kustomize"
    (bench.root / "both/templates/a.yaml").unlink()
    assert await names(bench, "both", PlainOptions(exclude=("values.yaml",))) == ["plain"]
    (bench.root / "both/kustomization.yaml").unlink()
    assert (await bench.render("both")).renderer == "Plain"


@pytest.mark.parametrize("path", ["both", "./both", "both/", "/both", "x/../both"])
async def test_a_path_is_taken_from_the_root(path: str, bench: Bench) -> None:
    bench.write({**KUSTOMIZATION, "x/y": ""})
    assert await names(bench, path) == ["kustomize-plain"]


async def test_a_path_that_cannot_be_rendered_is_told(bench: Bench) -> None:
    bench.write(KUSTOMIZATION)
    error = await bench.error("bot")
    assert (error.reason, error.message) == (
        "PathNotFound",
        "bot is not in the repository; is both meant?",
    )
    assert (await bench.error("../both")).reason == "PathOutside"
    bench.link("out", "../..")
    assert (await bench.error("out")).reason == "PathOutside"
    assert (await bench.error("both/a.yaml", KustomizeOptions())).reason == "PathNotFound"
    assert (await bench.error("both", HelmOptions())).reason == "ChartNotFound"
    assert {renderer for renderer, _ in bench.seen} == {"Unknown"}


async def test_an_empty_render_is_an_error_unless_it_may_be(bench: Bench) -> None:
    bench.write({"app/README.md": ""})
    error = await bench.error("app")
    assert (error.reason, error.retryable) == ("EmptyRender", False)
    assert (await bench.render("app", allow_empty=True)).objects == ()


async def test_the_same_inputs_run_no_program(bench: Bench) -> None:
    bench.write(
        {
            **CHART,
            "overlay/kustomization.yaml": """\
                resources: [../base]
                patches: [{path: ../p/patch.yaml}]
                """,
            "base/kustomization.yaml": "resources: [a.yaml]\n",
            "base/a.yaml": CONFIG,
            "base/unused.yaml": "",
            "p/patch.yaml": CONFIG + "data: {a: b}\n",
            "plain/a.yaml": CONFIG,
            "values/prod.yaml": "x: prod\n",
        }
    )
    bench.commit()
    helm = HelmOptions(values_files=("/values/prod.yaml",))

    async def outcomes() -> list[str]:
        bench.seen.clear()
        for path, options in (("both", helm), ("overlay", None), ("plain", None)):
            before = await bench.render(path, options)
            assert before == await bench.render(path, options)
        # Each a second time, where nothing has changed.
        assert [outcome for _, outcome in bench.seen[1::2]] == ["cached"] * 3
        return [outcome for _, outcome in bench.seen[::2]]

    async def after(change: dict[str, str]) -> list[str]:
        bench.write(change)
        bench.commit()
        return await outcomes()

    assert await outcomes() == ["rendered"] * 3
    assert await after({"README.md": "more", "base/unused.yaml": "# more"}) == ["cached"] * 3
    assert await after({"values/prod.yaml": "x: other\n"}) == ["rendered", "cached", "cached"]
    assert await after({"both/values.yaml": "y: 1\n"}) == ["rendered", "cached", "cached"]
    assert await after({"base/a.yaml": CONFIG + "data: {}\n"}) == ["cached", "rendered", "cached"]
    assert await after({"p/patch.yaml": CONFIG + "data: {a: c}\n"}) == [
        "cached",
        "rendered",
        "cached",
    ]
    assert await after({"plain/b.yaml": CONFIG.replace("plain", "b")}) == [
        "cached",
        "cached",
        "rendered",
    ]
    # Another process finds what this one has kept.
    bench.renderer = bench.make()
    assert await outcomes() == ["cached"] * 3
    # A second kustomization is an error, and no cached success.
    bench.write({"base/kustomization.yml": "resources: []"})
    bench.commit()
    assert (await bench.error("overlay")).reason == "AmbiguousKustomization"


async def test_other_options_and_facts_are_other_renders(bench: Bench) -> None:
    bench.write({**CHART, **KUSTOMIZATION})
    bench.commit()

    async def outcome(*arguments: object, **target: object) -> str:
        await bench.render("both", *arguments, **target)  # type: ignore[arg-type]
        return bench.seen[-1][1]

    assert await outcome() == "rendered"
    assert await outcome() == "cached"
    assert await outcome(HelmOptions(release_name="other")) == "rendered"
    assert await outcome(HelmOptions(values={"x": "y"})) == "rendered"
    assert await outcome(target_namespace="prod") == "rendered"
    bench.facts = ClusterFacts("v1.36.0", ("x/v1",))
    assert await outcome() == "rendered"
    bench.facts = ClusterFacts("v1.36.0", ("x/v1",), lambda _group, _kind: True)
    # Scopes are looked at after the program.
    assert await outcome() == "cached"
    assert await outcome(KustomizeOptions()) == "rendered"
    assert await outcome(KustomizeOptions(name_prefix="x-")) == "rendered"
    assert await outcome(KustomizeOptions(common_labels={"a": "b"})) == "rendered"
    assert await outcome(KustomizeOptions(), target_namespace="prod") == "rendered"
    assert await outcome(KustomizeOptions(), target_namespace="prod") == "cached"


async def test_a_cached_render_gets_the_clusters_present_scopes(bench: Bench) -> None:
    bench.write({"a.yaml": "apiVersion: example.com/v1\nkind: Thing\nmetadata: {name: a}\n"})
    bench.commit()
    assert str((await bench.render()).objects[0].key) == "Thing.example.com a"
    bench.facts = ClusterFacts(scope=lambda _group, _kind: True)
    assert str((await bench.render()).objects[0].key) == "Thing.example.com apps/a"
    assert [outcome for _, outcome in bench.seen] == ["rendered", "cached"]


async def test_what_is_reached_by_links_counts_with_the_whole(bench: Bench) -> None:
    bench.write({"shared/a.yaml": CONFIG, "app/b.yaml": CONFIG.replace("plain", "b")})
    bench.link("app/a.yaml", "../shared/a.yaml")
    bench.commit()
    await bench.render("app")
    bench.write({"shared/a.yaml": CONFIG.replace("plain", "changed")})
    bench.commit()
    assert await names(bench, "app") == ["changed", "b"]


async def test_what_plugins_read_counts_with_the_whole(bench: Bench) -> None:
    bench.write(
        {
            "app/kustomization.yaml": "generators: [maker.yaml]\n",
            "app/maker.yaml": """\
            apiVersion: builtin
            kind: ConfigMapGenerator
            metadata: {name: made}
            files: [../texts/a.txt]
            options: {disableNameSuffixHash: true}
            """,
            "texts/a.txt": "one",
        }
    )
    bench.commit()
    assert (await bench.objects("app"))["ConfigMap made"]["data"] == {"a.txt": "one"}
    bench.write({"texts/a.txt": "two"})
    bench.commit()
    assert (await bench.objects("app"))["ConfigMap made"]["data"] == {"a.txt": "two"}


async def test_values_from_the_cluster_are_not_kept(bench: Bench) -> None:
    bench.write(CHART)
    bench.commit()
    for _ in range(2):
        found = await names(bench, "both", None, [ValuesDocument("x: secret")])
        assert found == ["helm-secret"]
    assert [outcome for _, outcome in bench.seen] == ["rendered", "rendered"]
    assert not bench.cache.exists()


async def test_a_folder_without_ids_is_not_kept(bench: Bench) -> None:
    bench.write(KUSTOMIZATION)
    await bench.render("both")
    await bench.render("both")
    assert [outcome for _, outcome in bench.seen] == ["rendered", "rendered"]
    assert not bench.cache.exists()


async def test_a_damaged_cache_costs_a_render(bench: Bench) -> None:
    bench.write(KUSTOMIZATION)
    bench.commit()
    before = await bench.render("both")
    for entry in bench.cache.iterdir():
        entry.write_bytes(b"damaged")
    assert await bench.render("both") == before
    assert await bench.render("both") == before
    assert [outcome for _, outcome in bench.seen] == ["rendered", "rendered", "cached"]


async def test_renders_take_turns(bench: Bench) -> None:
    bench.write({**CHART, **KUSTOMIZATION})
    bench.renderer = bench.make(parallel=1)
    rendered = await asyncio.gather(*(bench.render("both") for _ in range(3)))
    assert len({item.objects for item in rendered}) == 1
    assert bench.left_behind() == []


async def test_a_render_that_is_given_up_leaves_nothing(bench: Bench) -> None:
    bench.write(KUSTOMIZATION)
    task = asyncio.create_task(bench.render("both"))
    while not bench.left_behind():  # noqa: ASYNC110 - until the program is about to run
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert bench.left_behind() == []
    assert bench.seen == [("Kustomize", "cancelled")]
    # Its turn is over.
    assert await names(bench, "both") == ["kustomize-plain"]


async def test_a_renderer_that_is_missing_is_told(bench: Bench) -> None:
    bench.write({**CHART, **KUSTOMIZATION})
    bench.renderer = bench.make(helm="no-such-helm", kustomize=str(bench.root / "both/a.yaml"))
    error = await bench.error("both")
    assert error.reason == "RendererNotFound"
    assert "install it on PATH, or name it by --helm" in error.message
    with pytest.raises(RenderError, match="--kustomize"):
        await bench.render("both", KustomizeOptions())
    # Plain manifests need none.
    assert await names(bench, "both/a.yaml") == ["plain"]


async def test_a_program_that_cannot_say_its_version_is_told(bench: Bench) -> None:
    """Its answer is part of what a kept render depends on."""
    bench.write(KUSTOMIZATION)
    bench.commit()
    bench.renderer = bench.make(kustomize=sys.executable)
    error = await bench.error("both")
    assert error.reason == "RendererNotFound"
    assert "cannot say its version" in error.message


async def test_what_takes_too_long_is_stopped(bench: Bench) -> None:
    counting = "{{ range until 30000 }}{{ range until 30000 }}{{ end }}{{ end }}"
    bench.write({**CHART, "both/templates/a.yaml": counting})
    bench.renderer = bench.make(limits=Limits(timeout=1.0))
    error = await bench.error("both")
    assert (error.reason, error.retryable) == ("RenderTimeout", True)
    assert error.message == "helm was not done after 1 seconds and was stopped"
    assert bench.seen == [("Helm", "RenderTimeout")]
    assert bench.left_behind() == []


async def test_what_the_machine_refuses_is_told(bench: Bench) -> None:
    bench.write(KUSTOMIZATION)
    bench.scratch = bench.root / "none"
    bench.renderer = bench.make()
    error = await bench.error("both")
    assert (error.reason, error.retryable) == ("ScratchNotWritable", True)


async def test_a_checkout_that_is_gone_is_told(bench: Bench) -> None:
    bench.root = bench.root / "gone"
    error = await bench.error("")
    assert error.reason == "PathNotFound"


async def test_names_need_not_be_text(bench: Bench) -> None:
    bench.write({"plain/a.yaml": CONFIG})
    (bench.root / "plain/a.yaml").rename(bench.root / "plain" / os.fsdecode(b"\xff.yaml"))
    bench.commit()
    for _ in range(2):
        rendered = await bench.render("plain")
        assert [item.file for item in rendered.objects] == ["plain/\ufffd.yaml"]
    assert bench.seen[-1] == ("Plain", "cached")
    assert (await bench.error("plain/a\0.yaml")).reason == "PathNotFound"
