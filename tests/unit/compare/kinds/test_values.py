"""Scalars are compared by what they mean."""

from __future__ import annotations

from typing import Any

import pytest

from leadsman.compare.kinds.values import Format, decode_bytes, is_zero, same_scalar, same_type


@pytest.mark.parametrize(
    ("form", "one", "other"),
    [
        (Format.PLAIN, 1, 1.0),
        (Format.PLAIN, "a", "a"),
        (Format.PLAIN, 12345678901234567890, 12345678901234567000),
        (Format.PLAIN, 2**63, float(2**63)),
        (Format.QUANTITY, 1, "1"),
        (Format.QUANTITY, 0.2, "200m"),
        (Format.QUANTITY, 1e-07, "100n"),
        (Format.RESOURCE, "100u", "1m"),
        (Format.INT_OR_STRING, 80, "80"),
        (Format.DURATION, "60s", "1m"),
        (Format.SECONDS, "2026-01-02T03:04:05.9Z", "2026-01-02T03:04:05Z"),
        (Format.SECONDS, "2026-01-02T03:04:05+01:00", "2026-01-02T02:04:05Z"),
        (Format.INSTANT, "2026-01-02T03:04:05.120Z", "2026-01-02t03:04:05.12z"),
        (Format.BYTES, "aGVsbG8=", "aGVsbG8"),
        (Format.BYTES, "aGVs\nbG8=\n", "aGVsbG8="),
        # What cannot be read is as it is written.
        (Format.QUANTITY, "many", "many"),
    ],
)
def test_same(form: Format, one: Any, other: Any) -> None:
    assert same_scalar(one, other, form)
    assert same_scalar(other, one, form)


@pytest.mark.parametrize(
    ("form", "one", "other"),
    [
        (Format.PLAIN, 1, "1"),
        (Format.PLAIN, 2**63 - 1, 2**63 - 2),
        (Format.PLAIN, 12345678901234567890, 12345678901234500000),
        (Format.PLAIN, 10**400, 10**401),
        (Format.PLAIN, True, 1),
        (Format.PLAIN, False, 0),
        (Format.PLAIN, "", None),
        (Format.PLAIN, "1000m", "1"),
        (Format.QUANTITY, "1", "1001m"),
        (Format.QUANTITY, True, "1"),
        (Format.QUANTITY, "many", "more"),
        (Format.QUANTITY, "1001u", "1m"),
        (Format.INT_OR_STRING, 80, "http"),
        (Format.INT_OR_STRING, 25, "25%"),
        (Format.DURATION, "60", "1m"),
        (Format.SECONDS, "2026-01-02T03:04:05Z", "2026-01-02T03:04:06Z"),
        (Format.INSTANT, "2026-01-02T03:04:05.000000001Z", "2026-01-02T03:04:05Z"),
        (Format.INSTANT, "2026-99-02T03:04:05Z", "2026-98-02T03:04:05Z"),
        (Format.INSTANT, "yesterday", "2026-01-02T03:04:05Z"),
        (Format.BYTES, "aGVsbG8=", "aGVsbHA="),
        (Format.BYTES, "***", "+++"),
    ],
)
def test_not_the_same(form: Format, one: Any, other: Any) -> None:
    assert not same_scalar(one, other, form)
    assert not same_scalar(other, one, form)


def test_bytes() -> None:
    assert decode_bytes("aGk") == b"hi"
    assert decode_bytes("ä") is None
    assert decode_bytes(7) is None


@pytest.mark.parametrize("value", [False, 0, 0.0, ""])
def test_zero(value: Any) -> None:
    assert is_zero(value, Format.PLAIN)


@pytest.mark.parametrize("value", [True, 1, "0", "false"])
def test_not_zero(value: Any) -> None:
    assert not is_zero(value, Format.PLAIN)


def test_zero_quantity() -> None:
    assert is_zero("0", Format.QUANTITY)
    assert is_zero("0Gi", Format.QUANTITY)
    assert not is_zero("1n", Format.QUANTITY)


def test_true_is_told_from_one_at_any_depth() -> None:
    assert same_type({"a": [True, 1, {"b": 0}]}, {"a": [True, 1, {"b": 0.0}]})
    assert not same_type({"a": [True]}, {"a": [1]})
    assert not same_type({"a": {"b": 0}}, {"a": {"b": False}})
