"""MRG → the Patient that is merged into the one of PID (HL7 v2.5 chapter 3.4.9).

A merge is a link between two records: the merged one becomes inactive and points to the
survivor. Contents are never mixed, and visits keep their numbers.
"""

from __future__ import annotations

from typing import Any

from mappers.base import Action, Key
from mappers.hl7v2 import events
from mappers.hl7v2.datatypes.identifiers import cx
from mappers.hl7v2.datatypes.names import xpn
from mappers.hl7v2.segments import merged_visits
from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.session import Session
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Segment
from profiles.issue import Issue, NotConformant

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "MRG-1": ("Patient.identifier", "Patient.link"),
    "MRG-2": ("Patient.identifier",),
    "MRG-4": ("Patient.identifier",),
    "MRG-7": ("Patient.name",),
}


def read_merge(session: Session, segment: Segment) -> None:
    """MRG, on the level its event speaks of: patient, account or visit; else all it names."""
    event = session.event
    levels = (
        (events.PATIENT_MERGES, merged),
        (events.ACCOUNT_MERGES, merged_visits.account),
        (events.VISIT_MERGES, merged_visits.visit),
        (events.VISIT_NUMBERS, merged_visits.renumbered),
        (events.VISIT_MOVES, merged_visits.moved),
    )
    known = [function for named, function in levels if event in named]
    for function in known or [merged]:
        function(session, segment)
    if merged not in known:
        merged_visits.prior_patient(session, segment)


def merged(session: Session, segment: Segment) -> None:
    """MRG-1 (and -2, -4) → the merged Patient, linked with the surviving one."""
    survivor = session.patient
    if survivor is None:
        return
    identifiers = _identifiers(session, segment)
    if not identifiers:
        issue = Issue("error", "required", "MRG names no record to merge", "MRG-1", "101")
        raise NotConformant(issue.text, location="MRG-1", issues=(issue,))
    keys = tuple(Key("Patient", str(i["system"]), str(i["value"])) for i in identifiers)
    draft = session.draft("Patient", *keys)
    if draft is survivor:
        session.issue("business-rule", "the record is merged into itself", "MRG-1")
        return
    draft.action = Action.LINK
    if session.event in events.IDENTIFIER_MOVES:
        # The number was another's before: that no longer holds.
        draft.cleared.append("link")
    draft.subject = draft.id
    resource = draft.resource
    resource["identifier"] = identifiers
    resource["active"] = False
    names = [n for r in segment.repetitions(7) if (n := xpn(session, r)) is not None]
    if names:
        resource["name"] = names
    resource["link"] = [{"other": reference(survivor), "type": "replaced-by"}]
    link = {"other": reference(draft), "type": "replaces"}
    survivor.resource.setdefault("link", []).append(link)
    # A record that lives on is no longer what an earlier merge may have made of it.
    survivor.cleared.append("active")


def _identifiers(session: Session, segment: Segment) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = []
    for field in (1, 2, 4):
        for repetition in segment.repetitions(field):
            identifier = cx(session, repetition)
            if identifier is None:
                continue
            if identifier in found:
                session.echoes.append(identifier)
            else:
                found.append(identifier)
    return found
