"""AUT → ClaimResponse: what a payer has authorized (HL7 v2.5 chapter 11.6.2).

Numbers of treatments and the like are an Observation (`facts`): a ClaimResponse has no element for
them without the items of a claim.
"""

from __future__ import annotations

from mappers.hl7v2.datatypes.codings import plain
from mappers.hl7v2.datatypes.houses import entry
from mappers.hl7v2.datatypes.identifiers import ei
from mappers.hl7v2.reader import Reader
from mappers.hl7v2.segments import facts
from mappers.hl7v2.segments.pid import first_text, reference
from mappers.hl7v2.table_rows import apply_rows, table
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Segment

_TYPE = {"system": "http://terminology.hl7.org/CodeSystem/claim-type", "code": "professional"}
_UNKNOWN = {
    "extension": [
        {
            "url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason",
            "valueCode": "unknown",
        }
    ]
}

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "AUT": ("ClaimResponse.patient", "ClaimResponse.use", "ClaimResponse.status"),
    "AUT-2": ("ClaimResponse.insurer", "Organization.identifier"),
    "AUT-3": ("ClaimResponse.insurer", "Organization.name"),
    "AUT-6": ("ClaimResponse.identifier",),
}


def authorization(reader: Reader, segment: Segment) -> None:
    """AUT → ClaimResponse and facts."""
    session = reader.session
    patient = session.patient
    if patient is None or not any(segment.raw[1:]):
        return
    number = segment.first(6) or ""
    plan = segment.first(1) or ""
    draft = session.natural("ClaimResponse", patient.id, plan, segment.first(2) or "", number)
    resource = draft.resource
    resource.update({"status": "active", "use": "preauthorization", "outcome": "complete"})
    resource["type"] = {"coding": [dict(_TYPE)]}
    resource["patient"] = reference(patient)
    for repetition in segment.repetitions(6):
        identifier = ei(session, repetition, "authorization")
        if identifier is not None:
            session.append(draft, "identifier", identifier)
    apply_rows(session, segment, table("aut_claimresponse"), draft)
    if "created" not in resource:
        sent = session.date_time(session.message.segments[0].first(7))
        resource.update({"created": sent} if sent is not None else {"_created": _UNKNOWN})
    _insurer(reader, segment, resource)
    before = reader.before
    facts.facts(reader, segment)
    reader.now.pop("Observation", None)
    reader.before = before
    reader.made(draft)


def _insurer(reader: Reader, segment: Segment, resource: dict[str, object]) -> None:
    """AUT-2 and -3: number and name of who pays."""
    session = reader.session
    numbers = []
    for repetition in segment.repetitions(2):
        code = plain(repetition)
        if code is not None:
            numbers.append({"system": f"{session.namespace}/organization", "value": code})
    name = first_text(segment, 3) or segment.component(2, 2)
    if name is None and not numbers:
        resource["insurer"] = {"display": "unknown"}
        return
    stated = entry(session, "Organization", numbers, name, {"name": name} if name else {})
    session.state(stated)
    resource["insurer"] = stated.reference
