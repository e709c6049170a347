"""Choices of type (`value[x]`) and what the types of an element mean for its snapshot.

https://hl7.org/fhir/R4/formats.html#choice, https://hl7.org/fhir/R4/profiling.html#slicing
(type slices and the short form `valueQuantity`).
"""

from __future__ import annotations

from collections.abc import Iterable

from profiles.snapshot.tree import Json, Node

CORE_URL = "http://hl7.org/fhir/StructureDefinition/"
SYSTEM = "http://hl7.org/fhirpath/"
_TYPE_SLICING: Json = {
    "discriminator": [{"type": "type", "path": "$this"}],
    "ordered": False,
    "rules": "open",
}
#: Types that a binding may stand on (eld-11) and those derived from them.
_BINDABLE = frozenset(
    {
        "code",
        "Coding",
        "CodeableConcept",
        "Quantity",
        "string",
        "uri",
        "Age",
        "Count",
        "Distance",
        "Duration",
        "SimpleQuantity",
        "MoneyQuantity",
    }
)


def unfolded(parent: Node, changes: Iterable[Node]) -> list[Node]:
    """Return changes with short forms unfolded: `valueQuantity` → slice of `value[x]`.

    Where the choice has this one type only and nothing is said about the short form itself, what
    stands below it is about the choice.
    """
    made = {one.name: one for one in changes}
    for change in list(made.values()):
        head = None if change.name in parent.children else _choice(parent, change.name)
        if head is None:
            continue
        del made[change.name]
        folded = made.setdefault(head.name, Node(head.name))
        types = folded.element.get("type") or head.element.get("type", ())
        if not change.element and not change.slices and len(types) == 1:
            folded.children.update(change.children)
            continue
        _fold(folded, change)
    return list(made.values())


def _fold(head: Node, change: Node) -> None:
    """Put a short form under its choice; a slice of it can only be its own name once more."""
    sliced = head.slices.setdefault(change.name, Node(head.name, change.name))
    for one in (change, *change.slices.values()):
        sliced.element = sliced.element | one.element
        sliced.children.update(one.children)


def close_choice(head: Node, change: Node) -> None:
    """Say what type slices imply for the choice itself.

    Only the types of slices are left where a differential names slices without saying anything
    about the choice, and where a slice has to be there and there is room for one value only.
    Slicing that leaves no type unsliced is closed.
    """
    slicing = head.element.get("slicing")
    head.element = head.element | {"slicing": slicing or _TYPE_SLICING}
    if not any(one.get("type") == "type" for one in (slicing or {}).get("discriminator", ())):
        if slicing:
            return
    elif not change.slices:
        return
    wanted = set()
    if head.element.get("max") == "1":
        wanted = _codes(one for one in head.slices.values() if one.element.get("min", 0))
    if not wanted and slicing is None and not change.element:
        wanted = _codes(head.slices.values())
    types = [one for one in head.element.get("type", ()) if one.get("code") in wanted or not wanted]
    if "type" in head.element:
        head.element["type"] = types
    if {one.get("code") for one in types} <= _codes(head.slices.values()):
        head.element["slicing"] = head.element["slicing"] | {"rules": "closed"}


def _codes(slices: Iterable[Node]) -> set[str]:
    return {one.get("code", "") for part in slices for one in part.element.get("type", ())}


def drop_useless_binding(element: Json) -> None:
    """Remove a binding that the base said of types the element has no more."""
    codes = {one.get("code") for one in element.get("type", ())}
    if "binding" in element and not codes & _BINDABLE:
        del element["binding"]


def type_named(element: Json, name: str, stem: str) -> Json | None:
    """Return the type of a choice that gives an element this name."""
    for one in element.get("type", ()):
        code = str(one.get("code", ""))
        if code and name == stem + code[0].upper() + code[1:]:
            found: Json = one
            return found
    return None


def type_url(element: Json) -> str | None:
    """Return the definition of an element's type; None for system types and no type at all."""
    codes = {str(one["code"]) for one in element.get("type", ()) if one.get("code")}
    if not codes:
        return None
    if len(codes) > 1:
        return f"{CORE_URL}Element"
    (code,) = codes
    if code.startswith(SYSTEM):
        return None
    return code if "/" in code else f"{CORE_URL}{code}"


def _choice(parent: Node, name: str) -> Node | None:
    for child in parent.children.values():
        stem = child.name.removesuffix("[x]")
        if stem != child.name and name.startswith(stem) and type_named(child.element, name, stem):
            return child
    return None
