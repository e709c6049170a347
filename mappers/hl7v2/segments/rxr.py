"""RXR → route, site and method (HL7 v2.5 chapter 4.14.2; tables 0162, 0163, 0165, 0550)."""

from __future__ import annotations

from typing import Any

from mappers.hl7v2.datatypes.codings import concept
from mappers.hl7v2.session import V2, Session
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Repetition, Segment, leaf
from mappers.trace import Text, derived

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "RXR-1": (
        "MedicationRequest.dosageInstruction.route",
        "MedicationDispense.dosageInstruction.route",
        "MedicationAdministration.dosage.route",
        "Immunization.route",
    ),
    "RXR-2": (
        "MedicationRequest.dosageInstruction.site",
        "MedicationDispense.dosageInstruction.site",
        "MedicationAdministration.dosage.site",
        "Immunization.site",
    ),
    "RXR-3": ("MedicationAdministration.device", "Dosage.additionalInstruction"),
    "RXR-4": (
        "MedicationRequest.dosageInstruction.method",
        "MedicationDispense.dosageInstruction.method",
        "MedicationAdministration.dosage.method",
    ),
    "RXR-5": ("MedicationRequest.dosageInstruction.additionalInstruction",),
    "RXR-6": ("MedicationRequest.dosageInstruction.site.text",),
}


def table_concept(
    session: Session, repetition: Repetition, name: str, table: str
) -> dict[str, Any] | None:
    """A code of an HL7 table: translated where the official map does, else with its own system.

    Codes of another system stay as they are.
    """
    code, system = leaf(repetition, 1), leaf(repetition, 3)
    own = system is None or system.upper().removeprefix("HL7") == table
    found = session.lookup(name, code) if own and code is not None else None
    if found is not None and found.system != V2 + table:
        return concept(session, repetition, name)
    return concept(session, repetition, default=V2 + table if _is_code(code) else "")


def _is_code(stated: Text | None) -> bool:
    """Words in the place of a code belong to no table."""
    return stated is not None and " " not in stated


def route(session: Session, rxr: Segment) -> dict[str, Any] | None:
    """RXR-1 → route."""
    for repetition in rxr.repetitions(1):
        return table_concept(session, repetition, "route", "0162")
    return None


def site(session: Session, rxr: Segment) -> dict[str, Any] | None:
    """RXR-2 and its modifier RXR-6 → site."""
    made: dict[str, Any] | None = None
    for repetition in rxr.repetitions(2)[:1]:
        code = leaf(repetition, 1)
        known = code is not None and session.lookup("administration-site", code) is not None
        table = "0163" if known else "0550"
        made = table_concept(session, repetition, "administration-site", table)
    modifier = rxr.component(6, 2) or rxr.first(6)
    if modifier is None or modifier == '""':
        return made
    made = {**(made or {})}
    codings = made.get("coding") or [{}]
    words = made.get("text") or codings[0].get("display") or codings[0].get("code")
    made["text"] = derived(f"{words}, {modifier}" if words else modifier, words, modifier)
    if rxr.component(6, 2) is not None and (code := rxr.first(6)) is not None:
        made["text"] = derived(made["text"], made["text"], code)
    return made


def method(session: Session, rxr: Segment) -> dict[str, Any] | None:
    """RXR-4 → method."""
    for repetition in rxr.repetitions(4):
        return table_concept(session, repetition, "administration-method", "0165")
    return None


def dosage(session: Session, rxr: Segment) -> dict[str, Any]:
    """RXR → the elements of a Dosage it fills."""
    found = {
        "route": route(session, rxr),
        "site": site(session, rxr),
        "method": method(session, rxr),
    }
    made: dict[str, Any] = {name: value for name, value in found.items() if value is not None}
    instructions = [
        said
        for field in (5, 3)
        for repetition in rxr.repetitions(field)
        if (said := concept(session, repetition)) is not None
    ]
    if instructions:
        made["additionalInstruction"] = instructions
    return made
