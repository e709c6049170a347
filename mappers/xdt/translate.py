"""One xDT message → Mapped."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module

from mappers.base import Context, Encoded, Mapped
from mappers.finish import conclude
from mappers.parcel import unpack
from mappers.xdt.account import account
from mappers.xdt.dialect_rows import carry
from mappers.xdt.member import Member, member_of
from mappers.xdt.message import Message
from mappers.xdt.provenance import created, provenance, said_of_itself, system
from mappers.xdt.session import Session
from profiles.issue import GatewayError, Issue, NotSupported

FORMAT_NAME = "xdt"

#: Member → module with `read(session, message)`, which turns its records into drafts.
READERS: dict[str, str] = {
    "GDT": "mappers.xdt.gdt",
    "LDT": "mappers.xdt.ldt",
    "BDT": "mappers.xdt.bdt",
    "KVDT": "mappers.xdt.bdt",
}


def translate(data: bytes, context: Context) -> Mapped:
    """Translate one message; content that cannot be translated is told in `refusal`."""
    member: Member | None = None
    try:
        parcel = unpack(data)
        message = Message(parcel.data, context.dialect.charset)
        member = member_of(message)
        return _translate(parcel, message, context, member)
    except GatewayError as error:
        named = member.message_type if member is not None else ""
        return Mapped(FORMAT_NAME, named, refusal=error, issues=error.issues)


def reader_of(member: Member) -> Callable[[Session, Message], None]:
    """Return what reads the records of a member; raises NotSupported when nothing does."""
    if member.name not in READERS:
        sentence = "records of this kind (FK 8000) are not taken here"
        issue = Issue("error", "not-supported", sentence, "FK 8000", "200")
        raise NotSupported(sentence, location="FK 8000", issues=(issue,))
    found: Callable[[Session, Message], None] = import_module(READERS[member.name]).read
    return found


def _translate(parcel: Encoded, message: Message, context: Context, member: Member) -> Mapped:
    read = reader_of(member)
    session = Session(message, context, member)
    session.files = {one.name.lower(): one.data for one in parcel.attachments}
    said = said_of_itself(message)
    session.recorded = created(session, said)
    session.sender = system(session, said)
    read(session, message)
    origin = provenance(session, message, said, parcel.data)
    if context.dialect.carries_more:
        carry(session, message, origin)
    drafts = session.drafts.values()
    changes, origin, traced, seen = conclude(drafts, origin, context, message.path)
    loss = account(session, message, seen)
    return Mapped(
        FORMAT_NAME,
        member.message_type,
        changes=changes,
        issues=tuple(session.issues),
        loss=loss,
        lineage=traced,
        patients=tuple(session.patients),
        recipients={
            element: tuple(found) for element, found in session.recipients.items() if found
        },
        provenance=origin,
        timestamp=origin.get("recorded", ""),
    )
