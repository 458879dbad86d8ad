"""Scalars as Go's yaml.v2 and Kubernetes' JSON decoder resolve them.

Source: ``resolve.go`` of yaml.v2; ``convertToJSONableObject`` of sigs.k8s.io/yaml for keys.
"""

from __future__ import annotations

import base64
import binascii
import codecs
import math
import re
import struct
import sys
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from leadsman.model.json import Json

TAG_PREFIX: Final = "tag:yaml.org,2002:"

_NAMED: Final[dict[str, Any]] = {
    **dict.fromkeys(
        ("y", "Y", "yes", "Yes", "YES", "true", "True", "TRUE", "on", "On", "ON"), True
    ),
    **dict.fromkeys(
        ("n", "N", "no", "No", "NO", "false", "False", "FALSE", "off", "Off", "OFF"), False
    ),
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), math.nan),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), math.inf),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), -math.inf),
}
_NUMERIC: Final = frozenset("+-0123456789")
_POINT_FLOAT: Final = re.compile(r"\.[0-9]+(?:_[0-9]+)*(?:[eE][-+]?[0-9]+(?:_[0-9]+)*)?")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_INT: Final = re.compile(
    # Go takes what follows 0b for a number of its own, with a sign of its own.
    r"0b(?P<signed>[-+][01]+)"
    r"|(?P<sign>[-+]?)(?:0[xX](?P<hex>[0-9a-fA-F]+)|0[bB](?P<bin>[01]+)|0[oO]?(?P<oct>[0-7]+)"
    r"|(?P<dec>0|[1-9][0-9]*))"
)
_BASES: Final = {"signed": 2, "hex": 16, "bin": 2, "oct": 8, "dec": 10}

_INT64_MIN: Final = -(1 << 63)
_INT64_MAX: Final = (1 << 63) - 1
_UINT64_MAX: Final = (1 << 64) - 1
# 64 binary digits, a sign and a prefix; leading zeros may make it longer, but not much.
_LONGEST_INT: Final = 1024
# From here on Go writes a float with an exponent, and then it is no integer to a JSON decoder.
_EXPONENT_FROM: Final = 1e21

# As with C's %g, smaller and larger exponents are written out.
_G_EXPONENT_BELOW: Final = -4
_G_EXPONENT_FROM: Final = 6

_EXPLICIT: Final[dict[str, tuple[type, ...]]] = {
    "int": (int,),
    "float": (float, int),
    "bool": (bool,),
    "null": (type(None),),
}


def resolve(text: str) -> Json:
    """Return the value of a plain scalar without a tag."""
    first = text[:1]
    if text in _NAMED:
        return _NAMED[text]
    if first == ".":
        return _finite(text) if _POINT_FLOAT.fullmatch(text) else text
    if first not in _NUMERIC:
        return text
    plain = text.replace("_", "")
    # More digits are a float, or a text, and Python refuses to count very many of them.
    if len(plain) <= _LONGEST_INT and (match := _INT.fullmatch(plain)):
        base = str(match.lastgroup)
        number = int(match[base], _BASES[base])
        sign = match["sign"] or (base == "signed")
        number = -number if sign == "-" else number
        # What has a sign is read into 64 bits with one, what has none may use all 64.
        if _INT64_MIN <= number <= (_INT64_MAX if sign else _UINT64_MAX):
            return number
    if _FLOAT.fullmatch(plain):
        value = _finite(plain)
        return text if isinstance(value, str) else value
    return text


def resolve_tagged(tag: str, text: str) -> Json:
    """Return the value of a scalar with an explicit tag; an unknown tag makes it a string.

    Raises ValueError where the text is not of the tag's type.
    """
    name = tag.removeprefix(TAG_PREFIX)
    if name == "binary":
        try:
            raw = base64.b64decode(text.replace("\r", "").replace("\n", ""), validate=True)
        except binascii.Error as error:
            raise ValueError("!!binary value contains invalid base64 data") from error
        return raw.decode("utf-8", "leadsman-go")
    types = _EXPLICIT.get(name)
    if types is None:
        return text
    value = resolve(text)
    if type(value) not in types:
        raise ValueError(f"cannot decode `{text}` as a !!{name}")
    return float(value) if name == "float" else value


def normal_number(value: float) -> int | float:
    """Return the number as it comes out of Go's JSON encoder and Kubernetes' decoder.

    An integral float becomes an integer, an integer beyond 64 signed bits a float. Raises
    ValueError for what JSON cannot say.
    """
    if isinstance(value, int):
        if _INT64_MIN <= value <= _INT64_MAX:
            return value
        if abs(value) > sys.float_info.max:
            raise ValueError("the number is too large")
        return float(value)
    if not math.isfinite(value):
        raise ValueError(f"{value} is not a JSON number")
    if abs(value) < _EXPONENT_FROM and value.is_integer():
        # Go writes the shortest digits that name the float, and zeros after them.
        number = int(Decimal(repr(value)))
        return number if _INT64_MIN <= number <= _INT64_MAX else value
    return value


def key_text(key: Json) -> str:
    """Return a mapping's key as a string.

    Raises ValueError for a key that has no form as one.
    """
    if isinstance(key, str):
        return key
    if isinstance(key, bool):
        return "true" if key else "false"
    if isinstance(key, int) and key <= _INT64_MAX:
        return str(key)
    if isinstance(key, float):
        return _float_key(key)
    kind = "null" if key is None else f"`{key}`"
    raise ValueError(f"{kind} cannot be the key of a mapping")


def _finite(text: str) -> float | str:
    value = float(text)
    return value if math.isfinite(value) else text


def _float_key(value: float) -> str:
    """Write a float like Go's ``strconv.FormatFloat(value, 'g', -1, 32)``, in YAML's words."""
    if math.isnan(value):
        return ".nan"
    try:
        single = struct.unpack("f", struct.pack("f", value))[0]
    except OverflowError:
        single = math.copysign(math.inf, value)
    if math.isinf(single):
        return ".inf" if single > 0 else "-.inf"
    digits = next(
        text
        for precision in range(9)
        if struct.unpack("f", struct.pack("f", float(text := f"{single:.{precision}e}")))[0]
        == single
    )
    mantissa, _, exponent = digits.partition("e")
    if not _G_EXPONENT_BELOW <= int(exponent) < _G_EXPONENT_FROM:
        return digits
    places = len(mantissa.lstrip("-").replace(".", "")) - 1
    return f"{single:.{max(0, places - int(exponent))}f}"


def _go_decode_error(error: UnicodeError) -> tuple[str, int]:
    """Replace each byte that is no UTF-8 by U+FFFD, as Go does (Python does so per sequence)."""
    if not isinstance(error, UnicodeDecodeError):
        raise error
    return "\ufffd" * (error.end - error.start), error.end


codecs.register_error("leadsman-go", _go_decode_error)
