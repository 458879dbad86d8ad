"""Quantities and durations as Kubernetes reads them, exactly."""

from __future__ import annotations

import re

# Source: apimachinery pkg/api/resource/quantity.go. "E" alone is exa, before digits an exponent.
_QUANTITY = re.compile(
    r"(?P<sign>[+-]?)(?P<whole>\d*)(?:\.(?P<fraction>\d*))?"
    r"(?P<suffix>[KMGTPE]i|[numkMGTPE]|[eE][+-]?\d+)?",
    re.ASCII,
)
_DECIMAL = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}

_NANO_DIGITS = 9
# A quantity with a binary suffix is capped at this many whole units.
_MAXIMUM = (2**63 - 1) * 10**_NANO_DIGITS
# What is longer, or has a greater exponent, means nothing that a cluster could have.
_LONGEST = 128
_GREATEST_EXPONENT = 300

# Source: Go's time.ParseDuration.
_DURATION_PART = re.compile(r"(\d*)(?:\.(\d*))?(ns|us|µs|μs|ms|s|m|h)", re.ASCII)
_NANOSECONDS = {
    "ns": 1,
    "us": 10**3,
    "µs": 10**3,  # U+00B5, the micro sign
    "μs": 10**3,  # U+03BC, the Greek letter
    "ms": 10**6,
    "s": 10**9,
    "m": 60 * 10**9,
    "h": 3600 * 10**9,
}


def parse_quantity(text: str, *, digits: int = _NANO_DIGITS) -> int | None:
    """Return a quantity as a number of nano units, or None if it is not one.

    It is rounded away from zero to ``digits`` decimal places, as the API server does with what it
    stores: 9 for all quantities, 3 for resource lists.
    """
    match = _QUANTITY.fullmatch(text) if len(text) <= _LONGEST else None
    if match is None:
        return None
    whole, fraction, suffix = match["whole"], match["fraction"] or "", match["suffix"] or ""
    if not whole and not fraction:
        return None
    number, exponent = int(whole + fraction), _exponent(suffix)
    if abs(exponent) > _GREATEST_EXPONENT:
        return None
    binary = _BINARY.get(suffix, 0)
    scaled = _scale(number << binary, exponent + digits - len(fraction))
    nano: int = scaled * _power(_NANO_DIGITS - digits)
    if binary:
        nano = min(nano, _MAXIMUM)
    return -nano if match["sign"] == "-" else nano


def _exponent(suffix: str) -> int:
    """Return the power of ten that a suffix stands for."""
    if not suffix or suffix in _BINARY:
        return 0
    return _DECIMAL.get(suffix) or int(suffix[1:])


def _scale(number: int, exponent: int) -> int:
    """Return ``number`` times ten to the ``exponent``, rounded up."""
    if exponent >= 0:
        return number * _power(exponent)
    return -(-number // _power(-exponent))


def _power(exponent: int) -> int:
    power: int = 10**exponent
    return power


def parse_duration(text: str) -> int | None:
    """Return a Go duration as a number of nanoseconds, or None if it is not one."""
    body = text[1:] if text[:1] in {"+", "-"} else text
    if body == "0":
        return 0
    total, end = 0, 0
    while end < len(body) <= _LONGEST:
        match = _DURATION_PART.match(body, end)
        if match is None or not (match[1] or match[2]):
            return None
        fraction = match[2] or ""
        number = int((match[1] or "0") + fraction)
        total += number * _NANOSECONDS[match[3]] // 10 ** len(fraction)
        end = match.end()
    if not body or end < len(body):
        return None
    return -total if text[0] == "-" else total
