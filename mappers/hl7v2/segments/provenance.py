"""MSH, SFT and EVN → Provenance of the translation (HL7 v2.5 chapter 2.15.9, 3.4.1).

There is no MessageHeader: it belongs to FHIR messaging, the output is a transaction. What the
header says about who, when and why stands in Provenance, with the houses and systems it names.
"""

from __future__ import annotations

import hashlib
import re
from typing import Any

from mappers.hl7v2.datatypes.codings import coding, concept
from mappers.hl7v2.datatypes.houses import house, house_of, organization
from mappers.hl7v2.datatypes.parties import practitioner
from mappers.hl7v2.datatypes.places import facility
from mappers.hl7v2.segments import origin
from mappers.hl7v2.segments.senders import product, system
from mappers.hl7v2.session import V2, Session
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Segment, leaf, leaves_of
from mappers.identity import mint
from mappers.provenance import (
    ASSEMBLER,
    MAPPING,
    NOBODY,
    SHA_256,
    agent_type,
    receiver,
    set_recorded,
)
from mappers.trace import Text, derived

#: A language tag (BCP 47): language and region.
_LANGUAGE = re.compile(r"([a-z]{2,3})(?:[-_]([A-Za-z]{2}))?", re.IGNORECASE)
_OID = re.compile(r"[0-2](\.(0|[1-9]\d*))+")


#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "EVN": ("Provenance.activity",),
    "EVN-1": ("Provenance.activity",),
    "EVN-2": ("Provenance.recorded",),
    "EVN-4": ("Provenance.reason",),
    "EVN-5": ("Provenance.agent",),
    "EVN-6": ("Provenance.occurred",),
    "EVN-7": ("Provenance.location",),
    "MSH": ("Provenance.activity", "Provenance.policy", "Provenance.agent", "Provenance.entity"),
    "MSH-3": ("Provenance.entity", "Device.identifier"),
    "MSH-4": ("Provenance.agent", "Organization.identifier"),
    "MSH-5": ("Provenance.agent", "Device.identifier"),
    "MSH-6": ("Provenance.agent", "Organization.identifier"),
    "MSH-7": ("Provenance.recorded", "Bundle.timestamp"),
    "MSH-8": ("Provenance.meta.security",),
    "MSH-9": ("Provenance.activity",),
    "MSH-10": ("Provenance.entity",),
    "MSH-11": ("Provenance.meta.tag",),
    "MSH-12": ("Provenance.entity",),
    "MSH-17": ("Organization.address.country",),
    "MSH-19": ("Provenance.language",),
    "MSH-21": ("Provenance.policy",),
    "MSH-22": ("Provenance.agent", "Organization"),
    "MSH-23": ("Provenance.agent", "Organization"),
    "MSH-24": ("Provenance.agent",),
    "MSH-25": ("Provenance.agent",),
    "MSH-26": ("Provenance.meta.security",),
    "MSH-27": ("Provenance.meta.security",),
    "SFT": ("Provenance.entity",),
    "SFT-1": ("Device.manufacturer", "Device.owner"),
    "SFT-2": ("Device.version",),
    "SFT-3": ("Device.deviceName",),
    "SFT-4": ("Device.modelNumber",),
    "SFT-5": ("Device.note",),
    "SFT-6": ("Device.version",),
}


def provenance(session: Session, data: bytes) -> dict[str, Any]:
    """MSH, SFT and EVN → Provenance without targets."""
    msh = session.message.segments[0]
    evn = session.message.get("EVN")
    digest = hashlib.sha256(data).hexdigest()
    made: dict[str, Any] = {"resourceType": "Provenance"}
    made["id"] = mint(session.context.region_key, "Provenance", session.namespace, digest)
    _meta(session, msh, made)
    _language(msh, made)
    made["target"] = []
    recorded = _event(session, evn, made) if evn is not None else None
    set_recorded(made, recorded or session.instant(msh.first(7)))
    made["policy"] = [MAPPING, *_profiles(session, msh)]
    made["activity"] = _activity(msh)
    made["agent"] = _agents(session, msh, evn)
    made["entity"] = _entities(session, msh, digest)
    origin.tell(session, made)
    return made


def _meta(session: Session, msh: Segment, made: dict[str, Any]) -> None:
    """MSH-11 → tags, MSH-8, -26 and -27 → security labels."""
    meta: dict[str, Any] = {}
    processing, mode = msh.component(11, 1), msh.component(11, 2)
    found = session.code("processing-id", processing) if processing is not None else None
    if found is not None:
        meta["tag"] = [{"system": V2 + "0103", "code": found}]
    if mode is not None:
        meta.setdefault("tag", []).append({"system": V2 + "0207", "code": mode})
    labels = _labels(session, msh)
    if labels:
        meta["security"] = labels
    if meta:
        made["meta"] = meta


def _labels(session: Session, msh: Segment) -> list[dict[str, Any]]:
    labels: list[dict[str, Any]] = []
    security = msh.first(8)
    if security is not None and security != '""':
        labels.append({"display": security})
    for field, table in ((26, "0952"), (27, "0953")):
        labels += [
            coding(session, repetition, default=V2 + table)
            for repetition in msh.repetitions(field)
            if leaf(repetition, 1) is not None
        ]
    return labels


