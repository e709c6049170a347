"""What came before is kept from the second time on."""

from __future__ import annotations

from mappers.base import Memory
from mappers.returning import Returning


def test_nothing_is_kept_of_what_comes_once() -> None:
    known = Returning()
    assert not known.again("ward 1")
    assert known.kept == {}


def test_what_comes_twice_may_be_kept() -> None:
    known = Returning()
    known.again("ward 1")
    assert known.again("ward 1")
    known.keep("ward 1", "made")
    assert known.kept == {"ward 1": "made"}


def test_it_forgets_before_it_grows_without_end() -> None:
    known = Returning()
    for number in range(20_000):
        known.keep(number, number)
        assert known.kept[number] == number
    assert len(known.kept) < 10_000


def test_a_memory_keeps_what_is_offered_twice() -> None:
    memory = Memory()
    for _ in range(2):
        assert "key" not in memory.kept
        memory.offer("key", "value")
    assert memory.kept == {"key": "value"}


def test_a_memory_takes_no_object_for_another_of_the_same_name() -> None:
    memory = Memory()
    one, other = ["ward"], ["ward"]
    memory.offer(1, "of one", one)
    memory.offer(1, "of the other", other)
    assert memory.kept == {}
    memory.offer(1, "of the other", other)
    assert memory.kept == {1: "of the other"}
