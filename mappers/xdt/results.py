"""A group of fields under a test (FK 8410) → Observation, or a part of a panel.

Values are numbers with unit and limits, words, or streams a device writes; the test is named by
the sender's own ident and, where the table of tests knows it, by LOINC.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from mappers.drafts import Draft
from mappers.trace import Text, derived, text
from mappers.uris import ALTERNATE_CODES, V2
from mappers.xdt.datatypes import clean, number, unit
from mappers.xdt.group import Group
from mappers.xdt.patient import reference
from mappers.xdt.session import Session

#: Fields of a result, in GDT 2.1 to 3.5, BDT and LDT 2.
RESULT_FIELDS = frozenset(
    [
        *("8410", "8411", "8412", "8413", "8418", "8419", "8420", "8421", "8422", "8428", "8429"),
        *("8430", "8431", "8432", "8433", "8437", "8438", "8439", "8460", "8461", "8462", "8470"),
        *("8480", "7263", "7264", "7273", "7278", "7279", "7306"),
    ]
)
LOINC = "http://loinc.org"
#: Codes of 8418, kept beside the status they mean.
TEST_STATUS = "urn:region-gateway:xdt:8418"
FIELD = "urn:region-gateway:xdt:feldkennung"
_CATEGORY = "http://terminology.hl7.org/CodeSystem/observation-category"
_ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
_DETAILS = frozenset(["8413", "8428", "8429", "8430", "8431", "8437", "8438", "8470"])
_TIMES = ("8439", "8433")


class Result(NamedTuple):
    """One test of a record, read."""

    #: The fields it was read from.
    group: Group
    code: dict[str, Any]
    #: LOINC code of the test; empty when it is not known.
    loinc: str
    #: Code of its category, "vital-signs" or "procedure"; empty when it is not known.
    category: str
    #: FHIR dateTime; None when it is not stated.
    effective: str | None
    #: value[x], interpretation, referenceRange: what a component has as well.
    said: dict[str, Any]


def read_result(session: Session, group: Group) -> Result:
    """Read the fields of one test."""
    ident, words = group.first("8410"), group.first("8411")
    code, loinc, category = _code(session, group, ident, words)
    return Result(group, code, loinc, category, _effective(session, group), _said(session, group))


def _code(
    session: Session, group: Group, ident: Text | None, words: Text | None
) -> tuple[dict[str, Any], str, str]:
    codings: list[dict[str, Any]] = []
    loinc = category = ""
    known = session.lookup("test", ident, "8410") if ident is not None else None
    if known is not None and ident is not None:
        loinc, category = known.code, known.system
        code = text(loinc, ident.source)
        codings.append({"system": LOINC, "code": code, "display": known.display})
    stated = group.first("7263")
    if stated is not None:
        loinc = str(clean(stated))
        if codings:
            codings.clear()
        codings.append({"system": LOINC, "code": clean(stated)})
    if ident is not None:
        codings.append({"system": f"{session.namespace}/test", "code": clean(ident)})
    oid = group.first("8412")
    if oid is not None:
        value = text(f"urn:oid:{oid.strip()}", oid.source)
        codings.append({"system": "urn:ietf:rfc:3986", "code": value})
    shown = words if words is not None else ident
    concept: dict[str, Any] = {"coding": codings} if codings else {}
    if shown is not None:
        concept["text"] = clean(shown)
    return concept, loinc, category


def _effective(session: Session, group: Group) -> str | None:
    """8432 with 8439 (BDT, LDT 2, GDT 3: 8433), else the moment of 7278 and 7279."""
    day = group.first("8432")
    clock = next((found for fk in _TIMES if (found := group.first(fk)) is not None), None)
    if day is not None:
        return session.when(day, clock)
    if clock is not None:
        session.issue("value", "a time of day without its date", clock, "102")
    if not group.has("7278", "7279"):
        return None
    return session.zoned(group.first("7278"), group.first("7279"), group.first("7273"))


def _said(session: Session, group: Group) -> dict[str, Any]:
    """Value, interpretation and limits."""
    units = group.first("8421")
    measured = unit(session, units) if units is not None else {}
    said = _value(session, group, units, measured)
    has_value = bool(said)
    interpretations = []
    limit = group.first("8422")
    if limit is not None:
        known = session.lookup("limit", limit)
        coded: dict[str, Any] = {"text": clean(limit)}
        if known is not None:
            one = {"system": known.system, "code": text(known.code, limit.source)}
            coded = {"coding": [{**one, "display": known.display}], **coded}
        interpretations.append(coded)
    words = session.lines(group, "8480")
    if words is not None and "valueString" not in said:
        if has_value:
            interpretations.append({"text": words})
        else:
            said, has_value = {"valueString": words}, True
    if interpretations:
        said["interpretation"] = interpretations
    ranges = _range(session, group, measured)
    if ranges is not None:
        said["referenceRange"] = [ranges]
    if not has_value:
        said["dataAbsentReason"] = {"coding": [{"system": _ABSENT, "code": "unknown"}]}
    return said


def _value(
    session: Session, group: Group, units: Text | None, measured: dict[str, Any]
) -> dict[str, Any]:
    """8420 with the unit 8421; what is no number stays as words."""
    stated = group.first("8420")
    if stated is None:
        return {}
    before = len(session.issues)
    found = number(session, stated)
    if found is not None:
        return {"valueQuantity": {"value": found, **measured}}
    del session.issues[before:]
    words = clean(stated)
    if units is None:
        return {"valueString": words}
    return {"valueString": derived(f"{words} {units.strip()}", words, units)}


def _range(session: Session, group: Group, measured: dict[str, Any]) -> dict[str, Any] | None:
    """8460 in words, 8461 and 8462 as limits in the unit of the value."""
    if not group.has("8460", "8461", "8462"):
        return None
    made: dict[str, Any] = {}
    loose: list[Text] = []
    for name, fk in (("low", "8461"), ("high", "8462")):
        limit = group.first(fk)
        if limit is None:
            continue
        before = len(session.issues)
        value = number(session, limit)
        if value is None:
            del session.issues[before:]
            loose.append(limit)
            continue
        made[name] = {"value": value, **measured}
    words = [*group.all("8460"), *loose]
    if words:
        made["text"] = derived("\n".join(map(str.strip, words)), *words)
    return made or None


def observation(
    session: Session, result: Result, about: tuple[str, ...], parts: tuple[Result, ...] = ()
) -> Draft:
    """A test → Observation; with `parts` it is a panel and they its components."""
    patient = session.patient
    named = _named(result)
    effective = result.effective
    key = (*about, named, str(effective or ""))
    count = session.counts[key] = session.counts.get(key, 0) + 1
    draft = session.natural("Observation", *key, *([count] if count > 1 else []))
    resource = draft.resource
    _status(session, [result, *parts], resource)
    if result.category:
        coding = {"system": _CATEGORY, "code": result.category}
        resource["category"] = [{"coding": [coding]}]
    resource["code"] = result.code
    if patient is not None:
        resource["subject"] = reference(patient)
    if effective is not None:
        resource["effectiveDateTime"] = effective
    resource.update(result.said)
    if parts:
        resource["component"] = [{"code": one.code, **one.said} for one in parts]
    for one in (result, *parts):
        _details(session, one, draft)
    return draft


def _named(result: Result) -> str:
    """What tells tests apart: the sender's ident, else its words."""
    ident = result.group.first("8410") or result.group.first("8411")
    return str(ident or result.loinc).strip()


