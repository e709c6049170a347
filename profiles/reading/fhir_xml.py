"""FHIR resources in XML, read into the JSON form.

https://hl7.org/fhir/R4/xml.html, https://hl7.org/fhir/R4/json.html. What JSON would not show is
told here: attributes, order, namespaces, text between elements. Comments are passed over, as are
instructions that name a style sheet; the specification allows no other.
"""

from __future__ import annotations

import re
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from profiles.issue import Issue, NotConformant
from profiles.r4 import facts
from profiles.reading.fhir_elements import Member, attributes, is_resource, members
from profiles.reading.foreign_json import read_json
from profiles.reading.foreign_xml import read_xml
from profiles.reading.limits import Limits
from profiles.reading.xml_positions import Position, element_positions

if TYPE_CHECKING:
    from collections.abc import Collection

    from lxml.etree import _Element

Json = dict[str, Any]

_FHIR = "{http://hl7.org/fhir}"
_XHTML = "{http://www.w3.org/1999/xhtml}div"
_SCHEMA_LOCATION = "{http://www.w3.org/2001/XMLSchema-instance}schemaLocation"
_STYLE_SHEET = "xml-stylesheet"
#: A name worth repeating; anything else could be content in the wrong place.
_NAME = re.compile(r"[a-z][A-Za-z]{0,39}\Z")
_DEFAULT = Limits()
#: More are not told: who reads a hundred has enough to repair.
_MOST_FAULTS = 100


def read_fhir_xml(data: bytes, *, limits: Limits = _DEFAULT) -> Json:
    """Parse a FHIR resource in XML; decimals keep the literal they were written with.

    Raises NotConformant as `look_at_fhir_xml` does.
    """
    return look_at_fhir_xml(data, limits=limits)[0]


def look_at_fhir_xml(data: bytes, *, limits: Limits = _DEFAULT) -> tuple[Json, tuple[Issue, ...]]:
    """Parse a FHIR resource in XML; return it with what is wrong though nothing of it is lost.

    That is the order of elements, which JSON has not. Raises NotConformant with an issue of code
    `structure`, its line and column, for each place that is not as R4 resources are in XML.
    Not more than 100 are told.
    """
    root = read_xml(data, limits=limits)
    reader = _Reader()
    resource: Json = {}
    with suppress(_Full):
        reader.check_instructions(root)
        resource = reader.resource(root, "")
    issues = _placed(reader.faults, root, data) if reader.faults else ()
    if reader.loses:
        raise NotConformant(issues[0].text, location=issues[0].location, issues=issues)
    return resource, issues


class _Full(Exception):
    """As many faults as are told."""


