"""Findings of a laboratory (0060, 0055, 0056, 0062, 0063, 0073) → Observation.

A result is named by its report, its test and its material, so that the corrected one replaces the
first. What only a Feldkennung names becomes a component.
"""

from __future__ import annotations

import re
from typing import Any, NamedTuple

from mappers.codes import table
from mappers.drafts import Draft
from mappers.trace import Text, derived, text
from mappers.uris import ALTERNATE_CODES
from mappers.xdt.charset import PACKAGE
from mappers.xdt.datatypes import clean
from mappers.xdt.group import Group
from mappers.xdt.ldt.alerts import alerts, recall
from mappers.xdt.ldt.attached import attached
from mappers.xdt.ldt.charges import charges
from mappers.xdt.ldt.measured import value
from mappers.xdt.ldt.objects import Parts, instant, note, notes, only, parts, sections, when, words
from mappers.xdt.ldt.persons import signed
from mappers.xdt.ldt.ranges import interpretation, normal_value
from mappers.xdt.ldt.values import components
from mappers.xdt.patient import reference
from mappers.xdt.results import field_code
from mappers.xdt.session import Session

LOINC = "http://loinc.org"
LABORATORY = {
    "coding": [
        {
            "system": "http://terminology.hl7.org/CodeSystem/observation-category",
            "code": "laboratory",
        }
    ]
}
_ABSENT = "http://terminology.hl7.org/CodeSystem/data-absent-reason"
_LOINC_SHAPE = re.compile(r"\d{1,7}-\d")
_OID = re.compile(r"[0-2](?:\.(?:0|[1-9]\d*))+")
#: Catalogue of services (7260) that is LOINC.
_CATALOGUE_LOINC = "1"
#: Status of a result (8418) → why it has no value.
_WHY_ABSENT = {
    "01": "unknown",
    "02": "temp-unknown",
    "09": "error",
    "11": "not-performed",
    "12": "not-performed",
}
#: Times of the analysis that are told as components.
_TIMES = {"8222": "Beginn der Analytik", "8224": "QM-Erfassung", "8220": "Eingang des Materials"}


class Report(NamedTuple):
    """What the results of one report share."""

    draft: Draft
    #: Reference to the laboratory; None where nobody says it.
    laboratory: dict[str, Any] | None
    #: Vessel (7364) → its Specimen.
    specimens: dict[str, Draft]
    #: Reference to who ordered; None where nobody says it.
    sender: dict[str, Any] | None


def finding(session: Session, report: Report, group: Group) -> Draft:
    """One finding → Observation."""
    code = _code(session, group)
    draft = _named(session, report, group, code)
    resource = draft.resource
    found = parts(session, group)
    _status(session, group, resource)
    resource["category"] = [LABORATORY]
    resource["code"] = code
    if session.patient is not None:
        resource["subject"] = reference(session.patient)
    said_at = _times(session, found, resource)
    _performers(session, report, found, resource)
    _materials(session, report, group, draft)
    for leaf in group.all("7304"):
        identifier = {"system": f"{session.namespace}/result", "value": clean(leaf)}
        session.append(draft, "identifier", identifier)
    _values(session, group, found, resource)
    _texts(session, found, draft)
    resource.setdefault("component", []).extend([*components(session, group), *said_at])
    if not resource["component"]:
        del resource["component"]
    _method_and_device(group, resource)
    _absent(group, resource)
    _beside(session, report, group, found, draft)
    return draft


def _named(session: Session, report: Report, group: Group, code: dict[str, Any]) -> Draft:
    test = group.first("8410") or group.first("7365") or code.get("text", "")
    vessels = "+".join(leaf.strip() for leaf in group.all("7364"))
    key = (report.draft.id, group.name, str(test).strip(), vessels)
    count = session.counts[key] = session.counts.get(key, 0) + 1
    return session.natural("Observation", *key, *([count] if count > 1 else []))


def _code(session: Session, group: Group) -> dict[str, Any]:
    """8410 and 8411, 7260 to 7366 of a catalogue, 7263 of an outside one."""
    codings = []
    test_id = group.first("7263")
    if test_id is not None:
        codings.append(_test_id(session, clean(test_id)))
    codings += catalogue(session, group)
    for ident in group.all("8410"):
        codings.append({"system": f"{session.namespace}/test", "code": clean(ident)})
    kind = table(PACKAGE, "ldt-object").get(group.name)
    if not codings and kind is not None and kind.code:
        codings.append({"system": LOINC, "code": kind.code})
    shown = group.all("8411") or group.all("7366") or group.all("8410")
    concept: dict[str, Any] = {"coding": codings} if codings else {}
    if shown:
        concept["text"] = derived(", ".join(map(str.strip, shown)), *shown)
    else:
        concept["text"] = kind.display if kind is not None else group.name
    return concept


def _test_id(session: Session, leaf: Text) -> dict[str, Any]:
    if _LOINC_SHAPE.fullmatch(leaf):
        return {"system": LOINC, "code": leaf}
    if _OID.fullmatch(leaf):
        return {"system": "urn:ietf:rfc:3986", "code": text(f"urn:oid:{leaf}", leaf.source)}
    return {"system": f"{session.namespace}/test-id", "code": leaf}


def catalogue(session: Session, group: Group) -> list[dict[str, Any]]:
    """7260 which catalogue (7352 its address, 7251 its name), 7365 code and 7366 words in it."""
    codings = []
    names = group.all("7366")
    for place, leaf in enumerate(group.all("7365")):
        which, url = _at(group.all("7260"), place), _at(group.all("7352"), place)
        named = _at(group.all("7251"), place)
        system: str = f"{session.namespace}/catalogue"
        if which is not None and which.strip() == _CATALOGUE_LOINC:
            system = LOINC
        elif url is not None:
            bare = url.strip()
            system = bare if "://" in bare else f"https://{bare}"
        coding: dict[str, Any] = {
            "system": derived(system.replace(" ", "%20"), which, url),
            "code": clean(leaf),
        }
        if named is not None:
            coding["version"] = clean(named)
        if (words_ := _at(names, place)) is not None:
            coding["display"] = clean(words_)
        codings.append(coding)
    return codings


