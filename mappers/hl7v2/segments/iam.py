"""IAM → AllergyIntolerance; IAM-6 says whether it is taken back (HL7 v2.5 chapter 3.4.7)."""

from __future__ import annotations

from typing import Any

from mappers.base import Action
from mappers.hl7v2.datatypes.codings import concept
from mappers.hl7v2.datatypes.identifiers import ei
from mappers.hl7v2.datatypes.names import xpn
from mappers.hl7v2.segments import clinical
from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.session import ALTERNATE_CODES, V2, Draft, Session
from mappers.hl7v2.table_rows import apply_rows, table
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Segment
from mappers.trace import text

_VERIFICATION = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification"
#: Action codes of table 0206 that take an allergy back.
_TAKEN_BACK = frozenset({"D", "X"})

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "IAM": ("AllergyIntolerance.clinicalStatus", "AllergyIntolerance.patient"),
    "IAM-2": ("AllergyIntolerance.type", "AllergyIntolerance.category"),
    "IAM-3": ("AllergyIntolerance.code",),
    "IAM-4": ("AllergyIntolerance.criticality", "AllergyIntolerance.reaction.severity"),
    "IAM-5": ("AllergyIntolerance.reaction.manifestation",),
    "IAM-6": ("AllergyIntolerance.verificationStatus",),
    "IAM-8": ("AllergyIntolerance.note",),
    "IAM-9": ("AllergyIntolerance.extension",),
    "IAM-10": ("AllergyIntolerance.code",),
    "IAM-14": ("AllergyIntolerance.recorder", "RelatedPerson.name"),
    "IAM-15": ("RelatedPerson.relationship",),
}


def allergy(session: Session, segment: Segment) -> Draft | None:
    """IAM → AllergyIntolerance, named by its own number (IAM-7), else by what it is about."""
    patient = session.patient
    code = clinical.coded(session, segment, 3, 0) or clinical.coded(session, segment, 10, 0)
    if patient is None or code is None:
        return None
    draft = _named(session, segment, patient, code)
    resource = draft.resource
    resource["patient"] = reference(patient)
    resource.setdefault("code", {**code, "coding": list(code.get("coding", ()))})
    clinical.allergen_type(session, segment, resource)
    clinical.reaction(session, segment, resource, 5)
    apply_rows(session, segment, table("iam_allergyintolerance"), draft)
    if not resource["code"].get("coding"):
        resource["code"].pop("coding", None)
    _clinical_status(resource)
    _reason(session, segment, resource)
    _reporter(session, segment, resource, patient)
    action = segment.first(6)
    if action is not None and action.upper() in _TAKEN_BACK:
        draft.action = Action.CANCEL
        gone = {"system": _VERIFICATION, "code": text("entered-in-error", action.source)}
        resource["verificationStatus"] = {"coding": [gone]}
        del resource["clinicalStatus"]
    elif action is not None:
        session.ignored.append((action, "action code: the change itself says it"))
    return draft


def _clinical_status(resource: dict[str, Any]) -> None:
    """An allergy nobody calls otherwise is active; a word of the sender's own stays beside it."""
    stated = resource.setdefault("clinicalStatus", {})
    systems = [one.get("system") for one in stated.get("coding", ())]
    if clinical.ACTIVE["system"] not in systems:
        stated["coding"] = [dict(clinical.ACTIVE), *stated.get("coding", ())]


def _named(session: Session, segment: Segment, patient: Draft, code: dict[str, Any]) -> Draft:
    for repetition in segment.repetitions(7):
        number = ei(session, repetition, "allergy")
        if number is not None:
            return session.natural(
                "AllergyIntolerance", patient.id, number["system"], number["value"]
            )
    return session.natural("AllergyIntolerance", patient.id, *clinical.named_by(code))


def _reason(session: Session, segment: Segment, resource: dict[str, Any]) -> None:
    """IAM-8 says why the record changed, IAM-9 what kind of sensitivity it is."""
    for words in segment.texts(8):
        resource.setdefault("note", []).append({"text": words})
    for repetition in segment.repetitions(9):
        found = concept(session, repetition, default=V2 + "0436")
        if found is not None:
            extension = {"url": ALTERNATE_CODES, "valueCodeableConcept": found}
            resource.setdefault("extension", []).append(extension)


def _reporter(session: Session, segment: Segment, resource: dict[str, Any], patient: Draft) -> None:
    """IAM-14 and IAM-15: who told it, the patient where the relationship is oneself."""
    names = [n for r in segment.repetitions(14) if (n := xpn(session, r)) is not None]
    roles = [
        found
        for r in segment.repetitions(15)
        if (found := concept(session, r, "relationship", "IAM-15")) is not None
    ]
    if not (names or roles):
        return
    family = names[0].get("family", "") if names else ""
    draft = session.natural(
        "RelatedPerson", patient.id, "reporter", family, segment.first(15) or ""
    )
    draft.resource["patient"] = reference(patient)
    if names:
        draft.resource["name"] = names
    if roles:
        draft.resource["relationship"] = roles
    resource["recorder"] = reference(draft)
