"""Files of a record → DocumentReference and Binary (FK 6302 to 6305, 6329).

The content stands in the record (6329, base64) or in a file beside it, which whoever read the
record hands in (`Session.files`). A path is a name and nothing else: it is never opened.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from typing import Any

from mappers.base import Key
from mappers.drafts import Draft
from mappers.trace import Text, Value, derived, merged, text
from mappers.xdt.datatypes import clean
from mappers.xdt.group import Group
from mappers.xdt.patient import reference
from mappers.xdt.session import Session

#: Fields of a file.
FILE_FIELDS = ("6302", "6303", "6304", "6305", "6327", "6328", "6329")
_URL = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+://")
_ABSENT = "http://hl7.org/fhir/StructureDefinition/data-absent-reason"
_BYTES = "application/octet-stream"
_TYPE = {"text": "Untersuchungsergebnis"}


def attachment(
    session: Session, group: Group, about: tuple[str, ...], when: str | None
) -> Draft | None:
    """One file → DocumentReference; `about` names what it belongs to."""
    patient = session.patient
    number, path = group.first("6302"), group.first("6305")
    if patient is None or not group.has(*FILE_FIELDS):
        return None
    named = str(path or number or group.first("6304") or "").strip()
    if not named and group.has("6329"):
        named = hashlib.sha256("".join(group.all("6329")).encode()).hexdigest()
    value = "|".join((*about, named))
    key = Key("DocumentReference", f"{session.namespace}/document", value)
    draft = session.draft("DocumentReference", key)
    resource = draft.resource
    resource["masterIdentifier"] = {"system": key.system, "value": value}
    if number is not None:
        identifier = {"system": f"{session.namespace}/archive", "value": clean(number)}
        session.append(draft, "identifier", identifier)
    resource["status"] = "current"
    resource["type"] = dict(_TYPE)
    resource["subject"] = reference(patient)
    made: dict[str, Any] = {"contentType": _media_type(session, group)}
    _content(session, group, made, draft)
    title = session.lines(group, "6304") or session.lines(group, "6327")
    if title is not None:
        made["title"] = title
    if when is not None:
        made["creation"] = when
    resource["content"] = [{"attachment": made}]
    return draft


def _media_type(session: Session, group: Group) -> str:
    """6303, else the ending of the name."""
    stated, path = group.first("6303"), group.first("6305")
    if stated is not None:
        found = session.lookup("media-type", stated)
        if found is not None:
            return text(found.code, stated.source)
        if "/" in stated:
            return text(stated.strip().lower(), stated.source)
        session.unknown(stated)
        return text(_BYTES, stated.source)
    return _by_ending(session, path) if path is not None else _BYTES


def _by_ending(session: Session, path: Text) -> str:
    ending = path.strip().rpartition(".")[2].upper()
    found = session.lookup("media-type", text(ending, path.source)) if ending else None
    return found.code if found is not None else _BYTES


def file_beside(session: Session, path: Text, draft: Draft) -> dict[str, Any]:
    """The attachment of a file a record names: its content where it came with the record."""
    made: dict[str, Any] = {"contentType": _by_ending(session, path)}
    held = session.files.get(file_name(path).lower())
    if held is not None:
        _hold(session, made, held, draft)
        _named(session, path, draft)
    else:
        _missing(session, path, made, draft)
    return made


def _content(session: Session, group: Group, made: dict[str, Any], draft: Draft) -> None:
    path = group.first("6305")
    inside = group.all("6329")
    if inside:
        _inside(session, group, inside, made, draft)
    if path is None:
        if not inside:
            made["extension"] = [{"url": _ABSENT, "valueCode": "unknown"}]
        return
    held = session.files.get(file_name(path).lower())
    if inside or held is not None:
        if held is not None and not inside:
            _hold(session, made, held, draft)
        _named(session, path, draft)
        return
    _missing(session, path, made, draft)


def _hold(session: Session, made: dict[str, Any], held: bytes, draft: Draft) -> None:
    encoded = text(base64.b64encode(held).decode("ascii"), ())
    _binary(session, made, encoded, held, draft)


def _missing(session: Session, path: Text, made: dict[str, Any], draft: Draft) -> None:
    """A file that did not come: an address of the network stays one, a name is told."""
    if _URL.match(path.strip()):
        made["url"] = text(path.strip().replace(" ", "%20"), path.source)
        return
    _named(session, path, draft)
    made["extension"] = [{"url": _ABSENT, "valueCode": "unknown"}]
    session.issue("not-found", "the file the record names did not come with it", path)


def file_name(path: str) -> str:
    """The name alone: the directories are the sender's own."""
    return re.split(r"[/\\]", path.strip())[-1]


def _named(session: Session, path: Text, draft: Draft) -> None:
    """The name the file had at the sender's."""
    value = {"system": f"{session.namespace}/file", "value": clean(path)}
    session.append(draft, "identifier", value)


def _inside(
    session: Session, group: Group, lines: list[Text], made: dict[str, Any], draft: Draft
) -> None:
    """6329: base64 over several lines; 6328 names the coding, which is always that."""
    joined = "".join("".join(line.split()) for line in lines)
    coding = group.first("6328")
    if coding is not None:
        session.ignored.append((coding, "the coding of the content: applied while reading"))
    try:
        content = binascii.a2b_base64(joined + "=" * (-len(joined) % 4), strict_mode=True)
    except (binascii.Error, ValueError):
        session.issue("value", "the content is not base64; kept as text", lines[0], "102")
        content = joined.encode()
    encoded = derived(base64.b64encode(content).decode("ascii"), *lines)
    _binary(session, made, encoded, content, draft)


def _binary(
    session: Session, made: dict[str, Any], encoded: str, content: bytes, draft: Draft
) -> None:
    digest = hashlib.sha256(content).hexdigest()
    key = Key("Binary", f"{session.namespace}/key/Binary", f"{draft.id}|{digest}")
    binary = session.draft("Binary", key)
    binary.resource["contentType"] = str(made["contentType"])
    binary.resource["data"] = encoded
    made["url"] = f"Binary/{binary.id}"
    made["size"] = Value(len(content), merged(encoded))


def text_form(session: Session, lines: list[Text], about: Draft) -> dict[str, Any]:
    """Preformatted lines (6228) → one text/plain attachment in UTF-8."""
    content = "\n".join(lines).encode()
    encoded = derived(base64.b64encode(content).decode("ascii"), *lines)
    made: dict[str, Any] = {"contentType": "text/plain; charset=utf-8"}
    _binary(session, made, encoded, content, about)
    return made
