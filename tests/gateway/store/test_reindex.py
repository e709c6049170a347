"""Search tables made anew find the same, and what they could not find before."""

from __future__ import annotations

import random

from gateway.store import reindex
from gateway.store.hits import Query
from gateway.store.unit import unit_of
from tests.gateway.store.generated import (
    QUERIES,
    asked,
    expected,
    filled,
    paged,
    patient,
    write,
)


def renewed(store, keys, *, meanwhile=lambda: None):
    with store.reader.view() as view:
        many = reindex.segments(view.db)
    count = 0
    for segment in range(many):
        with store.reader.view() as view:
            known = reindex.computed(view, keys.coder, segment)
        meanwhile()
        count += store.writer.submit(
            lambda tx, at=segment, known=known: reindex.replace(unit_of(tx), at, known)
        ).result(60)
    return count


def test_everything_is_found_as_before_and_rows_of_former_versions_are_gone(store, keys):
    present = filled(store, keys)
    assert paged(store, Query(criteria=(asked("Patient", "")[0],)), 100)
    with store.reader.view() as view:
        before = view.db.query("SELECT count(*) FROM date_term")[0][0]
    assert renewed(store, keys) == len(present)
    for query, sort in QUERIES:
        criteria, order = asked(query, sort)
        wanted = Query(criteria=(criteria,), order=order)
        assert paged(store, wanted, 50) == expected(present, criteria, order), query
    with store.reader.view() as view:
        assert view.db.query("SELECT count(*) FROM date_term")[0][0] < before


def test_what_no_index_knew_is_found_afterwards(store, keys):
    present = filled(store, keys)
    criteria, _ = asked("Observation?value-quantity=20|http://unitsofmeasure.org|g/L", "")
    wanted = Query(criteria=(criteria,))
    right = expected(present, criteria, ())
    assert right == paged(store, wanted, 100)
    store.writer.submit(
        lambda tx: unit_of(tx).db.execute("DELETE FROM quantity_term WHERE value >= 0")
    ).result(60)
    assert paged(store, wanted, 100) != right
    renewed(store, keys)
    assert paged(store, wanted, 100) == right


def test_what_is_written_meanwhile_is_found(store, keys):
    filled(store, keys)
    dice, written = random.Random(3), []

    def meanwhile():
        number = 200 + len(written)
        written.append(patient(dice, number) | {"gender": "other"})
        write(store, keys, [(number, 1, "praxis", written[-1])])
        criteria, _ = asked("Patient?gender=other", "")
        paged(store, Query(criteria=(criteria,)), 100)

    renewed(store, keys, meanwhile=meanwhile)
    criteria, _ = asked("Patient?gender=other", "")
    found = paged(store, Query(criteria=(criteria,)), 100)
    assert found == [one["id"] for one in written]
    assert len(found) >= 2
