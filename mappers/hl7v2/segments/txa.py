"""TXA and its OBX → DocumentReference and Binary (HL7 v2.5 chapter 9.6.1; IHE XDS codes)."""

from __future__ import annotations

import re
from typing import Any

from mappers.base import Action, Key
from mappers.codes import table
from mappers.hl7v2.datatypes.codings import concept
from mappers.hl7v2.datatypes.identifiers import ei
from mappers.hl7v2.datatypes.parties import practitioner
from mappers.hl7v2.segments import filed
from mappers.hl7v2.segments.attachments import TEXT_TYPES, attachments, text_attachment
from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.session import PACKAGE, V2, Draft, Session
from mappers.hl7v2.table_rows import apply_rows
from mappers.hl7v2.table_rows import table as row_table
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Segment, leaf, leaves_of
from mappers.trace import Text, derived, text

_KDL = re.compile(r"[A-Z]{2}\d{6}")
_KDL_SYSTEM = "http://dvmd.de/fhir/CodeSystem/kdl"
_LOINC = "http://loinc.org"
_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
#: Events whose document replaces its parent, and those that append to it.
_REPLACES = frozenset({"T07", "T08", "T09", "T10"})


#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "TXA": ("DocumentReference.status",),
    "TXA-2": ("DocumentReference.type", "DocumentReference.category"),
    "TXA-4": ("DocumentReference.context.period",),
    "TXA-3": ("DocumentReference.content",),
    "TXA-12": ("DocumentReference.masterIdentifier",),
    "TXA-13": ("DocumentReference.relatesTo",),
    "TXA-14": ("DocumentReference.context.related",),
    "TXA-15": ("DocumentReference.context.related",),
    "TXA-17": ("DocumentReference.docStatus",),
    "TXA-18": ("DocumentReference.securityLabel",),
    "TXA-19": ("DocumentReference.status",),
    "TXA-22": ("DocumentReference.authenticator",),
    "OBX-5": ("DocumentReference.content", "DocumentReference.context.related"),
}


def document(session: Session, segment: Segment, contents: list[Segment]) -> Draft | None:
    """TXA with the OBX segments after it → DocumentReference."""
    patient = session.patient
    if patient is None:
        return None
    draft = _named(session, segment, patient)
    resource = draft.resource
    _statuses(session, segment, contents, draft)
    _type(session, segment, contents, resource)
    resource["subject"] = reference(patient)
    _relates(session, segment, resource)
    apply_rows(session, segment, row_table("txa_documentreference"), draft)
    _authenticator(session, segment, resource)
    _labels(session, segment, resource)
    _context(session, segment, resource)
    filed.details(session, segment, draft)
    _contents(session, segment, contents, draft)
    return draft


def _named(session: Session, segment: Segment, patient: Draft) -> Draft:
    for repetition in segment.repetitions(12):
        identifier = ei(session, repetition, "document")
        if identifier is not None:
            key = Key("DocumentReference", str(identifier["system"]), str(identifier["value"]))
            draft = session.draft("DocumentReference", key)
            draft.resource["masterIdentifier"] = identifier
            return draft
    session.issue("incomplete", "the document has no number", "TXA-12")
    parts = [str(segment.first(n) or "") for n in (2, 6, 4, 16)]
    return session.natural("DocumentReference", patient.id, *parts)


def _statuses(session: Session, segment: Segment, contents: list[Segment], draft: Draft) -> None:
    """TXA-19 → status; TXA-17 and OBX-11 → docStatus; T11 takes the document back."""
    resource = draft.resource
    available = segment.first(19)
    status: str = "current"
    if available is not None and available != '""':
        status = session.code("document-availability", available) or status
    completion = segment.first(17)
    doc_status = session.code("document-status", completion) if completion is not None else None
    corrected = next((s for obx in contents if (s := obx.first(11)) in ("C", "P")), None)
    if corrected == "C" and doc_status in (None, "final"):
        doc_status = derived("amended", completion, corrected)
    elif corrected == "P" and doc_status is None:
        doc_status = derived("preliminary", corrected)
    if session.event == "T11":
        draft.action = Action.CANCEL
        status = derived("entered-in-error", available)
        doc_status = derived("entered-in-error", completion)
    resource["status"] = status
    if doc_status is not None:
        resource["docStatus"] = doc_status
    for obx in contents:
        if (found := obx.first(11)) is not None:
            session.echoes.append(found)


def _type(
    session: Session, segment: Segment, contents: list[Segment], resource: dict[str, Any]
) -> None:
    """TXA-2 and OBX-3 → type (LOINC, KDL, XDS) and category."""
    made: dict[str, Any] = {}
    for repetition in segment.repetitions(2):
        code = leaf(repetition, 1)
        name = "" if code is None or _KDL.fullmatch(code) else "document-type"
        default = V2 + "0270" if name else _KDL_SYSTEM
        made = concept(session, repetition, name, "TXA-2", default) or {}
        break
    codings = made.setdefault("coding", [])
    for obx in contents:
        _content_type(session, obx, codings)
    loinc = next((c["code"] for c in codings if c.get("system") == _LOINC and "code" in c), None)
    if loinc is not None:
        _xds(loinc, codings, resource)
    if not codings:
        del made["coding"]
    if made:
        resource["type"] = made


