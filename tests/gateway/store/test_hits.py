"""Hits equal what matching every resource by itself finds, in the order asked for."""

from __future__ import annotations

import pytest

from gateway.store import hits as hits_module
from gateway.store.hits import Query
from profiles.issue import NotConformant
from profiles.search import parse_criteria, parse_sort, place, ranks
from tests.gateway.store.generated import QUERIES, asked, expected, filled, paged


@pytest.mark.parametrize("few", [500, 0], ids=["sorted", "walked"])
def test_hits_are_those_of_matching_every_resource_in_the_order_asked_for(
    store, keys, monkeypatch, few
):
    monkeypatch.setattr(hits_module, "FEW", few)
    monkeypatch.setattr(hits_module, "LOOKED_AT", 40)
    present = filled(store, keys)
    for query, sort in QUERIES:
        criteria, order = asked(query, sort)
        wanted = Query(criteria=(criteria,), order=order)
        right = expected(present, criteria, order)
        assert paged(store, wanted, 1_000) == right, query
        assert paged(store, wanted, 7) == right, query
    assert any(expected(present, *asked(query, "")) for query, _ in QUERIES)


@pytest.mark.parametrize("few", [500, 0], ids=["sorted", "walked"])
def test_the_time_of_a_version_is_searched_and_sorted_by(store, keys, monkeypatch, few):
    monkeypatch.setattr(hits_module, "FEW", few)
    monkeypatch.setattr("gateway.store.search._FEW", 40 if few else 2_000)
    present = {}
    for number, (organization, one) in filled(store, keys).items():
        stored = store.reader.resource(one["resourceType"], one["id"])
        if stored is None:
            (stored,) = store.reader.resources_of([number])
        present[number] = (organization, hits_module.with_meta(stored))
    times = sorted({one["meta"]["lastUpdated"] for _, one in present.values()})
    assert len(times) > 2
    for query, sort in [
        (f"Observation?_lastUpdated=gt{times[1]}", "_lastUpdated"),
        (f"Observation?_lastUpdated=le{times[1]}&code=a", "-_lastUpdated"),
        (f"Patient?_lastUpdated={times[0]}", "-_lastUpdated"),
        (f"Patient?_lastUpdated=ne{times[0]}", "_lastUpdated"),
        ("Patient", "-_lastUpdated"),
        ("Observation?code=b", "_lastUpdated"),
    ]:
        criteria, order = asked(query, sort)
        wanted = Query(criteria=(criteria,), order=order)
        assert paged(store, wanted, 6) == expected(present, criteria, order), query
    both = (parse_criteria("Patient?gender=male"), parse_criteria("Observation?code=a"))
    order = parse_sort(("Patient", "Observation"), "-_lastUpdated")
    right = [
        number
        for number, (_, one) in present.items()
        if any(criteria.matches(one) for criteria in both)
    ]
    found = paged(store, Query(criteria=both, order=order), 7)
    assert found == [
        present[number][1]["id"]
        for number in sorted(
            right, key=lambda number: place(ranks(present[number][1], order), number, order)
        )
    ]


def test_what_others_keep_takes_no_part(store, keys):
    present = filled(store, keys)
    criteria, order = asked("Observation?code=a", "-date")
    wanted = Query(criteria=(criteria,), order=order, organizations=frozenset({"praxis"}))
    right = expected(present, criteria, order, {"praxis"})
    assert 0 < len(right) < len(expected(present, criteria, order))
    assert paged(store, wanted, 4) == right


def test_several_types_are_found_in_one_order(store, keys):
    present = filled(store, keys)
    several = (parse_criteria("Patient?gender=male"), parse_criteria("Observation?code=a"))
    found = paged(store, Query(criteria=several, order=parse_sort(("Patient",), "_id")), 9)
    assert found == sorted(
        one["id"]
        for _, one in present.values()
        if any(criteria.matches(one) for criteria in several)
    )


def test_an_order_nobody_has_an_index_for_is_refused_for_too_many(store, keys, monkeypatch):
    monkeypatch.setattr(hits_module, "MOST", 10)
    filled(store, keys)
    criteria, order = asked("Observation", "code")
    with pytest.raises(NotConformant) as refused:
        store.reader.hits(Query(criteria=(criteria,), order=order), limit=5)
    assert refused.value.issues[0].code == "too-costly"


def test_a_full_page_reads_no_further_segment(store, keys, monkeypatch):
    filled(store, keys)
    criteria, _ = asked("Patient", "")
    looked = []
    segments = hits_module.segments

    def watched(*args, **options):
        for found in segments(*args, **options):
            looked.append(found)
            yield found

    monkeypatch.setattr(hits_module, "segments", watched)
    store.reader.hits(Query(criteria=(criteria,)), limit=3)
    assert len(looked) == 1
