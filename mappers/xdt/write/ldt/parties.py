"""Patient, doctors, practices and laboratories → objects 0045, 0047, 0014, 0019, 0022, 0036."""

from __future__ import annotations

from typing import Any

from mappers.base import Resource
from mappers.trace import Text, derived, text
from mappers.xdt.insurance import IKNR
from mappers.xdt.parties import BSNR, LANR
from mappers.xdt.patient import CARD_NUMBER, KVNR
from mappers.xdt.write.ldt.objects import day, obj
from mappers.xdt.write.ldt.persons import address_parts, gender_letter, name_parts
from mappers.xdt.write.pen import Field
from mappers.xdt.write.reader import Writing

FIELD = "urn:region-gateway:xdt:"
_ASV_TEAM = "http://fhir.de/sid/asv/teamnummer"
_TELEMATIK_ID = "https://gematik.de/fhir/sid/telematik-id"
#: Who orders where nobody says what they are: a doctor.
_DOCTOR: tuple[str, ...] = ("02",)
#: System and use of a ContactPoint → Feldkennung; mobile phones have one of their own.
_WAYS = {"phone": "7330", "fax": "7333", "email": "7335", "url": "7334", "other": "7332"}


def patient(w: Writing, resource: Resource) -> list[Field]:
    """8145: the patient, by the number the partner knows."""
    put = w.pen.field
    own = w.context.dialect.systems.get("3000") or f"{w.namespace}/patient"
    number = w.identifier(resource, own)
    kvnr, card = w.identifier(resource, KVNR), w.identifier(resource, CARD_NUMBER)
    inner = [*put("7420", "12"), *name_parts(w, _first(resource, "name"))]
    inner += put("3103", day(resource.get("birthDate")))
    inner += put("3110", gender_letter(w, resource))
    inner += obj("8228", address_parts(w, _first(resource, "address")))
    inner += obj("8232", ways(w, resource))
    fields = [*obj("8147", inner), *put("3119", kvnr), *put("3105", card)]
    fields += put("7922", day(resource.get("deceasedDateTime")))
    return obj("8145", fields, put("3000", number))


def _first(resource: Resource, element: str) -> dict[str, Any]:
    return next(iter(resource.get(element, ())), {})


def ways(w: Writing, resource: Resource) -> list[Field]:
    """Ways to reach somebody, in the order of their Feldkennungen."""
    fields: list[Field] = []
    for one in resource.get("telecom", ()):
        fk = _WAYS.get(str(one.get("system", "")))
        if fk is not None:
            mobile = fk == "7330" and one.get("use") == "mobile"
            w.carried(one.get("system"), one.get("use"))
            fields += w.pen.field("7331" if mobile else fk, one.get("value"))
    return sorted(fields, key=lambda field: field[0])


def person(w: Writing, fk: str, resource: Resource, status: str) -> list[Field]:
    """0047 of a doctor."""
    inner = name_parts(w, _first(resource, "name"))
    return obj(fk, w.pen.field("7420", status), inner) if inner else []


def doctor(w: Writing, fk: str, resource: Resource) -> list[Field]:
    """0014: a Practitioner by name and LANR."""
    put = w.pen.field
    fields = person(w, "8147", resource, "02")
    fields += put("0212", w.identifier(resource, LANR))
    telematik = w.identifier(resource, _TELEMATIK_ID)
    if telematik is not None:
        fields += [*put("0307", telematik), *put("0308", "3")]
    return obj(fk, fields)


def site(w: Writing, fk: str, resource: Resource, status: str) -> list[Field]:
    """0019: an Organization by BSNR, IK, or its own number."""
    put = w.pen.field
    kinds = _kinds(w, resource, "0204") or [status]
    fields = [field for kind in kinds for field in put("0204", kind)]
    fields += put("0203", resource.get("name"))
    bsnr = w.identifier(resource, BSNR)
    own = w.identifier(resource, f"{w.namespace}/site") if bsnr is None else None
    fields += put("0200", own) + put("0201", bsnr) + put("0213", w.identifier(resource, IKNR))
    return obj(fk, fields, house(w, "8143", resource))


