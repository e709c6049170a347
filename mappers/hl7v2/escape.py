r"""Escape sequences in both directions (HL7 v2.5 chapter 2.7).

`\F\ \S\ \T\ \R\ \E\` are the delimiters, `\.br\` and `\.sp<n>\` line breaks, `\X..\` bytes in
the message's character set, `\H\` and `\N\` highlighting (dropped: FHIR strings have none).
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

    return lambda text: sequence.sub(resolve, text)


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
    count = min(int(number), 99) if number.isdigit() else 1
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
