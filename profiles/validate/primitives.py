r"""JSON Schemas of the primitive types.

https://hl7.org/fhir/R4/datatypes.html#primitive. The published regexes hold, with some
sharpenings that the prose asks for: texts have visible content and no control characters,
URIs are not empty and what starts like a UUID or an OID is one, days exist in the calendar,
base64 groups are complete. Regexes run on a linear engine without look-around, whose `\s` knows
all of Unicode; the published `[ \r\n\t\S]+` would refuse a no-break space there, so texts are
only asked for one visible character.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from profiles.r4 import facts

_YEAR = "(?:[0-9](?:[0-9](?:[0-9][1-9]|[1-9]0)|[1-9]00)|[1-9]000)"
_LEAP_YEAR = "(?:[0-9]{2}(?:0[48]|[2468][048]|[13579][26])|(?:0[48]|[2468][048]|[13579][26])00)"
_MONTH = "(?:0[1-9]|1[0-2])"
_DAY = (
    f"(?:{_YEAR}-(?:{_MONTH}-(?:0[1-9]|1[0-9]|2[0-8])|(?:0[13-9]|1[0-2])-(?:29|30)"
    f"|(?:0[13578]|1[02])-31)|{_LEAP_YEAR}-02-29)"
)
_TIME = r"(?:[01][0-9]|2[0-3]):[0-5][0-9]:(?:[0-5][0-9]|60)(?:\.[0-9]+)?"
_ZONE = r"(?:Z|[+-](?:(?:0[0-9]|1[0-3]):[0-5][0-9]|14:00))"
_B64 = r"[A-Za-z0-9+/]\s*"
_B64_END = rf"(?:{_B64}){{3}}=|(?:{_B64}){{2}}=\s*="
#: Characters below U+0020 that no text may have.
_CONTROLS = r"\x00-\x08\x0b\x0c\x0e-\x1f"
_TEXT = rf"^[^{_CONTROLS}]*?[^\s{_CONTROLS}][^{_CONTROLS}]*$"
_HEX = "[0-9a-fA-F]"
_UUID = f"{_HEX}{{8}}(?:-{_HEX}{{4}}){{3}}-{_HEX}{{12}}"
_OID = r"[0-2](?:\.(?:0|[1-9][0-9]*))+"


def _not_starting_with(*prefixes: str) -> str:
    """Return a regex of what is not empty, has no white space and none of the prefixes."""
    rest = r"\S*"
    branches = []
    heads = sorted({prefix[0] for prefix in prefixes})
    for head in heads:
        tails = [prefix[1:] for prefix in prefixes if prefix[0] == head]
        if all(tails):
            branches.append(f"{head}(?:{_not_starting_with(*tails)})?")
    return "|".join([rf"[^\s{''.join(heads)}]{rest}", *branches])


_URI = rf"^(?:{_not_starting_with('urn:uuid:', 'urn:oid:')}|urn:uuid:{_UUID}|urn:oid:{_OID})$"

_PATTERNS = {
    "string": _TEXT,
    "markdown": _TEXT,
    "uri": _URI,
    "url": _URI,
    "canonical": r"^\S+$",
    "date": f"^(?:{_YEAR}(?:-{_MONTH})?|{_DAY})$",
    "dateTime": f"^(?:{_YEAR}(?:-{_MONTH})?|{_DAY}(?:T{_TIME}{_ZONE})?)$",
    "instant": f"^{_DAY}T{_TIME}{_ZONE}$",
    "base64Binary": rf"^\s*(?:(?:(?:{_B64}){{4}})+(?:{_B64_END})?|{_B64_END})\s*$",
    "xhtml": r"^\s*<div[\s>/]",
}


#: The definitions say it of strings; markdown is a string.
_LENGTHS = {"markdown": 1_048_576}
#: Where the schemas of whole numbers lie.
_WHOLE_NUMBERS = "urn:fhir:r4:"


def primitive_schema(name: str) -> dict[str, Any]:
    """Return the JSON Schema of one primitive type."""
    primitive = facts("primitives")[name]
    if primitive["json"] == "integer":
        return {"$ref": f"{_WHOLE_NUMBERS}{name}"}
    schema: dict[str, Any] = {"type": primitive["json"]}
    if primitive["json"] == "string":
        schema["pattern"] = _PATTERNS.get(name) or f"^(?:{primitive.get('regex', '.*')})$"
        schema["minLength"] = 1
    if length := primitive.get("length", _LENGTHS.get(name)):
        schema["maxLength"] = length
    return schema


def whole_number_schemas() -> list[tuple[str, dict[str, Any]]]:
    """Return (URI, schema) of the integer types, in draft 4: to later drafts 1.0 is whole."""
    return [
        (
            f"{_WHOLE_NUMBERS}{name}",
            {
                "$schema": "http://json-schema.org/draft-04/schema#",
                "type": "integer",
                "minimum": primitive["min"],
                "maximum": primitive["max"],
            },
        )
        for name, primitive in facts("primitives").items()
        if primitive["json"] == "integer"
    ]


def whole_number_type(location: str) -> str:
    """Return the integer type whose schema a keyword location lies in, or ""."""
    if not location.startswith(_WHOLE_NUMBERS):
        return ""
    return location.removeprefix(_WHOLE_NUMBERS).partition("#")[0]


@cache
def primitive_types() -> frozenset[str]:
    """Names of all primitive types."""
    return frozenset(facts("primitives"))