class _Reader:
    """Reads one document and notes what is wrong with it."""

    def __init__(self) -> None:
        self.faults: list[tuple[_Element, Issue]] = []
        self.loses = False

    def check_instructions(self, root: _Element) -> None:
        """Processing instructions may only link to style sheets."""
        found: Any = root.xpath("//processing-instruction()")
        for one in found:
            if one.target != _STYLE_SHEET:
                text = "a processing instruction may only name a style sheet"
                self._fault(root if one.getparent() is None else one.getparent(), text, "")

    def resource(self, element: _Element, place: str) -> Json:
        """Read a resource; `place` is empty for the document's own."""
        name = self._name(element, place)
        if not is_resource(name):
            text = "the document is no FHIR R4 resource" if not place else "is no FHIR R4 resource"
            self._fault(element, text, place)
            return {}
        return {"resourceType": name, **self._object(element, name, place or name)}

    def _fault(self, element: _Element, text: str, place: str, *, loses: bool = True) -> None:
        self.faults.append((element, Issue("error", "structure", text, place)))
        self.loses = self.loses or loses
        if len(self.faults) == _MOST_FAULTS:
            self.loses = True  # what follows is not read
            raise _Full

    def _name(self, element: _Element, place: str) -> str:
        """Return the name of an element; "" for what is neither FHIR's nor a narrative."""
        tag = str(element.tag)
        if tag.startswith(_FHIR):
            return tag.removeprefix(_FHIR)
        if tag == _XHTML:
            return "div"
        self._fault(element, "an element is outside of the FHIR namespace", place)
        return ""

    def _object(self, element: _Element, type_name: str, place: str) -> Json:
        known, rank = members(type_name), 0
        made = self._attributes(element, attributes(type_name), place)
        self._check_nothing_between(element, place)
        for child in element.iterchildren("*"):
            name = self._name(child, place)
            member = known.get(name)
            if member is None:
                self._unknown(child, name, place)
                continue
            at = f"{place}.{member.shown}"
            if member.many:
                at = f"{at}[{len(made.get(name, ()))}]"
            if member.rank < rank:
                text = "stands after elements that follow it in FHIR R4"
                self._fault(child, text, at, loses=False)
            rank = max(rank, member.rank)
            self._put(made, child, name, member, at)
        return made

    def _attributes(self, element: _Element, known: Collection[str], place: str) -> Json:
        made: Json = {}
        for attribute, text in element.attrib.items():
            if attribute in known:
                made[str(attribute)] = str(text)
            elif attribute != _SCHEMA_LOCATION or known:  # only resources know none
                self._fault(element, "has an attribute that FHIR R4 does not know", place)
        return made

    def _check_nothing_between(self, element: _Element, place: str) -> None:
        """Values are attributes (https://hl7.org/fhir/R4/xml.html): a text would be lost."""
        texts = [element.text, *(child.tail for child in element)]
        if any(text is not None and text.strip() for text in texts):
            text = "text stands between elements; in FHIR XML a value is an attribute"
            self._fault(element, text, place)

    def _unknown(self, child: _Element, name: str, place: str) -> None:
        if name:
            text = "is not an element FHIR R4 defines here"
            self._fault(child, text, f"{place}.{name}" if _NAME.match(name) else place)

    def _put(self, made: Json, child: _Element, name: str, member: Member, place: str) -> None:
        if not member.many and (name in made or f"_{name}" in made):
            self._fault(child, "may stand once, and stands twice", place)
            return
        if (member.type == "xhtml") is not (child.tag == _XHTML):
            self._fault(child, "a narrative's div is outside of the XHTML namespace", place)
        elif member.type in facts("primitives") and member.type != "xhtml":
            self._put_primitive(made, child, name, member, place)
        elif member.many:
            made.setdefault(name, []).append(self._complex(child, member.type, place))
        else:
            made[name] = self._complex(child, member.type, place)

    def _complex(self, child: _Element, type_name: str, place: str) -> Any:
        if type_name == "xhtml":
            return _markup(child)
        if type_name == "Resource":
            return self._inner(child, place)
        return self._object(child, type_name, place)

    def _put_primitive(
        self, made: Json, child: _Element, name: str, member: Member, place: str
    ) -> None:
        extra = self._object(child, member.type, place)
        text = extra.pop("value", None)
        if text is None and "extension" not in extra:
            self._fault(child, "has neither a value nor an extension", place)
        value = None if text is None else self._value(child, text, member.type, place)
        if not member.many:
            made.update({} if value is None else {name: value})
            made.update({f"_{name}": extra} if extra else {})
            return
        values = made.setdefault(name, [])
        values.append(value)
        if extra or f"_{name}" in made:
            extras = made.setdefault(f"_{name}", [])
            extras += [None] * (len(values) - 1 - len(extras))
            extras.append(extra or None)

    def _value(self, child: _Element, text: str, type_name: str, place: str) -> Any:
        kind = facts("primitives")[type_name]["json"]
        if kind == "string":
            return text
        try:
            value = read_json(text.encode())
        except NotConformant:
            value = None
        if text != text.strip() or isinstance(value, bool) is not (kind == "boolean"):
            value = None
        if value is None or not hasattr(value, "real"):
            words = "must be true or false" if kind == "boolean" else "must be a number"
            self._fault(child, words, place)
        return value

    def _inner(self, child: _Element, place: str) -> Json:
        self._attributes(child, ("",), place)
        self._check_nothing_between(child, place)
        resources = list(child.iterchildren("*"))
        if len(resources) != 1:
            self._fault(child, "a place for one resource has none or several", place)
            return {}
        return self.resource(resources[0], place)


def _placed(faults: list[tuple[_Element, Issue]], root: _Element, data: bytes) -> tuple[Issue, ...]:
    """Add line and column of the elements, which expat tells and lxml does not."""
    numbers = {element: number for number, element in enumerate(root.iter("*"))}
    found = element_positions(data, {numbers[element] for element, _ in faults})
    return tuple(_at(issue, found.get(numbers[element])) for element, issue in faults)


def _at(issue: Issue, position: Position | None) -> Issue:
    return replace(issue, **position._asdict()) if position is not None else issue


def _markup(child: _Element) -> str:
    from lxml import etree

    text: str = etree.tostring(child, encoding="unicode", with_tail=False)
    return text
