"""HL7 v2.1 to v2.8 in ER7 encoding, with the German message profiles."""

from __future__ import annotations

from mappers.base import Format
from mappers.hl7v2.batch import pieces, split
from mappers.hl7v2.translate import translate
from mappers.hl7v2.write import as_format

_STARTS = (b"MSH", b"FHS", b"BHS")
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


def recognises(data: bytes) -> bool:
    """Tell whether the bytes begin with a message or batch header."""
    if data.startswith(_UTF16):
        data = data[:64].decode("utf-16", "ignore").encode()
    start = data.removeprefix(b"\xef\xbb\xbf").lstrip(b"\x0b\r\n \t")
    return start.startswith(_STARTS)


FORMAT = Format(
    name="hl7v2",
    recognises=recognises,
    split=split,
    translate=translate,
    media_type="x-application/hl7-v2+er7",
    encode=as_format,
    stream=pieces,
    keeps_claims=True,
)
