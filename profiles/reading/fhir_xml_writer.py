"""A FHIR resource as XML (https://hl7.org/fhir/R4/xml.html).

Elements stand in the order of the definitions, decimals as they were written. What `read_fhir_xml`
reads, this writes.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import TYPE_CHECKING, Any

from profiles.issue import NotConformant
from profiles.r4 import facts
from profiles.reading.decimals import literal_of
from profiles.reading.fhir_elements import Member, attributes, is_resource, members
from profiles.reading.foreign_xml import read_xml

if TYPE_CHECKING:
    from lxml.etree import _Element

Json = dict[str, Any]

_FHIR = "http://hl7.org/fhir"
_INDENT = "  "


def write_fhir_xml(resource: Json, *, pretty: bool = False) -> bytes:
    """Write a structurally valid resource (as read from JSON) as a document in UTF-8.

    Raises NotConformant for what FHIR R4 has no place for.
    """
    from lxml import etree  # 10 MB that JSON-only commands need not load

    namespaces: Any = {None: _FHIR}
    root = etree.Element(f"{{{_FHIR}}}{_type(resource)}", nsmap=namespaces)
    _fill(root, resource, _type(resource))
    if pretty:
        # A narrative keeps the white space it has.
        etree.indent(root, space=_INDENT)
    written: bytes = etree.tostring(root, xml_declaration=True, encoding="UTF-8")
    return written


def _type(resource: Any) -> str:
    name = resource.get("resourceType") if isinstance(resource, dict) else None
    if not isinstance(name, str) or not is_resource(name):
        raise NotConformant("The content is no FHIR R4 resource.")
    return name


def _fill(element: _Element, value: Json, type_name: str) -> None:
    own = attributes(type_name)
    for name in sorted(own):
        if isinstance(value.get(name), str):
            element.set(name, value[name])
    known = members(type_name)
    present = {name.removeprefix("_") for name in value} - own - {"resourceType"}
    if not present <= known.keys():
        raise NotConformant("The content has an element that FHIR R4 does not define.")
    for name in sorted(present, key=lambda one: known[one].rank):
        _put(element, value, name, known[name])


def _put(element: _Element, value: Json, name: str, member: Member) -> None:
    if member.type == "xhtml":
        element.append(_narrative(value[name]))
    elif member.type in facts("primitives"):
        for one, extra in _pairs(value.get(name), value.get(f"_{name}")):
            _primitive(_child(element, name), one, extra, member.type)
    else:
        for one in _listed(value.get(name)):
            child = _child(element, name)
            if member.type == "Resource":
                _fill(_child(child, _type(one)), one, _type(one))
            else:
                _fill(child, one, member.type)


def _child(element: _Element, name: str) -> _Element:
    from lxml import etree

    return etree.SubElement(element, f"{{{_FHIR}}}{name}")


def _primitive(element: _Element, value: Any, extra: Json | None, type_name: str) -> None:
    if extra:
        _fill(element, extra, type_name)
    if value is not None:
        element.set("value", _literal(value))


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return literal_of(value) if isinstance(value, Decimal) else str(value)


def _pairs(values: Any, extras: Any) -> Iterator[tuple[Any, Json | None]]:
    """Pair values with what stands beside them under the underscored name."""
    first, second = _listed(values), _listed(extras)
    for index in range(max(len(first), len(second))):
        yield (
            first[index] if index < len(first) else None,
            second[index] if index < len(second) else None,
        )


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _narrative(div: str) -> _Element:
    return read_xml(div.encode())
