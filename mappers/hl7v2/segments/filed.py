"""TXA beyond the document itself: where and for whom it was made, who signed it, where it is kept.

HL7 v2.5 chapter 9.6.1: TXA-5, TXA-11 and TXA-16 to TXA-28.
"""

from __future__ import annotations

from typing import Any

from mappers.hl7v2.datatypes.codings import concept
from mappers.hl7v2.datatypes.houses import house
from mappers.hl7v2.datatypes.parties import practitioner
from mappers.hl7v2.session import ALTERNATE_CODES, V2, Draft, Session
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Segment, leaf

_ATTESTER = "http://hl7.org/fhir/5.0/StructureDefinition/extension-DocumentReference.attester"
_MODE = {"system": "http://hl7.org/fhir/composition-attestation-mode", "code": "professional"}

#: Availability FHIR says less exactly (table TXA[DocumentReference]).
_OTHERWISE = frozenset({"CA", "OB", "UN"})

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "TXA-16": ("DocumentReference.identifier", "DocumentReference.content"),
    "TXA-20": ("DocumentReference.meta.tag",),
    "TXA-22": ("DocumentReference.extension",),
    "TXA-24": ("DocumentReference.context.related",),
    "TXA-27": ("DocumentReference.custodian",),
    "TXA-28": ("DocumentReference.context.practiceSetting",),
}


def details(session: Session, segment: Segment, draft: Draft) -> None:
    """Everything TXA says of how a document is filed."""
    resource = draft.resource
    name = segment.first(16)
    if name is not None and name != '""':
        stated = {"system": f"{session.namespace}/document-file", "value": name}
        session.append(draft, "identifier", stated)
    available = segment.first(19)
    if available in _OTHERWISE:
        coding = {"system": V2 + "0273", "code": available}
        extension = {"url": ALTERNATE_CODES, "valueCodeableConcept": {"coding": [coding]}}
        resource["_status"] = {"extension": [extension]}
    storage = segment.first(20)
    if storage is not None and storage != '""':
        tag = {"system": V2 + "0275", "code": storage}
        resource.setdefault("meta", {})["tag"] = [tag]
    for repetition in segment.repetitions(22):
        _attested(session, repetition, resource)
    for repetition in segment.repetitions(27):
        maker = house(session, repetition)
        if maker is not None:
            session.say(draft, "custodian", maker)
    _context(session, segment, resource)


def _attested(session: Session, repetition: Any, resource: dict[str, Any]) -> None:
    """PPN.15: when somebody authenticated it."""
    who = practitioner(session, repetition)
    when = session.date_time(leaf(repetition, 15))
    if who is None or when is None:
        return
    parts = [
        {"url": "mode", "valueCodeableConcept": {"coding": [dict(_MODE)]}},
        {"url": "time", "valueDateTime": when},
        {"url": "party", "valueReference": who},
    ]
    resource.setdefault("extension", []).append({"url": _ATTESTER, "extension": parts})


def _context(session: Session, segment: Segment, resource: dict[str, Any]) -> None:
    """TXA-24: the folder it lies in; TXA-28: the specialty it was made in."""
    context = resource.get("context", {})
    for repetition in segment.repetitions(24):
        code, words = leaf(repetition, 1), leaf(repetition, 2)
        if code is not None and code != '""':
            identifier = {"system": f"{session.namespace}/folder", "value": code}
            folder = {"type": "List", "identifier": identifier, "display": words or code}
            context.setdefault("related", []).append(folder)
    for repetition in segment.repetitions(28):
        setting = concept(session, repetition)
        if setting is not None:
            context["practiceSetting"] = setting
    if context:
        resource["context"] = context
