"""IN1 → Coverage and the payer's Organization (HL7 v2.5 chapter 6.5.6; GKV/PKV use)."""

from __future__ import annotations

import re
from typing import Any

from mappers.base import Key
from mappers.hl7v2.datatypes import houses
from mappers.hl7v2.datatypes.codings import concept
from mappers.hl7v2.datatypes.contacts import of_house, xad
from mappers.hl7v2.datatypes.converters import converter
from mappers.hl7v2.datatypes.identifiers import KVNR, cx
from mappers.hl7v2.datatypes.names import xpn
from mappers.hl7v2.datatypes.periods import settle
from mappers.hl7v2.datatypes.reached import named_further
from mappers.hl7v2.segments import facts
from mappers.hl7v2.segments.pid import first_text, reference
from mappers.hl7v2.session import ALTERNATE_CODES, V2, Draft, Session
from mappers.hl7v2.table_rows import apply_rows, table
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Repetition, Segment, leaf
from mappers.trace import Text, text

_VERSICHERTENART = "http://fhir.de/StructureDefinition/gkv/versichertenart"
_CLASS = "http://terminology.hl7.org/CodeSystem/coverage-class"
_KVNR_SHAPE = re.compile(r"[A-Z]\d{9}")
_SELF = frozenset({"SEL", "ONESELF", "SELF", "18", "01"})


#: IN1-43 as the sender writes it, beside the code.
_GENDER = converter("Beside", f"administrative-sex {V2}0001", 43)
#: Parts of a name or address in which two of them agree or not.
_COMPARED = frozenset({"family", "given", "line", "city", "postalCode"})

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "IN1": ("Coverage.status", "Coverage.beneficiary"),
    "IN1-2": ("Coverage.type", "Coverage.class"),
    "IN1-3": ("Coverage.payor", "Organization.identifier"),
    "IN1-4": ("Coverage.payor",),
    "IN1-6": ("Organization.contact",),
    "IN1-8": ("Coverage.class",),
    "IN1-9": ("Coverage.class",),
    "IN1-15": ("Coverage.type", "Coverage.extension"),
    "IN1-16": ("RelatedPerson.name", "Coverage.subscriber"),
    "IN1-18": ("RelatedPerson.birthDate",),
    "IN1-19": ("RelatedPerson.address",),
    "IN1-36": ("Coverage.identifier",),
    "IN1-43": ("RelatedPerson.gender",),
    "IN1-49": ("Coverage.identifier", "Coverage.subscriberId"),
}


def coverage(session: Session, segment: Segment) -> Draft | None:
    """IN1 → Coverage; IN1-3 to -7 → the payer as an Organization in the sender's namespace."""
    patient = session.patient
    if patient is None or not segment.states():
        return None
    payer = _payer(session, segment)
    plan = segment.first(2) or ""
    number = segment.first(49) or segment.first(36) or ""
    draft = session.natural("Coverage", patient.id, payer.get("key", ""), plan, number)
    resource = draft.resource
    resource["status"] = "active"
    resource["beneficiary"] = reference(patient)
    resource["payor"] = [payer["reference"]]
    _type(session, segment, resource)
    _classes(session, segment, resource)
    _numbers(session, segment, resource, patient)
    apply_rows(session, segment, table("in1_coverage"), draft)
    settle(session, draft.resource)
    _insured(session, segment, resource, patient)
    facts.about(session, segment, draft)
    return draft


def _payer_number(session: Session, repetition: Repetition) -> dict[str, Any] | None:
    return cx(session, repetition, "payer")


def _payer(session: Session, segment: Segment) -> dict[str, Any]:
    identifiers = [i for r in segment.repetitions(3) if (i := session.once(_payer_number, r))]
    name = first_text(segment, 4)
    if not identifiers and name is None:
        absent = {"type": "Organization", "display": "unbekannt"}
        return {"reference": absent}
    named = f"{identifiers[0]['system']}|{identifiers[0]['value']}" if identifiers else str(name)
    key = Key("Organization", f"{session.namespace}/key/Organization", named)
    draft = session.draft("Organization", key, subject=False)
    if len(draft.resource) == 2:
        apply_rows(session, segment, table("in1_organization"), draft)
        for element in ("address", "telecom"):
            if element in draft.resource:
                draft.resource[element] = [of_house(one) for one in draft.resource[element]]
        for repetition in segment.repetitions(4):
            named_further(session, repetition, draft)
        _contact(session, segment, draft)
    stated: dict[str, Any] = dict(reference(draft))
    if identifiers:
        stated["identifier"] = {k: identifiers[0][k] for k in ("system", "value")}
    if name is not None:
        stated["display"] = name
    return {"reference": stated, "key": named}


def _contact(session: Session, segment: Segment, draft: Draft) -> None:
    for repetition in segment.repetitions(6):
        name = xpn(session, repetition)
        if name is not None:
            draft.resource.setdefault("contact", []).append({"name": name})


def _type(session: Session, segment: Segment, resource: dict[str, Any]) -> None:
    """IN1-2 or IN1-35 as kind of insurance; IN1-15 as Versichertenart or plan type."""
    for repetition in segment.repetitions(2):
        code = leaf(repetition, 1)
        found = session.lookup("versicherungsart", code, "IN1-2") if code is not None else None
        if code is not None and found is not None:
            coding = {"system": found.system, "code": text(found.code, code.source)}
            kind: dict[str, Any] = {"coding": [coding]}
            if (words := leaf(repetition, 2)) is not None:
                kind["text"] = words
            resource["type"] = kind
        break
    for repetition in segment.repetitions(15):
        code = leaf(repetition, 1)
        found = session.lookup("versichertenart", code, "IN1-15") if code is not None else None
        if code is not None and found is not None:
            coding = {"system": found.system, "code": text(found.code, code.source)}
            coding["display"] = leaf(repetition, 2) or found.display
            extension = {"url": _VERSICHERTENART, "valueCoding": coding}
            resource.setdefault("extension", []).append(extension)
        elif (kind_of_plan := concept(session, repetition)) is not None:
            resource.setdefault("type", kind_of_plan)
        break


