"""ORC → Provenance of an order: who entered, verified and did it (HL7 v2.5 chapter 4.5.1).

Written only where ORC names somebody besides who asks for it: the request says the rest itself.
"""

from __future__ import annotations

from typing import Any

from mappers.hl7v2.datatypes.codings import code_system, concept, plain
from mappers.hl7v2.datatypes.houses import coded_organization, entry
from mappers.hl7v2.datatypes.parties import places, practitioner
from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.session import Draft, Session
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Repetition, Segment, leaf
from mappers.trace import text

_AGENT = "http://terminology.hl7.org/CodeSystem/provenance-participant-type"
_UPDATE = {
    "system": "http://terminology.hl7.org/CodeSystem/v3-DataOperation",
    "code": "UPDATE",
    "display": "revise",
}
#: Field of a person → what the person is to the order.
_PEOPLE = ((10, "enterer"), (11, "verifier"), (19, "performer"))

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "ORC-1": ("Provenance.activity",),
    "ORC-9": ("Provenance.recorded", "Provenance.occurredDateTime"),
    "ORC-10": ("Provenance.agent",),
    "ORC-11": ("Provenance.agent",),
    "ORC-12": ("Provenance.agent",),
    "ORC-13": ("Provenance.location",),
    "ORC-17": ("Provenance.agent.onBehalfOf",),
    "ORC-18": ("Provenance.agent",),
    "ORC-19": ("Provenance.agent",),
    "ORC-24": ("Provenance.agent",),
}


def event(session: Session, orc: Segment, order: Draft) -> None:
    """Write the Provenance of what ORC tells of an order."""
    agents = _agents(session, orc)
    if not agents:
        return
    when = orc.first(9)
    control = orc.first(1)
    draft = session.natural("Provenance", order.id, "order", control or "", when or "")
    resource = draft.resource
    resource["target"] = [reference(order)]
    occurred = session.date_time(when)
    if occurred is not None:
        resource["occurredDateTime"] = occurred
    recorded = session.instant(when) or session.instant(session.message.segments[0].first(7))
    resource["recorded"] = recorded or "1970-01-01T00:00:00Z"
    resource["activity"] = {"coding": [_activity(session, control)]}
    for repetition in orc.repetitions(13)[:1]:
        for place, _ in places(session, repetition)[:1]:
            resource["location"] = place
    resource["agent"] = agents


def _activity(session: Session, control: Any) -> dict[str, Any]:
    found = session.lookup("order-activity", control) if control is not None else None
    if found is None:
        return dict(_UPDATE)
    coded = {"system": found.system, "code": text(found.code, control.source)}
    return {**coded, "display": found.display}


def _agents(session: Session, orc: Segment) -> list[dict[str, Any]]:
    """Everybody named; the orderer only beside others."""
    found = [
        _agent(kind, person)
        for field, kind in _PEOPLE
        for repetition in orc.repetitions(field)
        if (person := practitioner(session, repetition)) is not None
    ]
    for repetition in orc.repetitions(18)[:1]:
        device = _device(session, repetition)
        if device is not None:
            found.append(_agent("enterer", device))
    for repetition in orc.repetitions(17)[:1]:
        house = coded_organization(session, repetition)
        if house is not None:
            _behalf(found, house)
    if found:
        authors = (practitioner(session, repetition) for repetition in orc.repetitions(12))
        found += [_agent("author", person) for person in authors if person is not None]
    return found


def _agent(kind: str, who: dict[str, Any]) -> dict[str, Any]:
    return {"type": {"coding": [{"system": _AGENT, "code": kind}]}, "who": who}


def _behalf(found: list[dict[str, Any]], house: dict[str, Any]) -> None:
    """Whoever entered it did so for the house; else the house itself did."""
    enterer = next((a for a in found if a["type"]["coding"][0]["code"] == "enterer"), None)
    if enterer is None:
        found.append(_agent("enterer", house))
    else:
        enterer["onBehalfOf"] = house


def _device(session: Session, repetition: Repetition) -> dict[str, Any] | None:
    """CWE naming a device by its number."""
    code = plain(repetition)
    if code is None:
        return None
    named = leaf(repetition, 3)
    system = f"{session.namespace}/device"
    if named is not None:
        system = text(code_system(session, named).uri, named.source)
    shown = leaf(repetition, 9) or leaf(repetition, 2) or code
    kind = concept(session, repetition)
    elements = {"type": kind} if kind is not None else {}
    stated = entry(session, "Device", [{"system": system, "value": code}], shown, elements)
    session.state(stated)
    return stated.reference
