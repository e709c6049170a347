"""IN2 → more about a Coverage and the insured person (HL7 v2.5 chapter 6.5.7)."""

from __future__ import annotations

from mappers.hl7v2.segments import facts
from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.session import Draft, Session
from mappers.hl7v2.table_rows import apply_rows, table
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Segment

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {"IN2": ("Coverage.subscriber",)}


def details(session: Session, segment: Segment, coverage: Draft) -> None:
    """Read IN2 into the Coverage of its IN1 and the person insured by it."""
    apply_rows(session, segment, table("in2_coverage"), coverage)
    facts.about(session, segment, coverage)
    patient = session.patient
    named = coverage.resource.get("subscriber", {}).get("reference", "").partition("/")[2]
    insured = session.drafts.get(named)
    if patient is None:
        return
    if insured is None or insured is patient:
        rows = table("in2_relatedperson")
        if not any(segment.has(row.field) for row in rows.rows):
            return
        insured = session.natural("RelatedPerson", patient.id, "insured", coverage.id)
        insured.resource["patient"] = reference(patient)
    apply_rows(session, segment, table("in2_relatedperson"), insured)
