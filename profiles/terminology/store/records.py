"""What a catalogue is made of, in any order, on its way into a store."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from profiles.reading.where import Where
from profiles.terminology.concept import Header


@dataclass(frozen=True, slots=True)
class ConceptRow:
    """One concept; an empty display is taken from its designations."""

    code: str
    display: str = ""
    definition: str = ""
    inactive: bool = False
    abstract: bool = False


@dataclass(frozen=True, slots=True)
class ParentRow:
    """`child` stands right below `parent`."""

    child: str
    parent: str


@dataclass(frozen=True, slots=True)
class PropertyRow:
    """One property of a concept."""

    code: str
    name: str
    value: str


@dataclass(frozen=True, slots=True)
class DesignationRow:
    """Another text; use `preferred` before `fsn` before others becomes the missing display."""

    code: str
    value: str
    language: str = ""
    use: str = ""


@dataclass(frozen=True, slots=True)
class MemberRow:
    """A concept belongs to a named group: a reference set of SNOMED CT, an answer list of LOINC."""

    code: str
    group: str


Record = ConceptRow | ParentRow | PropertyRow | DesignationRow | MemberRow


@dataclass(frozen=True, slots=True)
class Catalogue:
    """A code system to be stored; `records` reads its files anew with each call."""

    header: Header
    #: Told where it stands as it reads.
    records: Callable[[Where], Iterator[Record]]