def _content_type(session: Session, obx: Segment, codings: list[dict[str, Any]]) -> None:
    for repetition in obx.repetitions(3):
        stated = concept(session, repetition) or {}
        for coding in stated.get("coding", ()):
            said = coding.get("code"), coding.get("system")
            same = [c for c in codings if (c.get("code"), c.get("system")) == said]
            if same:
                same[0].setdefault("display", coding.get("display", same[0].get("code")))
                session.echoes.append(coding)
            else:
                codings.append(coding)


def _xds(loinc: Text | str, codings: list[dict[str, Any]], resource: dict[str, Any]) -> None:
    source = loinc.source if isinstance(loinc, Text) else ()
    kind = table(PACKAGE, "document-xds-type").get(loinc)
    if kind is not None:
        codings.append(
            {"system": kind.system, "code": text(kind.code, source), "display": kind.display}
        )
    group = table(PACKAGE, "document-class").get(loinc)
    if group is not None:
        coding = {"system": group.system, "code": text(group.code, source)}
        coding["display"] = group.display
        resource["category"] = [{"coding": [coding]}]


def _relates(session: Session, segment: Segment, resource: dict[str, Any]) -> None:
    """TXA-13: the parent is replaced by an edit, else appended to."""
    for repetition in segment.repetitions(13):
        identifier = ei(session, repetition, "document")
        if identifier is None:
            continue
        key = Key("DocumentReference", str(identifier["system"]), str(identifier["value"]))
        parent = session.draft("DocumentReference", key)
        target = {"reference": f"DocumentReference/{parent.id}", "identifier": identifier}
        replaces = session.event in _REPLACES
        code = "replaces" if replaces else "appends"
        resource.setdefault("relatesTo", []).append({"code": code, "target": target})
        if len(parent.resource) > 2:
            continue
        if not replaces:
            del session.drafts[parent.id]
            continue
        parent.action = Action.CANCEL
        parent.partial = True
        parent.weak = ("content",)
        absent = {"extension": [{"url": _ABSENT, "valueCode": "unknown"}]}
        parent.resource["masterIdentifier"] = dict(identifier)
        parent.resource["status"] = "superseded"
        parent.resource["content"] = [{"attachment": absent}]


def _authenticator(session: Session, segment: Segment, resource: dict[str, Any]) -> None:
    """TXA-22 names who authenticated, where TXA-10 only names who should."""
    for repetition in segment.repetitions(22):
        person = practitioner(session, repetition)
        if person is not None:
            resource["authenticator"] = person
            return


def _labels(session: Session, segment: Segment, resource: dict[str, Any]) -> None:
    for repetition in segment.repetitions(18):
        label = concept(session, repetition, "document-confidentiality", "TXA-18", V2 + "0272")
        if label is not None:
            resource.setdefault("securityLabel", []).append(label)


def _context(session: Session, segment: Segment, resource: dict[str, Any]) -> None:
    context: dict[str, Any] = {}
    if session.encounter is not None:
        context["encounter"] = [reference(session.encounter)]
    began = session.date_time(segment.first(4))
    if began is not None:
        context["period"] = {"start": began}
    related = []
    for field, kind in ((14, "PLAC"), (15, "FILL")):
        for repetition in segment.repetitions(field):
            identifier = ei(session, repetition, "order")
            if identifier is not None:
                identifier["type"] = {"coding": [{"system": V2 + "0203", "code": kind}]}
                related.append({"identifier": identifier})
    if related:
        context["related"] = related
    if context:
        resource["context"] = context


def _contents(session: Session, segment: Segment, contents: list[Segment], draft: Draft) -> None:
    found: list[dict[str, Any]] = []
    lines: list[Text] = []
    for obx in contents:
        if obx.first(2) in ("ED", "RP"):
            found += attachments(session, obx, draft.id)
        elif (obx.first(2) or "") in TEXT_TYPES:
            lines += [line for line in obx.texts(5) if line != '""']
        else:
            lines += _other_values(obx)
    if lines:
        found.insert(0, text_attachment(session, lines, draft.id))
    for attachment in found:
        _describe(session, segment, attachment)
    draft.resource["content"] = [_content(segment, attachment) for attachment in found] or [
        _content(segment, _absent(session, segment))
    ]
    if not found:
        draft.weak += ("content",)


def _other_values(obx: Segment) -> list[Text]:
    """Coded and numeric content, as text."""
    return [part for repetition in obx.repetitions(5) for part in leaves_of(repetition)]


def _describe(session: Session, segment: Segment, attachment: dict[str, Any]) -> None:
    created = session.date_time(segment.first(8) or segment.first(7) or segment.first(6))
    if created is not None:
        attachment["creation"] = created
    title = segment.first(16)
    if title is not None and title != '""':
        attachment["title"] = title


def _content(segment: Segment, attachment: dict[str, Any]) -> dict[str, Any]:
    content: dict[str, Any] = {"attachment": attachment}
    presentation = segment.first(3)
    if presentation is not None and presentation != '""':
        content["format"] = {"system": V2 + "0191", "code": presentation}
    return content


def _absent(session: Session, segment: Segment) -> dict[str, Any]:
    """A notification tells of a document without its content."""
    attachment: dict[str, Any] = {"extension": [{"url": _ABSENT, "valueCode": "unknown"}]}
    _describe(session, segment, attachment)
    return attachment
