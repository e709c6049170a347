"""Acknowledgement messages, written and read (HL7 v2.5 chapter 2.9 and 2.15.5, 2.15.8).

The answer speaks the sender's version, charset and delimiters, swaps the addresses of MSH-3 to
MSH-6 and repeats the control id in MSA-2. ERR carries the location (`PID^1^7`) and the code of
table 0357; before version 2.5 both stand in ERR-1.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from mappers.hl7v2.escape import escape
from mappers.hl7v2.header import Header, read_header
from mappers.hl7v2.tokenizer import Segment, leaf, tokenize
from profiles.issue import Issue, NotUnderstood
from profiles.reading.charset import codec_of

#: HL7 table 0357, message error condition codes.
CONDITIONS = {
    "0": "Message accepted",
    "100": "Segment sequence error",
    "101": "Required field missing",
    "102": "Data type error",
    "103": "Table value not found",
    "200": "Unsupported message type",
    "201": "Unsupported event code",
    "202": "Unsupported processing id",
    "203": "Unsupported version id",
    "204": "Unknown key identifier",
    "205": "Duplicate key identifier",
    "206": "Application record locked",
    "207": "Application internal error",
}
#: FHIR issue type → table 0357, where an issue does not name its code itself.
_BY_ISSUE = {
    "structure": "100",
    "required": "101",
    "value": "102",
    "code-invalid": "103",
    "not-supported": "200",
    "duplicate": "205",
    "transient": "207",
    "exception": "207",
}
_SEVERITY = {"fatal": "E", "error": "E", "warning": "W", "information": "I"}
_LOCATION = re.compile(r"([A-Z][A-Z0-9]{2})(?:\[(\d+)\])?(?:-(\d+)(?:\[(\d+)\])?(?:\.(\d+))?)?")


@dataclass(frozen=True, slots=True)
class AckError:
    """One ERR segment."""

    #: Segment^sequence^field of the place, as written.
    location: str
    #: Table 0357 code.
    code: str
    #: E, W or I; empty before version 2.5.
    severity: str
    text: str


@dataclass(frozen=True, slots=True)
class Ack:
    """What a partner answered."""

    #: MSA-1: AA AE AR CA CE CR.
    code: str
    #: MSA-2: control id of the message answered.
    control_id: str
    #: MSA-3.
    text: str
    errors: tuple[AckError, ...]


def acknowledge(
    header: Header,
    code: str,
    *,
    control_id: str,
    time: str,
    issues: Iterable[Issue] = (),
) -> bytes:
    """Write the answer to a message.

    `code` is MSA-1, `control_id` our own MSH-10, `time` MSH-7 as an HL7 timestamp. Segments end
    with CR; characters the sender's charset does not have become "?".
    """
    separator, component = header.delimiters.field, header.delimiters.component
    modern = _version(header.version) >= (2, 5)
    parts = ["ACK", header.trigger, "ACK"] if _version(header.version) >= (2, 3) else ["ACK"]
    message_type = component.join(part for part in parts if part)
    msh = ["MSH" + separator + _encoding(header)]
    msh += [header.receiving_application, header.receiving_facility]
    msh += [header.sending_application, header.sending_facility]
    msh += [time, "", message_type, control_id, header.processing_id or "P"]
    codec, charset = codec_of(header.charset) or "latin-1", header.charset
    if codec == "utf-16":
        # A header that could be read has no UTF-16, whatever it says.
        codec, charset = "utf-8", "UNICODE UTF-8"
    msh += [header.version or "2.5", "", "", "", "", "", charset]
    lines = [separator.join(msh).rstrip(separator)]
    lines.append(separator.join(["MSA", code, header.control_id]))
    lines += [_error(issue, header, modern=modern) for issue in issues]
    text = "".join(line + "\r" for line in lines)
    return text.encode(codec, "replace")


def _encoding(header: Header) -> str:
    d = header.delimiters
    return d.component + d.repetition + d.escape + d.subcomponent


def _version(version: str) -> tuple[int, ...]:
    numbers = [int(part) for part in version.split(".") if part.isdecimal() and len(part) <= 10]
    return tuple(numbers) or (2, 5)


def _error(issue: Issue, header: Header, *, modern: bool) -> str:
    d = header.delimiters
    condition = issue.hl7_code or _BY_ISSUE.get(issue.code, "207")
    meaning = CONDITIONS.get(condition, "")
    place = _place(issue.location, d.component)
    if not modern:
        coded = d.subcomponent.join([condition, meaning, "HL70357"])
        padded = place.split(d.component)[:3] if place else []
        padded += [""] * (3 - len(padded))
        return f"ERR{d.field}" + d.component.join([*padded, coded])
    coded = d.component.join([condition, meaning, "HL70357"])
    severity = _SEVERITY[issue.severity]
    text = escape(issue.text, d)
    return d.field.join(["ERR", "", place, coded, severity, "", "", "", text])


def _place(location: str, component: str) -> str:
    """Render "PID-7" as PID^1^7; places that are no HL7 path are left out."""
    match = _LOCATION.fullmatch(location)
    if match is None:
        return ""
    segment, occurrence, field, repetition, part = match.groups()
    place = [segment, occurrence or "1"]
    if field:
        place.append(field)
        if repetition or part:
            place.append(repetition or "1")
        if part:
            place.append(part)
    return component.join(place)


def read_acknowledgement(data: bytes) -> Ack:
    """Read a partner's answer; raises NotUnderstood when it holds no MSA segment."""
    read_header(data)
    message = tokenize(data)
    msa = message.get("MSA")
    code = msa.first(1) if msa is not None else None
    if msa is None or code is None:
        raise NotUnderstood("the answer holds no MSA segment with a code", location="MSA-1")
    text = " ".join(msa.texts(3))
    errors = tuple(_read_error(segment) for segment in message.all("ERR"))
    return Ack(str(code).upper(), str(msa.first(2) or ""), text, errors)


def _read_error(segment: Segment) -> AckError:
    if not segment.has(3):
        return _read_old_error(segment)
    place = segment.repetitions(2)
    location = "^".join(str(part) for part in place[0][1:] if part) if place else ""
    text = " ".join(segment.texts(8)) or str(segment.component(3, 2) or "")
    return AckError(location, str(segment.first(3) or ""), str(segment.first(4) or ""), text)


def _read_old_error(segment: Segment) -> AckError:
    """ERR-1 before 2.5: segment^sequence^field^code, the code possibly with subcomponents."""
    repetitions = segment.repetitions(1)
    if not repetitions:
        return AckError("", "", "", "")
    first = repetitions[0]
    location = "^".join(str(part) for n in (1, 2, 3) if (part := leaf(first, n)))
    coded = first[4] if len(first) > 4 else None
    meaning = coded[1] if type(coded) is list and len(coded) > 1 else None
    return AckError(location, str(leaf(first, 4) or ""), "", str(meaning or ""))
