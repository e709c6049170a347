"""Microbiology 0061 with antibiograms 0011 → Observations, each a member of the one above it.

The examination has the organisms as members (7354), an organism the drugs it was tested against
(7287): sensitivity (7367) is their interpretation, the concentration (7289) their value.
"""

from __future__ import annotations

import re
from typing import Any

from mappers.drafts import Draft
from mappers.trace import Text, derived, text
from mappers.xdt.datatypes import clean
from mappers.xdt.group import Group
from mappers.xdt.ldt.measured import value
from mappers.xdt.ldt.objects import note, notes, only, parts, sections, texts, when
from mappers.xdt.ldt.results import LABORATORY, LOINC, Report, finding
from mappers.xdt.ldt.values import components, concept
from mappers.xdt.patient import reference
from mappers.xdt.session import Session

_ATC = re.compile(r"[A-Z]\d\d(?:[A-Z]{1,2}(?:\d\d)?)?")
_ATC_SYSTEM = "http://fhir.de/CodeSystem/bfarm/atc"
_MICROORGANISM = {"coding": [{"system": LOINC, "code": "11475-1"}]}
_INTERPRETATION = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
_WORDS = {"S": "Susceptible", "I": "Intermediate", "R": "Resistant"}
_ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
#: Fields of one organism.
_ORGANISM = frozenset(
    {"7354", "7355", "7427", "7301", "7357", "7293", "7356", "7285", "7361", "7251"}
)


def culture(session: Session, report: Report, group: Group) -> Draft:
    """0061: the examination, its organisms and what they are sensitive to."""
    organisms = sections(group, "7354")
    whole = Group(group.name, group.line)
    first = organisms[0].line if organisms else None
    held = {id(leaf) for one in organisms for fk, leaf in one.entries if fk in _ORGANISM}
    whole.entries = [entry for entry in group.entries if id(entry[1]) not in held]
    whole.groups = [
        one for one in group.groups if first is None or not _belongs(session, group, organisms, one)
    ]
    draft = finding(session, report, whole)
    made = {
        str(one.first("7354") or "").strip(): organism(session, draft, one, number)
        for number, one in enumerate(organisms)
    }
    for found in made.values():
        session.append(draft, "hasMember", reference(found))
    for one in parts(session, group).get("8111", ()):
        _antibiogram(session, draft, made, one)
    _method(session, group, draft)
    if made or "hasMember" in draft.resource:
        draft.resource.pop("dataAbsentReason", None)
    _bacteriology(session, group, draft)
    return draft


def _belongs(session: Session, group: Group, organisms: list[Group], one: Group) -> bool:
    """Tell whether an object is of an organism: before whatever ends the organisms."""
    ended = next(
        (
            leaf.source
            for fk, leaf in group.entries
            if fk not in _ORGANISM and leaf.source > organisms[0].line  # type: ignore[operator]
        ),
        None,
    )
    inside = organisms[0].line < one.line and (ended is None or one.line < ended)  # type: ignore[operator]
    return inside and bool({"8236", "8225", "8237"} & _announced(session, one))


def _announced(session: Session, one: Group) -> set[str]:
    holder = Group("", one.line)
    holder.groups = [one]
    return set(parts(session, holder))


def _method(session: Session, group: Group, draft: Draft) -> None:
    """7286: how resistance was tested."""
    for leaf in group.all("7286"):
        codings = draft.resource.setdefault("method", {}).setdefault("coding", [])
        for coding in concept(session, "7286", leaf)["coding"]:
            session.add(codings, coding)


def organism(session: Session, culture_: Draft, group: Group, number: int) -> Draft:
    """One organism of a culture (7354 and what follows it)."""
    ident = group.first("7354")
    named = str(ident or number).strip()
    draft = session.natural("Observation", culture_.id, "organism", named)
    resource = draft.resource
    for element in ("status", "category", "subject", "effectiveDateTime", "performer", "specimen"):
        if element in culture_.resource:
            resource[element] = culture_.resource[element]
    resource["code"] = _MICROORGANISM
    if ident is not None:
        identifier = {"system": f"{session.namespace}/organism", "value": clean(ident)}
        session.append(draft, "identifier", identifier)
    _what_was_found(session, group, resource)
    found = parts(session, group)
    measured = when(session, only(found, "8225"))
    if measured is not None:
        resource["effectiveDateTime"] = measured
    for said in texts(session, found.get("8237", ())):
        note(session, draft, said)
    notes(session, draft, found)
    return draft


def _what_was_found(session: Session, group: Group, resource: dict[str, Any]) -> None:
    said = _organism_name(session, group)
    if said:
        resource["valueCodeableConcept"] = said
    else:
        resource["dataAbsentReason"] = {"coding": [{"system": _ABSENT, "code": "unknown"}]}
    grown = components(session, group)
    if grown:
        resource["component"] = grown


