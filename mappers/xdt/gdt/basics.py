"""What a record says of the patient besides the person: Obj_Basisdiagnostik and its like.

Height, weight, risks, allergies, operations, permanent diagnoses and drugs, diagnoses (FK 3622
to 3701, 6001, 6205).
"""

from __future__ import annotations

from typing import Any

from mappers.drafts import Draft
from mappers.trace import Text
from mappers.xdt.datatypes import UCUM, clean, number
from mappers.xdt.diagnoses import DIAGNOSIS, PERMANENT, condition
from mappers.xdt.gdt.facts import fact, free_categories
from mappers.xdt.group import Group
from mappers.xdt.patient import reference
from mappers.xdt.results import LOINC
from mappers.xdt.session import Session

_FACTS = frozenset(["3654", "3658", "3662", "3664", "3666", "3668", "3670", "3672"])
#: Fields that begin something permanent, and those of a diagnosis.
_LASTING = frozenset([*PERMANENT, "3649", "3650", "3651", "3652", "0950", "0957"])
_FOUND = frozenset([DIAGNOSIS.code, "6205"])
#: FK → LOINC code, its display, unit.
_MEASURES = {
    "3622": ("8302-2", "Body height", "cm"),
    "3623": ("29463-7", "Body weight", "kg"),
}
#: A named category and its content, as if they were free ones.
_AS_FREE = {"3700": "6330", "3701": "6331"}
_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
_ALLERGY = "http://terminology.hl7.org/CodeSystem/allergyintolerance-"
_PZN = "http://fhir.de/CodeSystem/ifa/pzn"


def basics(session: Session, body: Group) -> None:
    """Everything a record may say of a patient, whatever its Satzart."""
    patient = session.patient
    if patient is None:
        return
    key = (patient.id,)
    stated = body.fields.keys()
    _measures(session, body)
    for fk in sorted(_FACTS & stated):
        fact(session, body, fk, key, None)
    _named_facts(session, body, key)
    for allergy in body.all("3656"):
        allergy_to(session, allergy)
    for operation in body.all("3660"):
        _operation(session, operation)
    if not _LASTING.isdisjoint(stated):
        _permanent(session, body)
    if not _FOUND.isdisjoint(stated):
        _diagnoses(session, body)


def _measures(session: Session, body: Group) -> None:
    when = session.when(body.first("6200"), body.first("6201"))
    for fk, known in _MEASURES.items():
        stated = body.first(fk)
        if stated is not None:
            _measure(session, stated, known, when)


def _measure(session: Session, stated: Text, known: tuple[str, str, str], when: str | None) -> None:
    """Height and weight as vital signs."""
    patient = session.patient
    value = number(session, stated)
    if patient is None or value is None:
        return
    code, words, unit = known
    draft = session.natural("Observation", patient.id, code, when or "")
    resource = draft.resource
    resource["status"] = "final"
    coding = {"system": _CATEGORY, "code": "vital-signs"}
    resource["category"] = [{"coding": [coding]}]
    resource["code"] = {"coding": [{"system": LOINC, "code": code, "display": words}]}
    resource["subject"] = reference(patient)
    if when is not None:
        resource["effectiveDateTime"] = when
    measured = {"value": value, "unit": unit, "system": UCUM, "code": unit}
    resource["valueQuantity"] = measured


def _named_facts(session: Session, body: Group, key: tuple[str, ...]) -> None:
    """3700 names a category, 3701 holds what it says."""
    if "3700" not in body.fields:
        return
    for section in body.sections("3700", within=("3700", "3701")):
        renamed = Group("", 0)
        renamed.entries = [
            ("6330" if fk == "3700" else "6331", text) for fk, text in section.entries
        ]
        free_categories(session, renamed, (*key, "3700", str(section.first("3700"))), None)


def allergy_to(session: Session, words: Text) -> Draft | None:
    """An allergy in words (3656) → AllergyIntolerance."""
    patient = session.patient
    if patient is None:
        return None
    draft = session.natural("AllergyIntolerance", patient.id, words.strip())
    resource = draft.resource
    for kind, element, code in (
        ("clinical", "clinicalStatus", "active"),
        ("verification", "verificationStatus", "unconfirmed"),
    ):
        resource[element] = {"coding": [{"system": f"{_ALLERGY}{kind}", "code": code}]}
    resource["code"] = {"text": clean(words)}
    resource["patient"] = reference(patient)
    return draft


def _operation(session: Session, words: Text) -> None:
    patient = session.patient
    if patient is None:
        return
    draft = session.natural("Procedure", patient.id, words.strip())
    draft.resource["status"] = "completed"
    draft.resource["code"] = {"text": clean(words)}
    draft.resource["subject"] = reference(patient)


def _permanent(session: Session, body: Group) -> None:
    """3649 since when, 3650 diagnosis with 3673 to 3677; 3651 since when, 3652 drug."""
    for section in _led(body, "3649", "3650", PERMANENT):
        words = section.first("3650")
        made = condition(session, section, PERMANENT, words, "problem-list-item")
        began = session.day(section.first("3649"))
        if made is not None and began is not None:
            made.resource["onsetDateTime"] = began
    for section in _led(body, "3651", "3652", ("0950", "0957")):
        _drug(session, section)


def _led(body: Group, since: str, named: str, more: tuple[str, ...]) -> list[Group]:
    """Sections that begin with their day, or with what it is about where no day is stated."""
    leading = since if body.has(since) else named if body.has(named) else more[0]
    return body.sections(leading, within=(since, named, *more))


def _drug(session: Session, section: Group) -> Draft | None:
    """A permanent drug → MedicationStatement."""
    patient, name = session.patient, section.first("3652")
    pzn, form = section.first("0950"), section.first("0957")
    if patient is None or (name is None and pzn is None):
        return None
    draft = session.natural("MedicationStatement", patient.id, (pzn or name or "").strip())
    resource = draft.resource
    resource["status"] = "active"
    concept: dict[str, Any] = {}
    if pzn is not None:
        concept["coding"] = [{"system": _PZN, "code": clean(pzn)}]
    if name is not None:
        concept["text"] = clean(name)
    if form is None:
        resource["medicationCodeableConcept"] = concept
    else:
        medication = session.natural("Medication", draft.id)
        medication.resource["code"] = concept
        medication.resource["form"] = {"text": clean(form)}
        resource["medicationReference"] = reference(medication)
    resource["subject"] = reference(patient)
    began = session.day(section.first("3651"))
    if began is not None:
        resource["effectivePeriod"] = {"start": began}
    return draft


def _diagnoses(session: Session, body: Group) -> None:
    """6001 with its parts, in GDT 3 with the words of 6205; 6205 alone is a suspicion."""
    day = str(body.first("6200") or "").strip()
    coded = body.sections("6001", within=(*DIAGNOSIS, "6205"))
    told: set[object] = set()
    for section in coded:
        words = section.first("6205")
        if words is not None:
            told.add(words.source)
        condition(session, section, DIAGNOSIS, words, "encounter-diagnosis", day)
    for words in body.all("6205"):
        if words.source not in told:
            condition(session, Group("", 0), DIAGNOSIS, words, "encounter-diagnosis", day)
