"""One HL7 v2 message → Mapped."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson

from mappers.base import Context, Mapped
from mappers.hl7v2.account import account
from mappers.hl7v2.conformance import hold_against
from mappers.hl7v2.header import Header, read_header
from mappers.hl7v2.messages import family_of
from mappers.hl7v2.reader import Family, read
from mappers.hl7v2.segments.provenance import provenance
from mappers.hl7v2.session import Draft, Session
from mappers.hl7v2.table_rows import apply_dialect_rows
from mappers.hl7v2.tokenizer import Message, tokenize
from mappers.mend import without
from mappers.trace import finished, lineage
from profiles.issue import GatewayError, Issue, NotConformant, NotSupported

FORMAT_NAME = "hl7v2"
_VERSIONS = ("2.1", "2.2", "2.3", "2.4", "2.5", "2.6", "2.7", "2.8", "2.9")

#: Types that say who and where, whoever the patient is.
_DIRECTORY = frozenset({"Device", "Location", "Organization", "Practitioner"})
#: Target of the Provenance of a message that says nothing about any resource.
_NOTHING = {"display": "no resource"}


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
    if context.dialect.rows:
        apply_dialect_rows(session, context.dialect.rows)
    origin = provenance(session, data)
    # The directory follows what is about the patient.
    drafts = sorted(session.drafts.values(), key=_is_directory)
    if context.without:
        _leave_out(drafts, context.without)
    origin["target"] = _targets(drafts)
    timestamp = session.instant(msh.first(7)) or ""
    traced = _lineage(session, drafts, origin) if context.lineage else None
    seen: set[int] = set()
    recalled = [_recalled(session, draft, seen) for draft in drafts]
    others = [d.resource for d, known in zip(drafts, recalled, strict=True) if known is None]
    *made, origin, timestamp = finished([*others, origin, timestamp], seen)
    rest = iter(made)
    resources = [known if known is not None else next(rest) for known in recalled]
    changes = tuple(map(Draft.change, drafts, resources))
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
        timestamp,
    )


def _recalled(session: Session, draft: Draft, seen: set[int]) -> dict[str, Any] | None:
    """Return the plain resource of an entry of the directory, made once for all messages.

    None for any other resource, and for one of which the message says more than the entry.
    """
    entry, memory = draft.entry, session.context.memory
    if entry is None or not entry.is_all_of(draft.resource):
        return None
    key = (_recalled, id(entry))
    known = memory.kept.get(key)
    if known is None or known[0] is not entry:
        leaves: set[int] = set()
        try:
            body = orjson.dumps(finished([draft.resource], leaves)[0])
        except orjson.JSONEncodeError:  # a decimal
            return None
        known = entry, body, leaves
        memory.offer(key, known, entry)
    _, body, leaves = known
    seen |= leaves
    resource: dict[str, Any] = orjson.loads(body)
    return resource


def _targets(drafts: list[Draft]) -> list[dict[str, str]]:
    """What the Provenance is about: every resource that stands alone."""
    return [
        {"reference": f"{draft.resource['resourceType']}/{draft.id}"}
        for draft in drafts
        if not draft.partial
    ] or [dict(_NOTHING)]


def _is_directory(draft: Draft) -> bool:
    return draft.resource["resourceType"] in _DIRECTORY


def _recency(session: Session, message: Message) -> str:
    """MSH-7, else EVN-2, in UTC."""
    moment = session.moment(message.segments[0].first(7))
    evn = message.get("EVN")
    if moment is None and evn is not None:
        moment = session.moment(evn.first(2))
    return moment.utc if moment is not None else ""


def _leave_out(drafts: list[Draft], places: Mapping[str, tuple[str, ...]]) -> None:
    for draft in drafts:
        left = places.get(f"{draft.resource['resourceType']}/{draft.id}")
        if left:
            draft.resource = without(draft.resource, left)


def _lineage(
    session: Session, drafts: list[Draft], origin: dict[str, Any]
) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for resource in (*(draft.resource for draft in drafts), origin):
        path = f"{resource['resourceType']}/{resource['id']}"
        found.update(lineage(resource, path, session.message.path))
    return found
