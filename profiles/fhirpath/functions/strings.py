"""Strings.

https://hl7.org/fhirpath/N1/#string-manipulation and #additional-string-functions (STU). Positions
count Unicode characters.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections.abc import Callable

from profiles.fhirpath import regex
from profiles.fhirpath.context import Evaluation
from profiles.fhirpath.errors import FHIRPathError
from profiles.fhirpath.functions.function import Function
from profiles.fhirpath.items import Items, system
from profiles.fhirpath.singles import text, whole_number

_JSON_ESCAPED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}
_JSON_ESCAPED |= {"\b": "\\b", "\f": "\\f"}
_JSON_PLAIN = {escaped[1]: plain for plain, escaped in _JSON_ESCAPED.items()} | {"/": "/"}
_JSON_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|([\"\\/bfnrt]))")


def _on_text(
    name: str, compute: Callable[[str], str | int | bool]
) -> Callable[[Evaluation, Items], Items]:
    """A function of a text alone."""

    def call(_evaluation: Evaluation, items: Items) -> Items:
        found = text(items, f"{name}()")
        return [] if found is None else [compute(found)]

    return call


def _on_two(
    name: str, compute: Callable[[str, str], str | int | bool]
) -> Callable[[Evaluation, Items, Items], Items]:
    """A function of a text and another one."""

    def call(_evaluation: Evaluation, items: Items, other: Items) -> Items:
        found, argument = text(items, f"{name}()"), text(other, f"{name}()")
        return [] if found is None or argument is None else [compute(found, argument)]

    return call


def _substring(
    _evaluation: Evaluation, items: Items, start: Items, length: Items | None = None
) -> Items:
    found, first = text(items, "substring()"), whole_number(start, "substring()")
    count = whole_number(length, "substring()") if length else None
    if found is None or first is None or not 0 <= first < len(found):
        return []
    return [found[first:] if count is None else found[first : first + max(count, 0)]]


def _replace(evaluation: Evaluation, items: Items, pattern: Items, substitution: Items) -> Items:
    found = text(items, "replace()")
    old, new = text(pattern, "replace()"), text(substitution, "replace()")
    if found is None or old is None or new is None:
        return []
    evaluation.check_text(len(found) + (found.count(old) if old else len(found) + 1) * len(new))
    return [found.replace(old, new)]


def _matches(
    _evaluation: Evaluation, items: Items, pattern: Items, flags: Items | None = None
) -> Items:
    found, expression = text(items, "matches()"), text(pattern, "matches()")
    if found is None or expression is None:
        return []
    return [regex.search(expression, found, text(flags or [], "matches()") or "")]


def _matches_full(
    _evaluation: Evaluation, items: Items, pattern: Items, flags: Items | None = None
) -> Items:
    found, expression = text(items, "matchesFull()"), text(pattern, "matchesFull()")
    if found is None or expression is None:
        return []
    return [regex.full(expression, found, text(flags or [], "matchesFull()") or "")]


def _replace_matches(
    evaluation: Evaluation,
    items: Items,
    pattern: Items,
    substitution: Items,
    flags: Items | None = None,
) -> Items:
    found, expression = text(items, "replaceMatches()"), text(pattern, "replaceMatches()")
    new = text(substitution, "replaceMatches()")
    if found is None or expression is None or new is None:
        return []
    if not expression:
        return [found]
    written = text(flags or [], "replaceMatches()") or ""
    replaced = regex.replace(expression, found, new, written)
    evaluation.check_text(len(replaced))
    return [replaced]


def _to_chars(evaluation: Evaluation, items: Items) -> Items:
    found = text(items, "toChars()")
    evaluation.spend(len(found or ""))
    return list(found or "")


def _split(evaluation: Evaluation, items: Items, separator: Items) -> Items:
    found, by = text(items, "split()"), text(separator, "split()")
    if found is None or by is None:
        return []
    parts = found.split(by) if by else list(found)
    evaluation.spend(len(parts))
    return list(parts)


def _join(evaluation: Evaluation, items: Items, separator: Items | None = None) -> Items:
    by = text(separator, "join()") if separator else ""
    texts = [one for one in map(system, items) if one is not None]
    if any(one.__class__ is not str for one in texts):
        raise FHIRPathError("join() works on Strings")
    if not texts or by is None:
        return []
    evaluation.check_text(sum(map(len, texts)) + len(by) * len(texts))
    return [by.join(texts)]


def _coder(
    name: str, ways: dict[str, Callable[[str], str]]
) -> Callable[[Evaluation, Items, Items], Items]:
    """A function whose argument names the way to write a text."""

    def call(_evaluation: Evaluation, items: Items, way: Items) -> Items:
        found, wanted = text(items, f"{name}()"), text(way, f"{name}()")
        if found is None or wanted is None:
            return []
        if wanted not in ways:
            raise FHIRPathError(f"{name}() knows {', '.join(ways)}")
        try:
            return [ways[wanted](found)]
        except (binascii.Error, ValueError):
            raise FHIRPathError(f"{name}('{wanted}') cannot read the text") from None

    return call


def _decoder(read: Callable[[bytes], bytes]) -> Callable[[str], str]:
    return lambda written: read(written.encode("ascii")).decode("utf-8")


def _encoder(write: Callable[[bytes], bytes]) -> Callable[[str], str]:
    return lambda found: write(found.encode("utf-8")).decode("ascii")


def _escape_json(found: str) -> str:
    return "".join(_JSON_ESCAPED.get(sign, sign) for sign in found)


def _unescape_json(found: str) -> str:
    return _JSON_ESCAPE.sub(
        lambda match: chr(int(match[1], 16)) if match[1] else _JSON_PLAIN[match[2]], found
    )


def _read_base64(written: bytes) -> bytes:
    return base64.b64decode(written, validate=True)


_ENCODINGS = {
    "hex": _encoder(binascii.hexlify),
    "base64": _encoder(base64.b64encode),
    "urlbase64": _encoder(base64.urlsafe_b64encode),
}
_DECODINGS = {
    "hex": _decoder(binascii.unhexlify),
    "base64": _decoder(_read_base64),
    "urlbase64": _decoder(base64.urlsafe_b64decode),
}

FUNCTIONS: dict[str, Function] = {
    "indexOf": Function(_on_two("indexOf", str.find), 1, 1),
    "lastIndexOf": Function(_on_two("lastIndexOf", str.rfind), 1, 1),
    "substring": Function(_substring, 1, 2),
    "startsWith": Function(_on_two("startsWith", str.startswith), 1, 1),
    "endsWith": Function(_on_two("endsWith", str.endswith), 1, 1),
    "contains": Function(_on_two("contains", str.__contains__), 1, 1),
    "upper": Function(_on_text("upper", str.upper)),
    "lower": Function(_on_text("lower", str.lower)),
    "length": Function(_on_text("length", len)),
    "trim": Function(_on_text("trim", str.strip)),
    "replace": Function(_replace, 2, 2),
    "matches": Function(_matches, 1, 2),
    "matchesFull": Function(_matches_full, 1, 2),
    "replaceMatches": Function(_replace_matches, 2, 3),
    "toChars": Function(_to_chars),
    "split": Function(_split, 1, 1),
    "join": Function(_join, 0, 1),
    "encode": Function(_coder("encode", _ENCODINGS), 1, 1),
    "decode": Function(_coder("decode", _DECODINGS), 1, 1),
    "escape": Function(_coder("escape", {"html": html.escape, "json": _escape_json}), 1, 1),
    "unescape": Function(_coder("unescape", {"html": html.unescape, "json": _unescape_json}), 1, 1),
}
