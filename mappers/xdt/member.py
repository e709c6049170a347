"""Which member of the family a message is, and in which version."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from mappers.xdt.group import Group
from mappers.xdt.message import Message
from mappers.xdt.records import kinds

#: Where members write their version.
_VERSIONS = ("9218", "0001", "2900", "9213", "9212")
_LDT_3 = re.compile(r"LDT(\d)\.(\d\d?)\.(\d{1,4})")


class Member(NamedTuple):
    """A member of the family."""

    #: "GDT", "LDT", "BDT" or "KVDT"; empty when nobody knows the Satzart.
    name: str
    #: As the message writes it without leading zeros: "2.10", "3.01", "3.2.20", "02/94"; or "".
    version: str
    #: Satzart of the record the message is named after: its last one that is no header.
    satzart: str

    @property
    def message_type(self) -> str:
        """Name of the message, e.g. "GDT 6310"."""
        return f"{self.name or 'xDT'} {self.satzart}"

    @property
    def major(self) -> int:
        """First number of the version; 0 when it is not stated."""
        digits = re.match(r"\d+", self.version)
        return int(digits[0]) if digits is not None else 0


def member_of(message: Message) -> Member:
    """Tell the member from the Satzarten, the version from 9218, 0001, 9212, 9213 or 2900."""
    items = message.items or message.records
    satzart = items[-1].name
    kind = kinds().get(satzart)
    name = kind.member if kind is not None else ""
    if name == "BDT" and any(one.name in ("con0", "adt0") for one in message.records):
        name = "KVDT"
    return Member(name, _version(message.records), satzart)


def _version(records: Sequence[Group]) -> str:
    for record in records:
        for group in record.walk():
            fields = group.fields
            for fk in _VERSIONS:
                if fk in fields:
                    stated = fields[fk][0]
                    nested = _LDT_3.fullmatch(stated)
                    return ".".join(nested.groups()) if nested else _plain(stated)
    return ""


def _plain(stated: str) -> str:
    """`02.10` is also written `2.10`."""
    version = stated.strip()
    return version.removeprefix("0") if version[1:2].isdigit() and "." in version else version
