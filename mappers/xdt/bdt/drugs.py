"""Drugs: prescribed, named or given as a sample (6210, 6211, 6215), and permanent ones (3652)."""

from __future__ import annotations

from typing import Any

from mappers.drafts import Draft
from mappers.xdt.datatypes import clean
from mappers.xdt.group import Group
from mappers.xdt.patient import reference
from mappers.xdt.session import Session

_PZN = "http://fhir.de/CodeSystem/ifa/pzn"
#: 0802 type and 0803 kind of a drug in xBDT, whose codes nobody has published.
_OWN = "urn:region-gateway:xdt:"
_PRESCRIBED = "6210"
_CATEGORIES = {"6211": "Verordnet ohne Rezept", "6215": "Ärztemuster"}


def drug(session: Session, key: tuple[str, ...], when: str | None, group: Group) -> list[Draft]:
    """6210 on a prescription → MedicationRequest; 6211 and 6215 → MedicationStatement."""
    fk = group.name
    is_prescribed = fk == _PRESCRIBED
    kind = "MedicationRequest" if is_prescribed else "MedicationStatement"
    draft = session.natural(kind, *key)
    # Whether it was dispensed or taken, the practice's record does not say.
    draft.resource["status"] = "unknown"
    if is_prescribed:
        draft.resource["intent"] = "order"
    else:
        draft.resource["category"] = {"text": _CATEGORIES[fk]}
    made = _fill(session, draft, group, fk)
    if when is not None:
        draft.resource["authoredOn" if is_prescribed else "dateAsserted"] = when
    return [draft, *made]


def permanent_drug(session: Session, key: tuple[str, ...], group: Group) -> list[Draft]:
    """3651 since when, 3652 the drug → MedicationStatement; ended where 0813 says so."""
    draft = session.natural("MedicationStatement", *key)
    period = {"start": session.day(group.first("3651")), "end": session.day(group.first("0813"))}
    known = {name: day for name, day in period.items() if day is not None}
    draft.resource["status"] = "stopped" if period["end"] is not None else "active"
    made = _fill(session, draft, group, "3652")
    if known:
        draft.resource["effectivePeriod"] = known
    return [draft, *made]


def _fill(session: Session, draft: Draft, group: Group, named: str) -> list[Draft]:
    """The drug by its words and PZN, how to take it, and what kind of drug it is."""
    resource = draft.resource
    concept, form = _concept(group, named), group.first("0957")
    others: list[Draft] = []
    if form is None:
        resource["medicationCodeableConcept"] = concept
    else:
        others.append(session.natural("Medication", draft.id))
        others[0].resource["code"] = concept
        others[0].resource["form"] = {"text": clean(form)}
        resource["medicationReference"] = reference(others[0])
    if session.patient is not None:
        resource["subject"] = reference(session.patient)
    plan = session.lines(group, "0811")
    if plan is not None:
        element = "dosage" if draft.type == "MedicationStatement" else "dosageInstruction"
        resource[element] = [{"text": plan}]
    return others


def _concept(group: Group, named: str) -> dict[str, Any]:
    pzn, words = group.first("0800") or group.first("0950"), group.first(named)
    codings: list[dict[str, Any]] = []
    if pzn is not None:
        codings.append({"system": _PZN, "code": clean(pzn)})
    for fk in ("0802", "0803"):
        codings += [{"system": f"{_OWN}{fk}", "code": clean(one)} for one in group.all(fk)]
    concept: dict[str, Any] = {"coding": codings} if codings else {}
    return {**concept, "text": clean(words) if words is not None else "Arzneimittel"}
