"""Concepts, and what every code system can be asked, wherever it lies.

https://hl7.org/fhir/R4/codesystem.html. In memory: `code_system.py`; on disk: `store/`; decided by
a grammar: `grammar.py`.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal, Protocol, runtime_checkable

Json = dict[str, Any]
Content = Literal["complete", "fragment", "example", "not-present", "supplement"]


@dataclass(frozen=True, slots=True)
class Property:
    """One CodeSystem.concept.property: a Coding counts with its code."""

    code: str
    value: str | bool | int | Decimal

    @property
    def text(self) -> str:
        """The value as a filter writes it."""
        if isinstance(self.value, bool):
            return "true" if self.value else "false"
        return str(self.value)


@dataclass(frozen=True, slots=True)
class Designation:
    """Another text for a concept."""

    value: str
    language: str = ""
    #: Code of the use, e.g. a SNOMED CT description type; empty when it is not said.
    use: str = ""


@dataclass(frozen=True, slots=True)
class Concept:
    """One concept of a code system."""

    code: str
    display: str = ""
    definition: str = ""
    #: Not to be used any more (property `inactive`, status retired or inactive).
    inactive: bool = False
    #: Groups others and is not meant to be chosen (property `notSelectable`).
    abstract: bool = False
    properties: tuple[Property, ...] = ()
    designations: tuple[Designation, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Header:
    """What a code system says about itself."""

    url: str
    version: str = ""
    name: str = ""
    content: Content = "complete"
    #: None where the code system does not say; then codes are taken in any case.
    case_sensitive: bool | None = None
    #: is-a, grouped-by, part-of, classified-with; empty where it is not said.
    hierarchy_meaning: str = ""
    #: Canonical URL of the value set of all its codes.
    value_set: str = ""
    #: Language of the displays.
    language: str = ""
    #: Regular expression of codes that are all there, where others are not (content = fragment).
    whole: str = ""

    def has_all_like(self, code: str) -> bool:
        """Say whether a code that is not there is certainly no code of the system."""
        if self.content == "complete":
            return True
        return bool(self.whole) and re.fullmatch(self.whole, code) is not None

    @property
    def canonical(self) -> str:
        """URL with version."""
        return f"{self.url}|{self.version}" if self.version else self.url


class CodeSystem(Protocol):
    """What a code system can be asked. Codes are compared as they are written."""

    @property
    def header(self) -> Header:
        """What it says about itself."""

    @property
    def is_small(self) -> bool:
        """Whether its codes may be held as a set."""

    @property
    def is_enumerable(self) -> bool:
        """Whether `codes` gives all its codes; false for grammars."""

    def concept(self, code: str) -> Concept | None:
        """Return the concept with exactly this code."""

    def written(self, code: str) -> str:
        """Return the code in the case the code system defines it in, where case is free."""

    def codes(self) -> Iterator[str]:
        """Go through all codes in a fixed order."""

    def parents(self, code: str) -> tuple[str, ...]:
        """Return the codes right above."""

    def children(self, code: str) -> tuple[str, ...]:
        """Return the codes right below."""

    def knows(self, name: str) -> bool:
        """Whether it has a property (or `parent`: a hierarchy), so that a filter can be decided."""


@runtime_checkable
class Searchable(Protocol):
    """A code system that finds texts faster than one by one."""

    def matching(self, words: Sequence[str]) -> Iterator[str]:
        """Go through at least the codes that have every word in a text; sorted."""


@runtime_checkable
class Indexed(Protocol):
    """A code system that finds codes by property, and has named groups of codes."""

    @property
    def size(self) -> int:
        """How many concepts it has."""

    def with_value(self, name: str, values: Collection[str]) -> Iterator[str] | None:
        """Go through the codes that have one of the values, sorted; None for implied properties."""

    def has_group(self, group: str) -> bool:
        """Whether a group (reference set, answer list) is there."""

    def in_group(self, group: str, code: str) -> bool:
        """Whether a code is in a group."""

    def of_group(self, group: str) -> Iterator[str]:
        """Go through a group, sorted."""


def is_a(system: CodeSystem, code: str, ancestor: str) -> bool:
    """Say whether a code is another one or stands somewhere below it."""
    if code == ancestor:
        return True
    seen = {code}
    waiting = [code]
    while waiting:
        for parent in system.parents(waiting.pop()):
            if parent == ancestor:
                return True
            if parent not in seen:
                seen.add(parent)
                waiting.append(parent)
    return False


def descendants(system: CodeSystem, code: str) -> Iterator[str]:
    """Go through everything below a code, each once."""
    return _reachable(system.children, code)


def ancestors(system: CodeSystem, code: str) -> Iterator[str]:
    """Go through everything above a code, each once."""
    return _reachable(system.parents, code)


def _reachable(step: Any, code: str) -> Iterator[str]:
    seen = {code}
    waiting = [code]
    while waiting:
        for found in step(waiting.pop()):
            if found not in seen:
                seen.add(found)
                waiting.append(found)
                yield found
