"""Size and weight (0069), pregnancy (0050, 0040) → Observation; animals (0053) → Patient."""

from __future__ import annotations

import re
from typing import Any

from mappers.base import Key, PatientFacts
from mappers.drafts import Draft
from mappers.trace import Text, Value
from mappers.xdt.datatypes import number, unit
from mappers.xdt.group import Group
from mappers.xdt.ldt.objects import Parts, only, parts, sections, when
from mappers.xdt.ldt.persons import addresses, person
from mappers.xdt.ldt.results import LOINC
from mappers.xdt.ldt.values import components
from mappers.xdt.patient import reference
from mappers.xdt.session import Session
from mappers.xdt.table_rows import apply_rows, table

_VITAL_SIGNS = "http://terminology.hl7.org/CodeSystem/observation-category"
#: Feldkennung → LOINC, and the unit where none is stated.
_MEASURES = {"3622": ("8302-2", "cm", "Körpergröße"), "3623": ("29463-7", "kg", "Körpergewicht")}
_ANIMAL = "http://hl7.org/fhir/StructureDefinition/patient-animal"
_WEEKS = re.compile(r"(\d\d)([0-6])")
_UCUM = "http://unitsofmeasure.org"


def facts(session: Session, found: Parts, about: Draft) -> None:
    """8169, 8150 and 8140 of a record."""
    for one in found.get("8169", ()):
        for fk in _MEASURES:
            for section in sections(one, fk):
                _measure(session, section, fk, about)
    for one in found.get("8150", ()):
        _pregnancy(session, one, about)
    for one in found.get("8140", ()):
        said = components(session, one)
        draft = _begin(session, about, "8140", {"text": "Mutterschaft"})
        if draft is not None and said:
            draft.resource["component"] = said


def _begin(session: Session, about: Draft, named: str, code: dict[str, Any]) -> Draft | None:
    patient = session.patient
    if patient is None:
        return None
    draft = session.natural("Observation", about.id, named)
    draft.resource["status"] = "final"
    draft.resource["code"] = code
    draft.resource["subject"] = reference(patient)
    return draft


def _measure(session: Session, section: Group, fk: str, about: Draft) -> None:
    loinc, default, said = _MEASURES[fk]
    leaf, units = section.first(fk), section.first("8421")
    value = number(session, leaf) if leaf is not None else None
    draft = _begin(session, about, fk, {"coding": [{"system": LOINC, "code": loinc}], "text": said})
    if draft is None or value is None:
        return
    category = {"system": _VITAL_SIGNS, "code": "vital-signs"}
    draft.resource["category"] = [{"coding": [category]}]
    stated = unit(session, units) if units is not None else {}
    known = {"unit": default, "system": _UCUM, "code": default}
    draft.resource["valueQuantity"] = {"value": value, **(stated or known)}
    measured = when(session, only(parts(session, section), "8225"))
    if measured is not None:
        draft.resource["effectiveDateTime"] = measured


def _pregnancy(session: Session, group: Group, about: Draft) -> None:
    """8511 how long (weeks and days), 8512 last period, 3471 day of birth expected."""
    said = []
    length = group.first("8511")
    days = _days(session, length) if length is not None else None
    if days is not None:
        said.append((_loinc("11884-4", "Schwangerschaftsdauer"), "valueQuantity", days))
    for fk, loinc, words in (
        ("8512", "8665-2", "Letzte Periode"),
        ("3471", "11778-8", "Errechneter Entbindungstermin"),
    ):
        leaf = group.first(fk)
        day = session.day(leaf) if leaf is not None else None
        if day is not None:
            said.append((_loinc(loinc, words), "valueDateTime", day))  # type: ignore[arg-type]
    draft = _begin(session, about, "8150", _loinc("82810-3", "Schwangerschaft"))
    if draft is not None and said:
        draft.resource["component"] = [{"code": code, name: value} for code, name, value in said]


def _loinc(code: str, words: str) -> dict[str, Any]:
    return {"coding": [{"system": LOINC, "code": code}], "text": words}


def _days(session: Session, leaf: Text) -> dict[str, Any] | None:
    match = _WEEKS.fullmatch(leaf.strip())
    if match is None:
        session.issue("value", "not a number of weeks and days (WWT)", leaf, "102")
        return None
    days = Value(7 * int(match[1]) + int(match[2]), leaf.source)
    return {"value": days, "unit": "d", "system": _UCUM, "code": "d"}


def animal(session: Session, group: Group, order: str) -> Draft:
    """0053: an animal, or material of something else, as the one a report is about."""
    stated = group.first("7319") or group.first("7314")
    named = str(stated).strip() if stated is not None else order
    draft = session.draft("Patient", Key("Patient", f"{session.namespace}/animal", named))
    draft.subject = draft.id
    resource = draft.resource
    apply_rows(session, group, table("ldt", "animal", "Patient"), resource)
    _species(session, group, resource)
    found = parts(session, group)
    owner = only(found, "8147")
    said = person(session, owner) if owner is not None else {}
    if "name" in said:
        contact = {"name": said["name"][0]}
        resource["contact"] = [contact]
    for one in found.get("8107", ()):
        resource.setdefault("address", []).extend(addresses(session, one, "home"))
    session.patient = draft
    facts_ = PatientFacts(draft.id, draft.keys, family=named, placeholder=True)
    session.patients.append(facts_)
    return draft


def _species(session: Session, group: Group, resource: dict[str, Any]) -> None:
    """7313 kind, 7432 neutered, 7428 sex."""
    inner = []
    kind = group.first("7313")
    species: dict[str, Any] = {"text": kind} if kind is not None else {"text": "unbekannt"}
    inner.append({"url": "species", "valueCodeableConcept": species})
    status = group.first("7432")
    if status is not None:
        inner.append({"url": "genderStatus", "valueCodeableConcept": {"text": status}})
    resource["extension"] = [{"url": _ANIMAL, "extension": inner}]
    sex = session.code("gender", group.first("7428"))
    if sex is not None:
        resource["gender"] = sex
