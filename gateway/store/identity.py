"""Who is whom: KVNR statements, links between Patients, and the events that made them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gateway.store.database import Database, Insert
from gateway.store.unit import Unit

_KVNR = Insert("patient_kvnr", ("term", "patient"), keep_existing=True)
_EVENT = Insert("link_event", ("patient", "other", "kind", "rule", "message", "at", "by", "open"))
#: Events that leave a link, and those that take it away.
_LINKS = frozenset({"linked", "merged"})
_UNLINKS = frozenset({"unlinked", "unmerged"})


def patients_by_kvnr(unit: Unit, terms: Iterable[bytes]) -> dict[bytes, list[int]]:
    """Find the Patients that state a KVNR, by its keyed hash."""
    found: dict[bytes, list[int]] = {}
    for term, patient in unit.db.query_in(
        "SELECT term, patient FROM patient_kvnr WHERE term {blobs} ORDER BY patient", set(terms)
    ):
        found.setdefault(bytes(term), []).append(patient)
    return found


def set_kvnr(
    unit: Unit, rows: Sequence[tuple[bytes, int]], removed: Sequence[tuple[bytes, int]]
) -> None:
    """Add and remove (KVNR hash, Patient) pairs."""
    unit.db.executemany("DELETE FROM patient_kvnr WHERE term = ? AND patient = ?", removed)
    unit.db.insert(_KVNR, sorted(set(rows)))


def linked(db: Database, patients: Iterable[int]) -> dict[int, tuple[int, ...]]:
    """Return for each Patient all Patients of the same person, itself included, sorted."""
    wanted = set(patients)
    neighbours: dict[int, set[int]] = {}
    unseen = set(wanted)
    while unseen:
        rows = db.query_in("SELECT patient, other FROM patient_link WHERE patient {ints}", unseen)
        for patient in unseen:
            neighbours[patient] = set()
        for patient, other in rows:
            neighbours[patient].add(other)
        unseen = {other for _, other in rows} - neighbours.keys()
    return {patient: _reachable(patient, neighbours) for patient in wanted}


def _reachable(start: int, neighbours: dict[int, set[int]]) -> tuple[int, ...]:
    if not neighbours[start]:
        return (start,)
    seen, edge = {start}, {start}
    while edge:
        edge = {other for patient in edge for other in neighbours[patient]} - seen
        seen |= edge
    return tuple(sorted(seen))


def link(unit: Unit, rows: Sequence[tuple[int, int, str, str, int, str]]) -> None:
    """Write link events (patient, other, kind, rule, message, by) and the links they leave."""
    for patient, other, kind, rule, message, by in rows:
        unit.db.insert(
            _EVENT,
            [(patient, other, kind, rule, message, unit.now, by, int(kind == "held"))],
        )
        pair = ((patient, other), (other, patient))
        if kind in _LINKS:
            unit.db.executemany(
                "INSERT INTO patient_link (patient, other, rule) VALUES (?, ?, ?)"
                " ON CONFLICT DO NOTHING",
                [(*both, rule) for both in pair],
            )
        elif kind in _UNLINKS:
            # A source takes away its own link only: what a merge said outlives a wrong KVNR.
            unit.db.executemany(
                "DELETE FROM patient_link WHERE patient = ? AND other = ? AND rule = ?",
                [(*both, rule) for both in pair],
            )
        if kind != "held":
            # Whatever a person or a later statement decides about a pair closes its open case.
            unit.db.executemany(
                "UPDATE link_event SET open = 0 WHERE patient = ? AND other = ? AND open = 1", pair
            )


def link_events(unit: Unit, patients: Iterable[int]) -> list[tuple[int, int, int, str, str]]:
    """Read the link events that name a Patient on either side, oldest first."""
    wanted = set(patients)
    columns = "SELECT event, patient, other, kind, rule FROM link_event"
    found = {
        (event, patient, other, kind, rule)
        for side in ("patient", "other")
        for event, patient, other, kind, rule in unit.db.query_in(
            f"{columns} WHERE {side} {{ints}}", wanted
        )
    }
    return sorted(found)


def open_cases(unit: Unit, patients: Iterable[int]) -> set[int]:
    """Say which Patients wait for a person to decide on a link."""
    wanted = set(patients)
    rows = unit.db.query_in(
        "SELECT patient, other FROM link_event WHERE open = 1 AND patient {ints}", wanted
    )
    return {row[0] for row in rows} & wanted
