"""DG1, PR1 and AL1 → Condition, Procedure, AllergyIntolerance (HL7 v2.5 chapter 6.5, 3.4.6)."""

from __future__ import annotations

from typing import Any

from mappers.base import Action, Key
from mappers.hl7v2.datatypes.codings import concept
from mappers.hl7v2.datatypes.identifiers import ei
from mappers.hl7v2.datatypes.parties import practitioner
from mappers.hl7v2.segments import facts, procedure_details
from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.session import ALTERNATE_CODES, V2, Draft, Session
from mappers.hl7v2.table_rows import apply_rows, table
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Repetition, Segment, leaf
from mappers.identity import logical_id
from mappers.trace import Text, Value, text

_DUE_TO = "http://hl7.org/fhir/StructureDefinition/condition-dueTo"
_VERIFICATION = "http://terminology.hl7.org/CodeSystem/condition-ver-status"
_ENCOUNTER_DIAGNOSIS = {
    "system": "http://terminology.hl7.org/CodeSystem/condition-category",
    "code": "encounter-diagnosis",
}
ACTIVE = {
    "system": "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical",
    "code": "active",
}
#: PR1 field → SNOMED CT function of the performer ("" none).
_PERFORMERS = (
    (8, "88189002", "Anesthesiologist"),
    (11, "304292004", "Surgeon"),
    (12, "", "Procedure Practitioner"),
)


_ACTION = "action code: the change itself says it"

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "DG1": (
        "Condition.subject",
        "Condition.encounter",
        "Condition.category",
        "Encounter.diagnosis.condition",
    ),
    "DG1-3": ("Condition.code",),
    "DG1-4": ("Condition.code.text",),
    "DG1-6": ("Encounter.diagnosis.use", "Condition.verificationStatus"),
    "DG1-15": ("Encounter.diagnosis.rank",),
    "DG1-20": ("Condition.identifier",),
    "DG1-22": ("Condition.extension",),
    "DG1-21": ("Condition.verificationStatus",),
    "PR1": ("Procedure.subject", "Procedure.encounter", "Procedure.status"),
    "PR1-3": ("Procedure.code",),
    "PR1-4": ("Procedure.code.text",),
    "PR1-8": ("Procedure.performer",),
    "PR1-11": ("Procedure.performer",),
    "PR1-12": ("Procedure.performer",),
    "PR1-19": ("Procedure.identifier",),
    "PR1-20": ("Procedure.status",),
    "AL1": ("AllergyIntolerance.patient", "AllergyIntolerance.clinicalStatus"),
    "AL1-2": ("AllergyIntolerance.type", "AllergyIntolerance.category"),
    "AL1-3": ("AllergyIntolerance.code",),
    "AL1-4": ("AllergyIntolerance.criticality", "AllergyIntolerance.reaction.severity"),
    "AL1-5": ("AllergyIntolerance.reaction.manifestation",),
}


def diagnosis(session: Session, segment: Segment) -> None:
    """DG1 → Condition and Encounter.diagnosis."""
    patient, visit = session.patient, session.encounter
    code = coded(session, segment, 3, 4)
    if patient is None or code is None:
        return
    parent = visit.id if visit is not None else patient.id
    draft = _named(session, segment, "Condition", 20, parent, code, 6, 5)
    resource = draft.resource
    resource.setdefault("code", code)
    resource["subject"] = reference(patient)
    if visit is not None:
        resource["category"] = [{"coding": [dict(_ENCOUNTER_DIAGNOSIS)]}]
        resource["encounter"] = reference(visit)
    apply_rows(session, segment, table("dg1_condition"), draft)
    _verification(session, segment, draft)
    _due_to(session, segment, parent, resource)
    facts.about(session, segment, draft)
    if visit is not None and draft.action is not Action.CANCEL:
        _role(session, segment, visit, draft)


