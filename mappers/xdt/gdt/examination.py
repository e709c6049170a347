"""What is examined (FK 8402, 8404) and what tells one examination from another."""

from __future__ import annotations

from typing import Any

from mappers.base import Key
from mappers.drafts import Draft
from mappers.trace import Text, text
from mappers.uris import V2
from mappers.xdt.datatypes import clean
from mappers.xdt.group import Group
from mappers.xdt.session import Session

EXAMINATION = "urn:region-gateway:xdt:8402"
_URIS = "urn:ietf:rfc:3986"


def examination(session: Session, group: Group) -> dict[str, Any] | None:
    """8402 → what is examined; 8404 in words."""
    stated, words = group.first("8402"), group.first("8404")
    if stated is None and words is None:
        return None
    made: dict[str, Any] = {}
    if stated is not None:
        known = session.lookup("examination", stated, "8402")
        coding = {"system": EXAMINATION, "code": clean(stated)}
        if known is not None:
            coding["display"] = known.display
        made["coding"] = [coding]
    if words is not None:
        made["text"] = clean(words)
    return made


def section(session: Session, group: Group) -> str:
    """The diagnostic service section (table 0074) of what is examined; empty if unknown."""
    stated = group.first("8402")
    known = session.lookup("examination", stated, "8402") if stated is not None else None
    return known.system if known is not None else ""


def request_identifiers(session: Session, group: Group) -> list[dict[str, Any]]:
    """8310 number of the request, 8314 its unique id."""
    found: list[dict[str, Any]] = []
    number, unique = group.first("8310"), group.first("8314")
    placer = {"coding": [{"system": V2 + "0203", "code": "PLAC"}]}
    if number is not None:
        system = f"{session.namespace}/order"
        found.append({"type": placer, "system": system, "value": clean(number)})
    if unique is not None:
        found.append({"system": _URIS, "value": _uri(unique)})
    return found


def named_request(session: Session, group: Group) -> Draft | None:
    """The request 8310 or 8314 names; None where neither does."""
    identifiers = request_identifiers(session, group)
    if not identifiers:
        return None
    first = identifiers[0]
    key = Key("ServiceRequest", str(first["system"]), str(first["value"]))
    draft = session.draft("ServiceRequest", key)
    draft.resource["identifier"] = identifiers
    return draft


def _uri(unique: Text) -> Text:
    """A UID as URI: an OID, or what it is already."""
    stated = unique.strip()
    return text(f"urn:oid:{stated}" if stated[:1].isdigit() else stated, unique.source)


def report_key(session: Session, asked: Group, body: Group) -> tuple[str, ...]:
    """What tells the report of an examination from others: request, test field, time."""
    patient = session.patient
    said = [asked.first("8310") or asked.first("8314"), asked.first("8402")]
    said += [body.first(fk) or asked.first(fk) for fk in ("6200", "6201")]
    return (patient.id if patient is not None else "", *(str(part or "").strip() for part in said))