def _at(leaves: list[Text], place: int) -> Text | None:
    return leaves[place] if place < len(leaves) else None


def _status(session: Session, group: Group, resource: dict[str, Any]) -> None:
    """8418 → status, its own code beside it."""
    stated = group.first("8418")
    found = session.lookup("test-status", stated, "8418") if stated is not None else None
    resource["status"] = text(found.code, stated.source) if found and stated else "unknown"
    if stated is None:
        return
    if found is None:
        session.unknown(stated)
        return
    coding = {"system": found.system, "code": clean(stated), "display": found.display}
    held = {"url": ALTERNATE_CODES, "valueCodeableConcept": {"coding": [coding]}}
    resource["_status"] = {"extension": [held]}


def _times(session: Session, found: Parts, resource: dict[str, Any]) -> list[dict[str, Any]]:
    """8225 measured, 8223 result made; the others are returned as components."""
    measured = when(session, only(found, "8225"))
    if measured is not None:
        resource["effectiveDateTime"] = measured
    issued = instant(session, only(found, "8223"))
    if issued is not None:
        resource["issued"] = issued
    return [
        {"code": field_code(fk, said), "valueDateTime": moment}
        for fk, said in _TIMES.items()
        if (moment := when(session, only(found, fk))) is not None
    ]


def _performers(session: Session, report: Report, found: Parts, resource: dict[str, Any]) -> None:
    who = [report.laboratory] if report.laboratory is not None else []
    for one in found.get("8141", ()):
        by = signed(session, one)
        if by is not None:
            who.append(by)
    if who:
        resource["performer"] = who


def _materials(session: Session, report: Report, group: Group, draft: Draft) -> None:
    """7364: the vessel; FHIR takes one specimen, the others are what it is about too."""
    for leaf in group.all("7364"):
        held = report.specimens.get(leaf.strip())
        if held is None:
            session.issue("not-found", "the report holds no material of this vessel", leaf)
            identifier = {"system": f"{session.namespace}/specimen", "value": clean(leaf)}
            named: dict[str, Any] = {"type": "Specimen", "identifier": identifier}
        else:
            session.echoes.append(leaf)
            named = reference(held)
        if "specimen" not in draft.resource:
            draft.resource["specimen"] = named
        else:
            session.append(draft, "focus", named)


def _values(session: Session, group: Group, found: Parts, resource: dict[str, Any]) -> None:
    """8420 with unit and normal values; several values of one test are components."""
    displays, count = group.all("7306"), len(group.all("8420"))
    said = []
    if count < 2:
        made = value(session, group, displays[0] if displays else None)
        said.append({**made, **_beside_value(session, found)})
    else:
        for section in sections(group, "8420"):
            before = [leaf for leaf in displays if leaf.source < section.line]  # type: ignore[operator]
            made = value(session, section, before[-1] if before else None)
            said.append({**made, **_beside_value(session, parts(session, section))})
    session.echoes += displays
    limits = group.all("8422")
    if limits:
        resource["interpretation"] = [interpretation(session, leaf) for leaf in limits]
    if len(said) == 1:
        resource.update(said[0])
    elif said:
        resource["component"] = [{"code": resource["code"], **one} for one in said]


def _beside_value(session: Session, found: Parts) -> dict[str, Any]:
    """8142 → referenceRange and interpretation of a value."""
    made: dict[str, Any] = {}
    for one in found.get("8142", ()):
        made.setdefault("referenceRange", []).extend(normal_value(session, one))
        for leaf in one.all("8422"):
            said = interpretation(session, leaf)
            if said not in made.setdefault("interpretation", []):
                made["interpretation"].append(said)
            else:
                session.echoes.append(said)
    return made


def _texts(session: Session, found: Parts, draft: Draft) -> None:
    """8237: the result in words; beside a value it is a note."""
    resource = draft.resource
    for one in found.get("8237", ()):
        said = words(session, one)
        if said is None:
            continue
        if any(name.startswith("value") for name in resource) or "component" in resource:
            note(session, draft, said)
        else:
            resource["valueString"] = said
    notes(session, draft, found)


def _method_and_device(group: Group, resource: dict[str, Any]) -> None:
    methods, device = group.all("7302"), group.first("7264")
    if methods:
        resource["method"] = {"text": derived(", ".join(map(str.strip, methods)), *methods)}
    if device is not None:
        identifier = {"system": "urn:region-gateway:xdt:7264", "value": clean(device)}
        resource["device"] = {"type": "Device", "identifier": identifier}


def _absent(group: Group, resource: dict[str, Any]) -> None:
    if "component" in resource or any(name.startswith("value") for name in resource):
        return
    status = group.first("8418")
    why = _WHY_ABSENT.get(status.strip(), "unknown") if status is not None else "unknown"
    resource["dataAbsentReason"] = {"coding": [{"system": _ABSENT, "code": why}]}


def _beside(session: Session, report: Report, group: Group, found: Parts, draft: Draft) -> None:
    """Alerts, recall, charges and attachments of a finding."""
    alerts(session, found, draft, report.sender)
    if group.has("7320"):
        recall(session, group, draft, report.sender)
    for one in found.get("8158", ()):
        charges(session, one, draft)
    for document in attached(session, found, draft):
        session.append(draft, "derivedFrom", reference(document))
