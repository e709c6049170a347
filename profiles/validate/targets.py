"""What a reference may point to: https://hl7.org/fhir/R4/references.html.

The type is checked wherever it can be told; the profile where the resource is at hand. What core
asks of relative references is the schema's business (structure.py).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from profiles.snapshot.choices import CORE_URL
from profiles.snapshot.elements import Element, Profile, Type
from profiles.validate.members import Item
from profiles.validate.references import type_of_target
from profiles.validate.run import Check, Run
from profiles.validate.sentences import OTHER_TARGET
from profiles.validate.structure import resource_types

if TYPE_CHECKING:
    from profiles.validate.layers import Layers


def target_check(wanted: Type, layers: Layers, profile: Profile) -> Check:
    """Return what checks the target of a Reference against a profile's narrowing."""
    kinds: dict[str, list[str]] = {}
    for canonical in wanted.targets:
        target = layers.profile(canonical, profile)
        if target is None:
            return _unknown(canonical)
        kinds.setdefault(target.type, []).append(canonical)
    anything = bool(kinds.keys() & {"Resource", "DomainResource"})

    def check(item: Item, run: Run) -> None:
        reference = item.value.get("reference") if isinstance(item.value, dict) else None
        found = run.resolve(reference) if isinstance(reference, str) else None
        kind = _kind(item.value, reference, found[0] if found is not None else None)
        if not kind or anything:
            return
        if kind not in kinds:
            text = f"a reference to {kind} is not allowed here ({profile.url})"
            run.report("error", "structure", text, item.place)
        elif found is not None:
            target = Item(found[0], None, kind, found[1])
            wanted = [one for one in kinds[kind] if not one.startswith(CORE_URL)]
            if len(wanted) == len(kinds[kind]) and not any(
                layers.conforms(one, target, run, profile) for one in wanted
            ):
                text = f"the resource referred to conforms to none of {', '.join(wanted)}"
                run.report("error", "structure", text, item.place)

    return check


def core_target_check(element: Element) -> Check | None:
    """Return what checks the type a Reference leads to or states against core; None for any type.

    Of contained resources, of entries of a Bundle, of absolute URLs, and of logical references.
    """
    kinds = {one.removeprefix(CORE_URL) for found in element.types for one in found.targets}
    if not kinds or kinds & {"Resource", "DomainResource"}:
        return None

    def check(item: Item, run: Run) -> None:
        reference = item.value.get("reference")
        if not isinstance(reference, str):
            kind, member = type_of_target(item.value), "type"
        elif reference.startswith(_SPEAKING):
            found = run.resolve(reference)
            shown = found[0].get("resourceType") if found is not None else None
            kind, member = str(shown or type_of_target(item.value)), "reference"
        else:
            return
        if kind not in kinds and kind in resource_types():
            run.report("error", "value", OTHER_TARGET, (item.place, member))

    return check


#: Beginnings of references that the schema cannot read a type from.
_SPEAKING = ("#", "urn:", "http://", "https://")


def aggregation_check(wanted: Type, profile: Profile) -> Check:
    """Return what checks how a reference leads to its target (type.aggregation, type.versioning).

    Outside of a Bundle nobody can tell what the Bundle around would hold.
    """
    modes = frozenset(wanted.aggregation)

    def check(item: Item, run: Run) -> None:
        reference = item.value.get("reference") if isinstance(item.value, dict) else item.value
        if item.type != wanted.code or not isinstance(reference, str):
            return
        found = _modes(reference, run)
        if modes and item.type == "Reference" and found.isdisjoint(modes):
            text = f"the reference has to be {' or '.join(sorted(modes))} ({profile.url})"
            run.report("error", "structure", text, item.place)
        mark = "/_history/" if item.type == "Reference" else "|"
        if (
            wanted.versioning in _VERSIONED
            and (mark in reference) is not _VERSIONED[wanted.versioning]
        ):
            text = f"the reference has to be version {wanted.versioning} ({profile.url})"
            run.report("error", "structure", text, item.place)

    return check


#: ElementDefinition.type.versioning → does the reference name a version.
_VERSIONED = {"specific": True, "independent": False}


def _modes(reference: str, run: Run) -> frozenset[str]:
    if reference.startswith("#"):
        return frozenset({"contained"})
    if run.resolve(reference) is not None or not run.full_url:
        return frozenset({"bundled", "referenced"})
    return frozenset({"referenced"})


def _kind(value: Any, reference: Any, found: Any) -> str:
    """Return the type a reference points to, as far as it says or shows."""
    if isinstance(found, dict):
        return str(found.get("resourceType", ""))
    if isinstance(value, dict) and isinstance(value.get("type"), str):
        return str(value["type"])
    if isinstance(reference, str) and not reference.startswith(("#", "urn:")):
        parts = reference.partition("/_history/")[0].split("/")
        if len(parts) >= 2 and parts[-2][:1].isupper():
            return parts[-2]
    return ""


def _unknown(canonical: str) -> Check:
    text = f"the profile {canonical} is not at hand"

    def check(item: Item, run: Run) -> None:
        run.once(canonical, run.policy.claim, "not-found", text, item.place)

    return check
