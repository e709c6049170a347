r"""Escape sequences in both directions (HL7 v2.5 chapter 2.7).

`\F\ \S\ \T\ \R\ \E\` are the delimiters, `\.br\` and `\.sp<n>\` line breaks, `\X..\` bytes in
the message's character set, `\H\` and `\N\` highlighting (dropped: FHIR strings have none),
`\C....\` and `\M......\` switch the character set for what follows (ISO 2022, chapter 2.7.2).
What is no escape sequence stays as it is: senders do write single backslashes.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from mappers.hl7v2.header import Delimiters

_FORMAT = re.compile(r"\.(br|sp|in|ti|fi|nf|ce)\s*([+-]?\d*)", re.IGNORECASE)
#: What may stand between two escape characters; anything else is text.
_SEQUENCE = (
    r"[FSTREHNP]|\.(?:br|BR|sp|SP|in|IN|ti|TI|fi|FI|nf|NF|ce|CE)\s*[+-]?\d{0,4}"
    r"|X(?:[0-9A-Fa-f]{2}){1,2048}"
)
#: Control characters no FHIR string holds (https://hl7.org/fhir/R4/datatypes.html#string).
CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")
#: What stands for a character that cannot be carried.
REPLACEMENT = "\ufffd"
_HEX = re.compile(r"X((?:[0-9A-Fa-f]{2})+)")
#: Bytes after ESC that switch to a set of single bytes → codec.
_SINGLE = {
    "2842": "ascii",
    "284A": "ascii",
    "2D41": "iso8859-1",
    "2D42": "iso8859-2",
    "2D43": "iso8859-3",
    "2D44": "iso8859-4",
    "2D4C": "iso8859-5",
    "2D47": "iso8859-6",
    "2D46": "iso8859-7",
    "2D48": "iso8859-8",
    "2D4D": "iso8859-9",
    "2D62": "iso8859-15",
}
#: The same for sets of several bytes, which the codec knows by their escape sequences.
_SEVERAL = frozenset({"2440", "2442", "242844", "2441", "242843"})
_ISO_2022 = "iso2022_jp_2"


def unescaper(delimiters: Delimiters, codec: str) -> Callable[[str], str]:
    """Return a function that resolves the escape sequences of one message."""
    escape = re.escape(delimiters.escape)
    sequence = re.compile(f"{escape}({_SEQUENCE}){escape}")
    plain = {
        "F": delimiters.field,
        "S": delimiters.component,
        "T": delimiters.subcomponent,
        "R": delimiters.repetition,
        "E": delimiters.escape,
        "H": "",
        "N": "",
        "P": "",
    }

    def resolve(match: re.Match[str]) -> str:
        body = match.group(1)
        known = plain.get(body)
        if known is not None:
            return known
        return _other(body, codec, match.group())

    switch = re.compile(f"{escape}([CM](?:[0-9A-Fa-f]{{2}}){{2,3}}){escape}")
    marks = (delimiters.escape + "C", delimiters.escape + "M")

    def unescape(text: str) -> str:
        if any(mark in text for mark in marks):
            text = _switched(switch.split(text), codec, delimiters.escape)
        return sequence.sub(resolve, text)

    return unescape


def _switched(parts: list[str], codec: str, mark: str) -> str:
    """Read each part behind a switch in its character set; what cannot be read stays as written."""
    made = parts[0]
    for switch, run in zip(parts[1::2], parts[2::2], strict=True):
        made += _read_as(switch[1:].upper(), run, codec) or f"{mark}{switch}{mark}{run}"
    return made


def _read_as(switch: str, run: str, codec: str) -> str:
    single = _SINGLE.get(switch)
    if single is not None and codec.startswith("utf"):
        return run
    try:
        if single is not None:
            return run.encode(codec).decode(single)
        if switch in _SEVERAL:
            return (b"\x1b" + bytes.fromhex(switch) + run.encode("ascii")).decode(_ISO_2022)
    except UnicodeError:
        pass
    return ""


def _other(body: str, codec: str, original: str) -> str:
    layout = _FORMAT.fullmatch(body)
    if layout is not None:
        return _layout(layout.group(1).lower(), layout.group(2))
    bytes_in_hex = _HEX.fullmatch(body)
    if bytes_in_hex is not None:
        decoded = bytes.fromhex(bytes_in_hex.group(1)).decode(codec, "replace")
        return CONTROL.sub(REPLACEMENT, decoded)
    return original


def _layout(command: str, number: str) -> str:
    count = min(max(int(number), 0), 99) if number.lstrip("+-") else 1
    if command == "br":
        return "\n"
    if command == "sp":
        return "\n" * count
    if command == "ce":
        return "\n"
    return ""


def escape(value: str, delimiters: Delimiters) -> str:
    """Escape a value for writing; line breaks become `\\.br\\`."""
    mark = delimiters.escape
    written = value.replace(mark, f"{mark}E{mark}") if mark in value else value
    for character, letter in (
        (delimiters.field, "F"),
        (delimiters.component, "S"),
        (delimiters.subcomponent, "T"),
        (delimiters.repetition, "R"),
    ):
        if character in written:
            written = written.replace(character, f"{mark}{letter}{mark}")
    if "\n" in written or "\r" in written:
        written = re.sub(r"\r\n|\r|\n", lambda _: f"{mark}.br{mark}", written)
    return written
