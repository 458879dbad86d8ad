"""JSON that YAML reads as the same; what the API server makes of it, the end-to-end tests show."""

from __future__ import annotations

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from leadsman.kube.yamljson import encode, plain

ODD = 'a\x00\x07\x7f\x80\x85\x9f\u2028\u2029\ufeff\ufffe\uffff\U0001f600\n\t \\ " / é'
_TEXTS = st.text(max_size=5) | st.sampled_from([ODD, "no", "1e3", "0x1", "~", "=", "<<"])
_DOCUMENTS = st.recursive(
    st.none() | st.booleans() | st.integers() | _TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_TEXTS, inner, max_size=3),
    max_leaves=6,
)


@given(_DOCUMENTS)
def test_it_stays_json_and_yaml_reads_the_same(document: Any) -> None:
    written = encode(document)
    assert json.loads(written) == document
    assert yaml.safe_load(written) == document
    assert json.loads(plain(document)) == document


@given(st.lists(st.dictionaries(_TEXTS, _DOCUMENTS, max_size=2), max_size=3))
def test_long_keys_are_marked(values: list[Any]) -> None:
    long = "k\"'\\" * 1000
    document = {"a": values, long: {long: values, "b": []}, "c": [{}, {long: None}]}
    written = encode(document)
    assert yaml.safe_load(written) == document
    assert written.count(b'? "k') == 3


@pytest.mark.parametrize("text", [ODD, "\ud7ff\ue000\ufffd"])
def test_what_the_api_server_refuses_is_escaped(text: str) -> None:
    written = encode({text: text}).decode()
    assert not any(ord(character) < 0x20 or 0x7F <= ord(character) < 0xA0 for character in written)
    assert not set(written) & set("\u2028\u2029\ufeff\ufffe\uffff")
    assert "\\ud83d" not in written


def test_what_is_deeply_nested_is_written() -> None:
    document: Any = 12345678901234567890123
    for _ in range(300):
        document = {"a": [document]}
    assert json.loads(encode(document)) == document


def test_quotes_in_a_long_text_are_no_keys() -> None:
    """Each of them was looked at as the start of one: it took minutes."""
    document = {"dashboard": '{"panel": {"title": "CPU"}, "rows": []}\n' * 20_000}
    assert json.loads(encode(document)) == document


def test_a_key_that_is_long_by_its_escapes_is_marked() -> None:
    document = {"\x7f" * 180: 1}
    assert yaml.safe_load(encode(document)) == document
