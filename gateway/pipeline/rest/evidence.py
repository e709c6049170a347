"""The audit trail of a caller's writes, done or refused (IHE BALP 1.1, create, update, delete)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gateway.domain.time import Instant
from gateway.evidence import write_event
from gateway.evidence.event_class import EventClass
from gateway.evidence.parts import SUCCESS, Caller, Outcome, Party, Result
from gateway.pipeline.ports import AuditRow
from gateway.pipeline.rest.asked import Act, Done, Method, Order, Stated
from gateway.pipeline.site import Site

_INTERACTION: dict[Method, write_event.Interaction] = {
    Method.POST: "create",
    Method.PUT: "update",
    Method.PATCH: "patch",
    Method.DELETE: "delete",
}
#: Systems write on behalf of treatment.
_PURPOSE = "TREAT"


def witness(
    site: Site, now: Instant, order: Order, done: Sequence[Done], refused: int = -1
) -> Iterator[AuditRow]:
    """Make one event for each act that was done, or one for the act that was refused."""
    acts = order.acts if refused < 0 else order.acts[refused : refused + 1]
    for act, one in zip(acts, done, strict=True):
        target = f"{one.type}/{one.id}/_history/{one.version}" if one.version else _asked(act)
        event = write_event.written(
            site.auditor.stamp(now),
            caller=caller(order.caller),
            target=target,
            patient=one.patient_id,
            interaction=_INTERACTION[act.method],
            result=SUCCESS if one.status < 400 else _failure(one),
        )
        yield site.auditor.row(EventClass.WRITE, now, event)


def caller(stated: Stated) -> Caller:
    """Name the caller."""
    reference = f"Organization/{stated.organization}" if stated.organization else ""
    client = Party(
        reference=reference,
        value="" if reference else "anonymous",
        address=stated.peer,
        alternative=stated.client,
    )
    return Caller(client=client, purposes=(_PURPOSE,), request_id=stated.request_id)


def _asked(act: Act) -> str:
    return f"{act.type}/{act.id}" if act.id and act.method is not Method.POST else act.type


def _failure(done: Done) -> Result:
    outcome = Outcome.SERIOUS_FAILURE if done.status in (401, 403) else Outcome.MINOR_FAILURE
    return Result(outcome, done.issues[0].code if done.issues else "")
