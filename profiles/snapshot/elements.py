"""A snapshot as validators want it: a tree of immutable elements, every member read once.

https://hl7.org/fhir/R4/elementdefinition.html. Types are FHIR types (the system types of core's
primitive values are named by the FHIR type they stand for).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from profiles.snapshot.tree import Json, Node, tree_of

_FHIR_TYPE = "http://hl7.org/fhir/StructureDefinition/structuredefinition-fhir-type"
_MAX_VALUE_SET = "http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet"
_SYSTEM = "http://hl7.org/fhirpath/System."


@dataclass(frozen=True, slots=True)
class Type:
    """One allowed type (ElementDefinition.type)."""

    #: FHIR type: `HumanName`, `code`, `Reference`; a URL for logical models.
    code: str
    #: Canonical URLs of profiles, one of which has to hold.
    profiles: tuple[str, ...] = ()
    #: Canonical URLs of what a reference or canonical may point to.
    targets: tuple[str, ...] = ()
    #: `contained`, `referenced`, `bundled`; empty: any.
    aggregation: tuple[str, ...] = ()


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


def compile_profile(structure: Json, package: str) -> Profile:
    """Compile a StructureDefinition that has a snapshot."""
    contexts = [one for one in structure.get("context", ()) if isinstance(one, dict)]
    return Profile(
        url=structure.get("url", ""),
        version=structure.get("version", ""),
        name=structure.get("name", ""),
        kind=structure.get("kind", ""),
        type=structure.get("type", ""),
        derivation=structure.get("derivation", "specialization"),
        base=structure.get("baseDefinition", ""),
        abstract=bool(structure.get("abstract")),
        package=package,
        contexts=tuple((one.get("type", ""), one.get("expression", "")) for one in contexts),
        context_invariants=tuple(structure.get("contextInvariant", ())),
        root=_element(tree_of(structure["snapshot"]["element"]), ""),
    )


def _element(node: Node, parent_id: str) -> Element:
    one = node.element
    own = f"{node.name}:{node.slice}" if node.slice else node.name
    own_id = f"{parent_id}.{own}" if parent_id else own
    top = one.get("max", "*")
    return Element(
        id=own_id,
        path=one["path"],
        name=node.name,
        slice_name=node.slice,
        min=int(one.get("min") or 0),
        max=int(top) if str(top).isdecimal() else None,
        types=tuple(_type(coded) for coded in one.get("type", ()) if coded.get("code")),
        fixed=_value(one, "fixed"),
        pattern=_value(one, "pattern"),
        min_value=_value(one, "minValue"),
        max_value=_value(one, "maxValue"),
        max_length=one.get("maxLength"),
        binding=_binding(one.get("binding")),
        invariants=tuple(_invariant(rule) for rule in one.get("constraint", ())),
        slicing=_slicing(one.get("slicing")),
        must_support=bool(one.get("mustSupport")),
        is_modifier=bool(one.get("isModifier")),
        is_summary=bool(one.get("isSummary")),
        content_reference=str(one.get("contentReference") or "").rpartition("#")[2],
        base_path=one.get("base", {}).get("path", ""),
        children=tuple(_element(child, own_id) for child in node.children.values()),
        slices=tuple(_element(part, parent_id) for part in node.slices.values()),
    )


def _type(coded: Json) -> Type:
    code = str(coded["code"])
    if code.startswith(_SYSTEM):
        stated = _extension(coded, _FHIR_TYPE)
        plain = code.removeprefix(_SYSTEM)
        code = stated or plain[0].lower() + plain[1:]
    return _shared_type(
        code,
        tuple(coded.get("profile", ())),
        tuple(coded.get("targetProfile", ())),
        tuple(coded.get("aggregation", ())),
    )


@cache
def _shared_type(
    code: str, profiles: tuple[str, ...], targets: tuple[str, ...], aggregation: tuple[str, ...]
) -> Type:
    return Type(code, profiles, targets, aggregation)


def _value(element: Json, stem: str) -> Value | None:
    for name, value in element.items():
        if name.startswith(stem):
            return Value(name.removeprefix(stem), value)
    return None


def _binding(found: Json | None) -> Binding | None:
    if not found:
        return None
    return Binding(
        found.get("strength", ""), found.get("valueSet", ""), _extension(found, _MAX_VALUE_SET)
    )


def _extension(holder: Json, url: str) -> str:
    """Return the value of an extension that has a URL or a canonical."""
    for one in holder.get("extension", ()):
        if one.get("url") == url:
            return str(next((one[name] for name in one if name.startswith("value")), ""))
    return ""


def _slicing(found: Json | None) -> Slicing | None:
    if not found:
        return None
    discriminators = tuple(
        Discriminator(one.get("type", ""), one.get("path", ""))
        for one in found.get("discriminator", ())
    )
    return Slicing(discriminators, found.get("rules", "open"), bool(found.get("ordered")))


def _invariant(rule: Json) -> Invariant:
    members = ("key", "severity", "human", "expression")
    return _shared_invariant(*(str(rule.get(one) or "") for one in members))


@cache
def _shared_invariant(key: str, severity: str, human: str, expression: str) -> Invariant:
    return Invariant(key, severity, human, expression)
