"""Foreign JSON in, JSON out, decimals as written.

RFC 8259 (JSON), RFC 7493 (I-JSON: unique names, no lone surrogates),
https://hl7.org/fhir/R4/json.html.
"""

from __future__ import annotations

import json
import math
import re
from decimal import Decimal
from typing import Any, NoReturn

import orjson

from profiles.reading.decimals import decimal_from_literal, literal_of
from profiles.reading.limits import TOO_DEEP, Limits, check_size, refused

#: A string in what `_skeleton` leaves of a document; an unterminated one matches too.
_STRING = re.compile(rb'"[^"]*+"?')
_BRACKETS = bytes.maketrans(b"{}", b"[]")
_NEITHER_BRACKET_NOR_QUOTE = bytes(byte for byte in range(256) if byte not in b'[]{}"')
#: Escapes that may bring in a control character or a surrogate.
_SUSPICIOUS_ESCAPE = re.compile(rb"\\[bfu]")
#: C0 controls without TAB, LF, CR; surrogates (a Python str only holds lone ones).
_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff]")
_BASE64 = re.compile(r"[A-Za-z0-9+/=\s]*+\Z")
#: Longer numbers are no measurement; bounds the cost of one literal.
_LONGEST_NUMBER = 100
#: Integers up to here fit 64 bits, which is what a JSON writer can take as int.
_LONGEST_INT = 18
_DEFAULT = Limits()

#: What is said of documents, by which their faults are looked up again (json_faults.py).
MISMATCH = "the document's brackets do not match"
SAME_NAME = "an object has the same name twice"
LONG_NUMBER = "a number has too many digits"
OUT_OF_RANGE = "a number is out of range"
NO_NUMBER = "NaN and infinities are no JSON numbers"
FORBIDDEN_TEXT = "a text has control characters or lone surrogates"
LONG_TEXT = "a text is longer than FHIR allows"


def read_json(data: bytes, *, limits: Limits = _DEFAULT) -> Any:
    """Parse a foreign JSON document (UTF-8); numbers with a fraction become Decimal.

    Raises NotConformant with issue code `structure` for malformed JSON, duplicate
    names, NaN, infinities, numbers a double cannot hold, lone surrogates, control
    characters, invalid UTF-8 and nesting beyond the limit; `too-costly` for size.
    """
    check_size(data, limits)
    _check_nesting(data, limits)
    value = _parse(_text(data))
    if _SUSPICIOUS_ESCAPE.search(data) or len(data) > limits.string:
        _check_strings(value, limits)
    if isinstance(value, dict) and value.get("resourceType") == "Bundle":
        _check_entries(value, limits)
    return value


def read_own(data: bytes, *, decimals: bool) -> dict[str, Any]:
    """Read JSON we have written ourselves; `decimals`: numbers with a fraction keep their literal.

    Nothing is checked.
    """
    made: dict[str, Any] = (
        json.loads(data, parse_float=decimal_from_literal) if decimals else orjson.loads(data)
    )
    return made


def write_json(value: Any, *, pretty: bool = False) -> bytes:
    """Write UTF-8 JSON, compact unless `pretty`; Decimals keep the literal they were read with.

    Raises TypeError for what JSON cannot hold.
    """
    option = orjson.OPT_INDENT_2 if pretty else 0
    return orjson.dumps(value, default=_number_fragment, option=option)


def check_literal(literal: str, limits: Limits) -> None:
    """Look at one text or number as read_json does. Raises NotConformant."""
    if literal.startswith('"'):
        _check_string(unquoted(literal), limits)
    elif literal.removeprefix("-")[:1].isdigit():
        _number(literal)


def unquoted(literal: str) -> str:
    """Return what a text says; as it stands where it is not written as one."""
    if "\\" not in literal:
        return literal[1:-1]
    try:
        return str(json.loads(literal, strict=False))
    except ValueError:
        return literal


def _number_fragment(value: Any) -> orjson.Fragment:
    if isinstance(value, Decimal):
        return orjson.Fragment(literal_of(value))
    raise TypeError(f"JSON has no {type(value).__name__}")


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = error.object[: error.start].decode()
        line, column = before.count("\n") + 1, len(before) - before.rfind("\n")
        raise refused("the document is not valid UTF-8", line=line, column=column) from None


def _check_nesting(data: bytes, limits: Limits) -> None:
    """Measure depth on the brackets alone, before any parser recurses.

    Each round of removing `[]` takes away the innermost level everywhere, so a
    document of depth n is empty after n rounds.
    """
    skeleton = _skeleton(data)
    # An array of n numbers has one bracket pair and n - 1 commas.
    if max(len(skeleton) // 2, data.count(b",") // 4) > limits.containers:
        raise refused("the document has too many parts", code="too-costly")
    for _ in range(limits.depth):
        if not skeleton:
            return
        inner = skeleton.replace(b"[]", b"")
        if len(inner) == len(skeleton):
            raise refused(MISMATCH)
        skeleton = inner
    if skeleton:
        raise refused(TOO_DEEP)


def _skeleton(data: bytes) -> bytes:
    """Return the brackets outside of strings, all as square ones.

    Without escapes every quote opens or closes a string, and removing two adjacent
    quotes leaves all others what they were.
    """
    if b"\\" in data:
        data = data.replace(rb"\\", b"").replace(rb"\"", b"")
    marks = data.translate(_BRACKETS, _NEITHER_BRACKET_NOR_QUOTE).replace(b'""', b"")
    return _STRING.sub(b"", marks)


def _parse(text: str) -> Any:
    try:
        return json.loads(
            text,
            object_pairs_hook=_unique,
            parse_float=_number,
            parse_int=_integer,
            parse_constant=_no_constant,
        )
    except json.JSONDecodeError as error:
        place = f"line {error.lineno}, column {error.colno}"
        text = f"the document is not well-formed JSON ({place})"
        raise refused(text, line=error.lineno, column=error.colno) from None


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise refused(SAME_NAME)
    return members


def _number(literal: str) -> Decimal:
    if len(literal) > _LONGEST_NUMBER:
        raise refused(LONG_NUMBER)
    if math.isinf(float(literal)):
        raise refused(OUT_OF_RANGE)
    return decimal_from_literal(literal)


def _integer(literal: str) -> int | Decimal:
    return int(literal) if len(literal) <= _LONGEST_INT else _number(literal)


def _no_constant(_name: str) -> NoReturn:
    raise refused(NO_NUMBER)


def _check_strings(value: Any, limits: Limits) -> None:
    """Walk without recursion; names count as strings."""
    waiting = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, dict):
            waiting.extend(item)
            waiting.extend(item.values())
        elif isinstance(item, list):
            waiting.extend(item)
        elif isinstance(item, str):
            _check_string(item, limits)


def _check_string(text: str, limits: Limits) -> None:
    if _FORBIDDEN.search(text):
        raise refused(FORBIDDEN_TEXT)
    if len(text) > limits.string and not _BASE64.match(text):
        raise refused(LONG_TEXT, code="too-costly")


def _check_entries(bundle: dict[str, Any], limits: Limits) -> None:
    entries = bundle.get("entry")
    if isinstance(entries, list) and len(entries) > limits.entries:
        raise refused("the Bundle has too many entries", code="too-costly", location="Bundle.entry")
