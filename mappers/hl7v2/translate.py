"""One HL7 v2 message → Mapped."""

from __future__ import annotations

from mappers.base import Context, Mapped
from mappers.finish import conclude
from mappers.hl7v2.account import account
from mappers.hl7v2.conformance import hold_against
from mappers.hl7v2.dialect_rows import carry
from mappers.hl7v2.header import Header, read_header
from mappers.hl7v2.messages import family_of
from mappers.hl7v2.reader import Family, read
from mappers.hl7v2.segments.provenance import provenance
from mappers.hl7v2.session import Session
from mappers.hl7v2.tokenizer import Message, tokenize
from mappers.trace import collect
from profiles.issue import GatewayError, Issue, NotConformant, NotSupported

FORMAT_NAME = "hl7v2"
_VERSIONS = ("2.1", "2.2", "2.3", "2.4", "2.5", "2.6", "2.7", "2.8", "2.9")


def translate(data: bytes, context: Context) -> Mapped:
    """Translate one message; content that cannot be translated is told in `refusal`."""
    header: Header | None = None
    try:
        header = read_header(data)
        family, told = family_of(header, context)
        _check(header, context)
        return _translate(data, header, context, family, told)
    except GatewayError as error:
        message_type = header.message_type if header is not None else ""
        return Mapped(FORMAT_NAME, message_type, header, refusal=error, issues=error.issues)


def _check(header: Header, context: Context) -> None:
    """Refuse versions nobody knows and messages nobody can name."""
    if header.version and not header.version.startswith(_VERSIONS):
        raise _refused("this version is not supported", "MSH-12", "203")
    if not header.control_id and not context.lenient:
        issue = Issue("error", "required", "the message has no control id", "MSH-10", "101")
        raise NotConformant(issue.text, location="MSH-10", issues=(issue,))


def _refused(sentence: str, location: str, code: str) -> NotSupported:
    issue = Issue("error", "not-supported", sentence, location, code)
    return NotSupported(sentence, location=location, issues=(issue,))


def _translate(
    data: bytes, header: Header, context: Context, family: Family, told: Issue | None
) -> Mapped:
    message = tokenize(data, context.dialect.charset, header)
    session = Session(message, context, header.trigger)
    if context.dialect.profile is not None:
        session.issues += hold_against(message, context.dialect.profile)
    msh = message.segments[0]
    session.recency = _recency(session, message)
    if told is not None:
        session.issues.append(told)
    read(session, family)
    origin = provenance(session, data)
    if context.dialect.carries_more:
        carry(session, origin)
    timestamp = session.instant(msh.first(7)) or ""
    drafts = session.drafts.values()
    changes, origin, traced, seen = conclude(drafts, origin, context, message.path)
    collect(timestamp, seen)
    loss = account(session, seen)
    return Mapped(
        FORMAT_NAME,
        header.message_type,
        header,
        changes,
        tuple(session.issues),
        loss,
        traced,
        None,
        tuple(session.patients),
        {element: tuple(found) for element, found in session.recipients.items() if found},
        origin,
        str(timestamp),
    )


def _recency(session: Session, message: Message) -> str:
    """MSH-7, else EVN-2, in UTC."""
    moment = session.moment(message.segments[0].first(7))
    evn = message.get("EVN")
    if moment is None and evn is not None:
        moment = session.moment(evn.first(2))
    return moment.utc if moment is not None else ""
