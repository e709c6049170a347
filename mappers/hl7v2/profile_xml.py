"""An HL7 v2 conformance profile in XML → rules of a dialect (HL7 v2.5 chapter 2.12.7, appendix).

`HL7v2xConformanceProfile` holds a static definition per message: segment groups, segments, fields,
components and subcomponents with usage, cardinality, length, table and constant. Conditions stand
there as prose and tables by number only: both are left to whoever reads the result.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from profiles.issue import NotUnderstood
from profiles.reading.foreign_xml import read_xml

#: An element as `read_xml` returns it.
_Element = Any
#: Elements inside a segment, from the outside in.
_PARTS = ("Field", "Component", "SubComponent")
_STATED = ("R", "RE", "X")


def rules_of(data: bytes) -> list[dict[str, Any]]:
    """Return the rules a profile states, as `[[profile.rules]]` writes them.

    Raises NotUnderstood for XML that is no conformance profile.
    """
    root = read_xml(data)
    if _name(root) != "HL7v2xConformanceProfile":
        raise NotUnderstood("the XML is no HL7v2xConformanceProfile")
    found = []
    for definition in root:
        if _name(definition) == "HL7v2xStaticDef":
            code, event = definition.get("MsgType", ""), definition.get("EventType", "")
            kind = "^".join(part for part in (code, event) if part)
            found += list(_children(definition, [kind] if kind else [], required=True))
    return found


def _name(element: _Element) -> str:
    tag = element.tag
    return tag.rpartition("}")[2] if isinstance(tag, str) else ""


def _children(holder: _Element, messages: list[str], *, required: bool) -> Iterator[dict[str, Any]]:
    """Segments of a group; a segment is required where all groups around it are."""
    for element in holder:
        needed = required and element.get("Usage") == "R"
        if _name(element) == "SegGroup":
            yield from _children(element, messages, required=needed)
        elif _name(element) == "Segment":
            usage = element.get("Usage", "O")
            usage = "O" if usage == "R" and not needed else usage
            place = element.get("Name", "")
            yield from _rule(element, place, usage, messages)
            yield from _parts(element, place, messages, 0)


def _parts(
    holder: _Element, place: str, messages: list[str], level: int
) -> Iterator[dict[str, Any]]:
    if level == len(_PARTS):
        return
    parts = [element for element in holder if _name(element) == _PARTS[level]]
    for number, element in enumerate(parts, 1):
        inner = f"{place}{'.' if level else '-'}{number}"
        yield from _rule(element, inner, element.get("Usage", "O"), messages)
        yield from _parts(element, inner, messages, level + 1)


def _rule(
    element: _Element, place: str, usage: str, messages: list[str]
) -> Iterator[dict[str, Any]]:
    stated: dict[str, Any] = {}
    if usage in _STATED:
        stated["usage"] = usage
    least, most = element.get("Min", "0"), element.get("Max", "*")
    if "-" in place and least.isdecimal() and (most.isdecimal() or most == "*"):
        stated |= {"cardinality": f"{least}..{most}"} if (int(least) > 1 or most != "*") else {}
    length = element.get("Length", "")
    if length.isdecimal() and int(length):
        stated["length"] = int(length)
    if constant := element.get("ConstantValue", ""):
        stated["constant"] = constant
    if stated:
        name = element.get("LongName") or element.get("Name") or ""
        named = {"name": name} if name and name != place else {}
        yield {"place": place, **named, "messages": messages, **stated}
