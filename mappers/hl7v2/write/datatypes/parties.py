"""References to people and houses → XCN and XON (HL7 v2.5 chapter 2.A.86, 2.A.87)."""

from __future__ import annotations

from typing import Any

from mappers.hl7v2.session import V2
from mappers.hl7v2.write.datatypes.identifiers import assigned, check_digit, own_first, type_code
from mappers.hl7v2.write.datatypes.names import name_order, name_parts, name_type
from mappers.hl7v2.write.er7 import Repetition
from mappers.hl7v2.write.writing import Writing

_LANR = "https://fhir.kbv.de/NamingSystem/KBV_NS_Base_ANR"
#: The role OBX-16 stands for.
_RESPONSIBLE = {
    "coding": [{"system": V2 + "0443", "code": "RO", "display": "Responsible Observer"}]
}
_DEGREE = V2 + "0360"


def is_organization(w: Writing, reference: dict[str, Any]) -> bool:
    """Tell whether a reference names a house."""
    target = w.source.resolve(reference)
    kind = target["resourceType"] if target is not None else _stated_type(reference)
    return bool(kind == "Organization")


def _stated_type(reference: dict[str, Any]) -> str:
    written = str(reference.get("reference", ""))
    return str(reference.get("type") or (written.split("/")[-2] if "/" in written else ""))


def xcn(w: Writing, reference: dict[str, Any] | None) -> Repetition | None:
    """Reference to a person → XCN; None when it is a house or nobody."""
    if not reference or is_organization(w, reference):
        return None
    person = _person(w, reference)
    if person is not None and person["resourceType"] != "Practitioner":
        return None
    identifier = _identifier(w, person, reference)
    parts = _name(w, person, reference)
    if identifier is None and parts is None:
        return None
    *named, rest = parts or (None,) * 6
    number = identifier or {}
    authority, facility = assigned(w, number, "practitioner")
    source_table = number.get("type", {}).get("text")
    return (
        number.get("value"),
        *named,
        *(_degree(w, person), source_table, authority, _name_type(w, person)),
        *check_digit(w, number),
        *(type_code(w, number), facility),
        *[None] * 3,
        *_validity(w, person),
        rest,
    )


def _validity(w: Writing, person: dict[str, Any] | None) -> tuple[str | None, ...]:
    """XCN.18 to XCN.20: order of the parts of the name, since when and until when it holds."""
    name = (person or {}).get("name", [{}])[0]
    period = name.get("period", {})
    return name_order(w, name), w.time(period.get("start")), w.time(period.get("end"))


def _person(w: Writing, reference: dict[str, Any]) -> dict[str, Any] | None:
    target = w.source.resolve(reference)
    if target is None:
        return None
    w.carried(reference["reference"], reference.get("type"))
    if target["resourceType"] == "PractitionerRole":
        role, target = target, w.source.resolve(target.get("practitioner"))
        if target is not None:
            w.carried(role["practitioner"])
            if role.get("code") == [_RESPONSIBLE]:
                w.carried(role["code"])
    return target


def _identifier(
    w: Writing, person: dict[str, Any] | None, reference: dict[str, Any]
) -> dict[str, Any] | None:
    stated = reference.get("identifier")
    known = own_first(w, (person or {}).get("identifier", ()))
    chosen = next((i for i in known if i.get("system") == _LANR), known[0] if known else stated)
    if stated is not None and chosen is not None and stated is not chosen:
        same = all(stated.get(n) == chosen.get(n) for n in ("system", "value"))
        if same:
            w.carried(stated)
    return chosen


def _name(w: Writing, person: dict[str, Any] | None, reference: dict[str, Any]) -> Any:
    shown = reference.get("display")
    names = (person or {}).get("name", ())
    parts = name_parts(w, names[0]) if names else None
    if parts is None:
        return (shown, None, None, None, None, None) if shown else None
    if shown is not None:
        w.carried(shown)
    return parts


def _name_type(w: Writing, person: dict[str, Any] | None) -> str | None:
    names = (person or {}).get("name", ())
    return name_type(w, names[0]) if names else None


def _degree(w: Writing, person: dict[str, Any] | None) -> str | None:
    for qualification in (person or {}).get("qualification", ()):
        for coding in qualification.get("code", {}).get("coding", ()):
            if coding.get("system") == _DEGREE:
                w.carried(coding["system"])
                return coding.get("code")  # type: ignore[no-any-return]  # traced JSON
    return None


def xon(w: Writing, reference: dict[str, Any] | None) -> Repetition | None:
    """Reference to a house → XON; None when it is a person or nobody."""
    if not reference or not is_organization(w, reference):
        return None
    name, identifier = house(w, reference)
    if name is None and identifier is None:
        return None
    identifier = identifier or {}
    authority, facility = assigned(w, identifier, "organization")
    digit, scheme = check_digit(w, identifier)
    kind, number = type_code(w, identifier), identifier.get("value")
    return (name, None, None, digit, scheme, authority, kind, facility, None, number)


def house(w: Writing, reference: dict[str, Any]) -> tuple[str | None, dict[str, Any] | None]:
    """Return the name and the first identifier of an Organization."""
    w.carried(reference.get("type"))
    target = w.source.resolve(reference)
    stated = reference.get("identifier")
    if target is None or target["resourceType"] != "Organization":
        return reference.get("display"), stated
    w.carried(reference["reference"])
    known = own_first(w, target.get("identifier", ()))
    name = target.get("name")
    if name is not None:
        w.carried(reference.get("display"))
    chosen = known[0] if known else stated
    if stated is not None and chosen is not None and stated.get("value") == chosen.get("value"):
        w.carried(stated)
    return name or reference.get("display"), chosen
