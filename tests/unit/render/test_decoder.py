from __future__ import annotations

import json
import subprocess
from typing import TYPE_CHECKING, Any

import orjson
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from leadsman.render.builder import YamlError
from leadsman.render.decoder import parse

if TYPE_CHECKING:
    from pathlib import Path

    from controlplane.toolchain import Tools

# Each stands as the value of a field in a manifest of its own; kubectl is asked what it is.
VALUES = [
    "=",
    "!=",
    "!= x",
    "yes",
    "Off",
    "y",
    "0777",
    "0o17",
    "08",
    "0x1F",
    "[0b11, -0b11, +0b11, 0b-11, 0b+11, -0b-11, 0B-11, 0b-1_1, 0b-, 0b-2, 0x-1, 0o-7]",
    "[0b-{0}, 0b-1{0}, 0b+{0}]".format("1" * 63),
    "1_000",
    "1:20",
    "12e03",
    "1.0",
    "1e21",
    "1e20",
    "-0.0",
    "4611686018427387904.0",
    "9223372036854775808",
    "18446744073709551616",
    "1234e56",
    "1e400",
    ".5",
    "2001-01-01",
    "2001-01-01T00:00:00Z",
    "~",
    "!!str 12",
    "! 12",
    "!unknown 12",
    "!!float 1",
    "!!binary aGVsbG8=",
    "!!set {b, c}",
    "{a: 1, a: 2}",
    "{yes: 1, 8080: 2, 1.50: 3, 0x10: 4}",
    "[a:b, http://x/y, {b:c}]",
    "{a: 2, <<: {a: 1}}",
    "{<<: {a: 1}, a: 2}",
    "{<<: [{a: 1}, {a: 2, b: 3}]}",
    '{"<<": {a: 1}}',
    "<<",
    "[&x 1, &x 2, *x]",
    "[&x {a: 1}, {<<: *x, b: 2}]",
    "{&k a: 1, b: *k}",
    "|\n    x\n\n    y",
    ">-\n    x\n    y\n\n    z",
    "|2\n      x",
    '"a\\u00e9\\x41\\t\\\n    b"',
    "'it''s'",
    "a b # comment",
    "a\tb",
    "😀",
]
# Whole streams.
STREAMS = [
    "a: 1\n...\nb: 2\n",
    "---\n---\n# nothing\n---\na: 1\n--- # comment\nb: 1\n",
    "a: 1\r\n---\r\nb: |\r\n  x\r\n",
    "a: |\n  no line end",
    "\ufeffa: 1\n",
    "---\n\n...\n",
    '{"a": 1}{"b": 2}',
    '{"a": NaN}',
    '{"a": 1}\n---\n{"b": 2}',
    '{"a": 1}\n---\nb: 2\n---\n{c: 3}\n',
    "{a: 1}\n---\nb: 2\n",
]
REFUSED = [
    "a: *x",
    "a: &x [*x]",
    "a: b: c",
    "a: [b",
    "a: @x",
    "a: 1\n\tb: 2",
    "? [1]\n: 2",
    "~: 1",
    "a: .nan",
    "a: !!int x",
    "a: !!binary x",
    "a: \x01",
    "<<: 1",
    "a: &x [{b: 1}]\nc: {<<: *x}",
    "--- text",
    "%YAML 1.1\n---\na: 1",
    "a: {{ .Values.x }}",
    '{"a": 1}\n{"b": 2}\n---\nc: 3',
    "18446744073709551615: a",
]


def read(text: str | bytes) -> list[Any]:
    data = text.encode() if isinstance(text, str) else text
    return [document.value for document in parse(data, lambda _line, _key: None)]


def kubectl(folder: Path, tools: Tools) -> subprocess.CompletedProcess[str]:
    """Have kubectl read a folder and write what it understood as JSON."""
    return subprocess.run(
        [tools["kubectl"], "label", "--local", "-o", "json", "-f", str(folder), "kind-"],
        env={"HOME": str(folder)},
        capture_output=True,
        text=True,
        check=False,
    )


