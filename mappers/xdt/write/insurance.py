"""Coverage and its payer → 3108, and in GDT 3 Obj_Versichertenkarte."""

from __future__ import annotations

from typing import Any

from mappers.base import Resource
from mappers.xdt.insurance import IKNR, VKNR
from mappers.xdt.write.pen import Block, Field
from mappers.xdt.write.reader import Writing


def status(w: Writing, covered: Resource) -> list[Field]:
    """3108 kind of insured, in GDT 3 also 3116 region."""
    fields = _coded(w, covered, "3108", "gkv/versichertenart")
    return fields + (_coded(w, covered, "3116", "gkv/wop") if w.objects else [])


def covered_by(w: Writing) -> Resource:
    """The first Coverage of the delivery, what it repeats noted; empty without one."""
    for one in w.source.of("Coverage"):
        w.carried(one.get("status"), one.get("type"), one.get("identifier"))
        payer: dict[str, Any] = next(iter(one.get("payor", ())), {})
        if "reference" not in payer and payer.get("display") == "unbekannt":
            w.carried(payer)
        return one
    return {}


def card(w: Writing, covered: Resource) -> Block:
    """2002 name, 3006 version, 4104 VKNR, 4109 read on, 4110 until, 4111 IK, 4112 status."""
    put = w.pen.field
    payer: dict[str, Any] = next(iter(covered.get("payor", ())), {})
    house = w.source.resolve(payer) or {}
    fields: list[Field] = []
    if house:
        w.carried(payer)
        fields += put("2002", house.get("name"))
    fields += _dated(w, covered, "3006", "version-vsdm", "valueString")
    fields += put("4104", w.identifier(house, VKNR))
    fields += _dated(w, covered, "4109", "einlesedatum-karte", "valueDate")
    period = covered.get("period", {})
    fields += put("4133", w.day(period.get("start"))) + put("4110", w.day(period.get("end")))
    number = w.identifier(house, IKNR) or w.identifier(house, f"{w.namespace}/payer")
    fields += put("4111", number)
    return Block("Obj_Versichertenkarte", fields + _whole_status(w, covered))


def _whole_status(w: Writing, covered: Resource) -> list[Field]:
    """4112 as the card has it."""
    for one in covered.get("extension", ()):
        if str(one.get("url", "")).endswith("gkv/versichertenart"):
            original = w.extension(one.get("valueCoding", {}), "originalText")
            return w.pen.field("4112", original["valueString"]) if original is not None else []
    return []


def _dated(w: Writing, covered: Resource, fk: str, url: str, element: str) -> list[Field]:
    found = w.extension(covered, url)
    value = found.get(element) if found is not None else None
    return w.pen.field(fk, w.day(value) if element == "valueDate" else value)


def _coded(w: Writing, covered: Resource, fk: str, url: str) -> list[Field]:
    found = w.extension(covered, url)
    if found is None:
        return []
    value = found["valueCoding"]
    w.carried(value.get("system"), value.get("display"))
    return w.pen.field(fk, value.get("code"))
