"""STF, PRA, ORG, AFF, LAN, EDU and CER → Practitioner, PractitionerRole (HL7 v2.5 chapter 15.4).

A record of staff stays in its sender's namespace: it names doctors for what this sender writes and
redirects nobody's mail.
"""

from __future__ import annotations

from typing import Any

from mappers.base import Key
from mappers.hl7v2.datatypes.codings import concept
from mappers.hl7v2.datatypes.identifiers import cx
from mappers.hl7v2.datatypes.names import display, xpn
from mappers.hl7v2.datatypes.parties import organization
from mappers.hl7v2.datatypes.periods import ordered
from mappers.hl7v2.reader import Reader
from mappers.hl7v2.segments import mfe
from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.session import V2, Draft, Session
from mappers.hl7v2.table_rows import apply_rows, table
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Repetition, Segment, leaf
from mappers.trace import derived

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "STF": ("Practitioner.active", "PractitionerRole.practitioner"),
    "STF-1": ("Practitioner.identifier",),
    "STF-7": ("Practitioner.active", "PractitionerRole.active"),
    "STF-8": ("PractitionerRole.organization",),
    "STF-12": ("PractitionerRole.period", "PractitionerRole.organization"),
    "STF-13": ("PractitionerRole.period", "PractitionerRole.organization"),
    "STF-15": ("Practitioner.telecom",),
    "STF-34": ("PractitionerRole.period",),
}


def staff(reader: Reader, segment: Segment) -> None:
    """STF → Practitioner, and the PractitionerRole of what STF says of the post."""
    session = reader.session
    draft = _person(session, segment)
    if draft is None:
        return
    apply_rows(session, segment, table("stf_practitioner"), draft)
    _primary_key(session, segment, draft)
    for repetition in segment.repetitions(15):
        address = leaf(repetition, 1)
        if address is not None and address != '""':
            stated = {"system": "email", "value": address, "use": "work"}
            session.append(draft, "telecom", stated)
    active = mfe.activity(reader, segment.first(7))
    if active is not None:
        draft.resource["active"] = active
    mfe.is_record(reader, draft)
    _post(reader, segment, draft)
    reader.made(draft)


def _person(session: Session, segment: Segment) -> Draft | None:
    """Name the person as the sender's other messages do (XCN): by STF-2, else STF-1, else name."""
    named = ""
    for repetition in segment.repetitions(2):
        if identifier := cx(session, repetition, "practitioner"):
            named = named or f"{identifier['system']}|{identifier['value']}"
    for repetition in segment.repetitions(1):
        if identifier := mfe.key_of(session, repetition):
            named = named or f"{identifier['system']}|{identifier['value']}"
    for repetition in segment.repetitions(3):
        if name := xpn(session, repetition):
            named = named or f"name|{display(name)}"
    if not named:
        return None
    key = Key("Practitioner", f"{session.namespace}/key/Practitioner", named)
    return session.draft("Practitioner", key, subject=False)


def _primary_key(session: Session, segment: Segment, draft: Draft) -> None:
    for repetition in segment.repetitions(1):
        identifier = mfe.key_of(session, repetition)
        if identifier is not None:
            session.append(draft, "identifier", identifier)


def _post(reader: Reader, segment: Segment, person: Draft) -> None:
    """What STF says of the post is a role in the department (STF-8) or house (STF-12)."""
    session = reader.session
    rows = table("stf_practitionerrole")
    if not any(segment.has(field) for field in (8, 12, 13, 34, *(r.field for r in rows.rows))):
        return
    role = post(session, person, "staff")
    apply_rows(session, segment, rows, role)
    for repetition in segment.repetitions(8):
        where = concept(session, repetition, default=V2 + "0184")
        if where is not None:
            session.append(role, "specialty", where)
    period = _institution(session, segment, role)
    for repetition in segment.repetitions(34):
        period.update(_range(session, repetition))
    if period:
        role.resource["period"] = ordered(session, period)
    active = mfe.activity(reader, segment.first(7))
    if active is not None:
        role.resource["active"] = active


def _institution(session: Session, segment: Segment, role: Draft) -> dict[str, Any]:
    """STF-12 and -13 (DIN): since and until when somebody works in which house."""
    period: dict[str, Any] = {}
    for field, side in ((12, "start"), (13, "end")):
        for repetition in segment.repetitions(field)[:1]:
            when = session.date_time(leaf(repetition, 1))
            if when is not None:
                period[side] = when
            whole = repetition[2] if len(repetition) > 2 else None
            parts = whole if type(whole) is list else [whole]
            named = house(session, [None, *parts])
            if named is not None:
                session.say(role, "organization", named)
    return period


def house(session: Session, repetition: Repetition) -> dict[str, Any] | None:
    """CWE naming a house → Reference to an Organization in the sender's namespace."""
    code, words = leaf(repetition, 1), leaf(repetition, 2)
    if (code or words) is None or code == '""':
        return None
    system = f"{session.namespace}/organization"
    found: dict[str, Any] = {"type": "Organization"}
    if code is not None:
        found["identifier"] = {"system": system, "value": code}
    found["display"] = words or code
    return found


def post(session: Session, person: Draft, *parts: object) -> Draft:
    """Begin a role of this person."""
    draft = session.natural("PractitionerRole", person.id, *parts, subject=False)
    draft.resource["practitioner"] = reference(person)
    return draft


def _range(session: Session, repetition: Repetition) -> dict[str, Any]:
    sides = (("start", leaf(repetition, 1)), ("end", leaf(repetition, 2)))
    return {k: when for k, v in sides if (when := session.date_time(v)) is not None}


def practice_unit(reader: Reader, segment: Segment) -> None:
    """ORG → PractitionerRole in a unit of the house."""
    session, person = reader.session, reader.now.get("Practitioner")
    if person is None or not any(segment.raw[2:]):
        return
    unit = segment.first(2) or segment.first(1) or ""
    role = post(session, person, "unit", unit)
    apply_rows(session, segment, table("org_practitionerrole"), role)
    for repetition in segment.repetitions(9):
        if period := _range(session, repetition):
            role.resource["period"] = ordered(session, period)
    reader.before = None


def affiliation(reader: Reader, segment: Segment) -> None:
    """AFF → PractitionerRole in a professional organization."""
    session, person = reader.session, reader.now.get("Practitioner")
    for repetition in segment.repetitions(2) if person is not None else ():
        where = organization(session, repetition)
        if where is None or person is None:
            continue
        role = post(session, person, "affiliation", where.get("display", ""))
        role.resource["organization"] = where
        for lasting in segment.repetitions(4):
            if period := _range(session, lasting):
                role.resource["period"] = ordered(session, period)
        words = segment.texts(5)
        if words:
            role.resource["availabilityExceptions"] = derived(" ".join(words), *words)
    reader.before = None


def language(reader: Reader, segment: Segment) -> None:
    """LAN → Practitioner.communication; how well it is spoken stands in its text."""
    session, person = reader.session, reader.now.get("Practitioner")
    if person is None:
        return
    for repetition in segment.repetitions(2):
        spoken = concept(session, repetition, "language")
        if spoken is None:
            continue
        words = [w for r in (*segment.repetitions(3), *segment.repetitions(4)) if (w := _words(r))]
        if words:
            name = spoken.get("text") or spoken["coding"][0]["code"]
            spoken["text"] = derived(f"{name} ({', '.join(words)})", name, *words)
        session.append(person, "communication", spoken)


def _words(repetition: Repetition) -> Any:
    return leaf(repetition, 2) or leaf(repetition, 1)
