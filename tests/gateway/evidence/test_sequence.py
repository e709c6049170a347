from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gateway.evidence.event_class import EventClass
from gateway.evidence.leaf import read_leaf
from gateway.evidence.merkle import leaf_hash, root
from gateway.evidence.sequence import sequence

EARLY = "2026-11-03T09:00:00.000000Z"
LATE = "2026-11-03T10:00:00.000000Z"


def waiting(count):
    return [(EventClass.READ, bytes([number]) * 32) for number in range(count)]


def test_nothing_to_number_makes_no_head():
    assert sequence(None, [], EARLY) is None


@given(st.lists(st.integers(0, 9), max_size=6))
def test_any_split_into_runs_gives_the_same_tree(sizes):
    events = waiting(sum(sizes))
    head, leaves, start = None, [], 0
    for size in sizes:
        run = sequence(head, events[start : start + size], EARLY)
        start += size
        if run is not None:
            head, leaves = run.head, leaves + list(run.leaves)
    whole = sequence(None, events, EARLY)
    assert (head and head.root) == (whole and whole.head.root)
    assert leaves == (list(whole.leaves) if whole else [])


def test_leaves_are_numbered_without_gap_and_covered_by_the_head():
    first = sequence(None, waiting(3), EARLY)
    second = sequence(first.head, waiting(2), LATE)
    leaves = first.leaves + second.leaves
    assert [read_leaf(data).seq for data in leaves] == [0, 1, 2, 3, 4]
    assert (second.head.size, second.head.root) == (5, root(map(leaf_hash, leaves)))


def test_a_clock_that_goes_back_does_not_take_the_log_with_it():
    first = sequence(None, waiting(1), LATE)
    second = sequence(first.head, waiting(1), EARLY)
    assert read_leaf(second.leaves[0]).time == second.head.time == LATE
