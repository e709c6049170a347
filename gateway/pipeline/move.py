"""Move: what belongs to a visit or account that changed its patient goes with it (HL7 v2 A44, A45).

The visit itself is a statement of the message; its results, diagnoses, documents and charges are in
the store and get a new version that names the new patient, sealed with that patient's key. The
former versions stay what they were.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from gateway.pipeline.book import Book
from gateway.pipeline.documents import load, look
from gateway.pipeline.identify import MOVE, PATIENT, Identified
from gateway.pipeline.ports import Current, IndexCoder, Transaction
from gateway.pipeline.record import PROVENANCE, Source, Target, write
from gateway.pipeline.site import Site
from gateway.pipeline.translated import Match, Translated
from profiles.search import index_terms

#: What is said about a person or kept as evidence names visits, but does not belong to them.
_STAYS = frozenset({PATIENT, PROVENANCE, "Consent", "AuditEvent"})


def follow(
    tx: Transaction,
    book: Book,
    source: Source,
    identified: Identified,
    before: Mapping[int, Current],
    coder: IndexCoder,
) -> list[Target]:
    """Move what belongs to the moved resources; `before` holds those as they were."""
    moved: list[Target] = []
    for known in identified.known:
        former = before.get(known.number)
        if known.statement.action != MOVE or former is None or former.patient == known.patient:
            continue
        book.flush(tx)
        patients = book.resources[former.patient], book.resources[known.patient]
        belongings = _belongings(tx.of_patient(former.patient).values(), former)
        moved += [_moved(book, source, one, patients, coder) for one in belongings]
    return moved


def former_owners(identified: Identified, before: Mapping[int, Current]) -> set[int]:
    """Return the Patients something is moved away from."""
    return {
        former.patient
        for known in identified.known
        if known.statement.action == MOVE
        and (former := before.get(known.number)) is not None
        and former.patient not in {0, known.patient}
    }


def with_matches(
    translated: Translated, site: Site, endpoint: str, moved: Iterable[bytes]
) -> Translated:
    """Add the routes that what has moved meets: nobody has had it yet under its patient."""
    met = {match.route: match.resources for match in translated.matches}
    for resource in map(look, moved):
        name = f"{resource['resourceType']}/{resource['id']}"
        for route in site.region.routes.values():
            listens = not route.sources or endpoint in route.sources
            if listens and site.criteria[route.id].matches(resource):
                met[route.id] = (*met.get(route.id, ()), name)
    return replace(translated, matches=tuple(Match(*one) for one in met.items()))


def _belongings(candidates: Iterable[Current], visit: Current) -> list[Current]:
    """Find what refers to the visit, and what refers to that."""
    open_ones = [
        one
        for one in candidates
        if one.type not in _STAYS
        and not one.deleted
        and one.organization == visit.organization
        and one.number != visit.number
    ]
    found: list[Current] = []
    names = [_name(visit)]
    while names:
        reached = [one for one in open_ones if any(name in one.body for name in names)]
        found += reached
        open_ones = [one for one in open_ones if one not in reached]
        names = [_name(one) for one in reached]
    return found


def _name(current: Current) -> bytes:
    return f'"{current.type}/{current.id}"'.encode()


def _moved(
    book: Book, source: Source, one: Current, patients: tuple[Current, Current], coder: IndexCoder
) -> Target:
    old, new = patients
    body = one.body.replace(_name(old), _name(new))
    following = one._replace(
        version=one.version + 1, patient=new.number, subject=new.subject, body=body
    )
    return write(book, source, following, coder.encode(one.type, index_terms(load(body))))