def json_stream(text: str) -> list[Any]:
    # Beyond 64 bits all digits are written, which a JSON decoder of Go's reads as a float.
    decoder = json.JSONDecoder(
        parse_int=lambda text: int(text) if -(1 << 63) <= int(text) < 1 << 63 else float(text)
    )
    found = []
    while text := text.lstrip():
        value, end = decoder.raw_decode(text)
        found.append(value)
        text = text[end:]
    return found


def test_values_are_what_kubectl_reads(tmp_path: Path, tools: Tools) -> None:
    head = "apiVersion: v1\nkind: Thing\nmetadata: {name: thing}\n"
    for number, value in enumerate(VALUES):
        (tmp_path / f"{number:03}.yaml").write_text(f"{head}value: {value}\n", encoding="utf-8")
    ran = kubectl(tmp_path, tools)
    assert ran.returncode == 0, ran.stderr
    theirs = [item["value"] for item in json_stream(ran.stdout)]
    for value, their in zip(VALUES, theirs, strict=True):
        our = read(f"{head}value: {value}\n")[0]["value"]
        assert our == their, value
        assert type(our) is type(their), value


@pytest.mark.parametrize(
    "value", ["1.0", "1e2", "12345678901234567890", "1e21", '"\\ud800x"', '"é"']
)
def test_json_is_what_kubectl_reads(value: str, tmp_path: Path, tools: Tools) -> None:
    text = f'{{"apiVersion": "v1", "kind": "Thing", "metadata": {{"name": "x"}}, "value": {value}}}'
    (tmp_path / "thing.json").write_text(text, encoding="utf-8")
    ran = kubectl(tmp_path, tools)
    their, our = json_stream(ran.stdout)[0]["value"], read(text)[0]["value"]
    assert our == their
    assert type(our) is type(their)


@pytest.mark.parametrize("stream", STREAMS)
def test_streams_are_what_kubectl_reads(stream: str, tmp_path: Path, tools: Tools) -> None:
    documents = read(stream)
    (tmp_path / "stream.yaml").write_bytes(stream.encode())
    ran = kubectl(tmp_path, tools)
    # kubectl says of each document that it is no manifest, and what it read instead.
    said = [
        json.loads(line.partition("is missing in '")[2].rstrip("'"))
        for line in ran.stderr.splitlines()
        if "is missing in '" in line
    ]
    assert said == documents[: len(said)]
    assert bool(said) == bool(documents)


@pytest.mark.parametrize("text", REFUSED)
def test_what_kubectl_cannot_read_is_refused(text: str, tmp_path: Path, tools: Tools) -> None:
    (tmp_path / "refused.yaml").write_bytes(text.encode())
    said = kubectl(tmp_path, tools).stderr.splitlines()
    # It says so, too, of what it can read but is no manifest.
    assert any("is missing in '" not in line for line in said)
    with pytest.raises(YamlError):
        read(text)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: 1\nb: [\n", 3),
        ("a: 1\n---\nb: 1\nc: *x\n", 4),
        ("a: 1\n--- oh\n", 2),
        ("a: 1\n---\n\n---\nb: 2\nc: !!int x\n", 6),
        ('{"a": 1}\n{"b": 1}\n{"c": }\n', 3),
        ("a: 1\nb: \x01\n", 2),
    ],
)
def test_an_error_names_its_line(text: str, line: int) -> None:
    with pytest.raises(YamlError) as caught:
        read(text)
    assert caught.value.line == line
    assert str(caught.value).startswith(f"line {line}: ")


def test_a_document_knows_where_it_begins() -> None:
    text = "# comment\n\na: 1\n---\n# comment\nb: 1\n--- # three\nc: 1\n"
    assert [item.line for item in parse(text.encode(), lambda _line, _key: None)] == [3, 6, 8]
    text = '\n{"a": 1}\n\n{"b": 2}'
    assert [item.line for item in parse(text.encode(), lambda _line, _key: None)] == [2, 4]


