"""Resources in JSON form written as FHIR XML, for tests: https://hl7.org/fhir/R4/xml.html."""

from __future__ import annotations

from itertools import zip_longest
from typing import Any
from xml.sax.saxutils import quoteattr

from profiles.reading.fhir_elements import attributes, members

Json = dict[str, Any]
#: An element no type has; it is written where an object holds it.
_UNKNOWN = "kohl"


def as_xml(resource: Json, *, newline: str) -> str:
    """Write a resource; `newline` stands between elements: "" for compact, a line break for not."""
    written = _resource(resource, newline)
    root = resource["resourceType"]
    return written.replace(f"<{root}", f'<{root} xmlns="http://hl7.org/fhir"', 1)


def _resource(resource: Json, newline: str) -> str:
    return _element(resource["resourceType"], resource["resourceType"], resource, newline)


def _element(name: str, type_name: str, value: Any, newline: str, extra: Json | None = None) -> str:
    holder = value if isinstance(value, dict) else {**(extra or {})}
    attributed = {key: holder[key] for key in attributes(type_name) if key in holder}
    if not isinstance(value, dict) and value is not None:
        attributed["value"] = str(value).lower() if isinstance(value, bool) else value
    inner = [
        _member(one, member.type, holder, newline)
        for one, member in sorted(members(type_name).items(), key=lambda item: item[1].rank)
        if one in holder or f"_{one}" in holder
    ]
    if _UNKNOWN in holder:
        inner.append(f'<{_UNKNOWN} value="1"/>')
    start = " ".join([name, *(f"{key}={quoteattr(str(one))}" for key, one in attributed.items())])
    if not inner:
        return f"<{start}/>{newline}"
    return f"<{start}>{newline}{''.join(inner)}</{name}>{newline}"


def _member(name: str, type_name: str, holder: Json, newline: str) -> str:
    if type_name == "xhtml":
        return f"{holder[name]}{newline}"
    values, extras = holder.get(name), holder.get(f"_{name}")
    if not isinstance(values, list) and not isinstance(extras, list):
        values, extras = [values], [extras]
    return "".join(
        _holding(name, one, newline)
        if type_name == "Resource"
        else _element(name, type_name, one, newline, extra)
        for one, extra in zip_longest(values or [], extras or [])
    )


def _holding(name: str, resource: Json, newline: str) -> str:
    return f"<{name}>{newline}{_resource(resource, newline)}</{name}>{newline}"
