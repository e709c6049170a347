"""SPM and SAC → Specimen with its containers (HL7 v2.5 chapter 7.4.3, 13.4.3).

A specimen is named by its own number where it has one, so that requests, results and containers
of other messages mean the same one; else by the report or request it stands under.
"""

from __future__ import annotations

from typing import Any

from mappers.hl7v2.datatypes.codings import concept
from mappers.hl7v2.datatypes.identifiers import eip
from mappers.hl7v2.datatypes.periods import ordered
from mappers.hl7v2.datatypes.units import cq, measured
from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.session import V2, Draft, Session
from mappers.hl7v2.table_rows import apply_rows, table
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Component, Repetition, Segment, leaf
from mappers.trace import Text, derived

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "SPM": ("Specimen.subject",),
    "SPM-2": ("Specimen.identifier",),
    "SPM-3": ("Specimen.parent",),
    "SPM-5": ("Specimen.type",),
    "SPM-7": ("Specimen.collection.method",),
    "SPM-8": ("Specimen.collection.bodySite",),
    "SPM-9": ("Specimen.collection.bodySite",),
    "SPM-12": ("Specimen.collection.quantity",),
    "SPM-17": ("Specimen.collection.collected",),
    "SPM-20": ("Specimen.status",),
    "SPM-21": ("Specimen.status", "Specimen.condition"),
    "SAC": ("Specimen.subject",),
    "SAC-2": ("Specimen.accessionIdentifier",),
    "SAC-3": ("Specimen.container.identifier",),
    "SAC-4": ("Specimen.container.identifier",),
    "SAC-6": ("Specimen.type",),
    "SAC-21": ("Specimen.container.capacity",),
    "SAC-22": ("Specimen.container.specimenQuantity",),
    "SAC-27": ("Specimen.container.additiveCodeableConcept",),
}


def spm(session: Session, segment: Segment, parent: Draft | None) -> Draft | None:
    """SPM → Specimen; `parent` is the report or request it belongs to."""
    patient = session.patient
    if patient is None:
        return None
    numbers = _numbers(session, segment.repetitions(2))
    known = _named(session, segment, numbers, parent or patient)
    made = Draft({"resourceType": "Specimen", "id": known.id}, known.keys, known.recency)
    made.resource["subject"] = reference(patient)
    for identifier in numbers:
        session.append(made, "identifier", identifier)
    apply_rows(session, segment, table("spm_specimen"), made)
    apply_rows(session, segment, table("spm_specimen_details"), made)
    _modified(session, segment, made.resource)
    _collection(session, segment, made.resource)
    _status(session, segment, made)
    for repetition in segment.repetitions(3):
        for number in _numbers(session, [repetition]):
            session.append(made, "parent", _by_number(number))
    _merge(session, known, made)
    return known


def _merge(session: Session, known: Draft, made: Draft) -> None:
    """Several orders state one specimen: what is said again is said once."""
    known.cleared += made.cleared
    for element, value in made.resource.items():
        if isinstance(value, list):
            for one in value:
                session.append(known, element, one)
        else:
            session.say(known, element, value)


def belongs(session: Session, made: Draft, parent: Draft | None) -> None:
    """Say which specimen a report or request is about."""
    if parent is not None:
        session.append(parent, "specimen", reference(made))


def by_number(session: Session, repetition: Repetition) -> dict[str, Any] | None:
    """EIP → Reference to the Specimen with this number."""
    numbers = _numbers(session, [repetition])
    if not numbers:
        return None
    session.echoes.append(numbers[1:])
    return _by_number(numbers[0])


def _by_number(number: dict[str, Any]) -> dict[str, Any]:
    return {"type": "Specimen", "identifier": number}


def _numbers(session: Session, repetitions: list[Repetition]) -> list[dict[str, Any]]:
    """EIP → placer's and filler's numbers."""
    found = []
    for repetition in repetitions:
        for half, kind in zip(repetition[1:3], ("PGN", "FGN"), strict=False):
            identifier = eip(session, half, "specimen")
            if identifier is not None:
                coding = {"system": V2 + "0203", "code": kind}
                found.append({"type": {"coding": [coding]}, **identifier})
    return found


def _named(
    session: Session, segment: Segment, numbers: list[dict[str, Any]], parent: Draft
) -> Draft:
    """The filler's number and the kind name a specimen: tubes of one order share numbers."""
    kinds = {n["type"]["coding"][0]["code"]: n for n in numbers}
    first = kinds.get("FGN") or kinds.get("PGN")
    kind = str(segment.first(4) or segment.component(4, 2) or "")
    owner = session.patient.id if session.patient is not None else ""
    if first is not None:
        return session.natural("Specimen", owner, first["system"], first["value"], kind)
    return session.natural("Specimen", parent.id, kind)


def _modified(session: Session, segment: Segment, resource: dict[str, Any]) -> None:
    """SPM-5 modifies the type: its codings stand beside, its words in the text."""
    for repetition in segment.repetitions(5):
        modifier = concept(session, repetition, default=V2 + "0541")
        if modifier is not None:
            # The concept may be shared between messages.
            main = dict(resource.get("type", {}))
            main["coding"] = list(main.get("coding", ()))
            _add(main, modifier)
            resource["type"] = main


