"""What a render looked for in vain is rendered once a commit has it, be it behind a link."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from leadsman.model.target import KustomizeOptions

if TYPE_CHECKING:
    from collections.abc import Mapping

    from .conftest import Bench
CONFIG = """
    apiVersion: v1
    kind: ConfigMap
    metadata: {name: plain}
"""
COMPONENT = """
    apiVersion: kustomize.config.k8s.io/v1alpha1
    kind: Component
    namePrefix: extra-
"""
OPTIONAL = KustomizeOptions(components=("shared/extra",), ignore_missing_components=True)


@pytest.mark.parametrize(
    ("links", "later_links", "later"),
    [
        ({"app/shared": "../shared"}, {}, {"shared/extra/kustomization.yaml": COMPONENT}),
        ({"app/shared": "../later"}, {}, {"later/extra/kustomization.yaml": COMPONENT}),
        (
            {"app/shared": "../one", "one": "two"},
            {},
            {"two/extra/kustomization.yaml": COMPONENT},
        ),
        ({}, {"app/shared": "../later"}, {"later/extra/kustomization.yaml": COMPONENT}),
        (
            {},
            {"app/shared/extra": "../../later"},
            {"later/kustomization.yaml": COMPONENT},
        ),
        ({"app/shared/kept": "../a.yaml"}, {}, {"app/shared/extra/kustomization.yaml": COMPONENT}),
    ],
    ids=[
        "below a link",
        "below a link to nothing",
        "below a chain",
        "a link is made above it",
        "it is a link",
        "no link is on the way",
    ],
)
async def test_what_was_not_there_is_rendered_once_it_is(
    bench: Bench,
    links: Mapping[str, str],
    later_links: Mapping[str, str],
    later: Mapping[str, str],
) -> None:
    bench.write({"app/kustomization.yaml": "resources: [a.yaml]", "app/a.yaml": CONFIG})
    bench.write({"shared/README.md": "x"})
    for name, to in links.items():
        bench.link(name, to)
    bench.commit()
    before = await bench.render("app", OPTIONAL)
    assert [item.key.name for item in before.objects] == ["plain"]
    assert before.trace is not None
    assert before.trace.holds(bench.trees)
    bench.write(later)
    for name, to in later_links.items():
        bench.link(name, to)
    bench.commit()
    assert not before.trace.holds(bench.trees)
    after = await bench.render("app", OPTIONAL)
    assert [item.key.name for item in after.objects] == ["extra-plain"]


async def test_a_folder_that_becomes_a_link_is_looked_through_anew(bench: Bench) -> None:
    bench.write({"app/kustomization.yaml": "resources: [a.yaml]", "app/a.yaml": CONFIG})
    bench.write({"app/shared/README.md": "x", "other/extra/kustomization.yaml": COMPONENT})
    bench.commit()
    before = await bench.render("app", OPTIONAL)
    (bench.root / "app/shared/README.md").unlink()
    (bench.root / "app/shared").rmdir()
    bench.link("app/shared", "../other")
    bench.commit()
    assert before.trace is not None
    assert not before.trace.holds(bench.trees)
    after = await bench.render("app", OPTIONAL)
    assert [item.key.name for item in after.objects] == ["extra-plain"]


async def test_a_second_kustomization_behind_a_link_is_told_once_it_is_there(bench: Bench) -> None:
    bench.write({"app/kustomization.yaml": "resources: [a.yaml]", "app/a.yaml": CONFIG})
    bench.link("app/Kustomization", "../later")
    bench.commit()
    before = await bench.render("app")
    bench.write({"later": "resources: [a.yaml]"})
    bench.commit()
    assert before.trace is not None
    assert not before.trace.holds(bench.trees)
    assert (await bench.error("app")).reason == "AmbiguousKustomization"


async def test_a_commit_beside_a_kustomization_leaves_it_alone(bench: Bench) -> None:
    bench.write({"kustomization.yaml": "resources: [app]", "README.md": "x"})
    bench.write({"app/kustomization.yaml": "resources: [a.yaml]", "app/a.yaml": CONFIG})
    bench.commit()
    rendered = await bench.render()
    assert rendered.trace is not None
    bench.write({"README.md": "y", "app/README.md": "y"})
    bench.commit()
    assert rendered.trace.holds(bench.trees)
