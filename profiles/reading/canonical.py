"""Canonical JSON: the same value always gives the same bytes.

RFC 8785 (JSON Canonicalization Scheme): names sorted by UTF-16 code units, numbers as
ECMAScript writes doubles, no white space. Decimals therefore lose trailing zeros here,
and only here: canonical bytes are hashed, never sent.
"""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import orjson

#: Something that may be a number which orjson writes otherwise than ECMAScript, as a
#: member or in a list. May match inside texts: then the slow way gives the same bytes.
_UNUSUAL_NUMBER = re.compile(rb'[:\[,](?<![^"]:)-?\d+(?:[.eE]|(?<=\d{16}))')
#: UTF-8 lead bytes from U+E000 on, where code points and UTF-16 units sort differently.
_UNUSUAL_NAME = re.compile(rb"[\xee-\xff]")


def canonical_json(value: Any) -> bytes:
    """Return the RFC 8785 form of dicts, lists, str, int, float, Decimal, bool, None.

    Raises ValueError for NaN and infinities, TypeError for what JSON cannot hold.
    """
    try:
        quick = orjson.dumps(value, option=orjson.OPT_SORT_KEYS)
    except orjson.JSONEncodeError:
        return _write(value).encode()
    if isinstance(value, int | float) or _UNUSUAL_NUMBER.search(quick):
        return _write(value).encode()
    return _write(value).encode() if _UNUSUAL_NAME.search(quick) else quick


def _write(value: Any) -> str:
    if isinstance(value, dict):
        members = sorted(value.items(), key=lambda item: _utf16(item[0]))
        return "{" + ",".join(f"{_text(name)}:{_write(item)}" for name, item in members) + "}"
    if isinstance(value, list | tuple):
        return "[" + ",".join(map(_write, value)) + "]"
    if value is None or isinstance(value, str | bool):
        return _text(value)
    if isinstance(value, int | float | Decimal):
        return ecmascript_number(float(value))
    raise TypeError(f"JSON has no {type(value).__name__}")


def _utf16(name: str) -> bytes:
    if not isinstance(name, str):
        raise TypeError("JSON names are texts")
    return name.encode("utf-16-be")


def _text(value: str | bool | None) -> str:  # noqa: FBT001 - JSON's literals share a writer
    return orjson.dumps(value).decode()


def ecmascript_number(number: float) -> str:
    """Write a double as ECMAScript's Number::toString (ECMA-262 6.1.6.1.20).

    Raises ValueError for NaN and infinities.
    """
    if number != number or number in {float("inf"), float("-inf")}:  # noqa: PLR0124 - NaN
        raise ValueError("JSON has no NaN or infinity")
    if number == 0:
        return "0"
    sign = "-" if number < 0 else ""
    digits, point = _shortest(abs(number))
    return sign + _placed(digits, point)


def _shortest(number: float) -> tuple[str, int]:
    """Return the shortest digits that read back as `number`, and where the point is."""
    mantissa, _, exponent = f"{number!r}".partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    point = len(whole) + int(exponent or 0) - (len(whole + fraction) - len(digits))
    return digits.rstrip("0"), point


def _placed(digits: str, point: int) -> str:
    count = len(digits)
    if count <= point <= 21:
        return digits + "0" * (point - count)
    if 0 < point <= 21:
        return f"{digits[:point]}.{digits[point:]}"
    if -6 < point <= 0:
        return "0." + "0" * -point + digits
    rest = f".{digits[1:]}" if count > 1 else ""
    return f"{digits[0]}{rest}e{point - 1:+d}"
