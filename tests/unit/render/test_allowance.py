"""What one repository may make the operator's own process hold."""

from __future__ import annotations

import tracemalloc
from typing import TYPE_CHECKING

import pytest

from leadsman.model.target import HelmOptions, KustomizeOptions
from leadsman.render.allowance import Allowance
from leadsman.render.builder import YamlError
from leadsman.render.decoder import parse
from leadsman.render.request import ValuesDocument

if TYPE_CHECKING:
    from .conftest import Bench

MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x}\n"
CHART = "apiVersion: v2\nname: a\nversion: 1.0.0\n"
MANY = "{a}," * 400_000
WIDE = "aaaaaaaa" * (1 << 17)


def read(text: str, allowance: Allowance | None = None) -> list[object]:
    return [item.value for item in parse(text.encode(), lambda _line, _key: None, allowance)]


@pytest.mark.parametrize(
    "text",
    [
        "[a, b, c, d]",
        "{a: b, c: d}",
        '{"a": [1, {}, []]}',
        '{"a": {"b": {"c": 1}}}',
        "a: &a [b, c]\nd: *a",
        "a\n---\nb",
        "---\n" * 3,
    ],
)
def test_values_are_counted_over_all_streams(text: str) -> None:
    allowance = Allowance(values=20)
    read("a", allowance)
    with pytest.raises(YamlError, match="values are too many") as caught:
        [read(text, allowance) for _ in range(9)]
    assert caught.value.reason == "RenderTooLarge"


def test_what_is_in_a_string_of_json_is_no_value() -> None:
    allowance = Allowance(values=20)
    assert read('{"a": "[,,,,,,,,,,,,,,,,\\",,,,,,,,,,,,{{{"}', allowance)
    assert read("{a: [b, c]}", Allowance(values=16)) == [{"a": ["b", "c"]}]


def test_aliases_to_a_long_text_count_as_what_they_unfold_to() -> None:
    text = f"a: &a {'x' * 1000}\nb: [{'*a, ' * 50}]\n"
    assert read(text, Allowance(text=60_000))
    with pytest.raises(YamlError, match="text are too much") as caught:
        read(text, Allowance(text=50_000))
    assert (caught.value.line, caught.value.reason) == (2, "RenderTooLarge")


def test_quotes_without_end_have_one() -> None:
    """What is not linear runs into the time limit of a test."""
    with pytest.raises(YamlError):
        read("{" + '"\\"' * 200_000 + "\\")


def test_the_worst_that_may_be_read_takes_a_bounded_memory() -> None:
    text = "[" + MANY
    tracemalloc.start()
    try:
        with pytest.raises(YamlError):
            read(text, Allowance(values=100_000))
        assert tracemalloc.get_traced_memory()[1] < 20 << 20
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"a.yaml": MAP + f"x: [{MANY}a]\n"}, "a.yaml:4: more than 1,000,000 values"),
        ({"a.yaml": MAP + f"x: [{MANY[:1_000_000]}]\n", "b.yaml": MAP + f"x: [{MANY[:1_000_000]}]"},
         "b.yaml:4: more than"),
        ({"a.yaml": MAP + "# " + WIDE * 16}, "a.yaml is larger than 16 MiB"),
        ({"a.yaml": MAP + f"x: &x {WIDE}\ny: [{'*x,' * 64}]"}, "a.yaml:5: more than 64 MiB"),
        ({"Chart.yaml": CHART + f"x: [{MANY}a]"}, "Chart.yaml:4: more than"),
        ({"Chart.yaml": CHART, "crds/a.yaml": MAP + f"x: [{MANY}a]"},
         "crds/a.yaml renders to: more than"),
        ({"kustomization.yaml": f"resources: []\nx: [{MANY}a]"}, "kustomization.yaml:2: more than"),
    ],
)  # fmt: skip
async def test_what_is_too_large_is_refused_with_its_file(
    files: dict[str, str], said: str, bench: Bench
) -> None:
    bench.write({f"p/{name}": text for name, text in files.items()})
    error = await bench.error("p")
    assert (error.reason, error.retryable) == ("RenderTooLarge", False)
    assert error.message.startswith(f"p/{said}")


async def test_values_that_are_too_many_are_refused(bench: Bench) -> None:
    bench.write({"Chart.yaml": CHART, "values.yaml": ""})
    error = await bench.error("", HelmOptions(), values=[ValuesDocument(f"a: [{MANY}]")])
    assert error.reason == "RenderTooLarge"
    assert error.message.startswith("valuesFrom (number 1): more than 1,000,000 values")


async def test_warnings_are_not_more_than_can_be_read(bench: Bench) -> None:
    twice = "".join(f"k{number}: 1\nk{number}: 2\n" for number in range(3000))
    bench.write({"kustomization.yaml": f"resources: [a.yaml]\n{twice}"})
    bench.write({"a.yaml": MAP})
    error = await bench.error("", KustomizeOptions())
    assert error.reason == "BuildFailed"
    bench.write({"kustomization.yaml": "resources: [a.yaml]\n", "a.yaml": MAP + twice})
    bench.write({"chart/Chart.yaml": CHART, "chart/templates/a.yaml": MAP + twice})
    rendered = await bench.render("chart")
    assert len(rendered.warnings) == 1000
