"""A document → MDM (HL7 v2.5 chapter 9.5)."""

from __future__ import annotations

from functools import partial

from mappers.base import Resource
from mappers.hl7v2.write.er7 import Segment
from mappers.hl7v2.write.plan import Choice, Plan, decisive, only_visit, refuse
from mappers.hl7v2.write.segments import document, person, results, visit
from mappers.hl7v2.write.writing import Writing
from mappers.source import Source
from profiles.issue import NotSupported

_OTHER_MESSAGES = frozenset(
    {"DiagnosticReport", "Observation", "Condition", "Procedure", "AllergyIntolerance", "Coverage"}
)
#: Reason for the message → event with and without content.
_EVENTS = {
    "new": ("T02", "T01"),
    "amended": ("T08", "T07"),
    # Many German senders replace by T08; what came so goes on so.
    "replaces": ("T10", "T09"),
}


def choose_mdm(source: Source) -> Choice | None:
    """Choose MDM when the Bundle holds a document; raises NotSupported beside other content."""
    documents = source.of("DocumentReference")
    if not documents:
        return None
    kinds = decisive(source) & _OTHER_MESSAGES
    if kinds == {"Observation"} and len(documents) == 1:
        related = document.findings(source, documents[0])
        kinds = set() if len(related) == len(source.of("Observation")) else kinds
    if kinds:
        raise refuse({"DocumentReference", *kinds})
    found = _current(source, documents)
    stay = only_visit(source)
    event, content = _event(source, found)

    def plan(patient: Resource) -> Plan:
        made = partial(_segments, patient=patient, stay=stay, found=found, event=event)
        return Plan(f"MDM^{event}", partial(made, content=content), stay)

    return plan


def _segments(
    w: Writing,
    *,
    patient: Resource,
    stay: Resource | None,
    found: Resource,
    event: str,
    content: bool,
) -> list[Segment]:
    pid = person.pid(w, patient)
    first = visit.pv1(w, stay) if stay is not None else visit.no_visit(w)
    if stay is not None:
        visit.account(w, pid, stay)
        visit.status_is_said(w, stay, event, first)
    body = document.contents(w, found) if content else []
    if body:
        related = document.findings(w.source, found)
        body += results.observations(
            w, related, numbered_from=sum(one.name == "OBX" for one in body)
        )
    header = document.txa(w, found, event)
    if not body and "description" in found:
        header.put(25, found["description"])
    return [pid, first, header, *body]


def _current(source: Source, documents: list[Resource]) -> Resource:
    """The document the message is about; those it replaces or continues are named by it."""
    parents = [
        source.resolve(relation.get("target"))
        for found in documents
        for relation in found.get("relatesTo", ())
    ]
    current = [d for d in documents if not any(d is parent for parent in parents)]
    if len(current) != 1:
        raise NotSupported("One MDM message carries one document.", location="Bundle.entry")
    return current[0]


def _event(source: Source, found: Resource) -> tuple[str, bool]:
    """Return the trigger event and whether the content goes with it."""
    errors = (found.get("status"), found.get("docStatus"))
    if "entered-in-error" in errors:
        return "T11", False
    content = any(
        "data" in attachment or "url" in attachment for attachment in document.attachments(found)
    )
    relations = {str(relation.get("code")) for relation in found.get("relatesTo", ())}
    reason = "new"
    if "replaces" in relations:
        reason = "replaces"
    elif found.get("docStatus") == "amended":
        reason = "amended"
    if reason == "replaces" and content and source.event == "T08":
        return "T08", content
    return _EVENTS[reason][0 if content else 1], content
