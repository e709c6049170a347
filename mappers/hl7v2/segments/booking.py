"""AIS, AIG, AIL and AIP → what is booked for an appointment (HL7 v2.5 chapter 10.6.3 to 10.6.7).

Services are `serviceType`, things, places and people participants, each with its own time. What a
group of resources (RGS) is called stands as a further type of its participants. For a blocked
slot (S23, S24) they are the actors of its Schedule.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from mappers.base import Key
from mappers.hl7v2.datatypes import converters
from mappers.hl7v2.datatypes.codings import code_system, concept, plain
from mappers.hl7v2.datatypes.parties import places, practitioner
from mappers.hl7v2.datatypes.spans import minutes, moved
from mappers.hl7v2.reader import Handler, Reader
from mappers.hl7v2.segments import ordered_services, sch, slots
from mappers.hl7v2.session import ALTERNATE_CODES, V2, Draft, Session
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Repetition, Segment, leaf
from mappers.trace import derived, text


class _Fields(NamedTuple):
    """Where a segment says what; the start is followed by offset, duration and their units."""

    kind: int
    group: int
    start: int
    substitution: int
    status: int


_FIELDS = {
    "AIS": _Fields(0, 0, 4, 9, 10),
    "AIG": _Fields(4, 5, 8, 13, 14),
    "AIL": _Fields(4, 5, 6, 11, 12),
    "AIP": _Fields(4, 5, 6, 11, 12),
}
#: AIG-4 of a place, which is a Location (table AIG[Appointment]).
_PLACES = frozenset({"LOC", "LOCATION", "ROOM", "RAUM", "ZIMMER", "BED", "BETT", "WARD"})
#: Segment action code (table 0206) of a resource taken from the appointment.
_DELETED = "D"
#: Events whose message names all that is booked; others may name what changed only.
_WHOLE = frozenset({"S12", "S13", "S14"})
_CHANGES = frozenset({"D", "U", "X"})

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    f"{name}-{number}": targets
    for name, fields in _FIELDS.items()
    for number, targets in (
        (2, ("Appointment.participant.status",)),
        (3, ("Appointment.serviceType" if name == "AIS" else "Appointment.participant.actor",)),
        (fields.kind, ("Appointment.participant.type",)),
        (fields.group, ("Appointment.participant.type",)),
        (fields.start, ("Appointment.participant.period",)),
        (fields.start + 1, ("Appointment.participant.period",)),
        (fields.start + 2, ("Appointment.participant.period",)),
        (fields.start + 3, ("Appointment.participant.period",)),
        (fields.start + 4, ("Appointment.participant.period",)),
        (fields.substitution, ("Appointment.participant.type",)),
        (fields.status, ("Appointment.participant.status", "Appointment.status")),
    )
    if number
} | {"RGS-3": ("Appointment.participant.type",)}


def group(reader: Reader, segment: Segment) -> None:
    """RGS begins a group of resources."""
    reader.pending.pop("AI", None)
    reader.pending["RGS"] = segment
    reader.before = None
    session = reader.session
    draft = sch.present(session)
    if draft is not None and "participant" not in draft.cleared and _names_all(session):
        draft.cleared += ["participant", "serviceType"]


def _names_all(session: Session) -> bool:
    """Tell whether what the message does not name is booked no more."""
    if session.event not in _WHOLE:
        return False
    booked = session.message.all("RGS", *_FIELDS)
    actions = {segment.first(2) for segment in booked}
    changes = {"A", *_CHANGES} if session.event == "S14" else _CHANGES
    return actions.isdisjoint(changes)


def service(reader: Reader, segment: Segment) -> None:
    """AIS → serviceType; its own time where it differs from that of the appointment."""
    session = reader.session
    slot = slots.present(session)
    draft = slot or sch.present(session)
    if draft is None:
        return
    for repetition in segment.repetitions(3):
        kind = concept(session, repetition)
        if kind is not None and segment.first(2) != _DELETED:
            session.append(draft, "serviceType", kind)
    reader.before = draft
    if slot is not None:
        return
    lasting = period(session, segment, draft)
    _own_time(session, segment, lasting, draft)
    _own_status(session, segment, draft)
    ordered_services.detail(session, segment, lasting, draft)


def _own_time(session: Session, segment: Segment, lasting: dict[str, Any], draft: Draft) -> None:
    resource = draft.resource
    if not lasting:
        return
    if "start" not in resource:
        for element, field in (("start", 4), ("end", 0)):
            when = session.instant(segment.first(field)) if field else lasting.get("end")
            if when is not None:
                session.say(draft, element, when)
        return
    if lasting.get("start") == resource["start"]:
        session.echoes.append(lasting)
        return
    kinds = [concept(session, repetition) for repetition in segment.repetitions(3)]
    named = [kind for kind in kinds if kind is not None]
    participant: dict[str, Any] = {"type": named} if named else {"actor": {"display": "AIS"}}
    participant |= {"status": "accepted", "period": lasting}
    session.append(draft, "participant", participant)


def _own_status(session: Session, segment: Segment, draft: Draft) -> None:
    """AIS-10: that of the appointment, which SCH-25 states first."""
    for repetition in segment.repetitions(_FIELDS["AIS"].status):
        code = leaf(repetition, 1)
        if code is None:
            continue
        status, beside = sch.status_of(session, repetition, "filler-status", "")
        if status == draft.resource["status"]:
            session.echoes.append([status, beside])
        elif status and "status" in draft.weak:
            draft.resource["status"] = status
            draft.weak = tuple(element for element in draft.weak if element != "status")


def resource(reader: Reader, segment: Segment) -> None:
    """AIG, AIL and AIP → participant, or actor of the blocked slot."""
    session = reader.session
    actors = [one for r in segment.repetitions(3) if (one := actor(session, segment, r))]
    slot = slots.present(session)
    draft = slot or sch.present(session)
    if draft is None:
        return
    reader.before = draft
    if slot is not None:
        slots.taken(session, slot, actors)
        return
    types = _types(session, segment, reader.pending.get("RGS"))
    wanted: list[dict[str, Any]] = [{"actor": who} for who in actors]
    for one in wanted or ([{}] if types else []):
        participant: dict[str, Any] = {"type": types, **one} if types else one
        _participation(session, segment, participant)
        lasting = period(session, segment, draft)
        if lasting:
            participant["period"] = lasting
        session.append(draft, "participant", participant)
        reader.pending["AI"] = segment


def actor(session: Session, segment: Segment, repetition: Repetition) -> dict[str, Any] | None:
    """The person, place or thing of AIP-3, AIL-3 or AIG-3."""
    if segment.name == "AIP":
        return practitioner(session, repetition)
    if segment.name == "AIL":
        found = places(session, repetition)
        return found[0][0] if found else None
    kinds = {str(segment.component(4, number) or "").upper() for number in (1, 2)}
    if not kinds.isdisjoint(_PLACES):
        made: dict[str, Any] | None = converters.converter("Place", "", 3)(session, repetition)
        return made
    return _device(session, repetition)


def _device(session: Session, repetition: Repetition) -> dict[str, Any] | None:
    """AIG-3 → Reference to a Device of this message (datatype table CWE[Identifier])."""
    code, words = plain(repetition), leaf(repetition, 2)
    if code is None:
        return None
    identifiers = _device_numbers(session, repetition)
    named = f"{identifiers[0]['system']}|{identifiers[0]['value']}" if identifiers else code
    key = Key("Device", f"{session.namespace}/key/Device", named)
    draft = session.draft("Device", key, subject=False)
    for identifier in identifiers:
        session.append(draft, "identifier", identifier)
    for said, kind in ((words, "user-friendly-name"), (leaf(repetition, 5), "other")):
        if said is not None and said != '""':
            session.append(draft, "deviceName", {"name": said, "type": kind})
    stated: dict[str, Any] = {"reference": f"Device/{draft.id}"}
    if identifiers:
        stated["identifier"] = identifiers[0]
    return {**stated, "display": words or code}


def _device_numbers(session: Session, repetition: Repetition) -> list[dict[str, Any]]:
    found = []
    for number, place in ((1, 3), (4, 6), (10, 12)):
        value, name = leaf(repetition, number), leaf(repetition, place)
        if value is not None and value != '""':
            system: str = f"{session.namespace}/device"
            if name is not None:
                system = text(code_system(session, name).uri, name.source)
            found.append({"system": system, "value": value})
    return found


def _types(session: Session, segment: Segment, of_group: Segment | None) -> list[dict[str, Any]]:
    """What it is, to which group it belongs, and whether another may take its place."""
    fields = _FIELDS[segment.name]
    stated = [concept(session, r) for r in segment.repetitions(fields.kind)]
    stated += [concept(session, r) for r in segment.repetitions(fields.group)]
    if of_group is not None:
        stated += [concept(session, r) for r in of_group.repetitions(3)]
    substitution = segment.repetitions(fields.substitution)
    stated += [concept(session, r, default=V2 + "0279") for r in substitution]
    return [kind for n, kind in enumerate(stated) if kind is not None and kind not in stated[:n]]


def _participation(session: Session, segment: Segment, participant: dict[str, Any]) -> None:
    status: str = "accepted"
    action = segment.first(2)
    for repetition in segment.repetitions(_FIELDS[segment.name].status):
        status, beside = sch.status_of(session, repetition, "participation", "accepted")
        if beside is not None:
            extension = {"url": ALTERNATE_CODES, "valueCodeableConcept": beside}
            participant["_status"] = {"extension": [extension]}
    said = "declined" if action == _DELETED else status
    participant["status"] = derived(said, action, status)


def period(session: Session, segment: Segment, draft: Draft) -> dict[str, Any]:
    """Start (or that of the appointment and an offset) and duration → Period."""
    at = _FIELDS[segment.name].start
    said, whole = segment.first(at), draft.resource.get("start")
    offset = minutes(session, segment.first(at + 1), segment.repetitions(at + 2))
    lasting = minutes(session, segment.first(at + 3), segment.repetitions(at + 4))
    start = session.date_time(said) if said != '""' else None
    begin = session.instant(said) if start is not None else whole
    if start is None and whole is not None and offset is not None:
        start = begin = moved(whole, offset)
    elif start is None and lasting is not None:
        start = whole
    if start is None:
        return {}
    end = moved(begin, lasting) if lasting is not None and begin is not None else None
    return {"start": start, "end": end} if end is not None else {"start": start}


READERS: dict[str, Handler] = {
    "RGS": group,
    "AIS": service,
    "AIG": resource,
    "AIL": resource,
    "AIP": resource,
}
