"""Messages and deliveries as operators look at them."""

from __future__ import annotations

from typing import Any

from gateway.domain.message import Arrival, MessageState
from gateway.domain.time import Instant
from gateway.store.bodies import Bodies
from gateway.store.database import Database, Row
from gateway.store.deliveries import COLUMNS, delivery_of
from gateway.store.seal import Kind
from gateway.store.views import Attempt, DeliveryView, MessageView

_MESSAGE = (
    "SELECT message, endpoint, organization, control_id, sender, received_at, processing_id,"
    " format, message_type, state, reason, patient, fields, mapped, ignored, unmapped, issues,"
    " answer_code, retain_until FROM message"
)


def _message(row: tuple[Any, ...]) -> MessageView:
    values: tuple[Any, ...] = (*row[:9], MessageState(row[9]), *row[10:])
    return MessageView(*values)


def message(db: Database, number: int) -> MessageView | None:
    """Read one message; None when there is none."""
    rows = db.query(f"{_MESSAGE} WHERE message = ?", (number,))
    return _message(rows[0]) if rows else None


def messages(
    db: Database,
    *,
    state: MessageState | None,
    endpoint: str,
    control_id: str,
    since: Instant,
    before: int,
    limit: int,
) -> list[MessageView]:
    """Read messages that meet all criteria, newest first; `before` is a number to go on from."""
    where, params = ["message < ?"], [before or 1 << 62]
    for condition, value in (
        ("state = ?", state.value if state else ""),
        ("endpoint = ?", endpoint),
        ("control_id = ?", control_id),
        ("received_at >= ?", since),
    ):
        if value:
            where.append(condition)
            params.append(value)  # type: ignore[arg-type]  # texts and numbers, bound as they are
    sql = f"{_MESSAGE} WHERE {' AND '.join(where)} ORDER BY message DESC LIMIT ?"
    return [_message(row) for row in db.query(sql, (*params, limit))]


def report(db: Database, bodies: Bodies, number: int) -> bytes:
    """Read the loss report and issues of a message (JSON); b"" for none."""
    rows = db.query("SELECT raw_body, report_body FROM message WHERE message = ?", (number,))
    if not rows or not rows[0][1]:
        return b""
    raw, found = rows[0]
    kind = Kind.MESSAGE if raw == found else Kind.REPORT
    parts = bodies.read([(found, kind)]).get(found)
    return parts[-1] if parts else b""


def answer(db: Database, number: int) -> bytes:
    """Read the acknowledgement that was given to a message."""
    rows = db.query("SELECT answer FROM message WHERE message = ?", (number,))
    return bytes(rows[0][0]) if rows else b""


def received(db: Database, bodies: Bodies, *, after: int, limit: int) -> list[tuple[int, Arrival]]:
    """Read messages stored on receipt and not processed yet, by number above `after`."""
    rows = db.query(
        "SELECT message, endpoint, organization, control_id, sender, format, digest, received_at,"
        " processing_id, raw_body FROM message WHERE state = 'received' AND message > ?"
        " ORDER BY message LIMIT ?",
        (after, limit),
    )
    packs = bodies.read((row[9], Kind.MESSAGE) for row in rows)
    found = []
    for row in rows:
        if row[9] in packs:
            values: Row = (*row[1:6], packs[row[9]][0], bytes(row[6]), row[7], row[8])
            found.append((row[0], Arrival(*values)))
    return found


def delivery(db: Database, number: int) -> DeliveryView | None:
    """Read one delivery with its attempts; None when there is none."""
    rows = db.query(f"SELECT {COLUMNS}, changed_at FROM delivery WHERE delivery = ?", (number,))  # noqa: S608 - constants
    if not rows:
        return None
    attempts = db.query(
        "SELECT number, started_at, ended_at, result, detail FROM attempt WHERE delivery = ?"
        " ORDER BY number",
        (number,),
    )
    made = tuple(Attempt(*attempt) for attempt in attempts)
    return DeliveryView(delivery_of(rows[0][:14]), rows[0][14], made)


def decision(db: Database, bodies: Bodies, number: int) -> bytes:
    """Read the latest consent decision of a delivery (JSON); b"" for none."""
    rows = db.query(
        "SELECT decision_body, decision_slot, body FROM delivery WHERE delivery = ?", (number,)
    )
    if not rows:
        return b""
    found, slot, outgoing = rows[0]
    kind = Kind.OUTGOING if found == outgoing else Kind.DECISIONS
    parts = bodies.read([(found, kind)]).get(found)
    return parts[slot] if parts else b""


def sent(db: Database, bodies: Bodies, number: int) -> bytes:
    """Read the bytes that were (or are being) sent; b"" before the first attempt."""
    return _first(db, bodies, "body", Kind.OUTGOING, number)


def partner_answer(db: Database, bodies: Bodies, number: int) -> bytes:
    """Read the partner's last answer; b"" for none."""
    return _first(db, bodies, "answer_body", Kind.ANSWER, number)


def _first(db: Database, bodies: Bodies, column: str, kind: Kind, number: int) -> bytes:
    rows = db.query(f"SELECT {column} FROM delivery WHERE delivery = ?", (number,))  # noqa: S608 - a constant
    if not rows:
        return b""
    parts = bodies.read([(rows[0][0], kind)]).get(rows[0][0])
    return parts[0] if parts else b""
