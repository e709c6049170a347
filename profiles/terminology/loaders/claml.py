"""ICD-10-GM and OPS in ClaML, as the BfArM publishes them.

ClaML 2.0.0 (ISO 13120): Class with SuperClass, Rubric, Meta and ModifiedBy; a modifier adds its
ModifierClasses to every class at or below the one that names it and has no subclasses of its own.
https://www.bfarm.de/DE/Kodiersysteme/Services/Downloads/_node.html
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from profiles.reading.limits import refused
from profiles.reading.where import Where
from profiles.reading.xml_stream import line_of, local_name, stream_xml
from profiles.terminology.concept import Header
from profiles.terminology.loaders.modifiers import Modified, ModifierClass, Modifiers
from profiles.terminology.store.records import (
    Catalogue,
    ConceptRow,
    DesignationRow,
    ParentRow,
    PropertyRow,
    Record,
)

if TYPE_CHECKING:
    from profiles.reading.xml_stream import Element

ICD_10_GM = "http://fhir.de/CodeSystem/bfarm/icd-10-gm"
OPS = "http://fhir.de/CodeSystem/bfarm/ops"
#: Class/@usage → how it is written after the code (†, *, !).
USAGES = {"dagger": "†", "aster": "*", "optional": "!"}
#: Parts of a label that stand apart from each other.
_BLOCKS = frozenset({"Para", "Fragment", "List", "ListItem", "Table", "Row", "Cell"})
_GROUPS = frozenset({"chapter", "block"})


def claml(path: Path, *, url: str, version: str = "", language: str = "de") -> Catalogue:
    """Describe a ClaML file; the version is the document's own (Title/@version) unless given.

    The display is the rubric `preferredLong`, which stands for itself, else `preferred`.
    Properties: `kind`, `usage` (†, *, !), and each Meta under its own name. Classes that have
    others below them are abstract. Raises NotConformant when it has no Title with a version.
    """
    name, found = _title(path)
    if not (version or found):
        raise refused(f"{path.name}: the ClaML document does not say its version", code="required")
    header = Header(
        url=url,
        version=version or found,
        name=name,
        case_sensitive=True,
        hierarchy_meaning="is-a",
        language=language,
    )
    return Catalogue(header, partial(_records, path, language))


@dataclass(slots=True)
class _Reading:
    language: str
    modifiers: Modifiers = field(default_factory=Modifiers)
    #: Class code → what its modified classes depend on.
    classes: dict[str, Modified] = field(default_factory=dict)


def _title(path: Path) -> tuple[str, str]:
    for title in stream_xml(path, {"Title"}):
        name = " ".join("".join(_texts(title)).split()) or title.get("name", "")
        return str(name), str(title.get("version", ""))
    return "", ""


def _records(path: Path, language: str, where: Where) -> Iterator[Record]:
    reading = _Reading(language)
    for element in stream_xml(path, {"Class", "ModifierClass"}):
        where.at(path.name, line_of(element))
        code = element.get("code", "")
        if local_name(element) == "ModifierClass":
            reading.modifiers.add(element.get("modifier", ""), _modifier_class(element))
        elif not code:
            raise refused("a class has no code", code="required")
        elif code in reading.classes:
            raise refused("the ClaML document has a class twice")
        else:
            yield from _of_class(element, code, reading)
    where.at(path.name, 0)
    yield from _leaves(reading, reading.modifiers.applied(reading.classes))


def _of_class(element: Element, code: str, reading: _Reading) -> Iterator[Record]:
    """Yield all of a class but its concept, which depends on what modifiers make below it."""
    parents = [one.get("code", "") for one in _named(element, "SuperClass")]
    has_below = bool(_named(element, "SubClass"))
    short, long = _label(element, "preferred"), _label(element, "preferredLong")
    reading.classes[code] = Modified(
        code=code,
        display=long or short,
        parent=parents[0] if parents else "",
        is_leaf=not has_below,
        is_group=element.get("kind") in _GROUPS,
        modified_by=tuple(_modified_by(one) for one in _named(element, "ModifiedBy")),
        excludes=frozenset(one.get("code", "") for one in _named(element, "ExcludeModifier")),
        properties=tuple((one.name, one.value) for one in _properties(code, element)),
    )
    yield from (ParentRow(code, one) for one in parents if one)
    if kind := element.get("kind", ""):
        yield PropertyRow(code, "kind", kind)
    yield from _properties(code, element)
    if long and short:
        yield DesignationRow(code, short, reading.language, "preferred")


def _leaves(reading: _Reading, made: Iterator[Modified]) -> Iterator[Record]:
    """Yield the concepts: those of the document, and those that modifiers make."""
    below: set[str] = set()
    for one in made:
        below.add(one.parent)
        reading.classes.setdefault(one.code, one)
        yield ParentRow(one.code, one.parent)
        yield PropertyRow(one.code, "kind", "category")
        yield from (PropertyRow(one.code, name, value) for name, value in one.properties)
    for one in reading.classes.values():
        abstract = one.is_group or not one.is_leaf or one.code in below
        yield ConceptRow(one.code, one.display, abstract=abstract)


def _modifier_class(element: Element) -> ModifierClass:
    excluded = [
        one.get("value", "").split()
        for one in _named(element, "Meta")
        if one.get("name") == "excludeOnPrecedingModifier"
    ]
    code = element.get("code", "")
    properties = tuple((one.name, one.value) for one in _properties(code, element))
    return ModifierClass(
        code=code,
        display=_label(element, "preferred"),
        not_after=frozenset((one[0], one[1]) for one in excluded if len(one) == 2),
        properties=properties,
    )


def _modified_by(element: Element) -> tuple[str, frozenset[str] | None]:
    """Return the modifier, and which of its classes are valid (None: all)."""
    valid = frozenset(one.get("code", "") for one in _named(element, "ValidModifierClass"))
    # Files name valid classes beside all="true" (the default) and mean only those.
    takes_all = not valid and element.get("all", "true") == "true"
    return element.get("code", ""), None if takes_all else valid


def _properties(code: str, element: Element) -> Iterator[PropertyRow]:
    if usage := USAGES.get(element.get("usage", "")):
        yield PropertyRow(code, "usage", usage)
    for one in _named(element, "Meta"):
        name, value = one.get("name", ""), one.get("value", "")
        if name and value and name != "excludeOnPrecedingModifier":
            yield PropertyRow(code, name, value)


def _label(element: Element, kind: str) -> str:
    """Return the text of a rubric without the codes it refers to."""
    for rubric in _named(element, "Rubric"):
        if rubric.get("kind") == kind:
            parts = [part for label in _named(rubric, "Label") for part in _texts(label)]
            return " ".join("".join(parts).split())
    return ""


def _texts(element: Element) -> Iterator[str]:
    yield element.text or ""
    for inner in element:
        if local_name(inner) in _BLOCKS:
            yield " "
        if local_name(inner) != "Reference":
            yield from _texts(inner)
        yield inner.tail or ""


def _named(element: Element, name: str) -> list[Element]:
    return [one for one in element if local_name(one) == name]