def house(w: Writing, fk: str, resource: Resource) -> list[Field]:
    """0043: name, address and ways to reach a house."""
    put = w.pen.field
    name = resource.get("name")
    alias = next(iter(resource.get("alias", ())), None)
    legal: str | None = None
    if isinstance(name, Text) and isinstance(alias, Text) and alias.startswith(f"{name} "):
        legal = text(alias[len(name) + 1 :], alias.source)
        w.carried(alias)
    where = address_parts(w, _first(resource, "address"))
    reach = ways(w, resource)
    if not (legal or where or reach):
        return []
    return obj(fk, put("1250", name), put("1251", legal), obj("8229", where), obj("8131", reach))


def _kinds(w: Writing, resource: Resource, fk: str) -> list[str]:
    found: list[str] = []
    for concept in resource.get("type", ()):
        code = w.coding(concept, f"{FIELD}{fk}")
        if code is not None:
            found.append(code)
    return found


def laboratory(w: Writing, resource: Resource) -> list[Field]:
    """8136 and 8119 of the header: who reports."""
    kinds = _kinds(w, resource, "7266") or ["2"]
    name = w.pen.field("1250", resource.get("name"))
    named = obj("8136", obj("8239", name), w.pen.field("7266", kinds[0]))
    return [*named, *site(w, "8119", resource, "2")]


def sender(w: Writing, reference: dict[str, Any] | None) -> list[Field]:
    """8122: who ordered, by role, doctor and practice."""
    who = w.source.resolve(reference)
    role = who if who is not None and who["resourceType"] == "PractitionerRole" else None
    if role is not None:
        w.carried(reference)
    person_, place = _of_role(w, who, role)
    codes = _codes(w, role) if role is not None else []
    fields = [field for code in codes or _DOCTOR for field in w.pen.field("7321", code)]
    if role is not None:
        fields += w.pen.field("8312", w.identifier(role, f"{w.namespace}/customer"))
    inner = doctor(w, "8114", person_) if person_ is not None else []
    if not inner and reference is not None and "display" in reference:
        inner = obj("8114", obj("8147", w.pen.field("3101", reference["display"])))
    elif reference is not None:
        w.carried(reference)
    fields += inner
    if role is not None:
        for one in role.get("specialty", ())[:1]:
            fields += w.pen.field("7268", one.get("text"))
    return obj("8122", fields, site(w, "8119", place, "1") if place is not None else [])


def _of_role(
    w: Writing, who: Resource | None, role: Resource | None
) -> tuple[Resource | None, Resource | None]:
    if role is None:
        kind = who["resourceType"] if who is not None else ""
        return (who if kind == "Practitioner" else None), (who if kind == "Organization" else None)
    for element in ("practitioner", "organization"):
        w.carried(role.get(element))
    return w.source.resolve(role.get("practitioner")), w.source.resolve(role.get("organization"))


def _codes(w: Writing, role: Resource) -> list[str]:
    found: list[str] = []
    for concept in role.get("code", ()):
        code = w.coding(concept, f"{FIELD}7321") or w.coding(concept, f"{FIELD}7420")
        if code is not None:
            found.append(code)
    return found


def signature(w: Writing, references: list[dict[str, Any]]) -> list[Field]:
    """8141: who answers for a result, by name and sign."""
    for reference in references:
        who = w.source.resolve(reference)
        status = "07"
        if who is not None and who["resourceType"] == "PractitionerRole":
            w.carried(who.get("practitioner"))
            status = next(iter(_codes(w, who)), "07")
            who = w.source.resolve(who.get("practitioner"))
        if who is None or who["resourceType"] != "Practitioner":
            continue
        name = _first(who, "name")
        w.carried(reference)
        shown = name.get("text") or reference.get("display") or _whole(name)
        sign = w.identifier(who, f"{w.namespace}/signature")
        fields = w.pen.field("7358", shown)
        return obj("8141", w.pen.field("7420", status), fields, w.pen.field("8990", sign))
    return []


def _whole(name: dict[str, Any]) -> str | None:
    said = [*name.get("prefix", ()), *name.get("given", ()), name.get("family")]
    parts = [one for one in said if one is not None]
    return derived(" ".join(parts), *parts) if parts else None
