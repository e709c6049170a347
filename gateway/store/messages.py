"""Messages: what arrived, sealed, with its identity, outcome and the answer given."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from itertools import starmap

from gateway.pipeline.ports import MessageRow, StoredAnswer
from gateway.store.bodies import Bodies, Parts, whole_days
from gateway.store.database import Database, Insert
from gateway.store.seal import Kind
from gateway.store.unit import Unit

_TARGET = struct.Struct(">qq")
_MESSAGE = Insert(
    "message",
    (
        "message",
        "endpoint",
        "organization",
        "control_id",
        "sender",
        "digest",
        "received_at",
        "processing_id",
        "format",
        "message_type",
        "state",
        "reason",
        "patient",
        "subject",
        "raw_body",
        "report_body",
        "fields",
        "mapped",
        "ignored",
        "unmapped",
        "issues",
        "answer_code",
        "retain_until",
        "targets",
        "answer",
    ),
)
_FINISH = (
    "UPDATE message SET message_type = ?, state = ?, reason = ?, patient = ?, report_body = ?,"
    " fields = ?, mapped = ?, ignored = ?, unmapped = ?, issues = ?, targets = ?,"
    " answer_code = CASE WHEN ? = '' THEN answer_code ELSE ? END,"
    " answer = CASE WHEN ? = '' THEN answer ELSE ? END,"
    " retain_until = CASE WHEN ? = 0 THEN retain_until ELSE ? END WHERE message = ?"
)


def stored_answers(
    unit: Unit, identities: Sequence[tuple[str, str, bytes]]
) -> dict[tuple[str, str, bytes], StoredAnswer]:
    """Find inputs by (endpoint, control id, digest) that are stored and not rejected."""
    wanted = set(identities)
    found = {}
    for endpoint, control_ids in _by_endpoint(identity[:2] for identity in wanted).items():
        for control_id, digest, number, code, answer in unit.db.query_in(
            "SELECT control_id, digest, message, answer_code, answer FROM message"
            " WHERE endpoint = ? AND control_id {texts} AND state <> 'rejected'",
            control_ids,
            before=(endpoint,),
        ):
            identity = (endpoint, control_id, bytes(digest))
            if identity in wanted:
                found[identity] = StoredAnswer(number, code, bytes(answer))
    return found


def same_control_id(unit: Unit, identities: Sequence[tuple[str, str]]) -> set[tuple[str, str]]:
    """Say which (endpoint, control id) are stored already, whatever their bytes."""
    return {
        (endpoint, row[0])
        for endpoint, control_ids in _by_endpoint(identities).items()
        for row in unit.db.query_in(
            "SELECT DISTINCT control_id FROM message"
            " WHERE endpoint = ? AND control_id {texts} AND state <> 'rejected'",
            control_ids,
            before=(endpoint,),
        )
    }


def add(unit: Unit, rows: Sequence[MessageRow]) -> None:
    """Store messages; raw bytes and report are one sealed body."""
    subjects = _subjects(unit, rows)
    bodies = unit.bodies.write(
        [
            Parts(
                Kind.MESSAGE,
                subject,
                (row.arrival.data, row.report) if row.report else (row.arrival.data,),
                row.retain_until,
            )
            for row, subject in zip(rows, subjects, strict=True)
        ]
    )
    unit.db.insert(
        _MESSAGE,
        [
            _row(row, subject, body)
            for row, subject, body in zip(rows, subjects, bodies, strict=True)
        ],
    )


def still_received(unit: Unit, numbers: Iterable[int]) -> set[int]:
    """Say which messages are stored on receipt and not processed yet, and lock them."""
    rows = unit.db.query_in(
        "SELECT message FROM message WHERE message {ints} AND state = 'received'"
        " ORDER BY message {lock}",
        sorted(set(numbers)),
    )
    return {row[0] for row in rows}


def raw(db: Database, bodies: Bodies, numbers: Iterable[int]) -> dict[int, bytes]:
    """Read the original bytes of messages; erased ones are left out."""
    body_of: dict[int, int] = dict(
        db.query_in("SELECT message, raw_body FROM message WHERE message {ints}", set(numbers))
    )
    packs = bodies.read((body, Kind.MESSAGE) for body in body_of.values())
    return {number: packs[body][0] for number, body in body_of.items() if body in packs}


def finish(unit: Unit, rows: Sequence[MessageRow]) -> None:
    """Fill in what processing found; the raw bytes stay as they were stored on receipt."""
    subjects: dict[int, int] = dict(
        unit.db.query_in(
            "SELECT message, subject FROM message WHERE message {ints}",
            [row.number for row in rows],
        )
    )
    rows = [row for row in rows if row.number in subjects]
    reported = [row for row in rows if row.report]
    reports = unit.bodies.write(
        [
            Parts(Kind.REPORT, subjects[row.number], (row.report,), row.retain_until)
            for row in reported
        ]
    )
    report_of = {row.number: body for row, body in zip(reported, reports, strict=True)}
    unit.db.executemany(
        _FINISH,
        [
            (
                row.message_type,
                row.state.value,
                row.reason,
                row.patient,
                report_of.get(row.number, 0),
                row.fields,
                row.mapped,
                row.ignored,
                row.unmapped,
                row.issues,
                _targets(row),
                row.answer_code,
                row.answer_code,
                row.answer_code,
                row.answer,
                whole_days(row.retain_until),
                whole_days(row.retain_until),
                row.number,
            )
            for row in rows
        ],
    )


def _subjects(unit: Unit, rows: Sequence[MessageRow]) -> list[int]:
    """Return each message's data key; those without a patient get one of their own."""
    new = iter(unit.numbers.take("subject", sum(not row.subject for row in rows)))
    subjects, until = [], {}
    for row in rows:
        subject = row.subject or next(new)
        subjects.append(subject)
        if not row.subject:
            until[subject] = row.retain_until
    for retain_until in sorted(set(until.values())):
        unit.bodies.add_subjects(
            [subject for subject, at in until.items() if at == retain_until], retain_until
        )
    return subjects


def _row(row: MessageRow, subject: int, body: int) -> tuple[object, ...]:
    arrival = row.arrival
    return (
        row.number,
        arrival.endpoint,
        arrival.organization,
        arrival.control_id,
        arrival.sender,
        arrival.digest,
        arrival.received_at,
        arrival.processing_id,
        arrival.format,
        row.message_type,
        row.state.value,
        row.reason,
        row.patient,
        subject,
        body,
        body if row.report else 0,
        row.fields,
        row.mapped,
        row.ignored,
        row.unmapped,
        row.issues,
        row.answer_code,
        whole_days(row.retain_until),
        _targets(row),
        row.answer,
    )


def _targets(row: MessageRow) -> bytes:
    return b"".join(starmap(_TARGET.pack, row.targets))


def targets(content: bytes) -> list[tuple[int, int]]:
    """Read the (resource, version) pairs of a message."""
    return list(_TARGET.iter_unpack(content))


def _by_endpoint(identities: Iterable[tuple[str, str]]) -> dict[str, set[str]]:
    grouped: dict[str, set[str]] = {}
    for endpoint, control_id in identities:
        grouped.setdefault(endpoint, set()).add(control_id)
    return grouped