def _due_to(session: Session, segment: Segment, parent: str, resource: dict[str, Any]) -> None:
    """DG1-22: the diagnosis this one follows from, as DG1-20 names it there."""
    for repetition in segment.repetitions(22):
        identifier = ei(session, repetition, "condition")
        if identifier is None:
            continue
        cause: dict[str, Any] = {"type": "Condition", "identifier": identifier}
        value = f"{parent}|{identifier['system']}|{identifier['value']}"
        key = Key("Condition", f"{session.namespace}/key/Condition", value)
        identity = logical_id(session.context.region_key, key)
        if identity in session.drafts:
            cause = {"reference": f"Condition/{identity}", "identifier": identifier}
        extension = {"url": _DUE_TO, "valueReference": cause}
        resource.setdefault("extension", []).append(extension)


def _verification(session: Session, segment: Segment, draft: Draft) -> None:
    action = segment.first(21)
    if action is not None and action.upper() == "D":
        draft.action = Action.CANCEL
        status = {"system": _VERIFICATION, "code": text("entered-in-error", action.source)}
        draft.resource["verificationStatus"] = {"coding": [status]}
        return
    session.ignored.append((action, _ACTION))
    kind = segment.first(6)
    if kind == "W":
        status = {"system": _VERIFICATION, "code": text("provisional", kind.source)}
        draft.resource["verificationStatus"] = {"coding": [status]}


def _role(session: Session, segment: Segment, visit: Draft, condition: Draft) -> None:
    stated: dict[str, Any] = {"condition": reference(condition)}
    for repetition in segment.repetitions(6):
        use = session.once(_use, repetition)
        if use is not None:
            stated["use"] = use
        break
    rank = segment.first(15)
    if rank is not None and rank.isdecimal() and len(rank) <= 10 and int(rank) > 0:
        stated["rank"] = Value(int(rank), rank.source)
    session.append(visit, "diagnosis", stated)


def _use(session: Session, repetition: Repetition) -> dict[str, Any] | None:
    """DG1-6; a working diagnosis has no role in FHIR's table."""
    table_name = "" if leaf(repetition, 1) == "W" else "diagnosis-role"
    return concept(session, repetition, table_name, "DG1-6", V2 + "0052")


def procedure(session: Session, segment: Segment) -> Draft | None:
    """PR1 → Procedure."""
    patient, visit = session.patient, session.encounter
    code = coded(session, segment, 3, 4)
    if patient is None or code is None:
        return None
    parent = visit.id if visit is not None else patient.id
    draft = _named(session, segment, "Procedure", 19, parent, code, 0, 5)
    resource = draft.resource
    resource["status"] = "completed"
    resource.setdefault("code", code)
    resource["subject"] = reference(patient)
    if visit is not None:
        resource["encounter"] = reference(visit)
    apply_rows(session, segment, table("pr1_procedure"), draft)
    procedure_details.details(session, segment, draft, parent)
    facts.about(session, segment, draft)
    for field, function, words in _PERFORMERS:
        for repetition in segment.repetitions(field):
            _performer(session, repetition, _function(function, words), resource)
    action = segment.first(20)
    if action is not None and action.upper() == "D":
        draft.action = Action.CANCEL
        resource["status"] = text("entered-in-error", action.source)
    session.ignored.append((action, _ACTION))
    return draft


def _function(code: str, words: str) -> dict[str, Any]:
    if not code:
        return {"text": words}
    coding = {"system": "http://snomed.info/sct", "code": code, "display": words}
    return {"coding": [coding], "text": words}


def _performer(
    session: Session,
    repetition: Repetition,
    function: dict[str, Any],
    resource: dict[str, Any],
) -> None:
    actor = practitioner(session, repetition)
    if actor is None:
        return
    resource.setdefault("performer", []).append({"function": function, "actor": actor})


def allergy(session: Session, segment: Segment) -> None:
    """AL1 → AllergyIntolerance."""
    patient = session.patient
    code = coded(session, segment, 3, 0)
    if patient is None or code is None:
        return
    draft = session.natural("AllergyIntolerance", patient.id, *named_by(code))
    resource = draft.resource
    resource["clinicalStatus"] = {"coding": [dict(ACTIVE)]}
    resource["patient"] = reference(patient)
    resource.setdefault("code", code)
    allergen_type(session, segment, resource)
    reaction(session, segment, resource)
    apply_rows(session, segment, table("al1_allergyintolerance"), draft)


