from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.identity.links import (
    Kind,
    LinkEvent,
    Source,
    linked_pairs,
    open_cases,
    persons,
    separated,
    survivors,
)

RECORDS = "abcde"
MEANING = [
    (Kind.LINKED, Source.KVNR),
    (Kind.UNLINKED, Source.KVNR),
    (Kind.HELD, Source.KVNR),
    (Kind.RESOLVED, Source.KVNR),
    (Kind.MERGED, Source.MERGE),
    (Kind.UNMERGED, Source.MERGE),
    (Kind.HELD, Source.MERGE),
    (Kind.LINKED, Source.OPERATOR),
    (Kind.UNLINKED, Source.OPERATOR),
    (Kind.RESOLVED, Source.OPERATOR),
]
pairs = st.lists(st.sampled_from(RECORDS), min_size=2, max_size=2, unique=True)
statements = st.tuples(pairs, st.sampled_from(MEANING))


def numbered(stated):
    return [
        LinkEvent(number, one, other, kind, source)
        for number, ((one, other), (kind, source)) in enumerate(stated)
    ]


histories = st.lists(statements, max_size=12).map(numbered)


def picture(events):
    return persons(events), survivors(events), separated(events), open_cases(events)


@given(histories, st.data())
def test_the_order_in_which_events_are_read_does_not_matter(events, data):
    assert picture(data.draw(st.permutations(events))) == picture(events)


@given(histories, pairs)
def test_link_then_unlink_restores_what_was(events, pair):
    one, other = pair
    before = [event for event in events if {event.patient, event.other} != {one, other}]
    for there, back, source in (
        (Kind.LINKED, Kind.UNLINKED, Source.KVNR),
        (Kind.MERGED, Kind.UNMERGED, Source.MERGE),
        (Kind.LINKED, Kind.UNLINKED, Source.OPERATOR),
        (Kind.HELD, Kind.RESOLVED, Source.KVNR),
    ):
        after = [
            *before,
            LinkEvent(100, one, other, there, source),
            LinkEvent(101, other, one, back, source),
        ]
        assert picture(after) == picture(before)


@given(histories)
def test_persons_are_disjoint_groups_of_everything_linked(events):
    found = persons(events)
    for record, members in found.items():
        assert record in members
        assert len(members) > 1
        assert all(found[member] == members for member in members)
    for pair in linked_pairs(events):
        one, other = pair
        assert found[one] == found[other]
    assert {record for pair in linked_pairs(events) for record in pair} == set(found)


@given(histories)
def test_a_merged_record_never_survives(events):
    found = survivors(events)
    assert all(survivor not in found for survivor in found.values())


def events(*stated):
    return numbered([(tuple(pair), meaning) for pair, *meaning in stated])


def test_links_join_into_persons():
    found = persons(events(("ab", Kind.LINKED, Source.KVNR), ("bc", Kind.MERGED, Source.MERGE)))
    assert found == dict.fromkeys("abc", frozenset("abc"))


def test_the_operator_stands_above_a_kvnr_until_the_word_is_taken_back():
    history = [
        ("ab", Kind.LINKED, Source.KVNR),
        ("ba", Kind.RESOLVED, Source.OPERATOR),
        ("ab", Kind.LINKED, Source.KVNR),
    ]
    assert persons(events(*history)) == {}
    assert separated(events(*history)) == {frozenset("ab")}
    history.append(("ab", Kind.UNLINKED, Source.OPERATOR))
    assert persons(events(*history))["a"] == frozenset("ab")


def test_a_rule_that_withdraws_its_link_leaves_the_operators_alone():
    history = events(
        ("ab", Kind.LINKED, Source.OPERATOR),
        ("ab", Kind.LINKED, Source.KVNR),
        ("ab", Kind.UNLINKED, Source.KVNR),
    )
    assert persons(history)["b"] == frozenset("ab")


def test_a_case_is_open_until_somebody_decides_and_again_when_it_comes_back():
    history = [("ab", Kind.HELD, Source.KVNR)]
    assert open_cases(events(*history)) == {frozenset("ab")}
    history.append(("ab", Kind.LINKED, Source.OPERATOR))
    assert open_cases(events(*history)) == frozenset()
    history.append(("ab", Kind.HELD, Source.KVNR))
    assert open_cases(events(*history)) == {frozenset("ab")}
    history.append(("ab", Kind.RESOLVED, Source.KVNR))
    assert open_cases(events(*history)) == frozenset()


def test_a_chain_of_merges_ends_at_its_last_survivor():
    history = events(("ba", Kind.MERGED, Source.MERGE), ("cb", Kind.MERGED, Source.MERGE))
    assert survivors(history) == {"a": "c", "b": "c"}


def test_a_later_merge_in_the_other_direction_wins():
    history = events(("ba", Kind.MERGED, Source.MERGE), ("ab", Kind.MERGED, Source.MERGE))
    assert survivors(history) == {"b": "a"}
