"""Consent resources by the Patient they are about, as the decision needs them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from gateway.store.bodies import Bodies
from gateway.store.database import Database, Insert
from gateway.store.resources import read_slots
from gateway.store.seal import BodyUnreadable
from gateway.store.unit import Unit
from gateway.store.versioned import with_version

_CONSENT = Insert("patient_consent", ("patient", "resource"), keep_existing=True)


def consents(db: Database, bodies: Bodies, patients: Iterable[int]) -> dict[int, list[bytes]]:
    """Read the Consents of Patients (JSON bytes with meta.versionId), in order of arrival."""
    pairs = db.query_in(
        "SELECT patient, resource FROM patient_consent WHERE patient {ints}", set(patients)
    )
    rows = {
        row[0]: row[1:]
        for row in db.query_in(
            "SELECT resource, version, updated_at, body, slot FROM resource"
            " WHERE resource {ints} AND deleted = 0",
            {resource for _, resource in pairs},
        )
    }
    contents = read_slots(bodies, [(row[2], row[3]) for row in rows.values()])
    found: dict[int, list[bytes]] = {}
    for patient, resource in sorted(pairs):
        if resource not in rows:
            continue
        version, updated_at, body, slot = rows[resource]
        content = contents.get((body, slot))
        if content is None:
            # A consent that cannot be read might be a deny: no decision without it.
            raise BodyUnreadable("a consent of this patient cannot be opened")
        found.setdefault(patient, []).append(with_version(content, version, updated_at))
    return found


def add(unit: Unit, rows: Sequence[tuple[int, int]]) -> None:
    """Remember (patient, consent resource number)."""
    unit.db.insert(_CONSENT, sorted(set(rows)))
