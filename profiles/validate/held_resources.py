"""Elements that hold a whole resource (`Bundle.entry.resource`), as profiles narrow them.

https://hl7.org/fhir/R4/profiling.html: the base allows any Resource; a profile names types and
profiles. What a profile asks of the resource is asked inside of it.
"""

from __future__ import annotations

from profiles.snapshot.elements import Element, Profile
from profiles.validate.members import Item
from profiles.validate.run import Check, Run

#: The types that any resource has.
ANY_RESOURCE = frozenset({"Resource", "DomainResource"})


def holds_resources(element: Element) -> bool:
    """Say whether the values of an element of the base are whole resources."""
    codes = {one.code for one in element.types}
    return bool(codes) and codes <= ANY_RESOURCE


def resource_check(element: Element, checks: tuple[Check, ...], profile: Profile) -> Check:
    """Return what checks a held resource: its type, then everything else inside of it."""
    codes = {one.code for one in element.types}
    allowed = frozenset() if codes & ANY_RESOURCE else frozenset(codes)

    def check(item: Item, run: Run) -> None:
        stated = item.value.get("resourceType") if isinstance(item.value, dict) else None
        if not isinstance(stated, str):
            return  # the structure check says so
        if allowed and stated not in allowed:
            text = f"the resource type {stated} is not allowed here ({profile.url})"
            run.report("error", "structure", text, item.place)
            return
        inner, resource = run.within(item), item._replace(type=stated)
        for one in checks:
            one(resource, inner)

    return check
