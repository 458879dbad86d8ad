from __future__ import annotations

import math

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadsman.model.finding import ABSENT
from leadsman.report.jsonsize import clean, cut_pair, short, weight


def test_weight_counts_what_go_escapes() -> None:
    assert weight(b'"<a>&"') == len(r'"\u003ca\u003e\u0026"')
    assert weight(orjson.dumps("\u2028")) == len('"\\u2028"')
    assert weight(orjson.dumps(1e20)) >= len("100000000000000000000")


def test_what_the_api_server_refuses_is_written_out() -> None:
    assert clean("a\x7fb\x9bc\u2028d\uffff") == r"a\x7fb\x9bc\u2028d\uffff"
    assert clean("a\ud800b") == "a?b"
    assert clean("plain\ttext\nüber ☸ 🚢") == "plain\ttext\nüber ☸ 🚢"


def test_short_keeps_to_the_limit() -> None:
    assert short("abcdef", 6) == "abcdef"
    assert short("abcdefg", 6) == "abcde…"


def test_short_values_stay_what_they_are() -> None:
    values: list[object] = [None, True, 2, 2.5, "a", [1, {"b": None}], {}, [], ABSENT]
    for value in values:
        assert cut_pair(value, ABSENT, 100) == (value, ABSENT, 0)


def test_numbers_become_what_the_api_server_gives_back() -> None:
    assert repr(cut_pair(1.0, 1e300, 100)) == repr((1, 1e300, 0))
    assert cut_pair(math.nan, 2**63, 100) == ("nan", "9223372036854775808", 0)


def test_a_long_value_is_cut_with_its_length() -> None:
    shown, live, count = cut_pair("x" * 1000, ABSENT, 100)
    assert shown == "x" * 100 + "… [1000 characters in all]"
    assert (live, count) == (ABSENT, 1)
    structure, _, count = cut_pair({"a": ["b" * 1000]}, "short", 100)
    assert structure.startswith('{"a":["bbb')
    assert structure.endswith("… [1010 characters in all]")
    assert count == 1


def test_two_long_values_are_shown_where_they_differ() -> None:
    before = "".join(f"line {number}\n" for number in range(1000))
    desired, live, count = cut_pair(before, before.replace("line 700\n", "LINE 700\n"), 100)
    assert desired.startswith("[6190 equal characters] …line 700\nline 701\n")
    assert live.startswith("[6190 equal characters] …LINE 700\nline 701\n")
    assert count == 2


def test_the_end_of_a_long_value_is_no_ellipsis() -> None:
    desired, live, _ = cut_pair("x" * 1000 + "a", "x" * 1000 + "b", 100)
    assert desired == f"[975 equal characters] …{'x' * 25}a [1001 characters in all]"
    assert live == f"[975 equal characters] …{'x' * 25}b [1001 characters in all]"


@pytest.mark.parametrize(
    "value",
    [
        ["a\x7f"],
        {"k" * 1001: 1},
        {"a": [{"\n" * 510: 1}]},
    ],
)
def test_a_structure_that_cannot_be_applied_becomes_text(value: object) -> None:
    shown, _, _ = cut_pair(value, ABSENT, 10_000)
    assert shown == clean(orjson.dumps(value).decode())


def test_nesting_is_bounded() -> None:
    deep: object = 1
    for _ in range(70):
        deep = {"a": deep}
    assert isinstance(cut_pair(deep, ABSENT, 10_000)[0], str)
    for _ in range(1000):
        deep = [deep]
    assert cut_pair(deep, ABSENT, 10_000)[0] == "[a value that cannot be shown]"


def test_many_brackets_are_no_nesting() -> None:
    wide = [{"a": [number]} for number in range(100)]
    assert cut_pair(wide, ABSENT, 10_000)[0] is wide


@given(st.text(), st.text(), st.integers(1, 50))
def test_different_texts_stay_different(desired: str, live: str, limit: int) -> None:
    first, second, _ = cut_pair(desired * 20, live * 20, limit)
    # But for lone surrogates, all of which become "?", and for escapes, which may be cut, too.
    different = desired.encode("utf-8", "replace") != live.encode("utf-8", "replace")
    assert (first != second) is different or "\\" in first + second