def _language(msh: Segment, made: dict[str, Any]) -> None:
    """MSH-19 → language of the text in this resource."""
    stated = msh.first(19)
    match = _LANGUAGE.fullmatch(stated) if stated is not None else None
    if stated is None or match is None:
        return
    language, region = match.groups()
    shown = language.lower() + (f"-{region.upper()}" if region else "")
    # The code says the language; what stands beside it in the first triplet is its name.
    made["language"] = derived(shown, stated, msh.component(19, 2), msh.component(19, 3))


def _profiles(session: Session, msh: Segment) -> list[str]:
    """MSH-21 → the profiles the message follows, as far as they can be written as URI."""
    found: list[str] = []
    for repetition in msh.repetitions(21):
        name, space, number, kind = (leaf(repetition, n) for n in (1, 2, 3, 4))
        chosen = number if number is not None and _OID.fullmatch(number) else None
        if chosen is not None:
            uri: str = derived(f"urn:oid:{chosen}", name, space, chosen, kind)
        elif name is not None and _OID.fullmatch(name) and "." in name:
            uri = derived(f"urn:oid:{name}", name, space, number, kind)
        elif name is not None:
            uri = derived(f"{session.namespace}/profile/{_word(name)}", name, space, number, kind)
        else:
            continue
        found.append(uri)
    return found


def _word(name: Text) -> str:
    return re.sub(r"[^\w.-]+", "-", name)


def _event(session: Session, evn: Segment, made: dict[str, Any]) -> str | None:
    occurred = session.date_time(evn.first(6))
    if occurred is not None:
        made["occurredDateTime"] = occurred
    for repetition in evn.repetitions(4):
        reason = concept(session, repetition, "event-reason", default=V2 + "0062")
        if reason is not None:
            made["reason"] = [reason]
    for repetition in evn.repetitions(7):
        place = facility(session, repetition)
        if place is not None:
            made["location"] = place
    trigger = evn.first(1)
    if trigger is not None and trigger == session.event:
        # MSH-9 says it already.
        session.echoes.append(trigger)
    return session.instant(evn.first(2))


def _activity(msh: Segment) -> dict[str, Any]:
    code, trigger, structure = (msh.component(9, n) for n in (1, 2, 3))
    shown = "^".join(part or "" for part in (code, trigger, structure)).rstrip("^")
    written = derived(shown or "unknown", code, trigger, structure)
    if trigger is None:
        return {"text": written}
    coded = {"system": V2 + "0003", "code": trigger, "display": written}
    return {"coding": [coded], "text": written}


def _agents(session: Session, msh: Segment, evn: Segment | None) -> list[dict[str, Any]]:
    agents = [*_authors(session, msh), ASSEMBLER, *_transmitters(session, msh)]
    agents += _receivers(session, msh)
    if evn is not None:
        for repetition in evn.repetitions(5):
            operator = practitioner(session, repetition)
            if operator is not None:
                agents.append({"type": agent_type("enterer"), "who": operator})
    return agents


def _authors(session: Session, msh: Segment) -> list[dict[str, Any]]:
    """MSH-4 and MSH-22: the house that sent and the one answerable; without them the system."""
    found: list[dict[str, Any]] = []
    for repetition in msh.repetitions(4):
        stated = house_of(session, repetition)
        if stated is not None:
            draft = session.state(stated)
            country = msh.first(17)
            if country is not None and country != '""':
                session.append(draft, "address", {"country": country})
            found.append(stated.reference)
    for repetition in msh.repetitions(22):
        who = organization(session, repetition)
        if who is not None:
            found.append(who)
    if not found:
        senders = (system(session, repetition) for repetition in msh.repetitions(3))
        found = [who for who in senders if who is not None]
    return [{"type": agent_type("author"), "who": who} for who in found or [NOBODY]]


def _transmitters(session: Session, msh: Segment) -> list[dict[str, Any]]:
    """MSH-24: where the message was sent from."""
    agents = []
    for repetition in msh.repetitions(24):
        parts = leaves_of(repetition)
        if parts:
            identifier = {
                "system": f"{session.namespace}/network-address",
                "value": derived(" ".join(parts), *parts),
            }
            who = {"type": "Device", "identifier": identifier}
            agents.append({"type": agent_type("transmitter"), "who": who})
    return agents


def _receivers(session: Session, msh: Segment) -> list[dict[str, Any]]:
    """MSH-5, -6, -23 and -25: whom the message was addressed to."""
    found: list[dict[str, Any] | None] = []
    for field in (25, 5):
        found += [system(session, repetition) for repetition in msh.repetitions(field)]
    found += [house(session, repetition) for repetition in msh.repetitions(6)]
    found += [organization(session, repetition) for repetition in msh.repetitions(23)]
    return [receiver(who) for who in found if who is not None]


def _entities(session: Session, msh: Segment, digest: str) -> list[dict[str, Any]]:
    """The message by its digest and number, the system and the software that made it."""
    control, version = msh.first(10), msh.first(12)
    whats: list[dict[str, Any]] = [{"identifier": {"system": SHA_256, "value": digest}}]
    if control is not None:
        number = {"system": f"{session.namespace}/message", "value": control}
        whats.append({"identifier": number})
    if version is not None and version != '""':
        whats[-1]["display"] = derived(f"HL7 v{version}", version)
    for repetition in msh.repetitions(3):
        sender = system(session, repetition)
        if sender is not None:
            whats.append(sender)
    for segment in session.message.all("SFT"):
        made = product(session, segment)
        if made is not None:
            whats.append(made)
    return [{"role": "source", "what": what} for what in whats]
