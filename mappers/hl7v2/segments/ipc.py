"""IPC → ImagingStudy of an imaging order (HL7 v2.5 chapter 4.5.6)."""

from __future__ import annotations

from typing import Any

from mappers.base import Key
from mappers.hl7v2.datatypes.codings import concept
from mappers.hl7v2.datatypes.identifiers import ei
from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.session import V2, Draft, Session
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Repetition, Segment, leaf, leaves_of
from mappers.trace import derived, text

_DICOM = "urn:dicom:uid"
_MODALITY = "http://dicom.nema.org/resources/ontology/DCM"

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "IPC": ("ImagingStudy.status", "ImagingStudy.subject", "ImagingStudy.basedOn"),
    "IPC-1": ("ImagingStudy.identifier",),
    "IPC-2": ("ImagingStudy.identifier",),
    "IPC-3": ("ImagingStudy.identifier",),
    "IPC-4": ("ImagingStudy.identifier",),
    "IPC-5": ("ImagingStudy.modality",),
    "IPC-6": ("ImagingStudy.procedureCode",),
    "IPC-7": ("ImagingStudy.note",),
    "IPC-8": ("ImagingStudy.note",),
    "IPC-9": ("ImagingStudy.note",),
}


def ipc(session: Session, segment: Segment, order: Draft | None) -> Draft | None:
    """IPC → ImagingStudy, named by its study instance UID."""
    patient = session.patient
    numbers = _numbers(session, segment)
    if patient is None or not numbers:
        return None
    first = next((n for n in numbers if n["system"] == _DICOM), numbers[0])
    key = Key("ImagingStudy", first["system"], str(first["value"]))
    draft = session.draft("ImagingStudy", key)
    resource = draft.resource
    resource["status"] = "registered"
    resource["subject"] = reference(patient)
    if session.encounter is not None:
        resource["encounter"] = reference(session.encounter)
    if order is not None:
        session.append(draft, "basedOn", reference(order))
    for number in numbers:
        session.append(draft, "identifier", number)
    _kind(session, segment, draft)
    return draft


def _numbers(session: Session, segment: Segment) -> list[dict[str, Any]]:
    """IPC-1 accession, IPC-2 requested procedure, IPC-3 study UID, IPC-4 scheduled step."""
    found: list[dict[str, Any]] = []
    for field, kind, code in (
        (3, "imaging-study", ""),
        (1, "accession", "ACSN"),
        (2, "requested-procedure", ""),
        (4, "procedure-step", ""),
    ):
        for repetition in segment.repetitions(field):
            number = _study(repetition) if field == 3 else ei(session, repetition, kind)
            if number is not None and code:
                number = {"type": {"coding": [{"system": V2 + "0203", "code": code}]}, **number}
            if number is not None:
                found.append(number)
    return found


def _study(repetition: Repetition) -> dict[str, Any] | None:
    uid = leaf(repetition, 1)
    if uid is None or uid == '""':
        return None
    return {"system": _DICOM, "value": text(f"urn:oid:{uid}", uid.source)}


def _kind(session: Session, segment: Segment, draft: Draft) -> None:
    for repetition in segment.repetitions(5):
        for coding in (concept(session, repetition, default=_MODALITY) or {}).get("coding", ())[:1]:
            session.append(draft, "modality", coding)
    for repetition in segment.repetitions(6):
        code = concept(session, repetition)
        if code is not None:
            session.append(draft, "procedureCode", code)
    for field in (7, 8, 9):
        for repetition in segment.repetitions(field):
            # Station, its place and title: codes of the house, no element of the study.
            said = [part for part in leaves_of(repetition[:3]) if part]
            if said:
                words = derived(" ".join(dict.fromkeys(said)), *leaves_of(repetition))
                session.append(draft, "note", {"text": words})
