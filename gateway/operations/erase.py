"""Erasing everything about a patient, with a protocol: what, on which legal basis, who ordered it.

Art. 17 DSGVO, § 35 BDSG. The audit log stays (§ 309 SGB V): its events hold identifiers only.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from gateway.domain.delivery import ENDED, Delivery, DeliveryState
from gateway.domain.time import fhir_instant
from gateway.operations.desk import Desk, patient_party
from gateway.pipeline.ports import Current, Settled, Transaction
from gateway.store import erase, retention
from gateway.store.erase import Erased
from gateway.store.store import Store
from gateway.store.unit import Unit, unit_of
from profiles.issue import NotConformant, Unavailable

_PATIENT = "Patient"
#: On the wire, or about to be: what is erased now could still leave.
_LEAVING = frozenset({DeliveryState.CLAIMED, DeliveryState.INFLIGHT})
_LONGEST = 500


def patient(desk: Desk, arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Erase all records of a person; returns the protocol.

    {"patient": id, "legal_basis": "…", "ordered_by": "…", "alone": false}: with `alone` only the
    record named, not those linked with it. Raises NotConformant for a patient nobody knows or an
    order without basis, Unavailable while something of the patient is on the wire.
    """
    basis, by = (_text(arguments, name) for name in ("legal_basis", "ordered_by"))
    name = str(arguments.get("patient", "")).removeprefix(f"{_PATIENT}/")

    def job(tx: Transaction) -> tuple[dict[str, Any], Erased]:
        unit = unit_of(tx)
        records = _records(tx, name, alone=bool(arguments.get("alone")))
        numbers = [one.number for one in records]
        _lock(unit, numbers)
        ended = _end(tx, numbers)
        erased = erase.erase(unit, numbers)
        protocol = {
            "erased_at": fhir_instant(tx.now),
            "erased_by": desk.by,
            "ordered_by": by,
            "legal_basis": basis,
            "patients": [f"{_PATIENT}/{one.id}" for one in records],
            "resources": erased.resources,
            "messages": erased.messages,
            "messages_of_others_emptied": erased.emptied,
            "deliveries": erased.deliveries,
            "deliveries_not_sent": ended,
            "bodies": erased.bodies,
            "keys": erased.keys,
        }
        detail = {key: value for key, value in protocol.items() if isinstance(value, str | int)}
        parties = [patient_party(one.id) for one in records]
        protocol["audit_event"] = desk.record(tx, "erase", parties, detail)
        return protocol, erased

    protocol, erased = desk.write(job)
    retention.sweep(cast("Store", desk.store), desk.site(), erased.segments)
    return protocol


def _text(arguments: Mapping[str, Any], name: str) -> str:
    value = str(arguments.get(name, "")).strip()
    if not value or len(value) > _LONGEST:
        raise NotConformant("An erasure names its legal basis and who ordered it.")
    return value


def _records(tx: Transaction, name: str, *, alone: bool) -> list[Current]:
    found = tx.current([(_PATIENT, name)], bodies=False).get((_PATIENT, name))
    if found is None:
        raise NotConformant("There is no patient record of this id.")
    numbers = [found.number] if alone else tx.linked([found.number])[found.number]
    records = tx.current_by_number(numbers, bodies=False)
    return [records[number] for number in numbers if number in records]


def _lock(unit: Unit, patients: Sequence[int]) -> None:
    """Let no message about them in meanwhile (PostgreSQL; SQLite has one writer)."""
    from gateway.store.resources import database_locks

    rows = unit.db.query_in("SELECT term FROM identifier WHERE resource {ints}", patients)
    database_locks(unit.db, sorted(bytes(row[0]) for row in rows))


def _end(tx: Transaction, patients: Sequence[int]) -> int:
    """End what was not sent yet; return how many."""
    undone = [one for one in tx.deliveries(patients=patients) if one.state not in ENDED]
    if any(one.state in _LEAVING for one in undone):
        raise Unavailable("Something of this patient is being sent just now; try again.")
    tx.settle([_ended(one, tx.now) for one in undone])
    return len(undone)


def _ended(delivery: Delivery, now: int) -> Settled:
    return Settled(delivery.id, delivery.fence, DeliveryState.DEAD, "erased", next_at=now)
