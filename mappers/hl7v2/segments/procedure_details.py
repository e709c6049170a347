"""PR1-7, -16, -23 and -25 → the rest of a Procedure (HL7 v2.5 chapter 6.5.4)."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from mappers.base import Key
from mappers.hl7v2.datatypes.identifiers import ei
from mappers.hl7v2.datatypes.parties import places
from mappers.hl7v2.session import Draft, Session
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Segment
from mappers.identity import logical_id
from mappers.trace import derived

_CPT = "http://www.ama-assn.org/go/cpt"
_MINUTES_OF_A_YEAR = 527_040

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "PR1-7": ("Procedure.performedPeriod",),
    "PR1-16": ("Procedure.code",),
    "PR1-23": ("Procedure.location",),
    "PR1-25": ("Procedure.partOf",),
}


def details(session: Session, segment: Segment, draft: Draft, parent: str) -> None:
    """Fill what PR1 says beside code, time and people."""
    resource = draft.resource
    _end(segment, resource)
    if segment.has(16):
        resource["code"] = modified(segment, 16, resource["code"])
    for repetition in segment.repetitions(23):
        found = places(session, repetition)
        if found:
            resource["location"] = found[0][0]
            break
    for repetition in segment.repetitions(25):
        identifier = ei(session, repetition, "procedure")
        if identifier is not None:
            _part_of(session, resource, parent, identifier)


def _end(segment: Segment, resource: dict[str, Any]) -> None:
    """PR1-7: how many minutes it took, counted from PR1-5 where that has a time of day."""
    start, minutes = resource.get("performedDateTime"), segment.first(7)
    if start is None or "T" not in start or minutes is None:
        return
    if not (minutes.isdecimal() and 0 < int(minutes[:10]) < _MINUTES_OF_A_YEAR):
        return
    ended = datetime.fromisoformat(start) + timedelta(minutes=int(minutes))
    del resource["performedDateTime"]
    end = derived(ended.isoformat(), minutes)
    resource["performedPeriod"] = {"start": start, "end": end}


def modified(segment: Segment, field: int, code: dict[str, Any]) -> dict[str, Any]:
    """Add the code with its modifiers ("99213:25:57"), as CPT writes them."""
    modifiers = [r[1] for r in segment.repetitions(field) if type(r[1]) is not list and r[1]]
    base = next((c for c in code.get("coding", ()) if c.get("system") == _CPT), None)
    if base is None or not modifiers:
        return code
    whole = ":".join([str(base["code"]), *map(str, modifiers)])
    coding = {"system": _CPT, "code": derived(whole, *modifiers)}
    return {**code, "coding": [*code["coding"], coding]}


def _part_of(
    session: Session, resource: dict[str, Any], parent: str, identifier: dict[str, Any]
) -> None:
    """PR1-25 names the procedure this one is part of as PR1-19 names it there."""
    value = f"{parent}|{identifier['system']}|{identifier['value']}"
    key = Key("Procedure", f"{session.namespace}/key/Procedure", value)
    whole = logical_id(session.context.region_key, key)
    stated = {"reference": f"Procedure/{whole}", "identifier": identifier}
    if whole in session.drafts:
        resource["partOf"] = [stated]
    else:
        resource["partOf"] = [{"type": "Procedure", "identifier": identifier}]
