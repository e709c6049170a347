"""Patient → PID, PD1 and NK1 (HL7 v2.5 chapter 3.4.2, 3.4.5, 3.4.10; German profile of PID)."""

from __future__ import annotations

from typing import Any

from mappers.base import Resource
from mappers.hl7v2.session import ORIGINAL_TEXT
from mappers.hl7v2.write.datatypes.codings import extension
from mappers.hl7v2.write.datatypes.identifiers import cx, own_first
from mappers.hl7v2.write.datatypes.names import xpn
from mappers.hl7v2.write.datatypes.parties import xcn, xon
from mappers.hl7v2.write.er7 import Segment
from mappers.hl7v2.write.rows import fill
from mappers.hl7v2.write.segments.heritage import heritage
from mappers.hl7v2.write.writing import Writing
from mappers.times import to_hl7
from mappers.trace import derived, text
from profiles.issue import NotConformant

_GENDER = "http://fhir.de/StructureDefinition/gender-amtlich-de"
_BIRTH_TIME = "http://hl7.org/fhir/StructureDefinition/patient-birthTime"
_MOTHER = ("http://terminology.hl7.org/CodeSystem/v3-RoleCode", "MTH")


def pid(w: Writing, patient: Resource) -> Segment:
    """Patient → PID; raises NotConformant when nothing identifies the patient."""
    segment = w.segment("PID", "1")
    for identifier in own_first(w, patient.get("identifier", ())):
        segment.make(3, cx, w, identifier)
    if not segment.has(3) and not segment.put(3, patient.get("id")):
        raise NotConformant("the patient has no identifier", location="Patient.identifier")
    for name in patient.get("name", ()):
        # Old versions know one name; birth and other names are aliases there.
        segment.make(5 if segment.takes(5) else 9, xpn, w, name)
    segment.put(7, _birth(w, patient))
    segment.put(8, _sex(w, patient))
    fill(w, segment, "pid_patient", patient, skip=frozenset({9, 20}))
    heritage(w, segment, patient)
    _account(w, segment)
    for mother in w.source.of("RelatedPerson"):
        if is_mother(mother):
            for identifier in own_first(w, mother["identifier"]):
                segment.make(21, cx, w, identifier)
            w.carried(mother["relationship"])
    return segment


def _account(w: Writing, segment: Segment) -> None:
    """PID-18 of a patient without visit; a visit's account number is one of its own numbers."""
    accounts = w.source.of("Account")
    if len(accounts) != 1 or w.source.of("Encounter"):
        return
    for identifier in accounts[0].get("identifier", ())[:1]:
        segment.make(18, cx, w, identifier, "account")
        if accounts[0].get("status") == "active":
            w.carried(accounts[0]["status"])
        w.carried(accounts[0].get("subject"))


def _birth(w: Writing, patient: Resource) -> str | None:
    for found in patient.get("_birthDate", {}).get("extension", ()):
        if found.get("url") == _BIRTH_TIME and "valueDateTime" in found:
            # In its own zone: another one could move the birth to another day.
            w.carried(found["url"], patient.get("birthDate"))
            moment = found["valueDateTime"]
            return text(to_hl7(moment), moment.source)
    return w.time(patient.get("birthDate"))


def _sex(w: Writing, patient: Resource) -> str | None:
    """PID-8 of table 0001, with the German D and X where the register says so."""
    gender, more = patient.get("gender"), patient.get("_gender", {})
    official = extension(more, _GENDER)
    if official is not None and gender == "other":
        code = official.get("valueCoding", {}).get("code")
        if code is not None:
            w.carried(official)
            return derived(code, gender, code)
    original = extension(more, ORIGINAL_TEXT)
    if original is not None:
        w.carried(original["url"], gender)
        stated: str | None = original.get("valueString")
        return stated
    return w.code("administrative-sex", gender, "PID-8")


def pd1(w: Writing, patient: Resource) -> list[Segment]:
    """Patient → PD1: the general practitioner and what PD1 alone carries."""
    segment = w.segment("PD1")
    fill(w, segment, "pd1_patient", patient)
    for reference in patient.get("generalPractitioner", ()):
        segment.make(4, xcn, w, reference)
    return [segment] if segment.fields else []


def nk1(w: Writing, patient: Resource) -> list[Segment]:
    """Patient.contact and RelatedPerson → NK1; one segment for a person who is both."""
    insured = [w.source.resolve(c.get("subscriber")) for c in w.source.of("Coverage")]
    persons = [
        person
        for person in w.source.of("RelatedPerson")
        if not is_mother(person) and not any(person is other for other in insured)
    ]
    segments: list[Segment] = []
    for contact in patient.get("contact", ()):
        same = next((p for p in persons if _same(contact, p)), None)
        segment = w.segment("NK1", str(len(segments) + 1))
        if same is not None:
            persons = [person for person in persons if person is not same]
            _repeated(w, contact, same)
            fill(w, segment, "nk1_relatedperson", same, skip=frozenset({12}))
            segment.make(13, xon, w, contact.get("organization"))
        else:
            fill(w, segment, "nk1_contact", contact)
        segments.append(segment)
    for person in persons:
        segment = w.segment("NK1", str(len(segments) + 1))
        fill(w, segment, "nk1_relatedperson", person, skip=frozenset({12}))
        segments.append(segment)
    return segments


def is_mother(person: Resource) -> bool:
    """Tell whether a RelatedPerson is only the mother's number (PID-21)."""
    codes = [
        (str(coding.get("system")), str(coding.get("code")))
        for relationship in person.get("relationship", ())
        for coding in relationship.get("coding", ())
    ]
    return codes == [_MOTHER] and "name" not in person and "identifier" in person


def _same(contact: dict[str, Any], person: Resource) -> bool:
    names = person.get("name", ())
    name = names[0] if names else None
    return contact.get("name") == name and contact.get("relationship") == person.get("relationship")


def _repeated(w: Writing, contact: dict[str, Any], person: Resource) -> None:
    """What the contact says again is carried as far as the person's is."""
    for element in ("name", "address", "telecom"):
        said = contact.get(element, [])
        for one in said if isinstance(said, list) else [said]:
            same = next((other for other in person.get(element, ()) if other == one), None)
            if same is not None:
                w.source.repeats(one, same)
    for element in ("relationship", "gender", "period"):
        if element in contact and contact[element] == person.get(element):
            w.source.repeats(contact[element], person[element])