def _add(main: dict[str, Any], modifier: dict[str, Any]) -> None:
    """Put a modifier into a concept."""
    words = [_words(main), _words(modifier)]
    main.setdefault("coding", []).extend(modifier.get("coding", ()))
    if not main["coding"]:
        del main["coding"]
    said = [one for one in words if one]
    if said:
        main["text"] = derived(", ".join(said), *said)


def _words(one: dict[str, Any]) -> str | None:
    coding: dict[str, Any] = next(iter(one.get("coding", ())), {})
    words: str | None = one.get("text") or coding.get("display") or coding.get("code")
    return words


def _collection(session: Session, segment: Segment, resource: dict[str, Any]) -> None:
    collected = _when(session, segment)
    for repetition in segment.repetitions(12)[:1]:
        if (amount := cq(session, repetition)) is not None:
            collected["quantity"] = amount
    for repetition in segment.repetitions(7)[:1]:
        if (method := concept(session, repetition, default=V2 + "0488")) is not None:
            collected["method"] = method
    site = _site(session, segment)
    if site:
        collected["bodySite"] = site
    if collected:
        resource["collection"] = {**resource.get("collection", {}), **collected}


def _when(session: Session, segment: Segment) -> dict[str, Any]:
    """SPM-17: a period where it has an end."""
    for repetition in segment.repetitions(17)[:1]:
        start = session.date_time(leaf(repetition, 1))
        end = session.date_time(leaf(repetition, 2))
        if end is not None:
            period = {k: v for k, v in (("start", start), ("end", end)) if v is not None}
            return {"collectedPeriod": ordered(session, period)}
        if start is not None:
            return {"collectedDateTime": start}
    return {}


def _site(session: Session, segment: Segment) -> dict[str, Any]:
    """SPM-8 with its modifiers (SPM-9)."""
    site: dict[str, Any] = {}
    for repetition in segment.repetitions(8)[:1]:
        site = dict(concept(session, repetition) or {})
        if "coding" in site:
            site["coding"] = list(site["coding"])
    for repetition in segment.repetitions(9):
        modifier = concept(session, repetition, default=V2 + "0542")
        if modifier is not None:
            _add(site, modifier)
    return site


def _status(session: Session, segment: Segment, made: Draft) -> None:
    """SPM-20; a reason to reject (SPM-21) says the specimen is unsatisfactory."""
    if segment.has(21) and not segment.deletes(21):
        reasons = [concept(session, r, default=V2 + "0490") for r in segment.repetitions(21)]
        for reason in reasons:
            if reason is not None:
                session.append(made, "condition", reason)
        made.resource["status"] = "unsatisfactory"
        session.echoes.append(segment.first(20))
        return
    status = session.code("specimen-availability", segment.first(20))
    if status is not None:
        made.resource["status"] = status


def sac(session: Session, segment: Segment, specimen: Draft | None) -> Draft | None:
    """SAC → the container of the specimen before it, else a Specimen of its own."""
    patient = session.patient
    if patient is None:
        return None
    container = _container(session, segment)
    if specimen is None:
        numbers = [container.get("identifier", [{}])[0], _accession(session, segment)]
        number = next((n for n in numbers if n), None)
        if number is None:
            return None
        specimen = session.natural("Specimen", patient.id, number["system"], number["value"])
        specimen.resource["subject"] = reference(patient)
    accession = _accession(session, segment)
    if accession is not None:
        session.say(specimen, "accessionIdentifier", accession)
    for repetition in segment.repetitions(6)[:1]:
        first = repetition[1] if len(repetition) > 1 else None
        kind = concept(session, [None, *first] if type(first) is list else repetition)
        if kind is not None:
            session.say(specimen, "type", kind)
    if container:
        session.append(specimen, "container", container)
    return specimen


def _accession(session: Session, segment: Segment) -> dict[str, Any] | None:
    return next((eip(session, _parts(r), "accession") for r in segment.repetitions(2)), None)


def _container(session: Session, segment: Segment) -> dict[str, Any]:
    """SAC-3 and SAC-4 number it; SAC-21 to SAC-24 say how much it holds."""
    numbers = []
    for field in (3, 4):
        for repetition in segment.repetitions(field):
            number = eip(session, _parts(repetition), "container")
            if number is not None:
                numbers.append(number)
    made: dict[str, Any] = {"identifier": numbers} if numbers else {}
    units = segment.repetitions(24)
    for repetition in segment.repetitions(27)[:1]:
        additive = concept(session, repetition, default=V2 + "0371")
        if additive is not None:
            made["additiveCodeableConcept"] = additive
    for field, element in ((21, "capacity"), (22, "specimenQuantity")):
        amount = measured(session, segment.first(field), units)
        if amount is not None:
            made[element] = amount
    return made


def _parts(repetition: Repetition) -> Component:
    parts: list[Text | None] = [leaf(repetition, n) for n in range(1, len(repetition))]
    return parts
