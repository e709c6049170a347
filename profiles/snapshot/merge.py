"""What a constraint does to an element, member by member.

https://hl7.org/fhir/R4/elementdefinition.html#interpretation: what the differential says replaces
what the base said; invariants add up; mustSupport stays once it is said.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from profiles.issue import Issue
from profiles.snapshot.tree import Json

_REPLACED = (
    "min",
    "max",
    "maxLength",
    "isModifier",
    "isSummary",
    "sliceName",
    "sliceIsConstraining",
    "representation",
)
#: Members whose name goes on with a type; a new one replaces the old whatever its type.
_CHOICES = ("fixed", "pattern", "minValue", "maxValue")
_SYSTEM = "http://hl7.org/fhirpath/"
#: Types that any type may take the place of.
_ABSTRACT = frozenset({"Resource", "DomainResource", "Element", "BackboneElement", "Base"})
#: Binding strengths, weakest first.
_STRENGTHS = {"example": 0, "preferred": 1, "extensible": 2, "required": 3}


def merge(base: Json, constraint: Json, issues: list[Issue], place: str) -> Json:
    """Return the base element as constrained; `place` is where issues are."""
    faults = (*_wider(base, constraint), *_other_types(base, constraint))
    issues.extend(Issue("error", "structure", text, place) for text in faults)
    replaced = tuple(
        choice for choice in _CHOICES if any(name.startswith(choice) for name in constraint)
    )
    made = {name: value for name, value in base.items() if not _is_choice(name, replaced)}
    made |= {
        name: value
        for name, value in constraint.items()
        if name in _REPLACED or _is_choice(name, _CHOICES)
    }
    if constraint.get("mustSupport"):
        made["mustSupport"] = True
    if "contentReference" in constraint and not base.get("type"):
        made["contentReference"] = constraint["contentReference"]
    for member, join in _JOINED.items():
        if constraint.get(member):
            made[member] = join(base.get(member), constraint[member])
    return made


def _is_choice(name: str, choices: tuple[str, ...]) -> bool:
    """`fixedUri` and what stands beside it (`_fixedUri`)."""
    return bool(choices) and name.lstrip("_").startswith(choices)


def invariants(base: Iterable[Json] | None, more: Iterable[Json]) -> list[Json]:
    """Add invariants up; one with a known key says it anew."""
    found = {one.get("key"): one for one in base or ()}
    found.update({one.get("key"): one for one in more})
    return list(found.values())


def slicing(base: Json | None, more: Json) -> Json:
    """Return the slicing as constrained: discriminators add up, rules are said anew."""
    if base is None:
        return dict(more)
    made = base | more
    discriminators = list(base.get("discriminator", ()))
    discriminators += [one for one in more.get("discriminator", ()) if one not in discriminators]
    if discriminators:
        made["discriminator"] = discriminators
    return made


def binding(base: Json | None, more: Json) -> Json:
    """Return the binding as constrained: what is not said anew stays."""
    return (base or {}) | more


def types(base: Iterable[Json] | None, more: Iterable[Json]) -> list[Json]:
    """Return the types as constrained; a system type keeps the FHIR type it stands for."""
    known = {one.get("code"): one for one in base or ()}
    return [
        {
            name: value
            for name, value in known.get(one.get("code"), {}).items()
            if name == "extension"
        }
        | one
        for one in more
    ]


def extensions(base: Iterable[Json] | None, more: Iterable[Json]) -> list[Json]:
    """Return the extensions as constrained: those with a URL that is said anew replace the old."""
    said = [one for one in more if isinstance(one, dict)]
    urls = {one.get("url") for one in said}
    return [one for one in base or () if one.get("url") not in urls] + said


def _wider(base: Json, constraint: Json) -> Iterator[str]:
    """Say where a constraint allows what its base does not; what it says counts all the same."""
    low, high = base.get("min"), base.get("max")
    is_slice = "sliceName" in constraint
    if low is not None and constraint.get("min", low) < low and not is_slice:
        yield "min is below that of the base"
    if high is not None and _upper(str(constraint.get("max", high))) > _upper(str(high)):
        yield "max is above that of the base"
    if _STRENGTHS.get(_strength(constraint), 9) < _STRENGTHS.get(_strength(base), 0):
        yield "the binding is weaker than that of the base"


def _other_types(base: Json, constraint: Json) -> Iterator[str]:
    allowed = {str(one.get("code", "")) for one in base.get("type", ())}
    stated = {str(one.get("code", "")) for one in constraint.get("type", ())}
    # A system type stands for the FHIR type that a differential may name.
    open_ended = allowed & _ABSTRACT or any(one.startswith(_SYSTEM) for one in allowed)
    if allowed and stated - allowed and not open_ended:
        yield "a type is not one of those of the base"


def _strength(element: Json) -> str:
    return str(element.get("binding", {}).get("strength", ""))


def _upper(text: str) -> float:
    return int(text) if text.isdecimal() and len(text) < 10 else float("inf")


#: Members that the base and the constraint say together.
_JOINED: dict[str, Callable[[Any, Any], Any]] = {
    "type": types,
    "binding": binding,
    "slicing": slicing,
    "constraint": invariants,
    "extension": extensions,
}
