"""Contacts: the department and ward contacts of a stay follow from all its movements.

Each message states the contact of its own movement; where the one before it ends, and whether a
department's goes on, follows from the stay as it then stands (Encounter.location, in the order of
the movements, whatever the order of the messages). Kontaktebene: de.basisprofil.r4, ISiK.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from gateway.pipeline.book import Book
from gateway.pipeline.documents import dump, load
from gateway.pipeline.ports import Current, IndexCoder, Transaction
from gateway.pipeline.record import Source, Target, write
from mappers import movements
from profiles.search import index_terms

_ENCOUNTER = "Encounter"
_MOVEMENT = movements.MOVEMENT.encode()
#: Contacts that did not take place say nothing about their department.
_WITHDRAWN = frozenset({"cancelled", "entered-in-error"})


def settle(
    tx: Transaction, book: Book, source: Source, targets: Sequence[Target], coder: IndexCoder
) -> list[Target]:
    """Bring the contacts of the stays among the targets in line; return what changed."""
    visits = [t for t in targets if t.current.type == _ENCOUNTER and not t.current.deleted]
    if not any(t.changed and t.current.version > 1 for t in visits):
        return []
    stays = [t.current for t in visits if b'"partOf"' not in t.current.body]
    said = [t.current.number for t in visits if t.current not in stays]
    found: list[Target] = []
    for stay in stays:
        if said or _MOVEMENT in stay.body:
            found += _Stay(tx, book, source, coder).settle(stay, said)
    return found


@dataclass(slots=True)
class _Stay:
    tx: Transaction
    book: Book
    source: Source
    coder: IndexCoder

    def settle(self, stay: Current, said: Iterable[int]) -> list[Target]:
        stated = movements.contacts(load(stay.body))
        terms = [self.coder.identifier_term(_ENCOUNTER, one.system, one.value) for one in stated]
        numbers = self._numbers(terms)
        wards = {
            numbers[term]: one for term, one in zip(terms, stated, strict=True) if term in numbers
        }
        self._read([*wards, *said])
        changed = []
        for number, one in wards.items():
            if not self._withdrawn(number):
                changed += self._write(number, one.status, one.start, one.end)
        return changed + self._departments(stay, [*wards, *said])

    def _departments(self, stay: Current, numbers: list[int]) -> list[Target]:
        """A department's contact lasts from its first ward contact to its last."""
        members: dict[str, list[dict[str, Any]]] = {}
        for number in dict.fromkeys(numbers):
            ward = load(self.book.resources[number].body)
            above = ward.get("partOf", {}).get("reference", "").partition("/")[2]
            if above and above != stay.id:
                members.setdefault(above, []).append(ward)
        held = self.book.resources
        departments = {c.id: number for number, c in held.items() if c.id in members}
        missing = [(_ENCOUNTER, name) for name in members if name not in departments]
        for current in self.tx.current(missing).values() if missing else ():
            self.book.put(held, current.number, current)
            departments[current.id] = current.number
        changed = []
        for name, number in departments.items():
            changed += self._write(number, *_span(members[name]))
        return changed

    def _numbers(self, terms: list[bytes]) -> dict[bytes, int]:
        names = self.book.names
        missing = [term for term in terms if term not in names]
        stored = self.tx.resources_by_identifier(missing) if missing else {}
        return {**stored, **{term: names[term] for term in terms if term in names}}

    def _read(self, numbers: Iterable[int]) -> None:
        missing = [number for number in numbers if number not in self.book.resources]
        if missing:
            for number, current in self.tx.current_by_number(missing).items():
                self.book.put(self.book.resources, number, current)

    def _withdrawn(self, number: int) -> bool:
        return load(self.book.resources[number].body)["status"] in _WITHDRAWN

    def _write(self, number: int, status: str, start: str, end: str) -> list[Target]:
        current = self.book.resources[number]
        before = load(current.body)
        after = _standing(before, status, start, end)
        if current.deleted or after == before:
            return []
        following = current._replace(version=current.version + 1, body=dump(after))
        index = self.coder.encode(_ENCOUNTER, index_terms(after))
        return [write(self.book, self.source, following, index)]


def _span(wards: list[dict[str, Any]]) -> tuple[str, str, str]:
    """Status, start and end of what holds these contacts."""
    held = [ward for ward in wards if ward["status"] not in _WITHDRAWN]
    if not held:
        return str(wards[0]["status"]), "", ""
    going_on = [ward["status"] for ward in held if ward["status"] != "finished"]
    starts = [s for ward in held if (s := ward.get("period", {}).get("start"))]
    ends = [e for ward in held if (e := ward.get("period", {}).get("end"))]
    status = str(going_on[-1]) if going_on else "finished"
    return status, min(starts, default=""), "" if going_on else max(ends, default="")


def _standing(contact: dict[str, Any], status: str, start: str, end: str) -> dict[str, Any]:
    """Return the contact with its status and time."""
    kept = {k: v for k, v in contact.get("period", {}).items() if k not in {"start", "end"}}
    period = {**kept, **{k: v for k, v in (("start", start), ("end", end)) if v}}
    made = {**contact, "status": status, "period": period}
    if status in _WITHDRAWN:
        made["period"] = contact.get("period", {})
    if not made["period"]:
        del made["period"]
    if "location" in contact:
        place = {"finished": "completed", "planned": "planned"}.get(status, "active")
        place = "completed" if status in _WITHDRAWN else place
        made["location"] = [{**one, "status": place} for one in contact["location"]]
    return made
