"""StructureDefinitions with snapshots, read into trees of elements.

https://hl7.org/fhir/R4/structuredefinition.html. What later versions of FHIR say in members of
their own, R4 says in extensions: https://hl7.org/fhir/R5/versions.html#extensions.
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

from profiles.snapshot.elements import (
    Binding,
    Discriminator,
    Element,
    Invariant,
    Profile,
    Slicing,
    Type,
    Value,
)
from profiles.snapshot.tree import Json, Node, tree_of

_CORE = "http://hl7.org/fhir/StructureDefinition"
_FHIR_TYPE = f"{_CORE}/structuredefinition-fhir-type"
_MAX_VALUE_SET = f"{_CORE}/elementdefinition-maxValueSet"
_PROFILE_ELEMENT = f"{_CORE}/elementdefinition-profile-element"
_LANGUAGES = f"{_CORE}/narrative-language-control"
_R5 = "http://hl7.org/fhir/5.0/StructureDefinition/extension-ElementDefinition"
_MUST_HAVE_VALUE = f"{_R5}.mustHaveValue"
_ALTERNATIVES = f"{_R5}.valueAlternatives"
_ADDITIONAL = frozenset(
    {
        f"{_CORE}/additional-binding",
        "http://hl7.org/fhir/tools/StructureDefinition/additional-binding",
        f"{_R5}.binding.additional",
    }
)
_SYSTEM = "http://hl7.org/fhirpath/System."


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
        must_have_value=_extension(one, _MUST_HAVE_VALUE) == "True",
        alternatives=tuple(_extensions(one, _ALTERNATIVES)),
        languages=tuple(_extensions(one, _LANGUAGES)),
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
        tuple(_profiles(coded)),
        tuple(one for one in coded.get("targetProfile", ()) if one),
        tuple(coded.get("aggregation", ())),
        str(coded.get("versioning") or ""),
    )


def _profiles(coded: Json) -> Iterator[str]:
    """Return the profiles of a type; an extension may name an element of one instead of it all."""
    beside = coded.get("_profile")
    listed = beside if isinstance(beside, list) else []
    for at, url in enumerate(coded.get("profile", ())):
        one = listed[at] if at < len(listed) else None
        element = _extension(one, _PROFILE_ELEMENT) if isinstance(one, dict) else ""
        if url:
            yield f"{url}#{element}" if element else url


@cache
def _shared_type(
    code: str,
    profiles: tuple[str, ...],
    targets: tuple[str, ...],
    aggregation: tuple[str, ...],
    versioning: str,
) -> Type:
    return Type(code, profiles, targets, aggregation, versioning)


def _value(element: Json, stem: str) -> Value | None:
    for name, value in element.items():
        if name.startswith(stem):
            return Value(name.removeprefix(stem), value)
    return None


def _binding(found: Json | None) -> Binding | None:
    if not found:
        return None
    return Binding(
        found.get("strength", ""),
        found.get("valueSet", ""),
        _extension(found, _MAX_VALUE_SET),
        tuple(_additional(found)),
    )


def _additional(found: Json) -> Iterator[tuple[str, str]]:
    """Go through the additional bindings that hold everywhere: those without a usage or a scope."""
    for one in found.get("extension", ()):
        if one.get("url") in _ADDITIONAL and not any(True for _ in _extensions(one, "usage")):
            yield _extension(one, "purpose"), _extension(one, "valueSet")


def _extension(holder: Json, url: str) -> str:
    """Return the value of an extension that has a URL, a code or a canonical."""
    return next(_extensions(holder, url), "")


def _extensions(holder: Json, url: str) -> Iterator[str]:
    listed = holder.get("extension", ())
    for one in listed if isinstance(listed, list) else ():
        if isinstance(one, dict) and one.get("url") == url:
            yield str(next((one[name] for name in one if name.startswith("value")), ""))


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
