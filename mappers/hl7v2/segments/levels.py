"""ZBE with PV1 → the contacts below a stay: department and ward (Kontaktebene; IHE PAM, ISiK).

A movement (ZBE-1) that leads to a place is an Encounter of its own, part of the one of its
department (PV1-10), which is part of the stay (PV1-19). Where a contact ends follows from the next
movement, so what ends it is computed from all of them (`mappers.movements.contacts`).
"""

from __future__ import annotations

from typing import Any

from mappers.base import Action, Key
from mappers.hl7v2.datatypes.identifiers import ei
from mappers.hl7v2.datatypes.periods import settle
from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.session import Draft, Session
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Segment
from mappers.trace import text

_KONTAKTEBENE = "http://fhir.de/CodeSystem/Kontaktebene"
_WARD = {
    "system": _KONTAKTEBENE,
    "code": "versorgungsstellenkontakt",
    "display": "Versorgungsstellenkontakt",
}
_DEPARTMENT = {
    "system": _KONTAKTEBENE,
    "code": "abteilungskontakt",
    "display": "Abteilungskontakt",
}
#: ZBE-4 → what becomes of the movement taken back: it does not take place, or never did.
_WITHDRAWN = {"CANCEL": "cancelled", "DELETE": "entered-in-error"}

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "ZBE": ("Encounter.partOf", "Encounter.type"),
    "ZBE-1": ("Encounter.identifier",),
    "ZBE-2": ("Encounter.period",),
    "ZBE-3": ("Encounter.period",),
    "ZBE-4": ("Encounter.status",),
    "PV1-10": ("Encounter.serviceType",),
}


def contact(
    session: Session, pv1: Segment, zbe: Segment, stay: Draft, places: list[dict[str, Any]]
) -> None:
    """State the ward contact of a movement to `places`, and the department it belongs to.

    The first of `places` is the smallest one and carries the movement with its period.
    """
    identifiers = _identifiers(session, zbe)
    action = zbe.first(4)
    withdrawn = _WITHDRAWN.get(action.upper()) if action is not None else None
    if not identifiers or not (places or withdrawn):
        return
    draft = _begun(session, stay, identifiers, _WARD)
    if draft is stay:
        return
    resource = draft.resource
    if withdrawn is not None and action is not None:
        draft.action = Action.CANCEL
        resource["status"] = text(withdrawn, action.source)
        draft.weak = ("class", "partOf")
        return
    period = places[0].get("period", {})
    department = _department(session, pv1, stay, period)
    if department is not None:
        resource["partOf"] = reference(department)
        resource["serviceType"] = department.resource["serviceType"]
    if period:
        resource["period"] = period
        settle(session, resource)
    if "end" in resource.get("period", {}):
        resource["status"] = "finished"
    resource["location"] = [_place(places[0], stay)]


def _identifiers(session: Session, zbe: Segment) -> list[dict[str, Any]]:
    return [i for r in zbe.repetitions(1) if (i := ei(session, r, "movement")) is not None]


def _begun(
    session: Session, stay: Draft, identifiers: list[dict[str, Any]], level: dict[str, Any]
) -> Draft:
    keys = [Key("Encounter", str(one["system"]), str(one["value"])) for one in identifiers]
    draft = session.draft("Encounter", *keys)
    if draft is not stay:
        draft.resource["identifier"] = identifiers
        _like(stay, draft, level)
    return draft


def _like(stay: Draft, draft: Draft, level: dict[str, Any]) -> None:
    """Take over what holds for every contact of the stay."""
    resource = draft.resource
    resource["status"] = stay.resource["status"]
    resource["class"] = stay.resource["class"]
    resource["type"] = [{"coding": [level]}]
    resource["subject"] = stay.resource["subject"]
    resource["partOf"] = reference(stay)
    draft.weak = ("class", "status")


def _department(
    session: Session, pv1: Segment, stay: Draft, period: dict[str, Any]
) -> Draft | None:
    """PV1-10: a department's contact begins with its first movement and outlasts transfers.

    Which one it is when the patient comes back follows from all movements, as where it ends does.
    """
    kind = stay.resource.get("serviceType") if pv1.has(10) else None
    if kind is None:
        return None
    code = kind.get("coding", [{}])[0].get("code") or kind.get("text", "")
    draft = session.natural("Encounter", stay.id, "department", code)
    _like(stay, draft, _DEPARTMENT)
    draft.weak = ("class", "period.start", "status")
    draft.resource["serviceType"] = kind
    if "start" in period:
        draft.resource["period"] = {"start": period["start"]}
    return draft


def _place(place: dict[str, Any], stay: Draft) -> dict[str, Any]:
    status = "planned" if stay.resource["status"] == "planned" else "active"
    kind = {"physicalType": place["physicalType"]} if "physicalType" in place else {}
    return {"location": place["location"], "status": status, **kind}
