"""A snapshot as validators want it: a tree of immutable elements, every member read once.

https://hl7.org/fhir/R4/elementdefinition.html. Types are FHIR types (the system types of core's
primitive values are named by the FHIR type they stand for).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Type:
    """One allowed type (ElementDefinition.type)."""

    #: FHIR type: `HumanName`, `code`, `Reference`; a URL for logical models.
    code: str
    #: Canonical URLs of profiles, one of which has to hold; `[url]#[element id]` for an element.
    profiles: tuple[str, ...] = ()
    #: Canonical URLs of what a reference or canonical may point to.
    targets: tuple[str, ...] = ()
    #: `contained`, `referenced`, `bundled`; empty: any.
    aggregation: tuple[str, ...] = ()
    #: independent or specific; empty: either.
    versioning: str = ""


@dataclass(frozen=True, slots=True)
class Value:
    """A fixed value, pattern or limit with its FHIR type."""

    #: `Uri`, `CodeableConcept`: as it ends the member's name, `fixedUri`.
    type: str
    value: Any


@dataclass(frozen=True, slots=True)
class Binding:
    """ElementDefinition.binding."""

    #: required, extensible, preferred or example.
    strength: str
    #: Canonical URL, empty when none is said.
    value_set: str
    #: Canonical URL of the value set no code may lie outside of; empty for none.
    max_value_set: str = ""
    #: (purpose, value set) of the additional bindings without conditions.
    additional: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Invariant:
    """ElementDefinition.constraint."""

    key: str
    #: error or warning.
    severity: str
    human: str
    #: FHIRPath, empty when none is said.
    expression: str


@dataclass(frozen=True, slots=True)
class Discriminator:
    """ElementDefinition.slicing.discriminator."""

    #: value, exists, pattern, type or profile.
    type: str
    path: str


@dataclass(frozen=True, slots=True)
class Slicing:
    """ElementDefinition.slicing."""

    discriminators: tuple[Discriminator, ...]
    #: open, closed or openAtEnd.
    rules: str
    ordered: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Element:
    """One element or slice, with what is below it and the slices beside it."""

    #: `Patient.identifier:kvnr.system`.
    id: str
    path: str
    #: Last part of the path: `identifier`, `value[x]`.
    name: str
    slice_name: str
    min: int
    #: None: any number.
    max: int | None
    types: tuple[Type, ...]
    fixed: Value | None
    pattern: Value | None
    min_value: Value | None
    max_value: Value | None
    max_length: int | None
    binding: Binding | None
    invariants: tuple[Invariant, ...]
    slicing: Slicing | None
    must_support: bool
    #: A primitive needs its value: extensions do not do (R5's mustHaveValue).
    must_have_value: bool
    #: Extensions one of which stands for a missing value (R5's valueAlternatives).
    alternatives: tuple[str, ...]
    #: What a profile says about the languages of a narrative: codes of narrative-language-control.
    languages: tuple[str, ...]
    is_modifier: bool
    is_summary: bool
    #: Path of the element that this one is like: `Questionnaire.item`; empty for none.
    content_reference: str
    #: Path where the element was defined first.
    base_path: str
    #: Elements below, unsliced; none where the type's own definition says all.
    children: tuple[Element, ...]
    #: Slices of this element, in order; re-slices (`a/b`) stand after their slice.
    slices: tuple[Element, ...]

    def child(self, name: str) -> Element | None:
        """Return the unsliced child with a name (`value[x]`, not `valueQuantity`)."""
        return next((one for one in self.children if one.name == name), None)

    def slice(self, name: str) -> Element | None:
        """Return a slice of this element by its name."""
        return next((one for one in self.slices if one.slice_name == name), None)

    def walk(self) -> Iterator[Element]:
        """Go through this element and everything below and beside it, in snapshot order."""
        yield self
        for one in self.children:
            yield from one.walk()
        for one in self.slices:
            yield from one.walk()


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A StructureDefinition, compiled: a type, a profile, an extension, a logical model."""

    url: str
    version: str
    name: str
    #: primitive-type, complex-type, resource or logical.
    kind: str
    #: The type it constrains or defines.
    type: str
    #: constraint or specialization.
    derivation: str
    base: str
    abstract: bool
    #: Package it comes from, `kbv.basis@1.7.0`: decides what its references to others mean.
    package: str
    #: Extensions only: where they may stand, as published (`[{"type", "expression"}]`).
    contexts: tuple[tuple[str, str], ...]
    #: Extensions only: FHIRPath that has to hold where they stand.
    context_invariants: tuple[str, ...]
    root: Element

    @property
    def canonical(self) -> str:
        """URL with version."""
        return f"{self.url}|{self.version}" if self.version else self.url

    def element(self, element_id: str) -> Element | None:
        """Return an element by its id."""
        return next((one for one in self.root.walk() if one.id == element_id), None)
