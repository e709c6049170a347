"""LDT: reports and orders of laboratories (KBV: "LDT 3 Satzbeschreibung", LDT 2: LDT1014.01).

- `head`: who sends; `subjects`, `persons`, `houses`: whom it is about and who takes part.
- `reports` (8205) with `specimens`, `results`, `microbiology`, `measured`, `ranges`, `alerts`,
  `charges`, `attached`; `requests` (8215) with `orders`, `reasons`; `facts` of both.
- `flat_head`, `flat`, `flat_microbiology`: LDT 2.
- `objects`, `values`: what objects hold one another, and coded contents.
"""

from __future__ import annotations

from collections.abc import Callable

from mappers.xdt.group import Group
from mappers.xdt.ldt.flat import flat_order, flat_report
from mappers.xdt.ldt.flat_head import flat_head
from mappers.xdt.ldt.head import Head, read_head
from mappers.xdt.ldt.reports import report
from mappers.xdt.ldt.requests import requests
from mappers.xdt.message import Message
from mappers.xdt.session import Session

#: Satzart → what reads it.
_READERS: dict[str, Callable[[Session, Group, Head], None]] = {
    "8201": flat_report,
    "8202": flat_report,
    "8203": flat_report,
    "8204": flat_report,
    "8205": report,
    "8215": requests,
    "8218": flat_order,
    "8219": flat_order,
}


def read(session: Session, message: Message) -> None:
    """Turn the records of a message into drafts."""
    head = Head(None, None)
    for record in message.headers:
        said = (read_head if record.is_nested else flat_head)(session, record)
        head = Head(said.laboratory or head.laboratory, said.practice or head.practice)
    session.author = head.laboratory or head.practice
    for item in message.items:
        _READERS[item.name](session, item, head)
