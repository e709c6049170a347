"""Who the stored Patient names as general practitioner, when the message itself does not."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from gateway.pipeline.book import Book
from gateway.pipeline.documents import look
from gateway.pipeline.ports import Current, Transaction


def stored_practitioners(
    tx: Transaction, book: Book, patients: Sequence[Current]
) -> tuple[tuple[str, str], ...]:
    """Return the identifiers (system, value) of the Patients' general practitioners."""
    references = [
        reference
        for patient in patients
        for reference in look(patient.body).get("generalPractitioner", ())
    ]
    named = [pair for one in references for pair in _identifiers([one.get("identifier")])]
    stored = {key for one in references if (key := _key(str(one.get("reference", "")))) is not None}
    for current in _resources(tx, book, stored):
        named += _identifiers(look(current.body).get("identifier", ()))
    return tuple(dict.fromkeys(named))


def _resources(tx: Transaction, book: Book, keys: set[tuple[str, str]]) -> Iterable[Current]:
    """Read resources from the batch where it has them, else from the store."""
    found = [c for c in book.resources.values() if (c.type, c.id) in keys] if keys else []
    missing = keys - {(current.type, current.id) for current in found}
    if missing:
        found += tx.current(sorted(missing)).values()
    return found


def _key(reference: str) -> tuple[str, str] | None:
    kind, slash, name = reference.partition("/")
    return (kind, name) if slash and "/" not in name else None


def _identifiers(stated: Iterable[Mapping[str, Any] | None]) -> list[tuple[str, str]]:
    return [
        (str(one.get("system") or ""), str(one["value"]))
        for one in stated
        if one and one.get("value")
    ]
