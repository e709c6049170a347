"""MFI, MFE and MFA → List: what a message changes in a master file (HL7 v2.5 chapter 8.5).

The master file is a List in the sender's namespace (https://hl7.org/fhir/R4/list.html), its entries
the records with what became of them. The record itself follows in segments of its own (STF, LOC).
"""

from __future__ import annotations

from typing import Any

from mappers.hl7v2.datatypes.codings import concept
from mappers.hl7v2.datatypes.identifiers import cx
from mappers.hl7v2.reader import Reader
from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.session import V2, Draft, Session
from mappers.hl7v2.targets import Targets
from mappers.hl7v2.tokenizer import Repetition, Segment, leaf
from mappers.trace import Text, Value, text

#: MFI-3: the whole file is replaced.
_WHOLE = "REP"
_DELETED = "MDL"

#: What the functions here make of which field, for the printed mapping.
TARGETS: Targets = {
    "MFI-1": ("List.code",),
    "MFI-2": ("List.source",),
    "MFI-3": ("List.mode",),
    "MFI-4": ("List.date",),
    "MFI-5": ("List.date",),
    "MFE-1": ("List.entry.flag", "List.entry.deleted", "Practitioner.active", "Location.status"),
    "MFE-2": ("List.identifier",),
    "MFE-3": ("List.note.time",),
    "MFE-4": ("List.entry.item",),
    "MFA-1": ("List.entry.flag",),
    "MFA-2": ("List.identifier",),
    "MFA-3": ("List.note.time",),
    "MFA-4": ("List.entry.flag",),
    "MFA-5": ("List.entry.item",),
}


def master_file(reader: Reader, segment: Segment) -> None:
    """MFI → the List this message writes."""
    session = reader.session
    draft = _list(reader)
    resource = draft.resource
    for repetition in segment.repetitions(1):
        kind = concept(session, repetition, default=V2 + "0175")
        if kind is not None:
            resource["code"] = kind
            resource["title"] = kind["coding"][0]["code"] if "coding" in kind else kind["text"]
    for repetition in segment.repetitions(2)[:1]:
        application = cx(session, [None, *repetition[1:2]], "application")
        if application is not None:
            resource["source"] = {"type": "Device", "identifier": application}
    stated = segment.first(3)
    if stated is not None:
        resource["mode"] = text("snapshot" if stated == _WHOLE else "changes", stated.source)
    when = session.date_time(segment.first(4)) or session.date_time(segment.first(5))
    if when is not None:
        resource["date"] = when
    reader.before = None


def _list(reader: Reader) -> Draft:
    session = reader.session
    header = session.message.header
    draft = session.natural("List", header.time, header.control_id, subject=False)
    draft.resource.setdefault("status", "current")
    draft.resource.setdefault("mode", "changes")
    reader.now["List"] = draft
    return draft


def record(reader: Reader, segment: Segment) -> None:
    """MFE begins a record; MFE-4 names it until its own segments do."""
    _entry(reader, segment, (1,), 4)


def acknowledged(reader: Reader, segment: Segment) -> None:
    """MFA: what the receiver of a master file made of a record."""
    _entry(reader, segment, (1, 4), 5)


def _entry(reader: Reader, segment: Segment, flags: tuple[int, ...], key: int) -> None:
    session = reader.session
    holder = reader.now.get("List") or _list(reader)
    reader.now.clear()
    reader.now["List"] = holder
    reader.pending[segment.name] = segment
    item = _item(session, segment, key)
    if item is None:
        return
    entry: dict[str, Any] = {"item": item}
    codings = [c for field in flags if (c := _flag(session, segment, field)) is not None]
    if codings:
        entry["flag"] = {"coding": codings}
    event = segment.first(1)
    if segment.name == "MFE" and event is not None and event == _DELETED:
        entry["deleted"] = Value(value=True, source=event.source)
        holder.resource["mode"] = "changes"
    when = session.date_time(segment.first(3))
    if when is not None:
        # An entry has a date in a list at work only (invariant lst-3).
        note = {"time": when, "text": item.get("display") or segment.name}
        session.append(holder, "note", note)
    for repetition in segment.repetitions(2):
        number = cx(session, repetition, "master-file-event")
        if number is not None:
            session.append(holder, "identifier", number)
    holder.resource.setdefault("entry", []).append(entry)


def _flag(session: Session, segment: Segment, field: int) -> dict[str, Any] | None:
    table = {("MFE", 1): "0180", ("MFA", 1): "0180", ("MFA", 4): "0181"}[segment.name, field]
    for repetition in segment.repetitions(field):
        found = concept(session, repetition, default=V2 + table)
        for coding in (found or {}).get("coding", ()):
            flag: dict[str, Any] = coding
            return flag
    return None


def _item(session: Session, segment: Segment, field: int) -> dict[str, Any] | None:
    for repetition in segment.repetitions(field):
        identifier = key_of(session, repetition)
        if identifier is not None:
            session.echoes.append(repetition)
            return {"identifier": identifier, "display": identifier["value"]}
    return None


def key_of(session: Session, repetition: Repetition) -> dict[str, Any] | None:
    """Read a primary key (ST, CE or PL) as an identifier in the sender's namespace."""
    number = leaf(repetition, 1)
    if number is None or number == '""':
        return None
    return {"system": f"{session.namespace}/master-file", "value": number}


def is_record(reader: Reader, draft: Draft) -> None:
    """Let the entry of the present record point to the resource the record became."""
    holder = reader.now.get("List")
    if holder is None or not holder.resource.get("entry"):
        return
    item = holder.resource["entry"][-1]["item"]
    if "reference" not in item:
        item.update(reference(draft))


def activity(reader: Reader, stated: Text | None) -> Value | None:
    """Tell whether a record is in use: its own flag (A, I), else the event of MFE-1."""
    event = reader.pending.get("MFE")
    code = stated if stated is not None else (event.first(1) if event is not None else None)
    found = reader.session.lookup("record-active", code) if code is not None else None
    if code is None or found is None:
        return None
    return Value(found.code == "true", code.source)
