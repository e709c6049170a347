"""Specimen → 0037 (KBV: LDT 3.2, chapter 11.26)."""

from __future__ import annotations

from typing import Any

from mappers.base import Resource
from mappers.xdt.write.ldt.objects import obj, stamp, words
from mappers.xdt.write.pen import Field
from mappers.xdt.write.reader import Writing, number


def vessel(w: Writing, specimen: Resource, place: int) -> str:
    """7364: what the vessel is called, else its number in the report."""
    known = w.identifier(specimen, f"{w.namespace}/specimen")
    if known is None:
        accession = specimen.get("accessionIdentifier", {})
        known = accession.get("value")
        w.carried(accession.get("system"), accession.get("type"))
    if known is None:
        known = next((one.get("value") for one in specimen.get("identifier", ())), None)
    return known if known is not None else f"{place + 1:02d}"


def material(w: Writing, specimen: Resource, named: str) -> list[Field]:
    """8137: one material."""
    put = w.pen.field
    kind: dict[str, Any] = specimen.get("type", {})
    collection: dict[str, Any] = specimen.get("collection", {})
    fields = put("7364", named)
    fields += put("8429", w.identifier(specimen, f"{w.namespace}/specimen-index"))
    fields += put("8428", w.coding(kind, f"{w.namespace}/material"))
    shown = kind.get("text")
    if shown is None:
        shown = next((one["display"] for one in kind.get("coding", ()) if "display" in one), None)
    fields += put("8430", shown)
    fields += put("7292", collection.get("bodySite", {}).get("text"))
    fields += put("7318", collection.get("fastingStatusCodeableConcept", {}).get("text"))
    quantity = collection.get("quantity")
    if quantity is not None:
        w.carried(quantity.get("system"), quantity.get("code"))
        unit = quantity.get("unit") or quantity.get("code")
        fields += [*put("8520", number(quantity.get("value"))), *put("8421", unit)]
    fields += stamp(w, "8219", collection.get("collectedDateTime"))
    fields += stamp(w, "8220", specimen.get("receivedTime"))
    for note in specimen.get("note", ()):
        fields += words(w, "8167", note.get("text"))
    return obj("8137", fields)
