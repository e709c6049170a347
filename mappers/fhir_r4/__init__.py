"""FHIR R4 as a source and a target: Bundles and single resources."""

from __future__ import annotations

from collections.abc import Iterator

from mappers.base import Format
from mappers.fhir_r4.incoming import translate
from mappers.fhir_r4.outgoing import encode


def recognises(data: bytes) -> bool:
    """Say whether the bytes look like a JSON object."""
    return data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] == b"{"


def split(data: bytes) -> Iterator[bytes]:
    """Return the messages of a file: NDJSON lines that are objects, else the whole."""
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
)