def _status(session: Session, results: list[Result], resource: dict[str, Any]) -> None:
    """8418 → status, its own letter beside it; the first of a panel that says one decides."""
    resource["status"] = "final"
    for result in results:
        stated = result.group.first("8418")
        found = session.lookup("test-status", stated) if stated is not None else None
        if stated is None:
            continue
        if found is None:
            session.unknown(stated)
            continue
        if "_status" in resource:
            session.echoes.append(stated)
            continue
        resource["status"] = text(found.code, stated.source)
        coding = {"system": found.system, "code": clean(stated), "display": found.display}
        held = {"url": ALTERNATE_CODES, "valueCodeableConcept": {"coding": [coding]}}
        resource["_status"] = {"extension": [held]}


def _details(session: Session, result: Result, draft: Draft) -> None:
    """8470 notes, 8437 and 8438 streams, 8428 to 8431 specimen, 8413 device."""
    group, resource = result.group, draft.resource
    if not _DETAILS & group.fields.keys():
        return
    note = session.lines(group, "8470")
    if note is not None:
        session.append(draft, "note", {"text": note})
    for fk, words in (("8437", "Einheiten des Datenstroms"), ("8438", "Datenstrom")):
        stated = session.lines(group, fk)
        if stated is not None:
            component = {"code": field_code(fk, words), "valueString": stated}
            resource.setdefault("component", []).append(component)
    _specimen(session, group, result.effective, draft)
    oid = group.first("8413")
    if oid is not None:
        value = text(f"urn:oid:{oid.strip()}", oid.source)
        identifier = {"system": "urn:ietf:rfc:3986", "value": value}
        resource["device"] = {"type": "Device", "identifier": identifier}


def field_code(fk: str, words: str) -> dict[str, Any]:
    """What only its Feldkennung names."""
    return {"coding": [{"system": FIELD, "code": fk, "display": words}], "text": words}


def _specimen(session: Session, group: Group, collected: str | None, draft: Draft) -> None:
    """8428 ident, 8429 index, 8430 name and 8431 specification of the material."""
    patient = session.patient
    if patient is None or not group.has("8428", "8429", "8430", "8431"):
        return
    ident, index, name = (group.first(fk) for fk in ("8428", "8429", "8430"))
    words = session.lines(group, "8431")
    said = "|".join(str(part or "").strip() for part in (ident, index, name))
    made = session.natural("Specimen", patient.id, said, collected or "")
    resource = made.resource
    concept: dict[str, Any] = {}
    if ident is not None:
        coding = {"system": f"{session.namespace}/specimen", "code": clean(ident)}
        concept["coding"] = [coding]
    if name is not None:
        concept["text"] = clean(name)
    if concept:
        session.say(made, "type", concept)
    if index is not None:
        identifier = {"system": f"{session.namespace}/specimen-index", "value": clean(index)}
        session.append(made, "identifier", identifier)
    resource["subject"] = reference(patient)
    if collected is not None:
        session.say(made, "collection", {"collectedDateTime": collected})
    if words is not None:
        session.append(made, "note", {"text": words})
    draft.resource["specimen"] = reference(made)


def category_of_section(code: str) -> dict[str, Any]:
    """A diagnostic service section (table 0074) as a category."""
    return {"coding": [{"system": f"{V2}0074", "code": code}]}
