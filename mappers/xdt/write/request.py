"""ServiceRequest and CommunicationRequest → the fields of what is asked for."""

from __future__ import annotations

from typing import Any

from mappers.base import Resource
from mappers.trace import Text, derived
from mappers.xdt.gdt.examination import EXAMINATION
from mappers.xdt.parties import BSNR, LANR
from mappers.xdt.write.pen import Block, Field
from mappers.xdt.write.reader import Writing


def request(w: Writing, asked: Resource) -> list[Block]:
    """6302 and 6303: what is to be examined, and who asks."""
    put = w.pen.field
    fields = named(w, asked)
    fields += put("8402", examination(w, asked))
    for detail in _tests(asked):
        fields += put("8410", w.coding(detail, f"{w.namespace}/test"))
        fields += put("8411", detail.get("text"))
    fields += put("6200", w.day(asked.get("authoredOn")))
    fields += put("6201", w.clock(asked.get("authoredOn")))
    blocks = [Block("Obj_Anforderung", fields)]
    if w.objects:
        blocks.append(Block("Obj_Überweisung", _referral(w, asked)))
    return [*blocks, *doctor(w, asked.get("requester"))]


def _tests(asked: Resource) -> list[dict[str, Any]]:
    return [one for one in asked.get("orderDetail", ()) if "coding" in one]


def _referral(w: Writing, asked: Resource) -> list[Field]:
    """4205 the order in words, 4207 why, 4209 notes, 4220 to whom."""
    fields: list[Field] = []
    for detail in asked.get("orderDetail", ()):
        if "coding" not in detail:
            fields += w.pen.lines("4205", detail.get("text"))
    for reason in asked.get("reasonCode", ()):
        fields += w.pen.lines("4207", reason.get("text"))
    for note in asked.get("note", ()):
        fields += w.pen.lines("4209", note.get("text"))
    for performer in asked.get("performer", ()):
        if w.source.resolve(performer) is None:
            fields += w.pen.field("4220", performer.get("display"))
    return fields


def named(w: Writing, asked: Resource) -> list[Field]:
    """8310 number and, in GDT 3, 8314 unique id of a request."""
    w.carried(asked.get("status"), asked.get("intent"))
    fields = w.pen.field("8310", w.identifier(asked, f"{w.namespace}/order"))
    if not w.objects:
        return fields
    for one in asked.get("identifier", ()):
        value = one.get("value")
        if one.get("system") == "urn:ietf:rfc:3986" and str(value).startswith("urn:oid:"):
            w.carried(one.get("system"))
            fields += w.pen.field("8314", derived(value.removeprefix("urn:oid:"), value))
    return fields


def examination(w: Writing, resource: Resource) -> Text | str | None:
    """8402; what has no such code is a general examination."""
    concept = resource.get("code", {})
    code = w.coding(concept, EXAMINATION)
    if code is None and concept.get("text") == "Untersuchung":
        w.carried(concept)
        return None
    return code or "ALLG00"


def doctor(w: Writing, reference: dict[str, Any] | None) -> list[Block]:
    """8990 initials, in GDT 3 with 0201 and 0212; without them 8491 the name."""
    who = w.source.resolve(reference)
    if who is None:
        return []
    w.carried(reference)
    house: Resource = {}
    if who["resourceType"] == "PractitionerRole":
        role = who
        w.carried(role.get("organization"), role.get("practitioner"))
        house = w.source.resolve(role.get("organization")) or {}
        who = w.source.resolve(role.get("practitioner")) or {}
    fields = w.pen.field("8990", w.identifier(who, f"{w.namespace}/signature"))
    if w.objects:
        fields += w.pen.field("0201", w.identifier(house, BSNR))
        fields += w.pen.field("0212", w.identifier(who, LANR))
    if fields:
        return [Block("Obj_Arztidentifikation", fields)]
    names = who.get("name", ()) if who.get("resourceType") == "Practitioner" else ()
    return [Block("", w.pen.field("8491", _shown(one))) for one in names[:1]]


def _shown(name: dict[str, Any]) -> str | None:
    """A name for reading."""
    if "text" in name:
        return name["text"]  # type: ignore[no-any-return]  # traced JSON
    said = [*name.get("prefix", ()), *name.get("given", ()), name.get("family")]
    kept = [part for part in said if part is not None]
    return derived(" ".join(kept), *kept) if kept else None


def inquiry(w: Writing, asked: Resource) -> tuple[str, list[Block]] | None:
    """6300 and 6311 as they came; None for any other request to communicate."""
    category: dict[str, Any] = next(iter(asked.get("category", ())), {})
    satzart = w.field_of({"code": category})
    if satzart not in ("6300", "6311"):
        return None
    w.carried(category, asked.get("status"), asked.get("requester"))
    fields: list[Field] = []
    for reason in asked.get("reasonCode", ()):
        fields += w.pen.field("8402", w.coding(reason, EXAMINATION))
    for payload in asked.get("payload", ()):
        shown = payload.get("contentReference", {})
        w.carried(shown)
        said = str(shown.get("identifier", {}).get("value", "")).split("|")
        for fk, value in zip(("8310", "8402", "6200", "6201"), said[1:], strict=False):
            if not any(known == fk for known, _ in fields):
                fields += w.pen.field(fk, value)
    return satzart, [Block("Obj_Anforderung", fields)]
