"""The "original" form of a delivery: the source segments, addressed to the partner.

Everything but MSH-3 to MSH-7, MSH-10 and MSH-18 stays as the sender wrote it, byte for byte
while the character set stays the same; else the text is re-encoded for the partner.
"""

from __future__ import annotations

import re

from mappers.hl7v2.header import Delimiters, read_header
from profiles.issue import NotConformant
from profiles.reading import decode_text
from profiles.reading.charset import codec_of

_FRAME = b"\xef\xbb\xbf\x0b\r\n \t"
_FIRST_LINE = re.compile(rb"([^\r\n]*)([\r\n].*)?", re.DOTALL)


def readdress(
    data: bytes,
    *,
    sending: tuple[str, str],
    receiving: tuple[str, str],
    control_id: str,
    time: str,
    charset: str,
) -> bytes:
    """Address a message to a partner.

    `sending` and `receiving` are (application, facility) as whole fields; `time` is MSH-7;
    `charset` is MSH-18, empty to keep the sender's bytes and declaration. Raises NotUnderstood
    without a usable MSH and NotConformant when the partner's charset lacks a character.
    """
    header = read_header(data)
    declared = charset or header.charset
    codec = codec_of(declared) or "cp1252"
    if codec != (codec_of(header.charset) or "cp1252"):
        data = _recode(data, header.charset, codec, header.delimiters)
    match = _FIRST_LINE.match(data.lstrip(_FRAME))
    line, rest = (match.group(1), match.group(2) or b"") if match else (data, b"")
    separator = header.delimiters.field.encode("latin-1")
    fields = line.split(separator)
    wanted = {2: sending[0], 3: sending[1], 4: receiving[0], 5: receiving[1]}
    wanted |= {6: time, 9: control_id}
    if declared:
        wanted[17] = declared
    fields += [b""] * (max(wanted) + 1 - len(fields))
    for position, value in wanted.items():
        fields[position] = _encode(value, codec)
    return separator.join(fields) + rest


def _recode(data: bytes, declared: str, codec: str, delimiters: Delimiters) -> bytes:
    text, _ = decode_text(data, declared)
    return _encode(_without_high_hex(text, delimiters.escape, declared), codec)


def _without_high_hex(text: str, mark: str, declared: str) -> str:
    r"""Resolve `\X..\` bytes above ASCII: they are bytes of the character set being left."""
    if mark + "X" not in text:
        return text
    source = codec_of(declared) or "cp1252"
    quoted = re.escape(mark)

    def resolve(match: re.Match[str]) -> str:
        raw = bytes.fromhex(match.group(1))
        return match.group() if raw.isascii() else raw.decode(source, "replace")

    return re.sub(f"{quoted}X((?:[0-9A-Fa-f]{{2}})+){quoted}", resolve, text)


def _encode(text: str, codec: str) -> bytes:
    try:
        return text.encode(codec)
    except UnicodeEncodeError as error:
        raise NotConformant(
            "the partner's character set lacks a character of the message", location="MSH-18"
        ) from error