def _classes(session: Session, segment: Segment, resource: dict[str, Any]) -> None:
    """Plan (IN1-2, where it is no kind of insurance) and group (IN1-8, IN1-9)."""
    plan = segment.first(2)
    if plan is not None and plan != '""' and session.lookup("versicherungsart", plan) is None:
        made = _class(resource, "plan", plan, segment.component(2, 2))
        for repetition in segment.repetitions(2)[:1]:
            whole = concept(session, repetition) if len(repetition) > 3 else None
            if whole is not None:
                beside = {"url": ALTERNATE_CODES, "valueCodeableConcept": whole}
                made["_value"] = {"extension": [beside]}
    group = segment.first(8)
    if group is not None and group != '""':
        _class(resource, "group", group, segment.first(9))
    for repetition in segment.repetitions(9):
        if len(repetition) > 2:
            houses.organization(session, repetition)


def _class(resource: dict[str, Any], kind: str, value: Text, name: Text | None) -> dict[str, Any]:
    coding = {"system": _CLASS, "code": kind, "display": kind.capitalize()}
    made: dict[str, Any] = {"type": {"coding": [coding]}}
    made["value"] = value
    if name is not None:
        made["name"] = name
    resource.setdefault("class", []).append(made)
    return made


def _numbers(session: Session, segment: Segment, resource: dict[str, Any], patient: Draft) -> None:
    """IN1-49 insured's number and IN1-36 policy number; either may be the KVNR."""
    insured = segment.first(49)
    if insured is not None and insured != '""':
        resource["subscriberId"] = insured
    for field in (49, 36):
        for repetition in segment.repetitions(field):
            number = leaf(repetition, 1)
            if number is None or number == '""':
                continue
            if _KVNR_SHAPE.fullmatch(number):
                identifier: dict[str, Any] | None = {"system": KVNR, "value": number}
            else:
                identifier = cx(session, repetition, "insured" if field == 49 else "policy")
            present = resource.setdefault("identifier", [])
            if identifier in present:
                session.echoes.append(identifier)
            elif identifier is not None:
                present.append(identifier)
    del patient


def _insured(session: Session, segment: Segment, resource: dict[str, Any], patient: Draft) -> None:
    """IN1-16, -18 and -19: the insured person, a RelatedPerson unless it is the patient."""
    role = segment.first(17)
    person: dict[str, Any] = {}
    names = [n for r in segment.repetitions(16) if (n := session.once(xpn, r)) is not None]
    addresses = [a for r in segment.repetitions(19) if (a := session.once(xad, r)) is not None]
    born = session.date(segment.first(18))
    if names:
        person["name"] = names
    if born is not None:
        person["birthDate"] = born
    if addresses:
        person["address"] = addresses
    if person:
        _gender(session, segment, person)
    if (role is not None and role.upper() in _SELF) or not person:
        resource["subscriber"] = reference(patient)
        _repeats_patient(session, segment, patient, {"name": names, "address": addresses})
        return
    first = names[0] if names else {}
    draft = session.natural(
        "RelatedPerson",
        patient.id,
        "insured",
        first.get("family", ""),
        " ".join(first.get("given", ())),
        born or "",
    )
    if "patient" in draft.resource:
        session.echoes.append(person)
    else:
        draft.resource.update(person, patient=reference(patient))
    resource["subscriber"] = reference(draft)


def _gender(session: Session, segment: Segment, person: dict[str, Any]) -> None:
    gender = session.code("administrative-sex", segment.first(43))
    if gender is not None:
        person["gender"] = gender
    for repetition in segment.repetitions(43):
        whole = session.once(_GENDER, repetition)
        if whole is not None:
            extension = {"url": ALTERNATE_CODES, "valueCodeableConcept": whole}
            person["_gender"] = {"extension": [extension]}


def _repeats_patient(
    session: Session, segment: Segment, patient: Draft, stated: dict[str, list[Any]]
) -> None:
    """The insured is the patient: what PID says too is said once, and PID is believed."""
    known = patient.resource
    for element, values in stated.items():
        for said in values:
            if any(_agrees(said, one) for one in known.get(element, ())):
                session.echoes.append(said)
    for element, value in (
        ("birthDate", session.date(segment.first(18))),
        ("gender", session.code("administrative-sex", segment.first(43))),
    ):
        if value is not None and known.get(element) == value:
            session.echoes.append(value)
    for field in (16, 18, 19, 43):
        session.ignored.append((segment.repetitions(field), "the insured is the patient of PID"))


def _agrees(said: dict[str, Any], known: dict[str, Any]) -> bool:
    """Tell whether a name or address says nothing against another."""
    parts = _COMPARED & said.keys()
    return any(_folded(said[one]) == _folded(known.get(one)) for one in parts) and all(
        one not in known or _folded(said[one]) == _folded(known[one]) for one in parts
    )


def _folded(value: Any) -> Any:
    return [str(one).casefold() for one in value] if type(value) is list else str(value).casefold()
