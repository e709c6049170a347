"""SCH and ARQ → Appointment (HL7 v2.5 chapter 10.6.1 and 10.6.6; table SCH[Appointment]).

SCH tells of an appointment, ARQ asks for one; both name it by the numbers of who asks (placer)
and who keeps the book (filler). What is booked for it stands in `booking`, when in `appointed`.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from mappers.base import Action, Key
from mappers.hl7v2.datatypes.codings import concept
from mappers.hl7v2.datatypes.identifiers import ei
from mappers.hl7v2.segments import appointed, contacts
from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.session import ALTERNATE_CODES, V2, Draft, Session
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Repetition, Segment, leaf
from mappers.trace import Value, derived, text

_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_R5 = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Appointment."
#: What ends an appointment: its status does not depend on what SCH-25 still says.
_ENDS = frozenset({"S04", "S05", "S06", "S15", "S16", "S17", "S26"})
_ENDED = frozenset({"cancelled", "entered-in-error", "noshow"})
#: A new or moved appointment stands; the others tell of one whose status is known.
_BOOKS = frozenset({"S01", "S12", "S13"}) | _ENDS
#: Invariant app-4: who gives a reason for what did not take place.
_WITH_REASON = frozenset({"cancelled", "noshow"})

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "SCH": ("Appointment.status", "Appointment.participant", "ServiceRequest.status"),
    "SCH-1": ("Appointment.identifier",),
    "SCH-2": ("Appointment.identifier",),
    "SCH-3": ("Appointment.extension",),
    "SCH-4": ("Appointment.identifier",),
    "SCH-5": ("Appointment.supportingInformation", "Schedule.identifier"),
    "SCH-6": ("Appointment.cancelationReason", "Provenance.reason", "ServiceRequest.intent"),
    "SCH-7": ("Appointment.reasonCode", "Appointment.appointmentType"),
    "SCH-8": ("Appointment.appointmentType",),
    "SCH-23": ("Appointment.extension",),
    "SCH-24": ("Appointment.extension",),
    "SCH-25": ("Appointment.status",),
    "ARQ": ("Appointment.status", "Appointment.participant"),
    "ARQ-1": ("Appointment.identifier",),
    "ARQ-2": ("Appointment.identifier",),
    "ARQ-3": ("Appointment.extension",),
    "ARQ-4": ("Appointment.identifier",),
    "ARQ-5": ("Appointment.supportingInformation",),
    "ARQ-6": ("Appointment.cancelationReason", "Provenance.reason"),
    "ARQ-7": ("Appointment.reasonCode", "Appointment.appointmentType"),
    "ARQ-8": ("Appointment.appointmentType",),
    "ARQ-22": ("Appointment.extension",),
    "ARQ-23": ("Appointment.extension",),
}


class _Fields(NamedTuple):
    """Where SCH and ARQ differ."""

    parents: tuple[int, int]
    status: int


_FIELDS = {"SCH": _Fields((23, 24), 25), "ARQ": _Fields((22, 23), 0)}


def appointment(session: Session, segment: Segment) -> Draft | None:
    """SCH or ARQ → Appointment; None where it names none and nobody it is for."""
    numbers = _numbers(session, segment)
    draft = _named(session, segment, numbers)
    if draft is None:
        return None
    fields = _FIELDS[segment.name]
    for identifier in numbers:
        session.append(draft, "identifier", identifier)
    _status(session, segment, fields.status, draft)
    _event_reason(session, segment, draft)
    _reasons(session, segment, draft)
    _schedule(session, segment, draft)
    _recurrence(session, segment, fields.parents, draft)
    draft.resource["participant"] = []
    contacts.of_appointment(session, segment, draft)
    appointed.timing(session, segment, draft)
    return draft


def present(session: Session, wanted: str = "Appointment") -> Draft | None:
    """The last appointment begun; it outlasts the groups of its patients."""
    return session.begun.get(wanted)


def take_part(session: Session, draft: Draft) -> None:
    """A patient of the message takes part."""
    patient = session.patient
    if patient is not None:
        participant = {"actor": reference(patient), "status": "accepted"}
        session.append(draft, "participant", participant)


def complete(draft: Draft) -> None:
    """Somebody takes part, if only somebody nobody named (participant is required)."""
    if not draft.resource["participant"]:
        absent = {"url": _ABSENT, "valueCode": "unknown"}
        nobody = {"extension": [absent], "display": "unknown"}
        draft.resource["participant"] = [{"actor": nobody, "status": "needs-action"}]
        draft.weak += ("participant",)


def _numbers(session: Session, segment: Segment) -> list[dict[str, Any]]:
    found = []
    for field, side in ((1, "PLAC"), (2, "FILL"), (4, "PGN")):
        for repetition in segment.repetitions(field):
            what = "appointment" if side != "PGN" else "appointment-group"
            identifier = ei(session, repetition, what)
            if identifier is not None:
                coding = {"system": V2 + "0203", "code": side}
                found.append({"type": {"coding": [coding]}, **identifier})
    return found


def _named(session: Session, segment: Segment, numbers: list[dict[str, Any]]) -> Draft | None:
    """By its numbers and, in a series, that of the occurrence; else by patient and time."""
    occurrence = segment.first(3)
    behind = f"|{occurrence}" if occurrence and occurrence != '""' else ""
    keys = [
        Key("Appointment", f"{identifier['system']}/{side}", f"{identifier['value']}{behind}")
        for identifier in numbers
        if (side := _SIDES.get(identifier["type"]["coding"][0]["code"]))
    ]
    if keys:
        return session.draft("Appointment", *keys)
    if session.patient is None:
        return None
    session.issue("incomplete", "the appointment has no number", f"{segment.name}-2")
    return session.natural("Appointment", session.patient.id, *appointed.naming(segment))


_SIDES = {"PLAC": "placer", "FILL": "filler"}


def _status(session: Session, segment: Segment, field: int, draft: Draft) -> None:
    """SCH-25, else what the event says; a code FHIR has no status for stays beside it."""
    implied = session.lookup("appointment-event", text(session.event, ()))
    by_event = implied.code if implied is not None else "booked"
    status: str = by_event
    for repetition in segment.repetitions(field) if field else ():
        status, beside = status_of(session, repetition, "filler-status", by_event)
        if session.event in _ENDS and status not in _ENDED:
            status, beside = by_event, concept(session, repetition, default=V2 + "0278")
        if beside is not None:
            extension = {"url": ALTERNATE_CODES, "valueCodeableConcept": beside}
            draft.resource["_status"] = {"extension": [extension]}
    draft.resource["status"] = status
    if status is by_event and session.event not in _BOOKS:
        draft.weak += ("status",)
    if status == "entered-in-error":
        draft.action = Action.CANCEL


def status_of(
    session: Session, repetition: Repetition, table: str, default: str
) -> tuple[str, dict[str, Any] | None]:
    """Table 0278 → status, and the concept where the status does not say all of it."""
    code, words, system = (leaf(repetition, number) for number in (1, 2, 3))
    if code is None or code == '""':
        return default, concept(session, repetition) if words is not None else None
    found = session.lookup(table, code) or session.lookup(table, text(code.capitalize(), ()))
    if found is None:
        session.unknown(code)
        return default, concept(session, repetition, default=V2 + "0278")
    if words is not None and words.lower() not in (found.display.lower(), code.lower()):
        return text(found.code, code.source), concept(session, repetition, default=V2 + "0278")
    return derived(found.code, code, words, system), None


def _event_reason(session: Session, segment: Segment, draft: Draft) -> None:
    """SCH-6: why it was cancelled; of other events Provenance tells the reason."""
    if draft.resource["status"] not in _WITH_REASON:
        return
    for repetition in segment.repetitions(6):
        reason = concept(session, repetition)
        if reason is not None:
            draft.resource["cancelationReason"] = reason


def is_cancelled(session: Session) -> bool:
    """Tell whether SCH-6 is the reason of a cancelled appointment."""
    draft = present(session)
    return draft is not None and "cancelationReason" in draft.resource


def _reasons(session: Session, segment: Segment, draft: Draft) -> None:
    """SCH-7 and -8, told apart by their tables where senders mix them up."""
    for field in (7, 8):
        for repetition in segment.repetitions(field):
            table = leaf(repetition, 3) or ("HL70277" if field == 8 else "")
            if table.endswith("0277"):
                kind(session, repetition, draft)
                continue
            reason = coded(session, repetition, "appointment-reason", "0276")
            if reason is not None:
                session.append(draft, "reasonCode", reason)


def kind(session: Session, repetition: Repetition, draft: Draft) -> None:
    """CWE of table 0277 → appointmentType."""
    stated = coded(session, repetition, "appointment-type", "0277")
    if stated is not None:
        first, *others = stated.get("coding", [{}])
        same = [one for one in others if str(one["code"]).lower() == str(first["code"]).lower()]
        session.echoes.append(same)
        if same:
            stated = {**stated, "coding": [first, *(one for one in others if one not in same)]}
        session.say(draft, "appointmentType", stated)


def coded(session: Session, repetition: Repetition, name: str, table: str) -> dict[str, Any] | None:
    """CWE of a table whose codes senders replace by words: what is no code is text."""
    code, system = leaf(repetition, 1), leaf(repetition, 3)
    if code is not None and session.lookup(name, code) is not None:
        return concept(session, repetition, name, default=V2 + table)
    if code is not None and system is None and (" " in code or len(repetition) == 2):
        return None if code == '""' else {"text": code}
    return concept(session, repetition)


def _schedule(session: Session, segment: Segment, draft: Draft) -> None:
    """SCH-5: the schedule it stands in."""
    for repetition in segment.repetitions(5):
        named = schedule(session, repetition)
        if named is not None:
            session.append(draft, "supportingInformation", {"type": "Schedule", **named})


def schedule(session: Session, repetition: Repetition) -> dict[str, Any] | None:
    """CWE of a schedule → its identifier and name."""
    code, words = leaf(repetition, 1), leaf(repetition, 2)
    if code is None or code == '""':
        return None
    system: str = f"{session.namespace}/schedule"
    if (name := leaf(repetition, 3)) is not None:
        system = derived(f"{session.namespace}/schedule/{name}", name)
    return {"identifier": {"system": system, "value": code}, "display": words or code}


def _recurrence(session: Session, segment: Segment, parents: tuple[int, int], draft: Draft) -> None:
    """SCH-3, -23, -24: which one of a series, and the one the series began with."""
    number = segment.first(3)
    if number is not None and number.isdecimal() and len(number) <= 10 and 0 < int(number) < 2**31:
        value = Value(int(number), number.source)
        extension(draft, "recurrenceId", "valuePositiveInt", value)
    for field, side in zip(parents, ("PLAC", "FILL"), strict=True):
        for repetition in segment.repetitions(field):
            identifier = ei(session, repetition, "appointment")
            if identifier is not None:
                coding = {"system": V2 + "0203", "code": side}
                named = {"type": {"coding": [coding]}, **identifier}
                whole = {"type": "Appointment", "identifier": named}
                extension(draft, "originatingAppointment", "valueReference", whole)


def extension(draft: Draft, element: str, name: str, value: Any) -> None:
    """Say what R5 has an element for, as its extension for R4."""
    draft.resource.setdefault("extension", []).append({"url": _R5 + element, name: value})


def comment(draft: Draft, *lines: str) -> None:
    """Add lines to what is said in words."""
    before = draft.resource.get("comment")
    said = [line for line in lines if line and line != '""']
    words = ([before] if before is not None else []) + said
    if said:
        draft.resource["comment"] = derived("\n".join(words), *words)