def allergen_type(session: Session, segment: Segment, resource: dict[str, Any]) -> None:
    """AL1-2 or IAM-2 → type and category."""
    for repetition in segment.repetitions(2):
        code = leaf(repetition, 1)
        if code is None or code == '""':
            return
        kind, category = (
            session.lookup("allergy-type", code),
            session.lookup("allergy-category", code),
        )
        if kind is not None:
            resource["type"] = text(kind.code, code.source)
        if category is not None:
            resource["category"] = [text(category.code, code.source)]
        extension = _original(session, repetition, V2 + "0127", always=category is None)
        if extension is not None:
            resource["_category" if category else "_type"] = [extension] if category else extension
        return


def _original(
    session: Session, repetition: Repetition, system: str, *, always: bool
) -> dict[str, Any] | None:
    """Keep the sender's own words beside a plain code."""
    if len(repetition) < 3 and not always:
        return None
    words = session.once(lambda s, r: concept(s, r, default=system), repetition, system)
    if words is None:
        return None
    return {"extension": [{"url": ALTERNATE_CODES, "valueCodeableConcept": words}]}


def reaction(
    session: Session, segment: Segment, resource: dict[str, Any], coded_field: int = 0
) -> None:
    """AL1-5 manifestation with AL1-4 as its severity; alone, AL1-4 is the criticality.

    `coded_field` names the field where the manifestation is coded (IAM-5).
    """
    shown: list[dict[str, Any]] = [{"text": words} for words in segment.texts(5) if words != '""']
    if coded_field:
        parts = segment.repetitions(coded_field)
        shown = [one for part in parts if (one := concept(session, part)) is not None]
    for repetition in segment.repetitions(4):
        code = leaf(repetition, 1)
        if code is None or code == '""':
            break
        name = "allergy-severity" if shown else "allergy-criticality"
        found = session.lookup(name, code)
        extension = _original(session, repetition, V2 + "0128", always=found is None)
        stated: dict[str, Any] = {"manifestation": shown} if shown else resource
        element = "severity" if shown else "criticality"
        if found is not None:
            stated[element] = text(found.code, code.source)
        if extension is not None:
            stated[f"_{element}"] = extension
        if shown:
            resource["reaction"] = [stated]
        return
    if shown:
        resource["reaction"] = [{"manifestation": shown}]


def coded(session: Session, segment: Segment, field: int, text_field: int) -> dict[str, Any] | None:
    """Coded field with its free-text companion (DG1-4, PR1-4)."""
    code: dict[str, Any] | None = None
    for repetition in segment.repetitions(field):
        code = session.once(concept, repetition)
        break
    words: Text | None = segment.first(text_field) if text_field else None
    if words is not None and words != '""':
        if code is not None and code.get("text") == words:
            session.echoes.append(words)
        else:
            code = {**(code or {}), "text": words}
    return code


def named_by(code: dict[str, Any]) -> tuple[str, str]:
    """What a code says, as natural key: system and code, else the text."""
    for coding in code.get("coding", ()):
        return str(coding.get("system", "")), str(coding["code"])
    return "", str(code.get("text", ""))


def _named(
    session: Session,
    segment: Segment,
    kind: str,
    identifier_field: int,
    parent: str,
    code: dict[str, Any],
    type_field: int,
    time_field: int,
) -> Draft:
    """Name a statement by its own identifier, else by parent, code, type and time."""
    for repetition in segment.repetitions(identifier_field):
        identifier = ei(session, repetition, kind.lower())
        if identifier is not None:
            draft = session.natural(kind, parent, identifier["system"], identifier["value"])
            draft.resource["identifier"] = [identifier]
            return draft
    stated = segment.first(type_field) if type_field else None
    when = segment.first(time_field)
    return session.natural(kind, parent, *named_by(code), stated or "", when or "")
