"""DocumentReference and its Binary → TXA, OBX and NTE (HL7 v2.5 chapter 9.6; German use)."""

from __future__ import annotations

import base64
import binascii
from typing import Any
from urllib.parse import unquote

from mappers.base import Resource
from mappers.hl7v2.session import V2
from mappers.hl7v2.write.datatypes import codings
from mappers.hl7v2.write.datatypes.identifiers import ei, own_first
from mappers.hl7v2.write.datatypes.parties import xcn
from mappers.hl7v2.write.er7 import Segment
from mappers.hl7v2.write.writing import Writing, meaning
from mappers.source import Source
from mappers.trace import Text, derived

_LOINC = "http://loinc.org"
_TEXT = "TX"
_RESULT = {"preliminary": "P", "amended": "C", "final": "F"}
_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
#: End of the system of file names.
_FILE_NAMES = "/document-file"


def txa(w: Writing, document: Resource, event: str) -> Segment:
    """DocumentReference → TXA."""
    segment = w.segment("TXA", "1")
    kind = codings.plain(w, document.get("type"), "document-type", "TXA-2", f"{V2}0270")
    segment.put(2, kind)
    _presentation(w, segment, document)
    context = document.get("context", {})
    segment.put(4, w.time(context.get("period", {}).get("start")))
    segment.put(6, w.time(document.get("date")))
    _creation(w, segment, document)
    for author in document.get("author", ()):
        segment.make(9, xcn, w, author)
    for field, identifier in _numbers(w, document):
        segment.make(field, ei, w, identifier, "document")
    _orders(w, segment, context)
    _title(segment, document)
    _file_names(w, segment, document)
    _statuses(w, segment, document, event)
    for label in document.get("securityLabel", ()):
        if not segment.has(18):
            segment.put(18, codings.plain(w, label, "document-confidentiality", "TXA-18"))
    segment.make(22, xcn, w, document.get("authenticator"))
    w.carried(context.get("encounter"))
    _implied_types(w, document)
    return segment


def _presentation(w: Writing, segment: Segment, document: Resource) -> None:
    """TXA-3 of table 0191."""
    for content in document.get("content", ()):
        stated = content.get("format", {})
        code = stated.get("code")
        if stated.get("system") != f"{V2}0191" or code is None:
            continue
        if not segment.has(3):
            segment.put(3, code)
        if segment.fields[3][0][0] == code:
            w.carried(stated)


def _creation(w: Writing, segment: Segment, document: Resource) -> None:
    """TXA-8: when the content was made, unless TXA-6 says the same."""
    times = [
        attachment["creation"] for attachment in attachments(document) if "creation" in attachment
    ]
    if segment.has(6) and all(w.time(created) == segment.first(6) for created in times):
        w.carried(*times)
        return
    for created in times:
        if not segment.has(8):
            segment.put(8, w.time(created))
        elif segment.first(8) == w.time(created):
            w.carried(created)


def _numbers(w: Writing, document: Resource) -> list[tuple[int, dict[str, Any]]]:
    """TXA-12 own number and TXA-13 parent."""
    found = []
    known = own_first(w, document.get("identifier", ()))
    own = document.get("masterIdentifier") or (known[0] if known else None)
    if own is not None:
        found.append((12, own))
        for identifier in known:
            same = all(identifier.get(n) == own.get(n) for n in ("system", "value"))
            if same and identifier is not own:
                w.carried(identifier)
    for relation in document.get("relatesTo", ())[:1]:
        parent = parent_number(w, relation)
        if parent is not None:
            if relation.get("code") in ("replaces", "appends"):
                w.carried(relation["code"])
            found.append((13, parent))
    return found


def parent_number(w: Writing, relation: dict[str, Any]) -> dict[str, Any] | None:
    """Identifier of the document another one replaces or continues."""
    target = relation.get("target", {})
    parent = w.source.resolve(target)
    stated: dict[str, Any] | None = target.get("identifier")
    if parent is not None:
        w.carried(target["reference"])
        number = parent.get("masterIdentifier")
        known = [number] if number is not None else own_first(w, parent.get("identifier", ()))
        if stated is not None and known:
            w.carried(stated)
        stated = known[0] if known else stated
        if relation.get("code") == "replaces" and parent.get("status") == "superseded":
            w.carried(parent["status"])
    elif stated is not None:
        w.carried(target.get("reference"), target.get("type"))
    return stated


def _orders(w: Writing, segment: Segment, context: dict[str, Any]) -> None:
    """TXA-14 placer and TXA-15 filler number of the order the document answers."""
    for related in context.get("related", ()):
        target = w.source.resolve(related)
        if target is not None and target["resourceType"] == "Observation":
            w.carried(related)
        identifier = related.get("identifier")
        codes = {
            str(coding.get("code"))
            for coding in (identifier or {}).get("type", {}).get("coding", ())
        }
        field = 14 if codes == {"PLAC"} else 15 if codes == {"FILL"} else 0
        if field and identifier is not None and segment.make(field, ei, w, identifier, "order"):
            w.carried(identifier["type"])


def findings(source: Source, document: Resource) -> list[Resource]:
    """Observations a document is related to, whose values are no text: OBX beside its content."""
    related = document.get("context", {}).get("related", ())
    found = [source.resolve(reference) for reference in related]
    return [
        one
        for one in found
        if one is not None and one["resourceType"] == "Observation" and "valueString" not in one
    ]


def attachments(document: Resource) -> list[dict[str, Any]]:
    """Attachments of a document."""
    return [c["attachment"] for c in document.get("content", ()) if "attachment" in c]


