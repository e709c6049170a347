"""Why it was ordered and who pays: 0027 with 0100 → Condition; 0001 to 0006, 0048 → Coverage."""

from __future__ import annotations

from typing import Any

from mappers.drafts import Draft
from mappers.trace import Text, text
from mappers.xdt.datatypes import clean
from mappers.xdt.diagnoses import DIAGNOSIS, condition
from mappers.xdt.group import Group
from mappers.xdt.insurance import coverage
from mappers.xdt.ldt.attached import attached
from mappers.xdt.ldt.houses import house
from mappers.xdt.ldt.objects import note, only, parts, texts
from mappers.xdt.ldt.persons import person
from mappers.xdt.ldt.specimens import medication
from mappers.xdt.ldt.values import concept
from mappers.xdt.parties import BSNR, LANR
from mappers.xdt.patient import reference
from mappers.xdt.session import Session
from mappers.xdt.table_rows import apply_rows, table

_VERSICHERUNGSART = "http://fhir.de/CodeSystem/versicherungsart-de-basis"
#: Object of a bill → kind of insurance.
_KINDS = {"8102": "GKV", "8103": "PKV", "8104": "SEL", "8105": "SEL", "8106": "GKV", "8109": ""}


def reason(session: Session, group: Group, draft: Draft) -> None:
    """0027: occasion, diagnoses, earlier findings and medication of an order."""
    found = parts(session, group)
    for leaf in group.all("8417") + group.all("8427"):
        session.append(draft, "reasonCode", {"text": clean(leaf)})
    for said in texts(session, found.get("8217", ())):
        note(session, draft, said)
    diagnoses = [diagnosis(session, one) for one in found.get("8200", ())]
    for made in diagnoses:
        if made is not None:
            session.append(draft, "reasonReference", reference(made))
    apply_rows(session, group, table("ldt", "reason", "ServiceRequest"), draft.resource)
    taken = [medication(session, one, draft.id) for one in found.get("8170", ())]
    for held in (*taken, *attached(session, found, draft)):
        if held is not None:
            session.append(draft, "supportingInfo", reference(held))
    for leaf in group.all("7303"):
        session.append(draft, "category", concept(session, "7303", leaf))


def diagnosis(session: Session, group: Group) -> Draft | None:
    """0100 → Condition; its words and its code are of one diagnosis."""
    said = group.all("4207")
    shown = text("\n".join(map(str.strip, said)), _sources(said)) if said else None
    made = condition(session, group, DIAGNOSIS, shown, "encounter-diagnosis")
    for coding in made.resource["code"].get("coding", ()) if made is not None else ():
        # Orders are coded by the catalogue of the year they are written in.
        if session.recorded is not None:
            coding["version"] = session.recorded[:4]
    return made


def _sources(leaves: list[Text]) -> Any:
    return tuple(leaf.source for leaf in leaves)


def bills(session: Session, group: Group, draft: Draft) -> None:
    """0001: one Coverage per kind of bill, and what the bill says of the order."""
    for fk, held in parts(session, group).items():
        for one in held:
            made = _bill(session, one, fk)
            if made is not None:
                session.append(draft, "insurance", reference(made))
            apply_rows(session, one, table("ldt", "billing", "ServiceRequest"), draft.resource)
            for leaf in one.all("4239"):
                session.append(draft, "category", concept(session, "4239", leaf))
            for leaf in one.all("4221"):
                session.append(draft, "category", concept(session, "4221", leaf))
            _first_ordered_by(session, one, draft)


def _first_ordered_by(session: Session, group: Group, draft: Draft) -> None:
    """4241 doctor and 4217 practice who ordered first."""
    for fk, kind, system in (
        ("4241", "Practitioner", LANR),
        ("4248", "Practitioner", f"{session.namespace}/pseudo-lanr"),
        ("4217", "Organization", BSNR),
        ("4225", "Organization", "http://fhir.de/sid/asv/teamnummer"),
    ):
        for leaf in group.all(fk):
            who = {"type": kind, "identifier": {"system": system, "value": clean(leaf)}}
            session.append(draft, "supportingInfo", who)


def _bill(session: Session, group: Group, fk: str) -> Draft | None:
    patient = session.patient
    if patient is None:
        return None
    draft = coverage(session, group)
    payer = _payer(session, group)
    if draft is None:
        draft = session.natural("Coverage", patient.id, fk)
        draft.resource["status"] = "active"
        draft.resource["beneficiary"] = reference(patient)
        draft.resource["payor"] = [payer or {"type": "Organization", "display": "unbekannt"}]
    elif payer is not None:
        session.append(draft, "payor", payer)
    kind = _KINDS.get(fk, "")
    if kind:
        draft.resource["type"] = {"coding": [{"system": _VERSICHERUNGSART, "code": kind}]}
    else:
        draft.resource.pop("type", None)
    apply_rows(session, group, table("ldt", "billing", "Coverage"), draft.resource)
    return draft


def _payer(session: Session, group: Group) -> dict[str, Any] | None:
    """8148, 0048: who gets the bill."""
    stated = only(parts(session, group), "8148")
    if stated is None:
        return None
    found = parts(session, stated)
    addressee = only(found, "8108")
    inner = parts(session, addressee) if addressee is not None else {}
    company, who = only(inner, "8143"), only(inner, "8147")
    name = stated.first("0600")
    made = house(session, company) if company is not None else None
    if made is None and name is not None:
        made = session.natural("Organization", "payer", str(name), subject=False)
        session.say(made, "name", clean(name))
    for leaf in stated.all("7421"):
        if made is not None:
            session.append(made, "type", concept(session, "7421", leaf, "role"))
    session.echoes += stated.all("8310")
    if made is not None:
        return reference(made)
    return _person(session, who, stated) if who is not None else None


def _person(session: Session, group: Group, payer: Group) -> dict[str, Any] | None:
    patient, stated = session.patient, person(session, group)
    if patient is None or "name" not in stated:
        return None
    born = group.first("3103")
    day = session.day(born) if born is not None else None
    draft = session.natural("RelatedPerson", patient.id, "payer", str(stated["name"]))
    draft.resource.update(stated, patient=reference(patient))
    if day is not None:
        draft.resource["birthDate"] = day
    sex = session.code("gender", group.first("3110"))
    if sex is not None:
        draft.resource["gender"] = sex
    for leaf in payer.all("7421"):
        session.append(draft, "relationship", concept(session, "7421", leaf, "role"))
    return reference(draft)
