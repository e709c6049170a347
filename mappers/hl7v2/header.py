"""The MSH segment read without decoding the message (HL7 v2.5 chapter 2.15.9).

Cheap and bytes-safe: looks at the first segment only, as Latin-1. Where MSH-9 names no event, as in
v2.1, EVN does, and some message types have only one.
"""

from __future__ import annotations

import string
from functools import lru_cache
from typing import NamedTuple

from profiles.issue import NotUnderstood

_BOM = b"\xef\xbb\xbf"
_LIMIT = 4096
#: Characters of an event of table 0003.
_EVENT = 3
#: Message code → its event, of those that have one.
_ONLY_EVENT = {"ORU": "R01", "ORM": "O01", "DFT": "P03", "VXU": "V04"}
#: What can separate in every character set; `""` deletes.
_SEPARATORS = frozenset(string.punctuation) - {'"'}


class Delimiters(NamedTuple):
    """The five separators of MSH-1 and MSH-2."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"


class Header(NamedTuple):
    """Facts of MSH, as given; absent fields are empty strings."""

    delimiters: Delimiters
    #: MSH-3 and MSH-4, whole fields.
    sending_application: str
    sending_facility: str
    #: MSH-5 and MSH-6, whole fields.
    receiving_application: str
    receiving_facility: str
    #: MSH-7 as written.
    time: str
    #: MSH-9.1, MSH-9.2 (else what EVN-1 or the message code says), MSH-9.3.
    message_code: str
    trigger: str
    structure: str
    #: MSH-10.
    control_id: str
    #: MSH-11.1 (P, T, D).
    processing_id: str
    #: MSH-12.1.
    version: str
    #: MSH-15 and MSH-16 (AL, NE, ER, SU or empty).
    accept_ack: str
    application_ack: str
    #: MSH-18, first repetition as given.
    charset: str

    @property
    def message_type(self) -> str:
        """MSH-9.1 and MSH-9.2 as "ADT^A01", whatever the delimiters."""
        return f"{self.message_code}^{self.trigger}" if self.trigger else self.message_code


def read_header(data: bytes) -> Header:
    """Read MSH from the first segment.

    Raises NotUnderstood when the bytes do not begin with a usable MSH segment.
    """
    start = data[:_LIMIT].removeprefix(_BOM).lstrip(b"\r\n\x0b \t")
    line = start.partition(b"\r")[0].partition(b"\n")[0].decode("latin-1")
    if not line.startswith("MSH") or len(line) < 8 or line[3].isalnum():
        raise NotUnderstood("the message does not begin with an MSH segment", location="MSH")
    separator = line[3]
    values = line.split(separator)
    encoding = values[1]
    if not encoding or separator in encoding:
        raise NotUnderstood("MSH-2 names no encoding characters", location="MSH-2")
    delimiters = _delimiters(separator, encoding)
    values += [""] * (18 - len(values))
    code, trigger, structure = _message_type(values[8], delimiters)
    if code and not trigger:
        trigger = _event(start, delimiters) or _ONLY_EVENT.get(code, "")
    component, repetition = delimiters.component, delimiters.repetition
    return Header(
        delimiters=delimiters,
        sending_application=values[2],
        sending_facility=values[3],
        receiving_application=values[4],
        receiving_facility=values[5],
        time=values[6].partition(component)[0],
        message_code=code,
        trigger=trigger,
        structure=structure,
        control_id=values[9],
        processing_id=values[10].partition(component)[0],
        version=values[11].partition(component)[0],
        accept_ack=values[14],
        application_ack=values[15],
        charset=values[17].partition(repetition)[0],
    )


@lru_cache(maxsize=64)
def _delimiters(separator: str, encoding: str) -> Delimiters:
    """Fill separators the sender left out with the recommended ones (2.5.4)."""
    default = "^~\\&"
    chosen = encoding[:4] + default[len(encoding) :]
    if not _SEPARATORS.issuperset(separator + chosen) or len({separator, *chosen}) < 5:
        raise NotUnderstood("MSH-2 names no usable encoding characters", location="MSH-2")
    return Delimiters(separator, chosen[0], chosen[1], chosen[2], chosen[3])


def _event(start: bytes, delimiters: Delimiters) -> str:
    """EVN-1 of the second segment; empty where another one follows MSH."""
    second = start.replace(b"\n", b"\r").partition(b"\r")[2].lstrip(b"\r")
    name, _, rest = second.partition(b"\r")[0].decode("latin-1").partition(delimiters.field)
    stated = rest.partition(delimiters.field)[0].partition(delimiters.component)[0].strip()
    return stated if name == "EVN" and stated.isalnum() and len(stated) == _EVENT else ""


def _message_type(value: str, delimiters: Delimiters) -> tuple[str, str, str]:
    parts = value.split(delimiters.component)
    parts += [""] * (3 - len(parts))
    return parts[0].strip(), parts[1].strip(), parts[2].strip()
