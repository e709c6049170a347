"""RXV and CDO → infusions, doses on demand and limits (HL7 v2.8 chapter 4A.4.8, 4A.4.9).

https://hl7.org/fhir/R4/dosage.html
"""

from __future__ import annotations

from typing import Any

from mappers.hl7v2.datatypes.codings import concept
from mappers.hl7v2.datatypes.units import cq, measured
from mappers.hl7v2.segments import timing
from mappers.hl7v2.session import Session
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Segment

_DOSAGE = "MedicationRequest.dosageInstruction"

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "CDO-3": (f"{_DOSAGE}.maxDosePerPeriod", f"{_DOSAGE}.maxDosePerLifetime"),
    "CDO-4": (f"{_DOSAGE}.maxDosePerPeriod",),
    "RXV": (f"{_DOSAGE}.doseAndRate", f"{_DOSAGE}.maxDosePerAdministration"),
    "RXV-16": (f"{_DOSAGE}.maxDosePerPeriod",),
    "RXV-17": (f"{_DOSAGE}.timing",),
}


def infusions(session: Session, around: list[Segment]) -> list[dict[str, Any]]:
    """CDO and RXV: cumulative limits, bolus, patient controlled doses and their maximum."""
    made = [limit for cdo in around if cdo.name == "CDO" and (limit := _cumulative(session, cdo))]
    for rxv in around:
        if rxv.name != "RXV":
            continue
        for kind, doses in ((2, (3, 5)), (7, (8, 10))):
            given = [
                {**_kind(session, rxv, kind), "doseQuantity": amount}
                for field in doses
                if (amount := measured(session, rxv.first(field), rxv.repetitions(field + 1)))
            ]
            if given:
                made.append({"doseAndRate": given})
        limit = _limits(session, rxv)
        if limit:
            made.append(limit)
    return made


def _cumulative(session: Session, cdo: Segment) -> dict[str, Any]:
    """CDO: the most in a time, or in a lifetime."""
    limits = [q for r in cdo.repetitions(3) if (q := cq(session, r)) is not None]
    spans = [q for r in cdo.repetitions(4) if (q := cq(session, r)) is not None]
    if not limits:
        return {}
    if spans:
        return {"maxDosePerPeriod": {"numerator": limits[0], "denominator": spans[0]}}
    return {"maxDosePerLifetime": limits[0]}


def _kind(session: Session, rxv: Segment, field: int) -> dict[str, Any]:
    for repetition in rxv.repetitions(field):
        found = concept(session, repetition)
        return {"type": found} if found is not None else {}
    return {}


def _limits(session: Session, rxv: Segment) -> dict[str, Any]:
    """RXV-12 to RXV-17: the most at once, the most in a time, and the time in between."""
    made: dict[str, Any] = {}
    most = measured(session, rxv.first(12), rxv.repetitions(13))
    spans = [q for r in rxv.repetitions(16) if (q := cq(session, r)) is not None]
    if most is not None and spans:
        made["maxDosePerPeriod"] = {"numerator": most, "denominator": spans[0]}
    elif most is not None:
        made["maxDosePerAdministration"] = most
    for repetition in rxv.repetitions(17)[:1]:
        between = timing.period(session, repetition)
        if between:
            made["timing"] = {"repeat": between}
    return made
