"""BAR and DFT: accounts, charges and payments (HL7 v2.5 chapter 6.4)."""

from __future__ import annotations

from mappers.hl7v2.messages import orders, patient
from mappers.hl7v2.reader import Family, Handler, Reader
from mappers.hl7v2.segments import clinical, ft1, gt1
from mappers.hl7v2.segments.pid import reference
from mappers.hl7v2.session import Draft, Session
from mappers.hl7v2.tokenizer import Segment

#: Events after which the account takes no more charges: purged or ended.
_ENDED = frozenset({"P02", "P06"})


def charge(reader: Reader, segment: Segment) -> None:
    """FT1 → ChargeItem or PaymentNotice, to which PR1 behind it belongs."""
    reader.end_order()
    reader.made(ft1.transaction(reader.session, segment))


def procedure(reader: Reader, segment: Segment) -> None:
    """PR1 → Procedure; behind FT1 it is what is charged."""
    session = reader.session
    made = clinical.procedure(session, segment)
    charged = reader.now.get("ChargeItem")
    if charged is not None and made is not None:
        session.append(charged, "service", reference(made))
    reader.before = made


def account(session: Session) -> None:
    """The account of the message: its coverages, and its end where the event says so."""
    if session.message.header.message_code != "BAR" and not session.all("IN1"):
        return
    holder = gt1.account(session)
    if holder is None:
        return
    if session.event in _ENDED:
        holder.resource["status"] = "inactive"
        holder.weak = ()
    insured = [one for one in session.drafts.values() if _insures(one, session.patient)]
    if insured:
        holder.resource["coverage"] = [
            {"coverage": reference(coverage), "priority": priority}
            for priority, coverage in enumerate(insured, start=1)
        ]


def _insures(draft: Draft, patient: Draft | None) -> bool:
    is_coverage = draft.resource["resourceType"] == "Coverage"
    return is_coverage and patient is not None and draft.subject == patient.id


READERS: dict[str, Handler] = {**orders.READERS, "FT1": charge, "PR1": procedure}
BILLING = Family(
    events=frozenset({"P01", "P02", "P05", "P06", "P10", "P12"}),
    readers=READERS,
    finish=(patient.finish, account),
)
CHARGES = Family(
    events=frozenset({"P03", "P11"}),
    readers=READERS,
    also=dict.fromkeys(("P03", "P11"), ("FT1",)),
    finish=(patient.finish, account),
)