def test_duplicate_keys_are_told_with_their_line() -> None:
    seen: list[tuple[int, str]] = []
    text = """\
a: 1
b:
  c: 1
  d: &d {x: 1, y: 2}
  c: 2
---
list:
- {<<: {x: 1}, x: 2}
- x: 1
  <<: {x: 2}
  x: 3
yes: 1
true: 2
"""
    documents = parse(text.encode(), lambda line, key: seen.append((line, key)))
    assert seen == [(5, "c"), (11, "x"), (13, "true")]
    assert documents[0].value["b"]["c"] == 2
    assert documents[1].value["list"] == [{"x": 2}, {"x": 3}]
    seen.clear()
    documents = parse(
        b'{"a": 1}\n{"b": {"c": 1, "c": 2}}', lambda line, key: seen.append((line, key))
    )
    assert seen == [(2, "c")]
    assert documents[1].value == {"b": {"c": 2}}


def test_what_follows_the_end_of_a_document_is_told() -> None:
    def cuts(text: str) -> list[int]:
        return [item.cut for item in parse(text.encode(), lambda _line, _key: None)]

    assert cuts("a: 1\n...\n") == [0]
    assert cuts("a: 1\n...\n# comment\n---\nb: 2\n") == [0, 0]
    assert cuts("a: 1\n---\nb: 1\n...\nc: 2\n") == [0, 4]
    assert cuts("a: 1\n...\n[\n") == [2]


def test_aliases_that_unfold_into_too_much_are_refused() -> None:
    bomb = "a: &a [x, x, x, x, x, x, x, x, x, x]\n"
    for level in "bcdefgh":
        below = chr(ord(level) - 1)
        bomb += f"{level}: &{level} [{', '.join([f'*{below}'] * 10)}]\n"
    with pytest.raises(YamlError, match="aliases"):
        read(bomb)
    # Some hundred aliases of something small are no bomb.
    assert len(read("a: &a {x: 1}\nb: [" + "*a, " * 500 + "]")[0]["b"]) == 500


@pytest.mark.parametrize("text", ["[" * 100_000, "{a: " * 100_000, '{"a":' * 100_000, "- " * 500])
def test_what_is_nested_too_deeply_is_refused(text: str) -> None:
    with pytest.raises(YamlError):
        read(text)


def test_what_may_be_nested_can_be_written() -> None:
    value: Any = 1
    for _ in range(199):
        value = [value]
    assert orjson.dumps(read(orjson.dumps(value))[0]) == orjson.dumps(value)


def test_other_encodings_are_refused() -> None:
    with pytest.raises(YamlError, match="UTF-16"):
        read("a: 1".encode("utf-16"))
    with pytest.raises(YamlError, match="line 2"):
        read(b"a: 1\nb: \xff\n")


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(1 << 63), (1 << 63) - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
MAPPINGS = st.dictionaries(st.text(), JSON, min_size=1, max_size=4)


@given(MAPPINGS)
def test_json_is_read_back(value: dict[str, Any]) -> None:
    assert read(orjson.dumps(value)) == [value]
    assert read(orjson.dumps(value, option=orjson.OPT_INDENT_2) + b"\n") == [value]


@given(MAPPINGS)
def test_tagged_yaml_is_read_back(value: dict[str, Any]) -> None:
    """With every scalar in quotes, and tags where it is no string."""
    text = yaml.safe_dump(value, default_style='"', allow_unicode=False)
    assert read(text) == [value]


@given(st.lists(MAPPINGS, max_size=4))
def test_a_stream_has_its_documents(values: list[dict[str, Any]]) -> None:
    text = "".join(f"---\n{yaml.safe_dump(item, default_style=chr(34))}" for item in values)
    assert read(text) == values


@given(
    st.text(alphabet=st.characters(codec="utf-8")) | st.text("ab:-?[]{}&*!|>'\"%@`#,= \n\t01.~<")
)
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        values = read(text)
    except YamlError as error:
        assert error.line >= 1  # noqa: PT017 - one of two ends
    else:
        orjson.dumps(values)