def _organism_name(session: Session, group: Group) -> dict[str, Any]:
    """7355 name; 7361 in the catalogue 7251, 7356 by OID, 7285 by number."""
    codings: list[dict[str, Any]] = []
    known, catalogue = group.first("7361"), group.first("7251")
    if known is not None:
        coding: dict[str, Any] = {"system": f"{session.namespace}/organism-catalogue"}
        coding["code"] = clean(known)
        if catalogue is not None:
            coding["version"] = clean(catalogue)
        codings.append(coding)
    oid, number = group.first("7356"), group.first("7285")
    if oid is not None:
        value_ = text(f"urn:oid:{oid.strip()}", oid.source)
        codings.append({"system": "urn:ietf:rfc:3986", "code": value_})
    if number is not None:
        codings.append({"system": f"{session.namespace}/organism-number", "code": clean(number)})
    name = group.first("7355")
    made: dict[str, Any] = {"coding": codings} if codings else {}
    return {**made, "text": clean(name)} if name is not None else made


def _antibiogram(
    session: Session, culture_: Draft, organisms: dict[str, Draft], group: Group
) -> None:
    """0011: drugs (7287), each tested on organisms (7354)."""
    for drug in sections(group, "7287"):
        code = drug_of(session, drug)
        for one in sections(drug, "7354") or [drug]:
            ident = one.first("7354")
            above = organisms.get(ident.strip()) if ident is not None else None
            if ident is not None and above is not None:
                session.echoes.append(ident)
            made = tested(session, above or culture_, code, one)
            session.append(above or culture_, "hasMember", reference(made))
    for said in texts(session, parts(session, group).get("8237", ())):
        note(session, culture_, said)


def drug_of(session: Session, group: Group) -> dict[str, Any]:
    """7287 ident, 7288 generic number, 7359 ATC or OID, 7370 name."""
    codings: list[dict[str, Any]] = []
    for fk in ("7359", "7287", "7288"):
        for leaf in group.all(fk):
            plain = clean(leaf)
            if fk == "7359" and _ATC.fullmatch(plain):
                codings.append({"system": _ATC_SYSTEM, "code": plain})
            elif fk == "7359":
                code = text(f"urn:oid:{plain.removeprefix('urn:oid:')}", leaf.source)
                codings.append({"system": "urn:ietf:rfc:3986", "code": code})
            else:
                kind = "drug" if fk == "7287" else "drug-generic"
                codings.append({"system": f"{session.namespace}/{kind}", "code": plain})
    names = group.all("7370")
    made: dict[str, Any] = {"coding": codings}
    if names:
        made["text"] = derived(" / ".join(map(str.strip, names)), *names)
    return made


def tested(session: Session, above: Draft, code: dict[str, Any], group: Group) -> Draft:
    """A drug tested on an organism: 7367 or 7290 what it does, 7289 in which concentration."""
    named = str(code["coding"][0]["code"])
    key = (above.id, "drug", named)
    count = session.counts[key] = session.counts.get(key, 0) + 1
    draft = session.natural("Observation", *key, *([count] if count > 1 else []))
    resource = draft.resource
    for element in ("status", "category", "subject", "effectiveDateTime", "performer", "specimen"):
        if element in above.resource:
            resource[element] = above.resource[element]
    resource["category"] = [LABORATORY]
    resource["code"] = code
    _concentration(session, group, resource)
    sensitivity = group.first("7367")
    if sensitivity is not None:
        resource["interpretation"] = [_sensitivity(sensitivity)]
    more = components(session, group)
    if more:
        resource["component"] = more
    if not any(name.startswith("value") for name in resource):
        reason = "not-applicable" if sensitivity is not None else "unknown"
        resource["dataAbsentReason"] = {"coding": [{"system": _ABSENT, "code": reason}]}
    return draft


def _concentration(session: Session, group: Group, resource: dict[str, Any]) -> None:
    """7289 with the unit 7369: the minimal concentration that inhibits growth."""
    leaf, units = group.first("7289"), group.first("7369")
    if leaf is None:
        return
    section = Group(group.name, group.line)
    section.entries = [("8420", leaf)] + ([("8421", units)] if units is not None else [])
    resource.update(value(session, section, None))


def _sensitivity(leaf: Text) -> dict[str, Any]:
    letter = leaf.strip().upper()
    made: dict[str, Any] = {"text": clean(leaf)}
    if letter not in _WORDS:
        return made
    coding = {"system": _INTERPRETATION, "code": text(letter, leaf.source)}
    return {"coding": [{**coding, "display": _WORDS[letter]}], **made}


def _bacteriology(session: Session, group: Group, draft: Draft) -> None:
    """0072 (BAK): its result in words and its values are notes and components."""
    for one in parts(session, group).get("8244", ()):
        found = parts(session, one)
        for said in texts(session, [*found.get("8245", ()), *found.get("8237", ())]):
            note(session, draft, said)
        notes(session, draft, found)
        shown = one.all("7306")
        for section in sections(one, "8420"):
            said_ = value(session, section, shown[0] if shown else None)
            component = {"code": {"text": "BAK-Ergebnis"}, **said_}
            draft.resource.setdefault("component", []).append(component)
        session.echoes += shown
