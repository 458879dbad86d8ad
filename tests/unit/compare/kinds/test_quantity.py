"""Quantities and durations are read as Kubernetes reads them."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadsman.compare.kinds.quantity import parse_duration, parse_quantity

_SUFFIXES = {
    "n": Fraction(1, 10**9),
    "u": Fraction(1, 10**6),
    "m": Fraction(1, 10**3),
    "": Fraction(1),
    "k": Fraction(10**3),
    "M": Fraction(10**6),
    "G": Fraction(10**9),
    "T": Fraction(10**12),
    "P": Fraction(10**15),
    "Ki": Fraction(2**10),
    "Mi": Fraction(2**20),
    "Gi": Fraction(2**30),
    "Ti": Fraction(2**40),
    "e3": Fraction(10**3),
    "E-3": Fraction(1, 10**3),
    "E+2": Fraction(10**2),
}


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1000m", "1"),
        ("0.2", "200m"),
        ("1024Mi", "1Gi"),
        ("1.5Gi", "1536Mi"),
        ("1e3", "1k"),
        ("1E3", "1000"),
        ("1E", "1000P"),
        ("1Ei", "1024Pi"),
        (".5", "500m"),
        ("5.", "5"),
        ("+1", "1"),
        ("-0", "0"),
        ("-1500m", "-1.5"),
        ("100u", "0.1m"),
        # Rounded up to nano before it is stored; what has a binary suffix is capped, too.
        ("0.1n", "1n"),
        ("-0.1n", "-1n"),
        ("1.0000000001", "1000000001n"),
        ("100Ei", "9223372036854775807"),
        ("100Ei", "200Ei"),
        ("1e-40", "1n"),
        ("0e40", "0"),
    ],
)
def test_equal_quantities(one: str, other: str) -> None:
    assert parse_quantity(one) == parse_quantity(other) is not None


@pytest.mark.parametrize(
    ("one", "other"),
    [("1", "1001m"), ("1Mi", "1M"), ("1Gi", "1"), ("1", "-1"), ("1m", "1n"), ("10000P", "20000P")],
)
def test_other_quantities(one: str, other: str) -> None:
    assert parse_quantity(one) != parse_quantity(other)


@pytest.mark.parametrize(
    "text", ["", ".", "-", "Gi", "1 Gi", "1KI", "1gi", "1e", "one", "1.2.3", "0x10", "1_0", "٣"]
)
def test_not_a_quantity(text: str) -> None:
    assert parse_quantity(text) is None


def test_a_huge_exponent_costs_nothing() -> None:
    assert parse_quantity("1e999999999") is None
    assert parse_quantity("1e-999999999") is None
    assert parse_quantity("1" * 10_000) is None


def test_a_resource_is_stored_in_milli_units() -> None:
    assert parse_quantity("100u", digits=3) == parse_quantity("1m", digits=3)
    assert parse_quantity("1001m", digits=3) != parse_quantity("1", digits=3)


@given(
    st.integers(0, 10**6),
    st.sampled_from(sorted(_SUFFIXES)),
    st.integers(0, 10**6),
    st.sampled_from(sorted(_SUFFIXES)),
)
def test_quantities_are_equal_if_and_only_if_their_numbers_are(
    one: int, unit: str, other: int, other_unit: str
) -> None:
    same = one * _SUFFIXES[unit] == other * _SUFFIXES[other_unit]
    read = parse_quantity(f"{one}{unit}") == parse_quantity(f"{other}{other_unit}")
    assert read is same


@given(st.integers(0, 10**6), st.integers(0, 6), st.sampled_from(sorted(_SUFFIXES)))
def test_a_decimal_point_and_an_exponent_say_the_same(number: int, digits: int, unit: str) -> None:
    text = f"{number:0{digits + 1}}"
    split = len(text) - digits
    pointed = f"{text[:split]}.{text[split:]}"
    if not unit:
        assert parse_quantity(pointed) == parse_quantity(f"{number}e-{digits}")
    else:
        exact = Fraction(number, 10**digits) * _SUFFIXES[unit] * 10**9
        assert parse_quantity(f"{pointed}{unit}") == -(-exact.numerator // exact.denominator)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("60m", "1h"),
        ("1h0m0s", "1h"),
        ("720h", "720h0m0s"),
        ("1.5s", "1500ms"),
        ("1us", "1µs"),
        ("1µs", "1μs"),
        ("0", "0s"),
        ("-1m", "-60s"),
        (".5s", "500ms"),
    ],
)
def test_equal_durations(one: str, other: str) -> None:
    assert parse_duration(one) == parse_duration(other) is not None


@pytest.mark.parametrize("text", ["", "1", "h", "1d", "1h ", "s1", "+", "1h2", ".", ".s"])
def test_not_a_duration(text: str) -> None:
    assert parse_duration(text) is None
