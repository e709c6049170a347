"""FHIR R4 as a source and a target: Bundles and single resources, in JSON and read from XML."""

from __future__ import annotations

from collections.abc import Iterator

from mappers.base import Format
from mappers.fhir_r4.incoming import translate
from mappers.fhir_r4.outgoing import encode

#: Namespace of FHIR in XML (https://hl7.org/fhir/R4/xml.html), which its root element declares.
_NAMESPACE = b"http://hl7.org/fhir"
#: Bytes in which the root element begins, after comments.
_HEAD = 8_192


def recognises(data: bytes) -> bool:
    """Say whether the bytes look like a JSON object, or like XML in the namespace of FHIR."""
    first = data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    return first == b"{" or (first == b"<" and _NAMESPACE in data[:_HEAD])


def split(data: bytes) -> Iterator[bytes]:
    """Return the messages of a file: NDJSON lines that are objects, else the whole."""
    if data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"<":
        yield data
        return
    lines = [line for line in data.splitlines() if line.strip()]
    if len(lines) > 1 and all(
        line.strip()[:1] == b"{" and line.strip()[-1:] == b"}" for line in lines
    ):
        yield from lines
    else:
        yield data


FORMAT = Format(
    name="fhir_r4",
    recognises=recognises,
    split=split,
    translate=translate,
    media_type="application/fhir+json",
    encode=encode,
    keeps_claims=True,
    foreign=True,
)
