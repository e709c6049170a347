"""MRG on the level of accounts and visits → Account, Encounter (HL7 v2.5 chapter 3.3.35).

Nothing is thrown away: what ended says where it went on, under its own number.
"""

from __future__ import annotations

from typing import Any

from mappers.base import Action, Key
from mappers.hl7v2 import events
from mappers.hl7v2.datatypes.identifiers import cx
from mappers.hl7v2.datatypes.names import xpn
from mappers.hl7v2.segments import gt1
from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.segments.pv1 import STAY
from mappers.hl7v2.session import Draft, Session
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Segment

_ASSOCIATED = "http://hl7.org/fhir/StructureDefinition/encounter-associatedEncounter"
_UNKNOWN = {"system": "http://terminology.hl7.org/CodeSystem/v3-NullFlavor", "code": "UNK"}

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "MRG-3": ("Account.identifier", "Account.partOf"),
    "MRG": ("Account.status", "Encounter.subject", "Account.subject"),
    "MRG-5": ("Encounter.identifier", "Encounter.status"),
    "MRG-6": ("Encounter.identifier",),
}


def _numbers(
    session: Session, segment: Segment, fields: tuple[int, ...], kind: str
) -> list[dict[str, Any]]:
    return [
        identifier
        for field in fields
        for repetition in segment.repetitions(field)
        if (identifier := cx(session, repetition, kind)) is not None
    ]


def account(session: Session, segment: Segment) -> None:
    """A35, A36, A41, A44, A49: the account of MRG-3 goes on as that of PID-18."""
    patient, survivor = session.patient, gt1.account(session)
    if patient is None or survivor is None:
        return
    for identifier in _numbers(session, segment, (3,), "account"):
        gone = gt1.numbered(session, identifier, patient)
        if session.event in events.ACCOUNT_MOVES:
            gone.action = Action.MOVE
            gone.resource["subject"] = [reference(patient)]
        if gone is not survivor:
            gone.resource["status"] = "inactive"
            gone.weak = ()
            gone.resource["partOf"] = reference(survivor)


def visit(session: Session, segment: Segment) -> None:
    """A42: the visit of MRG-5 (or MRG-6) ends in the one PV1 names."""
    survivor = _present(session)
    for identifier in _numbers(session, segment, (5, 6), "encounter"):
        gone = _prior(session, identifier)
        if survivor is None or gone is survivor:
            continue
        link = {"url": _ASSOCIATED, "valueReference": reference(survivor)}
        gone.resource.setdefault("extension", []).append(link)


def renumbered(session: Session, segment: Segment) -> None:
    """A50, A51: the visit of MRG-5 (or MRG-6) stays what it is and answers to both numbers."""
    present = _present(session)
    if present is None:
        return
    for identifier in _numbers(session, segment, (5, 6), "encounter"):
        key = Key("Encounter", str(identifier["system"]), str(identifier["value"]))
        if key not in present.keys:
            present.keys = (*present.keys, key)
            session.append(present, "identifier", {**identifier, "use": "old"})


def moved(session: Session, segment: Segment) -> None:
    """A45: the visit of MRG-5 now belongs to the patient of PID."""
    patient, present = session.patient, _present(session)
    for identifier in _numbers(session, segment, (5, 6), "encounter"):
        key = Key("Encounter", str(identifier["system"]), str(identifier["value"]))
        if present is not None and key in present.keys:
            session.echoes.append(identifier)
            present.action = Action.MOVE
        elif patient is not None:
            draft = _prior(session, identifier)
            draft.action = Action.MOVE
            draft.resource["status"] = "unknown"
            draft.weak = ("status", "class", "type")


def prior_patient(session: Session, segment: Segment) -> None:
    """MRG-1 beside an account or visit says whose it was; his record stays as it is."""
    numbers = _numbers(session, segment, (1, 2, 4), "patient")
    is_move = session.event in events.ACCOUNT_MOVES | events.VISIT_MOVES
    if not is_move or not numbers:
        for field in (1, 2, 4):
            session.ignored.append((segment.repetitions(field), "whose it was: his record stays"))
        session.ignored.append((segment.repetitions(7), "whose it was: his record stays"))
        return
    keys = tuple(Key("Patient", str(one["system"]), str(one["value"])) for one in numbers)
    draft = session.draft("Patient", *keys)
    draft.subject = draft.id
    if draft is session.patient:
        session.echoes.append(numbers)
        return
    for number in numbers:
        session.append(draft, "identifier", number)
    names = [n for r in segment.repetitions(7) if (n := xpn(session, r)) is not None]
    if names:
        draft.resource["name"] = names
        draft.weak += ("name",)


def _present(session: Session) -> Draft | None:
    """The visit that goes on: that of the PV1 behind MRG is not read yet, so PV1 comes first."""
    return session.encounter


def _prior(session: Session, identifier: dict[str, Any]) -> Draft:
    key = Key("Encounter", str(identifier["system"]), str(identifier["value"]))
    draft = session.draft("Encounter", key)
    resource = draft.resource
    session.append(draft, "identifier", identifier)
    resource.setdefault("status", "entered-in-error")
    resource.setdefault("class", dict(_UNKNOWN))
    resource.setdefault("type", [{"coding": [dict(STAY)]}])
    draft.weak = ("class", "type")
    if session.patient is not None:
        resource["subject"] = reference(session.patient)
    return draft
