"""Links between patient records: events, and the persons that follow from them.

A person is a set of linked records, never a merge of their contents. Every statement is an event
and can be undone by a later one; for each pair and source only the last event counts, so the
order in which events are read does not matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum


class Kind(StrEnum):
    """What an event says about a pair of records."""

    LINKED = "linked"  #: they are one person
    UNLINKED = "unlinked"  #: an earlier link no longer holds
    MERGED = "merged"  #: the sender merged `other` into `patient` (HL7 v2 A40)
    UNMERGED = "unmerged"  #: an earlier merge no longer holds
    HELD = "held"  #: a person has to decide
    RESOLVED = "resolved"  #: decided: by the operator, they are two persons; by a rule, no case


class Source(StrEnum):
    """Who says so; sources never undo each other's statements."""

    KVNR = "kvnr"
    MERGE = "merge"
    OPERATOR = "operator"


@dataclass(frozen=True, slots=True)
class LinkEvent:
    """One statement about two patient records."""

    #: Order of the statement; unique within the region.
    number: int
    #: The surviving record, for merges.
    patient: str
    other: str
    kind: Kind
    source: Source


Pair = frozenset[str]


def _last(events: Iterable[LinkEvent]) -> dict[tuple[Pair, Source], LinkEvent]:
    standing: dict[tuple[Pair, Source], LinkEvent] = {}
    for event in events:
        key = (frozenset((event.patient, event.other)), event.source)
        before = standing.get(key)
        if before is None or before.number < event.number:
            standing[key] = event
    return standing


def separated(events: Iterable[LinkEvent]) -> frozenset[Pair]:
    """Pairs the operator has found to be two persons."""
    return frozenset(
        pair
        for (pair, source), event in _last(events).items()
        if source is Source.OPERATOR and event.kind is Kind.RESOLVED
    )


def open_cases(events: Iterable[LinkEvent]) -> frozenset[Pair]:
    """Pairs that wait for a person, unless the operator has decided since."""
    standing = _last(events)
    return frozenset(
        pair
        for (pair, source), event in standing.items()
        if event.kind is Kind.HELD and not _decided_since(standing, pair, event)
    )


def _decided_since(
    standing: Mapping[tuple[Pair, Source], LinkEvent], pair: Pair, case: LinkEvent
) -> bool:
    verdict = standing.get((pair, Source.OPERATOR))
    return (
        verdict is not None
        and verdict.kind in {Kind.LINKED, Kind.RESOLVED}
        and verdict.number > case.number
    )


def linked_pairs(events: Iterable[LinkEvent]) -> frozenset[Pair]:
    """Pairs that are one person as things stand."""
    standing = _last(events)
    return frozenset(
        pair
        for (pair, source), event in standing.items()
        if event.kind in {Kind.LINKED, Kind.MERGED}
        and not (source is Source.KVNR and _apart(standing, pair))
    )


def _apart(standing: Mapping[tuple[Pair, Source], LinkEvent], pair: Pair) -> bool:
    """A KVNR only proposes: the operator's word that these are two persons stands above it."""
    verdict = standing.get((pair, Source.OPERATOR))
    return verdict is not None and verdict.kind is Kind.RESOLVED


def persons(events: Iterable[LinkEvent]) -> dict[str, frozenset[str]]:
    """Map every linked record to all records of its person, itself included.

    A record that is linked to nobody is not in the result.
    """
    groups: dict[str, set[str]] = {}
    for pair in linked_pairs(events):
        members = set(pair).union(*(groups.get(record, ()) for record in pair))
        for record in members:
            groups[record] = members
    return {record: frozenset(members) for record, members in groups.items() if len(members) > 1}


def survivors(events: Iterable[LinkEvent]) -> dict[str, str]:
    """Map every merged record to the record that survives in the end.

    A later merge in the opposite direction wins over the earlier one.
    """
    into: dict[str, str] = {}
    merges = [event for event in _last(events).values() if event.kind is Kind.MERGED]
    for event in sorted(merges, key=lambda one: one.number):
        into.pop(event.patient, None)
        into[event.other] = event.patient
    return {record: _end(into, record) for record in into}


def _end(into: Mapping[str, str], record: str) -> str:
    while record in into:
        record = into[record]
    return record
