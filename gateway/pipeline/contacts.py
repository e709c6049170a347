"""Contacts: the department and ward contacts of a stay follow from all its movements.

Each message states the contact of its own movement; where the one before it ends, and whether a
department's goes on, follows from the stay as it then stands (Encounter.location, in the order of
the movements, whatever the order of the messages). Kontaktebene: de.basisprofil.r4, ISiK.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple
from uuid import UUID

from gateway.pipeline.book import Book
from gateway.pipeline.documents import dump, load
from gateway.pipeline.ports import Current, IndexCoder, Transaction
from gateway.pipeline.record import Source, Target, write
from mappers import movements
from profiles.search import index_terms

_ENCOUNTER = "Encounter"
_DEPARTMENT = {
    "system": "http://fhir.de/CodeSystem/Kontaktebene",
    "code": "abteilungskontakt",
    "display": "Abteilungskontakt",
}
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
            found += _Stay(tx, book, source, coder, stay).settle(said)
    return found


class _Ward(NamedTuple):
    """A ward contact with its movement."""

    number: int
    movement: movements.Contact
    #: Code of the department (PV1-10); empty when nobody said.
    department: str
    withdrawn: bool


@dataclass(slots=True)
class _Stay:
    tx: Transaction
    book: Book
    source: Source
    coder: IndexCoder
    stay: Current

    def settle(self, said: Sequence[int]) -> list[Target]:
        wards = self._wards()
        anew = {ward.number: self._term(ward) for ward in wards if ward.department}
        begun = self._numbers(list(anew.values()))
        first = self._first([*(ward.number for ward in wards), *said], set(begun.values()))
        idle = {*first.values(), *begun.values()}
        changed: list[Target] = []
        for run in _runs([ward for ward in wards if not ward.withdrawn]):
            department = run[0].department
            number = first.pop(department, 0) if department else 0
            if department and not number:
                term = anew[run[0].number]
                number = begun[term] if term in begun else self._begin(run[0], term, changed)
            for ward in run:
                one = ward.movement
                changed += self._write(ward.number, one.status, one.start, one.end, above=number)
            if number:
                idle.discard(number)
                changed += self._write(number, *_span([self._body(w.number) for w in run]))
        return changed + self._withdraw(idle, said)

    def _wards(self) -> list[_Ward]:
        """The ward contacts of the stay, in the order of their movements."""
        stated = movements.contacts(load(self.stay.body))
        terms = [self.coder.identifier_term(_ENCOUNTER, one.system, one.value) for one in stated]
        numbers = self._numbers(terms)
        self._read(numbers.values())
        found = []
        for term, one in zip(terms, stated, strict=True):
            if term in numbers:
                body = self._body(numbers[term])
                withdrawn = body["status"] in _WITHDRAWN
                found.append(_Ward(numbers[term], one, _department(body), withdrawn))
        return found

    def _term(self, ward: _Ward) -> bytes:
        """Name of the contact with which a department begins anew at a movement."""
        named = f"{ward.department}|{ward.movement.system}|{ward.movement.value}"
        return self.coder.identifier_term(_ENCOUNTER, f"{self.stay.id}/department", named)

    def _first(self, numbers: Sequence[int], begun: set[int]) -> dict[str, int]:
        """Department → its contact as the messages name it, found by what is or was part of it."""
        self._read(numbers)
        bodies = [self._body(number) for number in numbers]
        parts = {body.get("partOf", {}).get("reference", "").partition("/")[2] for body in bodies}
        names = {*(body["id"] for body in bodies), *parts} - {"", self.stay.id}
        held = {c.id: number for number, c in self.book.resources.items() if c.id in names}
        missing = [(_ENCOUNTER, name) for name in sorted(names - held.keys())]
        for current in self.tx.current(missing).values() if missing else ():
            self.book.put(self.book.resources, current.number, current)
            held[current.id] = current.number
        contacts = {n: self._body(n) for n in held.values() if n not in begun}
        return {_department(b): n for n, b in contacts.items() if "location" not in b}

    def _begin(self, ward: _Ward, term: bytes, changed: list[Target]) -> int:
        """Make the contact of a department the patient has come back to."""
        (number,) = self.tx.reserve("resource", 1)
        body, name = self._body(ward.number), bytearray(term)
        name[6], name[8] = name[6] & 0x0F | 0x80, name[8] & 0x3F | 0x80
        kept = {key: body[key] for key in ("status", "class", "subject", "serviceType")}
        made = {"resourceType": _ENCOUNTER, "id": str(UUID(bytes=bytes(name))), **kept}
        made["type"] = [{"coding": [_DEPARTMENT]}]
        made["partOf"] = {"reference": f"{_ENCOUNTER}/{self.stay.id}"}
        current = self.stay._replace(number=number, id=made["id"], version=1, body=dump(made))
        self.book.put(self.book.names, term, number)
        self.book.rows.identifiers.append((term, number))
        index = self.coder.encode(_ENCOUNTER, index_terms(made))
        changed.append(write(self.book, self.source, current, index))
        return number

    def _withdraw(self, idle: set[int], said: Iterable[int]) -> list[Target]:
        """Contacts nothing is part of any more did not take place, as their movements did not."""
        gone = {
            body.get("partOf", {}).get("reference"): str(body["status"])
            for body in map(self._body, said)
            if body["status"] in _WITHDRAWN
        }
        changed = []
        for number in sorted(idle):
            name = f"{_ENCOUNTER}/{self.book.resources[number].id}"
            changed += self._write(number, gone.get(name, "entered-in-error"), "", "")
        return changed

    def _body(self, number: int) -> dict[str, Any]:
        return load(self.book.resources[number].body)

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

    def _write(
        self, number: int, status: str, start: str, end: str, *, above: int = 0
    ) -> list[Target]:
        current = self.book.resources[number]
        before = load(current.body)
        after = _standing(before, status, start, end)
        if above:
            after["partOf"] = {"reference": f"{_ENCOUNTER}/{self.book.resources[above].id}"}
        if current.deleted or after == before:
            return []
        following = current._replace(version=current.version + 1, body=dump(after))
        index = self.coder.encode(_ENCOUNTER, index_terms(after))
        return [write(self.book, self.source, following, index)]


def _runs(wards: Iterable[_Ward]) -> list[list[_Ward]]:
    """Group movements that follow one another within a department."""
    runs: list[list[_Ward]] = []
    for ward in wards:
        if runs and runs[-1][0].department == ward.department:
            runs[-1].append(ward)
        else:
            runs.append([ward])
    return runs


def _department(contact: dict[str, Any]) -> str:
    kind = contact.get("serviceType", {})
    codes = [coding["code"] for coding in kind.get("coding", ()) if "code" in coding]
    return str(codes[0] if codes else kind.get("text", ""))


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
