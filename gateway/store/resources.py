"""Resources: present and former versions, packed and sealed by message and patient."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from gateway.domain.time import Instant
from gateway.pipeline.ports import Current, NewVersion
from gateway.store import pending
from gateway.store.bodies import Bodies, Parts, whole_days
from gateway.store.database import Database, Insert, Row, Update
from gateway.store.messages import targets
from gateway.store.seal import Kind
from gateway.store.unit import Unit

_RESOURCE = Insert(
    "resource",
    (
        "resource",
        "type",
        "id",
        "subject",
        "patient",
        "organization",
        "version",
        "message",
        "body",
        "slot",
        "recency",
        "source",
        "updated_at",
        "deleted",
        "retain_until",
    ),
)
_RECENCY = Update("resource", ("recency", "source"), "resource")
_KEEP_FORMER = (
    "INSERT INTO version (resource, version, message, body, slot, recorded_at, deleted)"
    " SELECT resource, version, message, body, slot, updated_at, deleted FROM resource"
    " WHERE resource = ?"
)
_UPDATE = (
    "UPDATE resource SET patient = ?, organization = ?, version = ?, message = ?, body = ?,"
    " slot = ?, recency = ?, source = ?, updated_at = ?, deleted = ?,"
    " retain_until = CASE WHEN retain_until > ? THEN retain_until ELSE ? END, subject = ?"
    " WHERE resource = ?"
)
_KEEP_BODY = (
    "UPDATE body SET retain_until = ? WHERE body = (SELECT body FROM resource WHERE resource = ?)"
    " AND retain_until < ?"
)
_KEEP_KEY = (
    "UPDATE data_key SET retain_until = ? WHERE subject ="
    " (SELECT b.subject FROM resource r JOIN body b ON b.body = r.body WHERE r.resource = ?)"
    " AND retain_until < ?"
)
_KEEP_RESOURCE = "UPDATE resource SET retain_until = ? WHERE resource = ? AND retain_until < ?"
_SELECT = (
    "SELECT resource, type, id, subject, patient, organization, version, recency, source, deleted,"
    " body, slot FROM resource WHERE resource {ints}"
)


def by_identifier(unit: Unit, terms: Iterable[bytes]) -> dict[bytes, int]:
    """Map keyed identifier hashes to resource numbers."""
    return unit.identifiers.find(set(terms))


def current(
    unit: Unit, ids: Iterable[tuple[str, str]], *, bodies: bool
) -> dict[tuple[str, str], Current]:
    """Read present versions by (type, id)."""
    terms = {unit.resource_term(key): key for key in ids}
    numbers = unit.identifiers.find(terms)
    found = current_by_number(unit, numbers.values(), bodies=bodies)
    return {
        terms[term]: found[number]
        for term, number in numbers.items()
        if number in found and (found[number].type, found[number].id) == terms[term]
    }


def current_by_number(unit: Unit, numbers: Iterable[int], *, bodies: bool) -> dict[int, Current]:
    """Read present versions by store number."""
    rows = unit.db.query_in(_SELECT, set(numbers))
    contents = read_slots(unit.bodies, [(row[10], row[11]) for row in rows]) if bodies else {}
    return {row[0]: _current(row, contents.get((row[10], row[11]), b"")) for row in rows}


def of_patient(unit: Unit, patient: int) -> dict[int, Current]:
    """Read present versions of everything that belongs to a Patient, by store number."""
    rows = unit.db.query("SELECT resource FROM resource WHERE patient = ?", (patient,))
    return current_by_number(unit, (row[0] for row in rows), bodies=True)


def _current(row: Row, body: bytes) -> Current:
    present: tuple[Any, ...] = (*row[:9], bool(row[9]), body)
    return Current(*present)


def contents(db: Database, bodies: Bodies, messages: Iterable[int]) -> dict[int, list[Current]]:
    """Read the resource versions that messages speak of, in their order, with bodies."""
    wanted = {
        message: targets(bytes(packed))
        for message, packed in db.query_in(
            "SELECT message, targets FROM message WHERE message {ints}", set(messages)
        )
    }
    pairs = {pair for found in wanted.values() for pair in found}
    versions = _versions(db, bodies, pairs)
    return {
        message: [versions[pair] for pair in found if pair in versions]
        for message, found in wanted.items()
    }


def _versions(
    db: Database, bodies: Bodies, pairs: set[tuple[int, int]]
) -> dict[tuple[int, int], Current]:
    rows = {row[0]: row for row in db.query_in(_SELECT, {number for number, _ in pairs})}
    chosen = {(row[0], row[6]): row for row in rows.values()}
    former = {number for number, version in pairs - chosen.keys() if number in rows}
    for number, version, body, slot, deleted in db.query_in(
        "SELECT resource, version, body, slot, deleted FROM version WHERE resource {ints}", former
    ):
        present = rows[number]
        chosen[number, version] = (*present[:6], version, *present[7:9], deleted, body, slot)
    chosen = {pair: row for pair, row in chosen.items() if pair in pairs}
    opened = read_slots(bodies, [(row[10], row[11]) for row in chosen.values()])
    return {
        pair: _current(row, opened[row[10], row[11]])
        for pair, row in chosen.items()
        if (row[10], row[11]) in opened
    }


def set_recency(unit: Unit, rows: Sequence[tuple[int, str, str]]) -> None:
    """Note (resource, recency, source) of statements that changed nothing."""
    unit.db.update(_RECENCY, [(recency, source, number) for number, recency, source in rows])


def read_slots(bodies: Bodies, slots: Sequence[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
    """Read parts of resource packs by (body, slot)."""
    packs = bodies.read((body, Kind.RESOURCES) for body, _ in slots)
    return {(body, slot): packs[body][slot] for body, slot in slots if body in packs}


def add_versions(unit: Unit, versions: Sequence[NewVersion]) -> None:
    """Write versions: packs by message and subject, former versions kept, index terms pending."""
    places = _write_packs(unit, versions)
    new = [
        (version, place)
        for version, place in zip(versions, places, strict=True)
        if version.version == 1
    ]
    former = [
        (version, place)
        for version, place in zip(versions, places, strict=True)
        if version.version != 1
    ]
    unit.identifiers.add_new(
        [(unit.resource_term((version.type, version.id)), version.number) for version, _ in new]
    )
    unit.db.insert(_RESOURCE, [_row(unit, version, *place) for version, place in new])
    if former:
        _replace(unit, former)
    _keep_patients(unit, versions)
    pending.add(unit, [(version.number, version.terms) for version in versions if version.terms])


def _keep_patients(unit: Unit, versions: Sequence[NewVersion]) -> None:
    """Keep a Patient at least as long as anything that belongs to it.

    The same for bodies: a new version never shortens what an earlier one promised.
    """
    renewed = [version.number for version in versions if version.version != 1]
    promised = unit.db.query_in(
        "SELECT r.retain_until, r.resource, r.retain_until FROM resource r"
        " JOIN body b ON b.body = r.body WHERE r.resource {ints}"
        " AND b.retain_until < r.retain_until",
        renewed,
    )
    unit.db.executemany(_KEEP_KEY, promised)
    unit.db.executemany(_KEEP_BODY, promised)
    written = {version.number for version in versions}
    until: dict[int, Instant] = {}
    for version in versions:
        if version.patient and version.patient not in written:
            at = whole_days(version.retain_until)
            until[version.patient] = max(until.get(version.patient, 0), at)
    rows = [(at, patient, at) for patient, at in sorted(until.items())]
    unit.db.executemany(_KEEP_KEY, rows)
    unit.db.executemany(_KEEP_BODY, rows)
    unit.db.executemany(_KEEP_RESOURCE, rows)


def _replace(unit: Unit, former: Sequence[tuple[NewVersion, tuple[int, int]]]) -> None:
    numbers = [version.number for version, _ in former]
    if len(set(numbers)) == len(numbers):
        unit.db.executemany(_KEEP_FORMER, [(number,) for number in numbers])
        unit.db.executemany(_UPDATE, [_changes(unit, *item) for item in former])
        return
    for item in former:  # several versions of one resource: one after the other
        unit.db.execute(_KEEP_FORMER, (item[0].number,))
        unit.db.execute(_UPDATE, _changes(unit, *item))


def _write_packs(unit: Unit, versions: Sequence[NewVersion]) -> list[tuple[int, int]]:
    """Write the packs and return (body, slot) of each version."""
    packs: dict[tuple[int, int], list[NewVersion]] = {}
    slots = []
    for version in versions:
        members = packs.setdefault((version.message_id, version.subject), [])
        slots.append(len(members))
        members.append(version)
    bodies = unit.bodies.write(
        [
            Parts(
                Kind.RESOURCES,
                subject,
                [member.body for member in members],
                max(member.retain_until for member in members),
            )
            for (_, subject), members in packs.items()
        ]
    )
    body_of = dict(zip(packs, bodies, strict=True))
    return [
        (body_of[version.message_id, version.subject], slot)
        for version, slot in zip(versions, slots, strict=True)
    ]


def _row(unit: Unit, version: NewVersion, body: int, slot: int) -> tuple[object, ...]:
    return (
        version.number,
        version.type,
        version.id,
        version.subject,
        version.patient,
        version.organization,
        version.version,
        version.message_id,
        body,
        slot,
        version.recency,
        version.source,
        unit.now,
        int(version.deleted),
        whole_days(version.retain_until),
    )


def _changes(unit: Unit, version: NewVersion, place: tuple[int, int]) -> tuple[object, ...]:
    until = whole_days(version.retain_until)
    return (
        version.patient,
        version.organization,
        version.version,
        version.message_id,
        *place,
        version.recency,
        version.source,
        unit.now,
        int(version.deleted),
        until,
        until,
        version.subject,
        version.number,
    )


def database_locks(db: Database, terms: Sequence[bytes]) -> None:
    """Take PostgreSQL's advisory locks of patients in sorted order, until the commit."""
    if db.dialect == "postgresql":
        keys = sorted({int.from_bytes(term[:8], "big", signed=True) for term in terms})
        db.query("SELECT pg_advisory_xact_lock(key) FROM unnest(?::int8[]) AS key", (keys,))
