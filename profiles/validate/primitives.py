r"""JSON Schemas of the primitive types.

https://hl7.org/fhir/R4/datatypes.html#primitive. The published regexes hold, with four
sharpenings that the prose asks for: texts have visible content, URIs are not empty,
days exist in the calendar, base64 groups are complete. Regexes run on a linear engine,
whose `\s` knows all of Unicode; the published `[ \r\n\t\S]+` would refuse a no-break
space there, so texts are only asked for one visible character.
"""

from __future__ import annotations

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

_PATTERNS = {
    "string": r"\S",
    "markdown": r"\S",
    "uri": r"^\S+$",
    "url": r"^\S+$",
    "canonical": r"^\S+$",
    "date": f"^(?:{_YEAR}(?:-{_MONTH})?|{_DAY})$",
    "dateTime": f"^(?:{_YEAR}(?:-{_MONTH})?|{_DAY}(?:T{_TIME}{_ZONE})?)$",
    "instant": f"^{_DAY}T{_TIME}{_ZONE}$",
    "base64Binary": rf"^\s*(?:(?:{_B64}){{4}})*(?:(?:{_B64}){{3}}=|(?:{_B64}){{2}}=\s*=)?\s*$",
    "xhtml": r"^\s*<div[\s>/]",
}


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
    if length := primitive.get("length"):
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


def primitive_types() -> frozenset[str]:
    """Names of all primitive types."""
    return frozenset(facts("primitives"))
