from __future__ import annotations

import math
import struct

import orjson
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from leadsman.render.scalars import key_text, normal_number, resolve, resolve_tagged


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("yes", True),
        ("Y", True),
        ("on", True),
        ("no", False),
        ("OFF", False),
        ("yES", "yES"),
        ("", None),
        ("~", None),
        ("nULL", "nULL"),
        ("0777", 511),
        ("0o17", 15),
        ("0_7", 7),
        ("08", 8.0),
        ("0o8", "0o8"),
        ("0x1F", 31),
        ("-0x1F", -31),
        ("0b11", 3),
        ("+1", 1),
        ("1__2", 12),
        ("_1", "_1"),
        ("1:30:00", "1:30:00"),
        ("2001-01-01", "2001-01-01"),
        ("18446744073709551615", 18446744073709551615),
        ("+18446744073709551615", 18446744073709551615.0),
        ("0xFFFFFFFFFFFFFFFFF", "0xFFFFFFFFFFFFFFFFF"),
        ("1e3", 1000.0),
        ("5.", 5.0),
        (".5", 0.5),
        (".1_3", 0.13),
        ("._5", "._5"),
        ("1e400", "1e400"),
        (".inf", math.inf),
        ("-.INF", -math.inf),
        (".iNF", ".iNF"),
        ("=", "="),
        ("!=", "!="),
        ("10%", "10%"),
        ("0.5Gi", "0.5Gi"),
        ("1.2.3", "1.2.3"),
        ("٣", "٣"),
    ],
)
def test_a_plain_scalar_is_what_go_takes_it_for(text: str, value: object) -> None:
    found = resolve(text)
    assert found == value
    assert type(found) is type(value)


@given(st.text())
def test_every_text_is_some_scalar(text: str) -> None:
    assert isinstance(resolve(text), str | int | float | bool | None)


@given(st.integers(-(1 << 63), (1 << 64) - 1))
def test_an_integer_is_read_as_it_is_written(number: int) -> None:
    assert resolve(str(number)) == number
    assert resolve(hex(number)) == number


@pytest.mark.parametrize(
    ("tag", "text", "value"),
    [
        ("str", "12", "12"),
        ("int", "0x10", 16),
        ("float", "1", 1.0),
        ("bool", "yes", True),
        ("null", "", None),
        ("binary", "aGVs\nbG8=", "hello"),
        ("binary", "4oKs4oI=", "€\ufffd\ufffd"),
        ("set", "x", "x"),
    ],
)
def test_a_tag_says_the_type(tag: str, text: str, value: object) -> None:
    assert resolve_tagged(f"tag:yaml.org,2002:{tag}", text) == value


@pytest.mark.parametrize(
    ("tag", "text"),
    [("int", "x"), ("int", "yes"), ("bool", "1"), ("null", "x"), ("float", "x"), ("binary", "a b")],
)
def test_a_text_that_is_not_of_its_tag_is_refused(tag: str, text: str) -> None:
    with pytest.raises(ValueError, match=r"decode|base64"):
        resolve_tagged(f"tag:yaml.org,2002:{tag}", text)


@pytest.mark.parametrize(
    ("number", "normal"),
    [
        (1.0, 1),
        (-0.0, 0),
        (1e20, 1e20),
        (1e21, 1e21),
        (0.5, 0.5),
        (9223372036854775807, 9223372036854775807),
        (9223372036854775808, 9223372036854775808.0),
        (4611686018427387904.0, 4611686018427388000),
    ],
)
def test_numbers_are_those_of_kubernetes(number: float, normal: float) -> None:
    found = normal_number(number)
    assert found == normal
    assert type(found) is type(normal)


@given(st.floats(allow_nan=False, allow_infinity=False) | st.integers(-(10**300), 10**300))
def test_numbers_can_be_written_and_stay_as_they_are(number: float) -> None:
    normal = normal_number(number)
    assert normal_number(normal) == normal
    assert orjson.loads(orjson.dumps(normal)) == normal


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf, 10**400])
def test_what_json_cannot_say_is_refused(number: float) -> None:
    with pytest.raises(ValueError, match="number"):
        normal_number(number)


@pytest.mark.parametrize(
    ("key", "text"),
    [
        ("a", "a"),
        (True, "true"),
        (False, "false"),
        (8080, "8080"),
        (1.5, "1.5"),
        (1.20, "1.2"),
        (123456.0, "123456"),
        (1234567.0, "1.234567e+06"),
        (0.0001, "0.0001"),
        (0.00001, "1e-05"),
        (1e30, "1e+30"),
        (1e39, ".inf"),
        (-math.inf, "-.inf"),
        (math.nan, ".nan"),
        (-0.0, "-0"),
    ],
)
def test_a_key_becomes_a_string(key: object, text: str) -> None:
    assert key_text(key) == text


@given(st.floats(allow_nan=False, allow_infinity=False, width=32))
@example(16777216.0)
def test_a_float_key_names_its_single_precision_value(key: float) -> None:
    assert struct.pack("f", float(key_text(key))) == struct.pack("f", key)


@pytest.mark.parametrize("key", [None, 1 << 63])
def test_some_keys_have_no_form(key: object) -> None:
    with pytest.raises(ValueError, match="key"):
        key_text(key)


@pytest.mark.parametrize("sign", ["", "-"])
def test_more_digits_than_python_counts(sign: str) -> None:
    text = sign + "1" * 5000
    assert resolve(text) == text