def _title(segment: Segment, document: Resource) -> None:
    """TXA-16 file name; one document has one."""
    for attachment in attachments(document):
        title = attachment.get("title")
        if title is not None and not segment.has(16):
            segment.put(16, title)
        elif title is not None and segment.fields[16][0][0] == title:
            merged_title = derived(title, title, segment.fields[16][0][0])
            segment.fields[16] = [(merged_title,)]


def _file_names(w: Writing, segment: Segment, document: Resource) -> None:
    """TXA-16 is the identifier of the file too (table TXA[DocumentReference])."""
    for identifier in document.get("identifier", ()):
        value = identifier.get("value")
        if str(identifier.get("system", "")).endswith(_FILE_NAMES) and value is not None:
            if not segment.has(16):
                segment.put(16, value)
            if segment.fields[16][0][0] == value:
                w.carried(identifier)


def _statuses(w: Writing, segment: Segment, document: Resource, event: str) -> None:
    """TXA-17 completion, TXA-19 availability; T11 takes the document back."""
    status, doc_status = document.get("status"), document.get("docStatus")
    if event == "T11":
        w.carried(status, doc_status)
        segment.put(19, "CA")
        return
    if doc_status == "amended":
        segment.put(17, derived("AU", doc_status))
    else:
        segment.put(17, w.code("document-status", doc_status))
    segment.put(19, w.code("document-availability", status))


def _implied_types(w: Writing, document: Resource) -> None:
    """The XDS type and class follow from the LOINC type by table."""
    stated = document.get("type", {}).get("coding", ())
    for coding in stated:
        if coding.get("system") != _LOINC:
            continue
        code = str(coding.get("code"))
        groups = [c for concept in document.get("category", ()) for c in concept.get("coding", ())]
        for name, places in (("document-xds-type", stated), ("document-class", groups)):
            known = meaning(name, code)
            for other in places:
                if known is not None and other.get("code") == known.code:
                    w.carried(other)


def contents(w: Writing, document: Resource) -> list[Segment]:
    """Contents of a document → OBX, its description → NTE."""
    segments: list[Segment] = []
    plain = True
    for attachment in attachments(document):
        obx = w.segment("OBX", str(len(segments) + 1))
        if not _content(w, obx, attachment, plain=plain):
            continue
        obx.add(3, _type(w, document))
        obx.put(11, _RESULT.get(document.get("docStatus", ""), "F"))
        # Lines of text in one message are one text: further ones are told as files.
        plain = plain and obx.first(2) != _TEXT
        segments.append(obx)
    if segments and "description" in document:
        note = w.segment("NTE", "1", "L")
        note.put(3, document["description"])
        segments.insert(1, note)
    return segments


def _type(w: Writing, document: Resource) -> Any:
    """OBX-3: the type of the document without the XDS codes a table implies."""
    kind = document.get("type", {})
    stated = kind.get("coding", ())
    loinc: dict[str, Any] = next((c for c in stated if c.get("system") == _LOINC), {})
    implied = meaning("document-xds-type", str(loinc.get("code")))
    kept = [c for c in stated if implied is None or c.get("code") != implied.code]
    return codings.cwe(w, {**kind, "coding": kept})


def _content(w: Writing, obx: Segment, attachment: dict[str, Any], *, plain: bool) -> bool:
    """OBX-2 and OBX-5: text as TX where it may be `plain`, else ED in base64, a pointer as RP."""
    for extension in attachment.get("extension", ()):
        if extension.get("url") == _ABSENT:
            w.carried(extension)
    data, stated = _data(w, attachment)
    media: Text | None = stated or attachment.get("contentType")
    if data is not None:
        w.carried(attachment.get("size"), attachment.get("hash"))
        if stated is not None and stated == attachment.get("contentType"):
            w.source.repeats(attachment["contentType"], stated)
        return (plain and _text(obx, data, media)) or _encapsulated(obx, data, media)
    url = attachment.get("url")
    if url is None:
        return False
    obx.put(2, "RP")
    kind, subtype = _media(media)
    return obx.put(5, derived(unquote(url), url), None, kind, subtype)


def _data(w: Writing, attachment: dict[str, Any]) -> tuple[Text | None, Text | None]:
    """Return the base64 content, its own or that of the Binary it names, and the media type."""
    if "data" in attachment:
        return attachment["data"], attachment.get("contentType")
    url = attachment.get("url")
    binary = w.source.named(url) if url is not None else None
    if binary is None or binary["resourceType"] != "Binary":
        return None, None
    w.carried(url)
    return binary.get("data"), binary.get("contentType")


def _text(obx: Segment, data: Text, media: Text | None) -> bool:
    """Plain text that survives trimming and escaping → TX."""
    parts = [part.strip() for part in (media or "").lower().split(";")]
    if parts not in (["text/plain"], ["text/plain", "charset=utf-8"]):
        return False
    try:
        words = base64.b64decode(data).decode()
    except (binascii.Error, ValueError):
        return False
    if words != words.strip() or "\r" in words or not obx.put(5, derived(words, data, media)):
        return False
    obx.put(2, _TEXT)
    return True


def _encapsulated(obx: Segment, data: Text, media: Text | None) -> bool:
    kind, subtype = _media(media)
    obx.put(2, "ED")
    return obx.put(5, None, kind, subtype, "Base64", data)


def _media(media: Text | None) -> tuple[str | None, str | None]:
    """Split a media type into type and subtype."""
    if media is None:
        return None, None
    kind, _, rest = media.partition("/")
    subtype = rest.partition(";")[0].strip()
    if subtype != rest:
        # Parameters have no place: type and subtype are told, the whole is not.
        return kind, subtype or None
    return derived(kind, media), derived(subtype, media) if subtype else None
