"""Schema errors as issues: what is wrong, where, in words, without any value.

https://hl7.org/fhir/R4/valueset-issue-type.html
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from difflib import get_close_matches
from typing import Any

import jsonschema_rs

from profiles.issue import Issue
from profiles.validate.primitives import whole_number_type

#: An element name worth repeating; anything else could be content in the wrong place.
_ELEMENT_NAME = re.compile(r"_?[a-z][A-Za-z]{0,39}\Z")
#: (JSON type, or "") → word.
_JSON_WORDS = {
    "array": "a list",
    "object": "an object",
    "string": "a text",
    "number": "a number",
    "integer": "a whole number",
    "boolean": "true or false",
    "null": "null",
}

#: Of a reference to a type that is not among the element's targets.
OTHER_TARGET = "refers to a resource type that FHIR R4 does not allow here"
#: What went wrong: issue code, sentence, and the member it is about ("" the place itself).
Finding = tuple[str, str, str]


def issues_of(
    error: jsonschema_rs.ValidationError,
    path: Iterable[str | int],
    place: str,
    schema: dict[str, Any],
) -> Iterator[Issue]:
    """Turn one schema error at a path below `place` into issues."""
    location = place + expression(path)
    for code, text, member in _findings(error, schema):
        yield Issue("error", code, text, f"{location}.{member}" if member else location)


def expression(path: Iterable[str | int]) -> str:
    """Write a path as FHIRPath."""
    return "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)


def _findings(error: jsonschema_rs.ValidationError, schema: dict[str, Any]) -> Iterator[Finding]:
    kind = error.kind
    if comment := _comment(error, schema):
        rule, _, element = comment.partition(":")
        yield _RULES[rule](error, element)
    elif isinstance(kind, jsonschema_rs.ValidationErrorKind.AdditionalProperties):
        known = _node(schema, list(error.schema_path)[:-1])["properties"]
        for name in kind.unexpected:
            yield _unknown_element(str(name), known)
    else:
        describe = _KINDS.get(kind.name, _not_as_defined)
        yield describe(error)


def _comment(error: jsonschema_rs.ValidationError, schema: dict[str, Any]) -> str:
    """Return the rule the failing keyword belongs to, when the schema names one."""
    node = _node(schema, list(error.schema_path)[:-1])
    comment = node.get("$comment", "") if isinstance(node, dict) else ""
    return str(comment)


def _node(schema: Any, path: Iterable[str | int]) -> Any:
    for step in path:
        schema = schema[step]
    return schema


def _required_rule(_error: jsonschema_rs.ValidationError, element: str) -> Finding:
    return ("required", "is required", element)


def _choice_rule(error: jsonschema_rs.ValidationError, element: str) -> Finding:
    stem = element.removesuffix("[x]")
    holder = error.instance
    if isinstance(holder, dict) and not any(
        name.removeprefix("_").startswith(stem) for name in holder
    ):
        return ("required", "is required", stem)
    return ("structure", "may be given in one type only", stem)


def _binding_rule(error: jsonschema_rs.ValidationError, element: str) -> Finding:
    if element == "code" and not isinstance(error.instance, str):
        return ("structure", "must be a text", "")
    what = "is not a code" if element == "code" else "has no code"
    return ("code-invalid", f"{what} from the required value set", "")


def _nulls_rule(_error: jsonschema_rs.ValidationError, element: str) -> Finding:
    return ("structure", "has null without an extension in its place", element)


def _target_rule(_error: jsonschema_rs.ValidationError, _element: str) -> Finding:
    return ("value", OTHER_TARGET, "")


_RULES: dict[str, Callable[[jsonschema_rs.ValidationError, str], Finding]] = {
    "required": _required_rule,
    "choice": _choice_rule,
    "binding": _binding_rule,
    "nulls": _nulls_rule,
    "target": _target_rule,
}


def _unknown_element(name: str, known: Iterable[str]) -> Finding:
    close = get_close_matches(name, known, n=1, cutoff=0.75)
    hint = f"; did you mean {close[0]}?" if close else ""
    member = name.removeprefix("_") if _ELEMENT_NAME.match(name) else ""
    return ("structure", f"is not an element FHIR R4 defines here{hint}", member)


def _not_as_defined(_error: jsonschema_rs.ValidationError) -> Finding:
    return ("structure", "is not as FHIR R4 defines it", "")


def _missing(error: jsonschema_rs.ValidationError) -> Finding:
    kind = error.kind
    member = kind.property if isinstance(kind, jsonschema_rs.ValidationErrorKind.Required) else ""
    return ("required", "is required", member)


def _wrong_type(error: jsonschema_rs.ValidationError) -> Finding:
    kind = error.kind
    names = kind.types if isinstance(kind, jsonschema_rs.ValidationErrorKind.Type) else []
    words = " or ".join(_JSON_WORDS.get(name, name) for name in names)
    return ("structure", f"must be {words}", "")


def _not_of_type(error: jsonschema_rs.ValidationError) -> Finding:
    """A primitive's own rule: the definition it stands in names the type."""
    path = list(error.schema_path)
    name = whole_number_type(error.absolute_keyword_location or "")
    if not name:
        name = str(path[1]) if len(path) == 3 and path[0] == "definitions" else "value"
    return ("value", f"is not a valid {name}", "")


def _empty(_error: jsonschema_rs.ValidationError) -> Finding:
    return ("structure", "is empty; leave it out instead", "")


def _out_of_range(error: jsonschema_rs.ValidationError) -> Finding:
    code, text, member = _not_of_type(error)
    return (code, f"{text}: out of range", member)


_KINDS: dict[str, Callable[[jsonschema_rs.ValidationError], Finding]] = {
    "required": _missing,
    "type": _wrong_type,
    "pattern": _not_of_type,
    "minLength": _empty,
    "maxLength": _out_of_range,
    "minimum": _out_of_range,
    "maximum": _out_of_range,
    "minItems": _empty,
    "minProperties": _empty,
}
